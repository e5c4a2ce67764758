"""Writes of access: what is to be given, looked at again, started anew."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from recibo.access import rules
from recibo.access.models import Access, Provisioning, Stage, Step
from recibo.access.rules import Rules
from recibo.access.stages import REVIEW
from recibo.billing.changes import Change, Subject
from recibo.billing.models import Order, OrderStatus
from recibo.billing.strength import COLLECTED
from recibo.journal.actions import audit
from recibo.work.engine import nudge
from recibo.work.sql import execute

#: The task that gives access, by its name.
PROVISION = "access.provision"

#: One provisioning for each product of an order. Paid once more (the next cycle, a dispute that
#: was won), it is begun anew: who has the access already only keeps it.
ORDERED = """
    insert into access_provisioning as p (order_id, product_id, offer, product, stage, stage_at,
        attempts, next_attempt_at, error, created_at)
    select distinct on (c.order_id, c.product_id) c.order_id, c.product_id, c.offer, c.product,
        'queued', now(), 0, now(), '', now()
    from billing_charge c
    where c.{column} = any(%s) and c.status = any(%s) and not c.simulated
    order by c.order_id, c.product_id, c.id
    on conflict (order_id, product_id) do update
    set stage = 'queued', stage_at = now(), attempts = 0, next_attempt_at = now(), error = ''
    where p.next_attempt_at is null and p.claimed_until is null
    returning p.order_id, p.product
"""
#: What charges or subscriptions pay for: by the orders they are in, and by whose they are.
AGAIN = """
    with due as (
        select a.id from access_access a
        where (a.given_at is not null or a.asked <> '') and a.id in (
            select p.access_id from {rows} join access_provisioning p on p.order_id = c.order_id
            where t.id = any(%s)
            union all
            select x.id from billing_{subject} t
            join access_access x on x.customer_id = t.customer_id where t.id = any(%s)
        ) order by a.id for update
    )
    update access_access a set next_attempt_at = statement_timestamp()
    from due where a.id = due.id
"""
#: By what changed: its rows ``t``, and the charges ``c`` whose orders count.
ROWS = {
    Subject.CHARGE: "billing_charge t join billing_charge c on c.id = t.id",
    Subject.SUBSCRIPTION: "billing_subscription t join billing_charge c"
    " on c.subscription_code = t.code and c.account_id = t.account_id"
    " and c.subscription_code <> ''",  # as the index charge_by_subscription has it
}


class NothingToDoError(Exception):
    """There is nothing to start again. The message says why."""


def provision(changes: Sequence[Change]) -> None:
    """Have access given for charges that were paid. Part of the caller's transaction."""
    if rules.gives_access():
        give("id", [change.id for change in changes])


def give(column: str, ids: Sequence[int]) -> int:
    """Begin a provisioning for each product of these charges that is paid. Gives how many."""
    collected = [status.value for status in COLLECTED]
    begun = execute(ORDERED.format(column=column), list(ids), collected)
    now = timezone.now()
    Step.objects.bulk_create(
        Step(order_id=row["order_id"], at=now, stage=Stage.QUEUED, product=row["product"])
        for row in begun
    )
    if begun:
        nudge(PROVISION)
    return len(begun)


def review(changes: Sequence[Change]) -> None:
    """Have what is owed looked at again, for the buyers of changed charges or subscriptions."""
    subject, ids = changes[0].subject, [change.id for change in changes]
    execute(AGAIN.format(subject=subject, rows=ROWS[subject]), ids, ids)
    nudge(REVIEW)


def resync(order: Order, *, actor: str) -> int:
    """Start giving access again where it stopped; what is completed stays. Gives how many.

    An order that was never begun (no application was set then) is begun now. Raises
    NothingToDoError.
    """
    require_paid(order)
    with transaction.atomic():
        rows = Provisioning.objects.select_for_update().filter(order=order)
        stuck = [one.pk for one in rows if is_stuck(one, order)]
        count = rows.filter(pk__in=stuck).update(
            stage=Stage.QUEUED,
            stage_at=timezone.now(),
            attempts=0,
            error="",
            next_attempt_at=timezone.now(),
        )
        if not count and order.status == OrderStatus.PAID and rules.gives_access():
            count = give("order_id", [order.pk])
        if not count:
            raise NothingToDoError("Its access is given already.")
        audit(actor, "provisioning.resync", f"order:{order.pk}")
        nudge(PROVISION)
    return count


def require_paid(order: Order) -> None:
    """Raise NothingToDoError unless the order is paid."""
    if order.status not in (OrderStatus.PAID, OrderStatus.ACTIVE):
        raise NothingToDoError(f"The order is {order.status}: nothing is owed.")


def is_stuck(provisioning: Provisioning, order: Order) -> bool:
    """Whether something is left to give: also where the rules gave nothing, and now do."""
    if provisioning.stage != Stage.COMPLETED:
        return True
    product = (provisioning.product_id, provisioning.offer, provisioning.product)
    given = Rules().given_by(order.account.gateway, *product)
    return provisioning.access_id is None and given is not None


def renew(order: Order, *, actor: str) -> int:
    """Have new credentials made and sent for what an order gave. Gives how many accesses.

    Raises NothingToDoError where nothing was given yet, or nothing is owed any more.
    """
    require_paid(order)
    with transaction.atomic():
        given = Access.objects.select_for_update().filter(
            pk__in=Provisioning.objects.filter(order=order).values("access"), given_at__isnull=False
        )
        for access in given:
            Access.objects.filter(pk=access.pk).update(version=access.version + 1)
        count = Provisioning.objects.filter(order=order, access__in=given).update(
            stage=Stage.CREATING_USER,
            stage_at=timezone.now(),
            attempts=0,
            error="",
            next_attempt_at=timezone.now(),
        )
        if not count:
            raise NothingToDoError("Nothing was given for this order yet: start it again instead.")
        audit(actor, "provisioning.renew", f"order:{order.pk}")
        nudge(PROVISION)
    return count
