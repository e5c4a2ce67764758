"""Reads of events and of refused requests, newest first."""

import hashlib
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from recibo.accounts.models import Account
from recibo.inbox.models import Event, EventBody, Refusal, Status

#: Bytes of SHA-256 that an event's key has.
KEY_LENGTH = 16
#: Digits beyond which a number cannot be an id.
LONGEST_ID = 18


def matching(**conditions: Any) -> dict[str, Any]:
    """The conditions that say something."""
    return {name: value for name, value in conditions.items() if value not in {"", None}}


def accounts_of(gateway: str) -> tuple[int, ...] | None:
    """The accounts of a gateway; None, which is no condition, for "".

    Asked beforehand: with a join the planner cannot tell how many rows an account has.
    """
    if not gateway:
        return None
    return tuple(Account.objects.filter(gateway=gateway).values_list("pk", flat=True))


def listed(
    *,
    status: str = "",
    gateway: str = "",
    event_type: str = "",
    source: str = "",
    since: datetime | None = None,
    search: str = "",
) -> QuerySet[Event]:
    """Events that match everything that is given. ``since``: received then or later.

    ``search`` is an event's id, the gateway's id of the event, or the gateway's id of a charge.
    Indexes: event_unsettled, event_received, event_by_charge; else the newest ids are looked
    through until a page is full.
    """
    conditions = matching(
        status=status,
        account__in=accounts_of(gateway),
        event_type=event_type,
        source=source,
        received_at__gte=since,
    )
    events = Event.objects.filter(**conditions).select_related("account").order_by("-id")
    return events.filter(known_as(search)) if search else events


def known_as(name: str) -> Q:
    """The condition that an event, or the charge that it is about, goes by this name."""
    key = hashlib.sha256(name.encode(errors="replace")).digest()[:KEY_LENGTH]
    # The key alone is in no index; with every account in front of it, event_unique serves.
    accounts = list(Account.objects.values_list("pk", flat=True))
    by_name = Q(account__in=accounts, key=key) | Q(gateway_charge_id=name)
    event_id = as_id(name)
    return by_name if event_id is None else by_name | Q(pk=event_id)


def as_id(name: str) -> int | None:
    """The number that a name is, if it can be a row's id."""
    is_number = name.isascii() and name.isdigit() and len(name) <= LONGEST_ID
    return int(name) if is_number else None


def stats(*, gateway: str = "") -> dict[str, int]:
    """How many events there are: in all, and by status."""
    events = Event.objects.filter(**matching(account__in=accounts_of(gateway)))
    rows = events.order_by().values_list("status").annotate(Count("pk"))
    counts = dict.fromkeys(Status.values, 0) | dict(rows)
    return {"total": sum(counts.values()), **counts}


def with_body(event_id: int) -> Event | None:
    """An event with its body, which ``body_of`` gives."""
    return Event.objects.select_related("account", "body").filter(pk=event_id).first()


def body_of(event: Event) -> EventBody | None:
    """The bytes of an event; None if they were archived."""
    return getattr(event, "body", None)


def is_archived(event_id: int) -> bool | None:
    """Whether the event's bytes are no longer here; None if there is no such event."""
    kept = Exists(EventBody.objects.filter(event=OuterRef("pk")))
    found = Event.objects.filter(pk=event_id).values_list(kept, flat=True).first()
    return None if found is None else not found


def headers_of(body: EventBody) -> dict[str, str]:
    """The headers that were kept, readable whatever bytes they had."""
    lines = bytes(body.headers).decode("latin-1").splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {name: value for name, _, value in pairs}


def refusals(
    *, gateway: str = "", reason: str = "", since: datetime | None = None
) -> QuerySet[Refusal]:
    """Refused requests. ``since``: refused again then or later. Index: refusal_newest."""
    conditions = matching(gateway=gateway, reason=reason, last_at__gte=since)
    return Refusal.objects.filter(**conditions).order_by("-last_at", "-id")
