"""The machine that gives access: a table of stages, each with the function that takes it.

A row is claimed with a lease and walked as far as it goes; whoever dies leaves it where it stood,
and the next one looks before it creates. A stage that fails is tried again by itself after each of
RECIBO_PROVISIONING_DELAYS, then a person has to look.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recibo.access import letters
from recibo.access.errors import AccessError, RefusedError, UnavailableError
from recibo.access.giving import React, give
from recibo.access.models import Access, Provisioning, Stage, Step
from recibo.access.rules import Rules
from recibo.billing.changes import Change, Subject
from recibo.billing.models import Order, OrderStatus
from recibo.messaging import actions as messages
from recibo.messaging import sending
from recibo.messaging.errors import DelayedError, SendingError
from recibo.messaging.senders.registry import OutOfTurnsError
from recibo.work import draining, lease
from recibo.work.engine import nudge

TABLE = Provisioning._meta.db_table
#: The task that looks again at what is owed, by its name: its reactions stand above this part.
REVIEW = "access.review"
#: Until the next look where somebody else is at work on the same user, or what has to be known is
#: still being asked for. Neither counts as a failure.
BUSY = timedelta(seconds=3)
UNKNOWN = timedelta(seconds=15)
#: For so long the gateway may take to tell who the buyer is, and what he bought.
LONGEST_NAMELESS = timedelta(days=2)
LONGEST_WITHOUT_PRODUCT = timedelta(minutes=2)
#: Orders that are paid for.
PAID = (OrderStatus.PAID, OrderStatus.ACTIVE)


class UnknownYetError(Exception):
    """The gateway has not told yet who the buyer is, or what he bought."""


class NotOwedError(Exception):
    """The order is not paid, or no longer: nothing is to be given."""


def advance_all(react: React) -> int:
    """Take every provisioning that is due as far as it goes. Gives how many there were."""
    return draining.drain(draining.Kind(TABLE, lambda row_id: advance(row_id, react), broke))


def advance(provisioning_id: int, react: React) -> None:
    """Take one provisioning as far as it goes. Safe to repeat."""
    related = ("order__account", "order__customer", "access__customer")
    provisioning = Provisioning.objects.select_related(*related).get(pk=provisioning_id)
    try:
        take(provisioning, react)
    except lease.BusyError:
        wait(provisioning, BUSY)
    except OutOfTurnsError:
        wait(provisioning, sending.OUT_OF_TURNS)
    except UnknownYetError as error:
        wait_to_know(provisioning, str(error))
    except NotOwedError as error:
        rest(provisioning, str(error))


def take(provisioning: Provisioning, react: React) -> None:
    """Take stage after stage; one that fails is noted. Raises what is no failure."""
    try:
        while (stage := STAGES.get(resumed(provisioning.stage))) is not None:
            provisioning.stage = resumed(provisioning.stage)
            require_owed(provisioning)
            stage(provisioning, react)
    except OutOfTurnsError:
        raise
    except (AccessError, SendingError) as error:
        fail(provisioning, error)


def resumed(stage: str) -> str:
    """The stage to take where one failed: the same again."""
    return RESUMED.get(stage, stage)


def require_owed(provisioning: Provisioning) -> None:
    """Raise NotOwedError unless the order is still paid."""
    if (status := status_of(provisioning)) not in PAID:
        raise NotOwedError(f"The order is {status or 'gone'}: nothing is to be given.")


def status_of(provisioning: Provisioning) -> str:
    """How the order stands now; "" if it is gone."""
    found = Order.objects.filter(pk=provisioning.order_id).values_list("status", flat=True)
    return found.first() or ""


def begin(provisioning: Provisioning, react: React) -> None:
    """Find out which access the product gives, and whether the buyer has it already."""
    order = provisioning.order
    require_product(provisioning)
    product = (provisioning.product_id, provisioning.offer, provisioning.product)
    if (given := Rules().given_by(order.account.gateway, *product)) is None:
        complete(provisioning, react)
        return
    if order.customer is None:
        raise UnknownYetError("The gateway has not told yet who the buyer is.")
    access, _ = Access.objects.get_or_create(
        customer=order.customer,
        application=given.application,
        scope=given.scope,
        defaults={
            "plan": given.plan,
            "product": provisioning.product,
            "product_id": "" if given.plan else provisioning.product_id,
        },
    )
    provisioning.access, provisioning.days = access, given.days
    Provisioning.objects.filter(pk=provisioning.pk).update(access=access, days=given.days)
    if letters.is_forgotten(access):
        access.version += 1
        Access.objects.filter(pk=access.pk).update(version=access.version)
    if access.given_at is not None and letters.has_heard(access) and not is_renewed(access):
        complete(provisioning, react)
    else:
        move(provisioning, Stage.CREATING_USER)


def require_product(provisioning: Provisioning) -> None:
    """What was bought, where the payment was told before the product.

    Raises UnknownYetError for a while; then it is taken for the order's only product.
    """
    if provisioning.product_id or provisioning.product:
        return
    order = provisioning.order
    told = {"product_id": order.product_id, "product": order.product}
    if not any(told.values()):
        if timezone.now() - provisioning.created_at < LONGEST_WITHOUT_PRODUCT:
            raise UnknownYetError("The gateway has not told yet what was bought.")
        return
    provisioning.product_id, provisioning.product = order.product_id, order.product
    taken = Provisioning.objects.filter(order=order, product_id=order.product_id)
    if not taken.exclude(pk=provisioning.pk).exists():
        Provisioning.objects.filter(pk=provisioning.pk).update(**told)


def create_user(provisioning: Provisioning, react: React) -> None:
    """Have the application make the user, or give this access to the one who is there."""
    if provisioning.access_id is None:  # it failed before that was known
        begin(provisioning, react)
        return
    access = access_of(provisioning)
    if access.given_at is None or is_renewed(access):
        give(access, provisioning.order, react)
    move(provisioning, Stage.SENDING_CREDENTIALS)


def is_renewed(access: Access) -> bool:
    """Whether new credentials were asked for and are not there yet."""
    return access.version > 1 and letters.letter_of(access) is None


def send_credentials(provisioning: Provisioning, react: React) -> None:
    """Tell the buyer how to get in, once."""
    if (letter := letters.letter_of(access_of(provisioning))) is not None:
        sending.deliver(letter.pk)
    complete(provisioning, react)


def access_of(provisioning: Provisioning) -> Access:
    """The access as it is now; its customer comes along."""
    return Access.objects.select_related("customer").get(provisionings=provisioning.pk)


def complete(provisioning: Provisioning, react: React) -> None:
    """The buyer is in: the order is active, and what it pays for is looked at anew."""
    with transaction.atomic():
        # The order first, as the fold takes them.
        order = Order.objects.select_for_update().get(pk=provisioning.order_id)
        move(provisioning, Stage.COMPLETED)
        activate(order, react)
        if provisioning.access_id:
            look_again(provisioning.access_id)
            letters.announce(access_of(provisioning), order.pk)


def look_again(access_id: int) -> None:
    """What was paid may be otherwise by now."""
    Access.objects.filter(pk=access_id).update(next_attempt_at=timezone.now())
    nudge(REVIEW)


def activate(order: Order, react: React) -> None:
    """The order is active once all that it is for is given."""
    waiting = Provisioning.objects.filter(order=order).exclude(stage=Stage.COMPLETED)
    if waiting.exists():
        return
    paid = Order.objects.filter(pk=order.pk, status=OrderStatus.PAID)
    if paid.update(status=OrderStatus.ACTIVE):
        react([activated(order)])


def activated(order: Order) -> Change:
    """The change that others react to."""
    return Change(
        subject=Subject.ORDER,
        id=order.pk,
        name=order.reference,
        before=OrderStatus.PAID,
        after=OrderStatus.ACTIVE,
        event_id=0,
    )


def move(provisioning: Provisioning, stage: Stage) -> None:
    """Go on to a stage. Raises BusyError if somebody moved it meanwhile."""
    is_done = stage is Stage.COMPLETED
    write(
        provisioning,
        stage,
        attempts=0,
        error="",
        next_attempt_at=None if is_done else timezone.now(),
        **({"claimed_until": None} if is_done else {}),
    )


def fail(provisioning: Provisioning, error: AccessError | SendingError) -> None:
    """Note a failure, and when the stage is tried again; without a date a person has to look."""
    stage = Stage(provisioning.stage)
    delay = wait_after(error, provisioning.attempts)
    write(
        provisioning,
        FAILED[stage] if delay is not None else Stage.FAILED_PERMANENT,
        attempts=provisioning.attempts + 1,
        error=f"{type(error).__name__}: {error}",
        next_attempt_at=None if delay is None else timezone.now() + delay,
        claimed_until=None,
    )
    is_told_never = delay is None and stage is Stage.SENDING_CREDENTIALS
    if is_told_never and (letter := letters.letter_of(access_of(provisioning))):
        messages.give_up(letter)


def wait_after(error: Exception, failures: int) -> timedelta | None:
    """How long to wait when a stage failed after ``failures`` earlier ones; None: give up."""
    delays = settings.RECIBO_PROVISIONING_DELAYS
    if isinstance(error, RefusedError) or failures >= len(delays):
        return None
    asked_for = error.retry_after if isinstance(error, UnavailableError | DelayedError) else None
    return max(delays[failures], asked_for or timedelta(0))


def write(provisioning: Provisioning, stage: Stage, **values: object) -> None:
    """Compare and set, with a row for the timeline. Raises BusyError."""
    now = timezone.now()
    before = [old for old in Stage if resumed(old) == resumed(provisioning.stage)]
    with transaction.atomic():
        moved = Provisioning.objects.filter(pk=provisioning.pk, stage__in=before).update(
            stage=stage, stage_at=now, **values
        )
        if not moved:
            raise lease.BusyError(f"{provisioning} was moved by somebody else")
        Step.objects.create(
            order_id=provisioning.order_id,
            at=now,
            stage=stage,
            product=provisioning.product,
            error=str(values.get("error", "")),
        )
    provisioning.stage, provisioning.attempts = stage, int(str(values["attempts"]))


def wait(provisioning: Provisioning, delay: timedelta, error: str = "") -> None:
    """Come again later; nothing failed."""
    Provisioning.objects.filter(pk=provisioning.pk).update(
        next_attempt_at=timezone.now() + delay, claimed_until=None, error=error
    )


def wait_to_know(provisioning: Provisioning, reason: str) -> None:
    """Wait until the gateway told what has to be known, but not for ever."""
    if timezone.now() - provisioning.created_at < LONGEST_NAMELESS:
        wait(provisioning, UNKNOWN, reason)
    else:
        fail(provisioning, RefusedError(reason))


def rest(provisioning: Provisioning, reason: str) -> None:
    """Nothing is to be done until the order is paid again; one that was meanwhile goes on.

    What the application may have done without our hearing of it is looked at, and what was to be
    told is forgotten.
    """
    with transaction.atomic():
        row = Provisioning.objects.select_for_update().get(pk=provisioning.pk)
        if status_of(row) in PAID:
            wait(row, BUSY)
            return
        Provisioning.objects.filter(pk=row.pk).update(
            next_attempt_at=None, claimed_until=None, error=reason
        )
        if row.access_id is not None:
            look_again(row.access_id)
            forget(row)


def forget(provisioning: Provisioning) -> None:
    """What was to be told of an access that nobody waits for is told to nobody."""
    access = access_of(provisioning)
    others = access.provisionings.filter(next_attempt_at__isnull=False).exclude(pk=provisioning.pk)
    letter = letters.letter_of(access)
    if letter is not None and not others.exists():
        messages.forget(letter, "The order is no longer paid.")


def broke(provisioning_id: int, error: Exception) -> None:
    """What broke in a way that nobody foresaw is tried again, then waits for a person."""
    provisioning = Provisioning.objects.get(pk=provisioning_id)
    provisioning.stage = resumed(provisioning.stage)
    if provisioning.stage in FAILED:
        fail(provisioning, UnavailableError(f"{type(error).__name__}: {error}"))


#: What is done at each stage; at the others nothing.
STAGES: Mapping[str, Callable[[Provisioning, React], None]] = {
    Stage.QUEUED: begin,
    Stage.CREATING_USER: create_user,
    Stage.SENDING_CREDENTIALS: send_credentials,
}
#: Where a stage that failed waits, and the stage that is then taken again.
FAILED = {
    Stage.QUEUED: Stage.FAILED_AT_USER,
    Stage.CREATING_USER: Stage.FAILED_AT_USER,
    Stage.SENDING_CREDENTIALS: Stage.FAILED_AT_EMAIL,
}
RESUMED: Mapping[str, str] = {
    Stage.FAILED_AT_USER: Stage.CREATING_USER,
    Stage.FAILED_AT_EMAIL: Stage.SENDING_CREDENTIALS,
}
