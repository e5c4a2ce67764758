"""What an operator may do with events: try again, replay, or look what a replay would change."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Case, F, SmallIntegerField, Value, When
from django.utils import timezone

from recibo.inbox.models import Event, Status
from recibo.journal.actions import audit
from recibo.processing.drain import read
from recibo.processing.fold import Outcome, fold
from recibo.work.engine import FOLD, nudge


def requeue(ids: Sequence[int], *, actor: str) -> int:
    """Have failed events tried again now, as if their time had come. Gives how many."""
    with transaction.atomic():
        count = Event.objects.filter(pk__in=ids, status=Status.FAILED).update(
            next_attempt_at=timezone.now()
        )
        audit(actor, "event.retry", f"events:{count}", after={"ids": list(ids)})
        nudge(FOLD)
    return count


def replay(ids: Sequence[int], *, with_messages: bool, actor: str) -> int:
    """Process events again from their stored bytes; their new facts replace the old ones.

    Unless ``with_messages``, state is brought up to date and nobody is told. Gives how many
    were queued. A notice that the gateway has to be asked about is asked about again.
    """
    with transaction.atomic():
        count = Event.objects.filter(pk__in=ids).update(
            status=Case(
                When(is_thin=True, then=Value(Status.PROCESSING)), default=Value(Status.PENDING)
            ),
            attempts=Case(
                When(is_thin=True, then=Value(0)),
                default=F("attempts"),
                output_field=SmallIntegerField(),
            ),
            processed_at=None,
            next_attempt_at=timezone.now(),
            silent=not with_messages,
        )
        audit(
            actor,
            "event.replay",
            f"events:{count}",
            after={"ids": list(ids), "with_messages": with_messages},
        )
        nudge(FOLD)
    return count


def preview(ids: Sequence[int]) -> list[Outcome]:
    """What a replay would come to: folded in a transaction that is rolled back."""
    with transaction.atomic():
        outcomes = fold(read(ids))
        transaction.set_rollback(True)
    return outcomes
