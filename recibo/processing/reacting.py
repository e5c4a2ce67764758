"""Whether what an event tells is acted upon, or only recorded.

A webhook, and the fetch that it asked for, is news. What we go and look for is news while it is
young: the first sync of an account must not write to the buyers of years. What is not acted upon
shows as paid without access, for a person to release.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings

from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Fact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.inbox.models import Source

#: Shows what would happen, or brings in what happened long ago.
NEVER = frozenset({Source.SIMULATE, Source.IMPORT})
#: We asked; nobody told us.
FOUND = frozenset({Source.POLL, Source.SYNC})


class Told(Protocol):
    """What has to be known of an event."""

    @property
    def source(self) -> str: ...
    @property
    def silent(self) -> bool: ...
    @property
    def connected_at(self) -> datetime | None:
        """When its account was connected: what was sold before is no news."""


def reacts(event: Told, facts: Iterable[Fact], now: datetime) -> bool:
    """Whether what an event tells is acted upon."""
    if event.silent or event.source in NEVER:
        return False
    return event.source not in FOUND or is_young(event, facts, now)


def is_young(event: Told, facts: Iterable[Fact], now: datetime) -> bool:
    """Whether the newest of what was found happened lately, and since the account was connected."""
    within: timedelta = settings.RECIBO_REACT_WITHIN
    newest = max((at for fact in facts if (at := happened_at(fact))), default=None)
    if newest is None or event.connected_at is None:
        return False
    return newest > event.connected_at and now - newest < within


def happened_at(fact: Fact) -> datetime | None:
    """When it happened, which may be long before it is told.

    Where only our reading dates a fact, it is taken to be as old as what it is about: a refund as
    old as the payment. None: nothing tells how old that is.
    """
    if isinstance(fact, ChargeFact):
        return charged_at(fact)
    if isinstance(fact, SubscriptionFact):
        return subscribed_at(fact)
    return fact.occurred_at


def charged_at(fact: ChargeFact) -> datetime | None:
    """Of a payment when the money came; of all else when it was."""
    if fact.is_dated_by_us:
        is_paid_before = fact.paid_at is not None and fact.paid_at < fact.occurred_at
        return fact.paid_at if is_paid_before else fact.created_at
    paid_at = fact.paid_at if fact.status is ChargeStatus.PAID else None
    return paid_at or fact.occurred_at


def subscribed_at(fact: SubscriptionFact) -> datetime | None:
    """Of an end when it was asked for; of all else when it was."""
    if fact.is_dated_by_us:
        return fact.started_at
    is_over = fact.status is SubscriptionStatus.CANCELLED
    return (fact.cancelled_at if is_over else None) or fact.occurred_at
