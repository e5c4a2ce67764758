"""One batch of events: parsed, recorded, reacted to; the caller's transaction holds it all."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from msgspec import Struct

from recibo.automation.reactions import react
from recibo.billing.batch import News
from recibo.billing.changes import Change, Subject
from recibo.billing.recording import record
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import GatewayError, IgnoredError
from recibo.gateways.facts import Fact
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.deliveries import headers_of
from recibo.inbox.models import Source, Status

logger = logging.getLogger(__name__)


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
    loud = {event.id for event in events if reacts(event)}
    acted = record([one for one in [*news, *withdrawn] if one.event_id in loud])
    shown = record([one for one in [*news, *withdrawn] if one.event_id not in loud])
    simulated = {one.event_id for one in news if one.simulated}
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
    return GATEWAYS[event.gateway].parse(request)


def reacts(event: Pending) -> bool:
    """Whether what an event changes is acted upon: a simulation and a silent replay only show."""
    return not event.silent and event.source != Source.SIMULATE


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
        Outcome(one.event_id, Status.PROCESSED, result=summary(by_event[one.event_id]))
        for one in news
    ]


def summary(changes: Iterable[Change]) -> str:
    """The changes in one line."""
    return "; ".join(str(change) for change in changes) or "nothing changed"
