"""What an operator may do with events: try again, replay, or look what a replay would change."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Case, F, SmallIntegerField, Value, When
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source, Status
from recibo.inbox.own import Statement, request_of
from recibo.journal.actions import audit
from recibo.processing.drain import CLAIM_SOME, process, read
from recibo.processing.fold import Outcome, fold
from recibo.reconciliation import subscriptions
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


def state(account: Account, statement: Statement, *, actor: str) -> bool:
    """Take a statement of the seller's own systems about an order, and fold it at once.

    False: another worker has it in its hands and will be done in a moment. The same statement
    again changes nothing.
    """
    with transaction.atomic():
        ids = store(account, [request_of(statement)], Source.API)
        audit(
            actor,
            f"order.{statement.status}",
            f"order:{statement.reference}",
            after={"account": str(account)},
        )
        nudge(FOLD)
    return any(process(CLAIM_SOME, [[event_id], 1]) for event_id in ids)


def change_subscription(
    subscription: Subscription, wish: subscriptions.Wish, *, actor: str
) -> bool:
    """Have the gateway change a subscription, and fold what it answers at once.

    False: another worker has the answer in its hands, or it cannot be read yet. Call it outside of
    a transaction. Raises ``reconciliation.change_errors.ChangeError``.
    """
    ids = subscriptions.change(subscription, wish, actor=actor)
    for event_id in ids:
        process(CLAIM_SOME, [[event_id], 1])
    subscription.refresh_from_db()
    done = Event.objects.filter(pk__in=ids, status__in=(Status.PROCESSED, Status.IGNORED))
    return done.count() == len(ids)


def preview(ids: Sequence[int]) -> list[Outcome]:
    """What a replay would come to: folded in a transaction that is rolled back."""
    with transaction.atomic():
        outcomes = fold(read(ids))
        transaction.set_rollback(True)
    return outcomes
