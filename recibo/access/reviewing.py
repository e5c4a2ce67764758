"""Keeping what applications do in line with what is owed: blocking and restoring by itself.

An access is looked at again whenever its charges or subscriptions change, and when the time comes
that ends it. What the application confirmed is written with the change that others react to.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from recibo.access import applications, queries
from recibo.access.asking import USERS, step_of
from recibo.access.errors import AccessError, RefusedError, UnavailableError
from recibo.access.giving import React
from recibo.access.models import Access, AccessState, Step, UserAccount
from recibo.access.owed import FOREVER, owed_until, why_ended
from recibo.billing.changes import Change, Subject
from recibo.billing.models import Order
from recibo.work import draining, lease

TABLE = Access._meta.db_table
#: After the first waits: for as long as the application does not take it.
HOURLY = timedelta(hours=1)
BUSY = timedelta(seconds=3)
#: What a state is called when it is reached again: in the timeline, and by those who react.
WORDS = {AccessState.ACTIVE: "restored", AccessState.BLOCKED: "blocked"}


def review_all(react: React) -> int:
    """Look at every access that is due. Gives how many there were."""
    return draining.drain(draining.Kind(TABLE, lambda row_id: review(row_id, react), broke))


def review(access_id: int, react: React) -> None:
    """Bring one access in line with what is owed. Safe to repeat."""
    access = Access.objects.select_related("customer").get(pk=access_id)
    purchases = queries.purchases(access)
    ends = owed_until(purchases, grace=settings.RECIBO_ACCESS_GRACE)
    now = timezone.now()
    wanted = AccessState.ACTIVE if ends > now else AccessState.BLOCKED
    again_at = ends if now < ends < FOREVER else None
    access.valid_until = again_at
    if is_for_provisioning(access, wanted):
        settle(access, next_attempt_at=None)
    elif access.state == wanted and access.asked in {"", wanted}:
        settle(access, next_attempt_at=again_at, valid_until=again_at, attempts=0, error="")
    else:
        reason = why_ended(purchases) if wanted is AccessState.BLOCKED else ""
        change(access, wanted, reason, react)


def is_for_provisioning(access: Access, wanted: AccessState) -> bool:
    """Whether giving it comes first. Of what was asked for and never heard, nothing may stand that
    is not owed.
    """
    return access.given_at is None and not (access.asked and wanted is AccessState.BLOCKED)


def change(access: Access, wanted: AccessState, reason: str, react: React) -> None:
    """Have the application block or restore it."""
    try:
        account = UserAccount.objects.get(
            customer=access.customer_id, application=access.application
        )
        with lease.alone(USERS, account.pk):
            order = queries.last_order(access)
            ask(access, account, wanted, order)
            with transaction.atomic():
                done(access, wanted)
                react([changed(access, wanted, reason, order)])
    except lease.BusyError:
        settle(access, next_attempt_at=timezone.now() + BUSY)
    except AccessError as error:
        postpone(access, error)


def ask(access: Access, account: UserAccount, wanted: AccessState, order: Order | None) -> None:
    """One call. Raises AccessError.

    That it was asked is written down before: an answer that is lost may have been a yes.
    """
    known = applications.application_named(access.application)
    if access.asked != wanted:
        access.asked, access.turns = wanted, access.turns + 1
        access.save(update_fields=["asked", "turns"])
    reference = order.reference if order else ""
    step = step_of(access, account, f"{WORDS[wanted]}-{access.turns}", reference=reference)
    stage = f"access.{WORDS[wanted]}"
    with applications.reached(known, order_id=order.pk if order else None, stage=stage) as target:
        if wanted is AccessState.ACTIVE:
            known.provider.unblock(target, step)
        else:
            known.provider.block(target, step)


def done(access: Access, state: AccessState) -> None:
    """The application confirmed it."""
    settle(
        access,
        state=state,
        asked="",
        valid_until=access.valid_until,
        next_attempt_at=access.valid_until,
        attempts=0,
        error="",
    )
    note(access, state)


def changed(access: Access, state: AccessState, reason: str, order: Order | None) -> Change:
    """The change that others react to."""
    return Change(
        subject=Subject.ACCESS,
        id=access.pk,
        name=access.product or access.plan,
        before=access.state,
        after=WORDS[state],
        event_id=0,
        details={"reason": reason, "order_id": str(order.pk) if order else ""},
    )


def note(access: Access, state: AccessState) -> None:
    """A row for the timeline of every order that paid for it."""
    orders = access.provisionings.values_list("order_id", flat=True)
    now = timezone.now()
    steps = [
        Step(order_id=order, at=now, stage=WORDS[state], product=access.product)
        for order in set(orders)
    ]
    Step.objects.bulk_create(steps)


def settle(access: Access, *, next_attempt_at: datetime | None, **values: object) -> None:
    """Write the outcome. A look that was asked for meanwhile is not forgotten."""
    unchanged = When(next_attempt_at=access.next_attempt_at, then=Value(next_attempt_at))
    Access.objects.filter(pk=access.pk).update(
        next_attempt_at=Case(unchanged, default=F("next_attempt_at")),
        claimed_until=None,
        **values,
    )


def postpone(access: Access, error: AccessError) -> None:
    """Try again later; what the application never takes waits for a person."""
    settle(
        access,
        next_attempt_at=when_again(access, error),
        attempts=access.attempts + 1,
        error=f"{type(error).__name__}: {error}",
    )


def when_again(access: Access, error: AccessError) -> datetime | None:
    """When to try again: at the usual waits, then each hour; None: never by itself."""
    if isinstance(error, RefusedError):
        return None
    delays = settings.RECIBO_PROVISIONING_DELAYS
    wait = delays[access.attempts] if access.attempts < len(delays) else HOURLY
    asked_for = error.retry_after if isinstance(error, UnavailableError) else None
    return timezone.now() + max(wait, asked_for or timedelta(0))


def broke(access_id: int, error: Exception) -> None:
    """What broke in a way that nobody foresaw is tried again."""
    access = Access.objects.get(pk=access_id)
    postpone(access, UnavailableError(f"{type(error).__name__}: {error}"))
