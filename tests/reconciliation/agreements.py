"""Subscriptions at Acme, and an API that changes them."""

import json
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.gateways import http
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.processing.drain import drain
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.orders import text


def agreement(code: str = "s1", status: str = "active", **more: Any) -> dict[str, Any]:
    """A subscription as Acme's API writes it, as it stands now."""
    told = {"id": code, "status": status, "at": timezone.now(), "email": "ana@example.com", **more}
    return {key: text(value) for key, value in told.items()}


def subscribed(account: Account, code: str = "s1", status: str = "active") -> Subscription:
    """Acme told of this subscription, and it is processed."""
    body = json.dumps(agreement(code, status)).encode()
    store(account, [http.answer("subscription", body)], Source.WEBHOOK)
    drain()
    return Subscription.objects.select_related("account").get(account=account, code=code)


def obeying(code: str = "s1") -> Callable[[Asked], Canned]:
    """An API that makes every change that it is asked for, and tells how things stand then."""
    standing: dict[str, Any] = {}

    def answer(asked: Asked) -> Canned:
        change = json.loads(asked.body)
        if day := change.pop("day", None):
            change["next_at"] = f"2026-12-{day:02}T12:00:00Z"
        standing.update(change)
        return told(agreement(code, **standing))

    return answer


def obey(server: GatewayServer, code: str = "s1") -> None:
    """Have the server change this subscription as it is asked to."""
    server.routes[f"PUT /subscriptions/{code}"] = obeying(code)


def asked_for(server: GatewayServer) -> list[Any]:
    """The changes that were asked for, in order."""
    return [json.loads(asked.body) for asked in server.asked if asked.method == "PUT"]
