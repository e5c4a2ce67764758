"""Unpaid orders at Acme, and what its API says of them."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from recibo.accounts.models import Account
from recibo.gateways import http
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.processing.drain import drain
from recibo.reconciliation.models import PaymentCheck
from tests.gateways.gateway_server import Canned, told


def charge(name: str = "c1", status: str = "pending", **more: Any) -> dict[str, Any]:
    """A charge as Acme's API writes it, made a moment ago."""
    now = timezone.now()
    told = {"id": name, "status": status, "cents": 9790, "at": now, "created_at": now, **more}
    return {key: text(value) for key, value in told.items()}


def text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def learned(account: Account, *charges: dict[str, Any], source: Source = Source.WEBHOOK) -> None:
    """Acme told of these charges, and they are processed."""
    answers = [http.answer("charge", json.dumps(one).encode()) for one in charges]
    store(account, answers, source)
    drain()


def due(**which: Any) -> None:
    """The time of these checks has come."""
    open_ones = PaymentCheck.objects.filter(next_attempt_at__isnull=False, **which)
    open_ones.update(next_attempt_at=timezone.now())


def only() -> PaymentCheck:
    return PaymentCheck.objects.get()


def page(*items: Any, after: str = "") -> Canned:
    """A page of a list or a search."""
    return told({"items": list(items), "next": after})
