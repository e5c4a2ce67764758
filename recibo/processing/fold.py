"""One batch of events: parsed, recorded, reacted to; the caller's transaction holds it all."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from django.utils import timezone
from msgspec import Struct

from recibo.analytics import marking
from recibo.automation.bookkeeping import keep
from recibo.automation.reactions import react, rehearse
from recibo.billing.batch import News
from recibo.billing.changes import Change, Subject
from recibo.billing.recording import record
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import GatewayError, IgnoredError
from recibo.gateways.facts import Fact
from recibo.gateways.registry import GATEWAYS
from recibo.inbox import imported, own
from recibo.inbox.deliveries import headers_of
from recibo.inbox.models import Source, Status
from recibo.processing.reacting import reacts

logger = logging.getLogger(__name__)

#: What is in words of our own, not in a gateway's.
OURS: dict[str, Callable[[RawRequest], list[Fact]]] = {
    Source.API: own.parse,
    Source.IMPORT: imported.parse,
}


class Pending(Struct, frozen=True, gc=False):
    """An event to process, with its bytes."""

    id: int
    account_id: int
    gateway: str
    source: str
    received_at: datetime
    attempts: int
    silent: bool
    headers: bytes | None  # None: the body was archived
    query: bytes | None
    body: bytes | None
    connected_at: datetime | None = None  # when the account was


class Outcome(Struct, frozen=True, gc=False):
    """How an event ended."""

    id: int
    status: Status
    result: str = ""
    error: str = ""


class ArchivedError(GatewayError):
    """The bytes are no longer here."""

    def __init__(self) -> None:
        super().__init__(
            "The body of this event was archived: bring it back with"
            " `recibo events restore DIR`, then replay it."
        )


def fold(events: Sequence[Pending]) -> list[Outcome]:
    """Apply the events and say how each ended. One that cannot be read fails alone.

    What is acted upon is recorded before what only shows, so that a simulation or a silent replay
    neither hides a change from those who react to it nor makes them react.

    Raises whatever the database raises: then nothing of the batch is applied.
    """
    outcomes: list[Outcome] = []
    news: list[News] = []
    withdrawn: list[News] = []
    for event in events:
        try:
            news.append(told_by(event))
        except GatewayError as error:
            outcomes.append(refusal_of(event, error))
            withdrawn += withdrawal(event, error)
        except Exception as error:  # a parser's bug must not hold up the batch
            logger.exception("Event %s could not be parsed", event.id)
            outcomes.append(Outcome(event.id, Status.FAILED, error=describe(error)))
    loud = loud_of(events, [*news, *withdrawn])
    marking.mark_before([*news, *withdrawn])
    acted = record([one for one in [*news, *withdrawn] if one.event_id in loud])
    shown = record([one for one in [*news, *withdrawn] if one.event_id not in loud])
    marking.mark(news)
    marking.keep_carts([*news, *withdrawn])
    simulated = {one.event_id for one in news if one.simulated}
    keep(acted)
    keep(change for change in shown if change.event_id not in simulated)
    react([*acted, *(change for change in shown if asks(change, simulated))])
    return outcomes + settled(news, [*acted, *shown])


def withdrawal(event: Pending, error: GatewayError) -> list[News]:
    """What an event told before and tells no longer, now that it is ignored."""
    if event.attempts == 0 or not isinstance(error, IgnoredError):
        return []
    return [
        News(
            event_id=event.id,
            account_id=event.account_id,
            known_at=event.received_at,
            simulated=event.source == Source.SIMULATE,
            again=True,
            facts=(),
        )
    ]


def asks(change: Change, simulated: AbstractSet[int]) -> bool:
    """Whether a change that nobody is told of still has us ask who a buyer is."""
    return change.subject is Subject.BUYER and change.event_id not in simulated


def told_by(event: Pending) -> News:
    """What an event tells. Raises GatewayError."""
    return News(
        event_id=event.id,
        account_id=event.account_id,
        known_at=event.received_at,
        simulated=event.source == Source.SIMULATE,
        again=event.attempts > 0,
        facts=parse(event),
    )


def parse(event: Pending) -> list[Fact]:
    """The facts in an event's bytes. Raises GatewayError."""
    if event.body is None or event.headers is None or event.query is None:
        raise ArchivedError
    headers = headers_of(event.headers)
    request = RawRequest(headers, event.body, event.query, event.received_at)
    if (read := OURS.get(event.source)) is not None:
        return read(request)
    return GATEWAYS[event.gateway].parse(request)


def loud_of(events: Iterable[Pending], news: Iterable[News]) -> set[int]:
    """The events whose changes are acted upon: see ``reacting``."""
    by_id = {event.id: event for event in events}
    now = timezone.now()
    return {one.event_id for one in news if reacts(by_id[one.event_id], one.facts, now)}


def refusal_of(event: Pending, error: GatewayError) -> Outcome:
    """The outcome of an event that tells nothing we could record."""
    if isinstance(error, IgnoredError):
        return Outcome(event.id, Status.IGNORED, result=str(error))
    return Outcome(event.id, Status.FAILED, error=describe(error))


def describe(error: Exception) -> str:
    """An error as an operator reads it."""
    return f"{type(error).__name__}: {error}"


def settled(news: Iterable[News], changes: Iterable[Change]) -> list[Outcome]:
    """The outcome of every event that was recorded: what it changed."""
    by_event: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_event[change.event_id].append(change)
    return [
        Outcome(
            one.event_id,
            Status.PROCESSED,
            result=summary(by_event[one.event_id], is_only_shown=one.simulated),
        )
        for one in news
    ]


def summary(changes: Sequence[Change], *, is_only_shown: bool = False) -> str:
    """The changes in one line, and what a simulation would have had done."""
    lines = [str(change) for change in changes]
    if is_only_shown and (would := rehearse(changes)):
        lines.append(f"would {', '.join(would)}")
    return "; ".join(lines) or "nothing changed"
