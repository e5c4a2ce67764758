"""Thin notices: the gateway is asked what a notice is about, and its answer is an event.

A notice is ``processing`` until the answer is in the inbox, ``failed`` when the gateway never
gave one. Nothing in the notice itself moves money.
"""

from functools import partial

from django.db import transaction
from django.utils import timezone

from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import (
    DeniedError,
    GatewayError,
    IgnoredError,
    NotFoundError,
    UnavailableError,
)
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.deliveries import headers_of
from recibo.inbox.models import Event, EventBody, Source, Status
from recibo.reconciliation import calls, circuits, claiming
from recibo.reconciliation.asking import later
from recibo.work.draining import Kind, drain
from recibo.work.engine import FOLD, nudge

TABLE = Event._meta.db_table
#: What may be otherwise when it is asked again.
LATER = (UnavailableError, NotFoundError, DeniedError)
#: What a poll or a sync found in part is still theirs when the rest was asked for: it is no news.
FOUND = frozenset({Source.POLL, Source.SYNC})
#: The thin ones, those first that somebody waits for: a first sync brings thousands.
DUE = claiming.Due(
    TABLE,
    condition="c.is_thin",
    sources=tuple(sorted(Source.values, key=lambda source: source in FOUND)),
)


def fetch_all() -> int:
    """Ask about every thin notice that is due. Gives how many there were."""
    circuits.ensure_all()
    return drain(NOTICES)


def fetch(event_id: int) -> None:
    """Ask about one notice. Safe to repeat: the same answer again is the same event."""
    event = Event.objects.select_related("account").get(pk=event_id)
    try:
        answers = asked(event)
    except IgnoredError as reason:
        settle(event, Status.IGNORED, result=str(reason))
    except LATER as error:
        postpone(event, error)
    except GatewayError as error:
        settle(event, Status.FAILED, error=describe(error))
    else:
        accept(event, answers)


def broke(event_id: int, error: Exception) -> None:
    """A notice whose question broke unforeseen waits longer each time, then for a person."""
    postpone(Event.objects.get(pk=event_id), error)


def asked(event: Event) -> list[RawRequest]:
    """What the gateway answers about a notice. Raises GatewayError."""
    gateway = GATEWAYS[event.account.gateway]
    if event.source == Source.SIMULATE:
        raise IgnoredError("A simulated notice: the gateway knows nothing of it.")
    if gateway.fetch is None:
        raise IgnoredError(f"{gateway.name} cannot be asked about this notice.")
    notice = notice_of(event)
    with circuits.watched(event.account), calls.api(event.account, event_id=event.pk) as api:
        return gateway.fetch(api, notice)


def notice_of(event: Event) -> RawRequest:
    """The notice as it came. Raises GatewayError when its bytes were archived."""
    if (body := EventBody.objects.filter(event=event).first()) is None:
        raise GatewayError("The body of this notice was archived: `recibo events restore DIR`.")
    headers = headers_of(bytes(body.headers))
    return RawRequest(headers, bytes(body.body), bytes(body.query), event.received_at)


def accept(event: Event, answers: list[RawRequest]) -> None:
    """Put the answers into the inbox and settle the notice, all or nothing."""
    if not answers:
        settle(event, Status.IGNORED, result="The gateway has nothing to tell about it.")
        return
    with transaction.atomic():
        source = Source(event.source) if event.source in FOUND else Source.FETCH
        ids = store(event.account, answers, source, silent=event.silent)
        told = ", ".join(f"event {answer}" for answer in ids)
        settle(event, Status.PROCESSED, result=f"answered: {told}")
        nudge(FOLD)


def settle(event: Event, status: Status, *, result: str = "", error: str = "") -> None:
    """Write how the notice ended."""
    is_done = status is not Status.FAILED
    Event.objects.filter(pk=event.pk).update(
        status=status,
        result=result,
        error=error,
        attempts=event.attempts + 1,
        processed_at=timezone.now() if is_done else None,
        next_attempt_at=None,
        claimed_until=None,
    )


def postpone(event: Event, error: Exception) -> None:
    """Ask again later, or give up with the error for a person to see."""
    if (again := later(error, event.attempts, event.account_id)) is None:
        settle(event, Status.FAILED, error=describe(error))
        return
    Event.objects.filter(pk=event.pk).update(
        status=Status.PROCESSING,
        error=describe(error),
        attempts=again.attempts,
        next_attempt_at=timezone.now() + again.wait,
        claimed_until=None,
    )


def describe(error: Exception) -> str:
    """An error as an operator reads it."""
    return f"{type(error).__name__}: {error}"


NOTICES = Kind(TABLE, fetch, broke, claim=partial(claiming.claim, DUE))
