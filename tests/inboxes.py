"""Putting events into the inbox as the receiver does, without the wire."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from recibo.accounts.models import Account
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import EventType
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, EventBody, Retention, Source, Status

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


def received(
    told: bytes | RawRequest,
    *,
    gateway: str = "hotmart",
    source: Source = Source.WEBHOOK,
    at: datetime = NOW,
) -> Event:
    """One event, pending; the same news again is the same event, counted."""
    request = RawRequest({}, told) if isinstance(told, bytes) else told
    try:
        identity = GATEWAYS[gateway].identify(request)
        event_id, word, kind = identity.event_id, identity.gateway_event, identity.event_type
        charge_id = identity.charge_id
    except PayloadError:
        event_id, word, kind, charge_id = (
            request.body.hex()[:64],
            "unreadable",
            EventType.UNKNOWN,
            "",
        )
    event, fresh = Event.objects.get_or_create(
        account=Account.objects.get(gateway=gateway, name=Account.DEFAULT),
        key=hashlib.sha256(event_id.encode()).digest()[:16],
        defaults={
            "gateway_event_id": event_id,
            "gateway_charge_id": charge_id,
            "source": source,
            "gateway_event": word,
            "event_type": kind.value,
            "status": Status.PENDING,
            "priority": 0 if kind.is_critical else 1,
            "received_at": at,
            "next_attempt_at": at,
        },
    )
    if fresh:
        EventBody.objects.create(
            event=event,
            retention=Retention.CHARGE,
            received_at=at,
            headers=b"".join(b"%b: %b\n" % line for line in request.headers.items()),
            query=request.query,
            body=request.body,
        )
    else:
        Event.objects.filter(pk=event.pk).update(duplicates=event.duplicates + 1)
    return event


def all_received(bodies: Sequence[bytes | RawRequest]) -> list[Event]:
    """Several events, in this order."""
    return [received(body) for body in bodies]
