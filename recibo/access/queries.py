"""Reads of access and provisioning, newest first."""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Count, QuerySet

from recibo.access.models import Access, AccessState, Provisioning, Stage, Step, UserAccount
from recibo.access.owed import Purchase, Term
from recibo.billing.models import Order
from recibo.gateways.facts import ChargeStatus, Period, SubscriptionStatus
from recibo.work.sql import Row, execute

#: The charges that may pay for an access: of the products and orders that were provisioned to it,
#: and the later ones of the same subscriptions, whatever order they are in. What was bought may be
#: told after it was paid: a charge that is no other provisioning's is the one without a product's.
PURCHASES = """
    with mine as (
        select c.*, p.days from access_provisioning p join billing_charge c
            on c.order_id = p.order_id
            and (c.product_id = p.product_id or p.product_id = '' and not exists (
                select from access_provisioning q
                where q.order_id = c.order_id and q.product_id = c.product_id))
        where p.access_id = %s
    ), codes as (
        select distinct account_id, subscription_code from mine where subscription_code <> ''
    ), charges as (
        select * from mine where subscription_code = ''
        union all
        select c.*, null from codes k join billing_charge c
            on c.subscription_code = k.subscription_code and c.account_id = k.account_id
            and c.subscription_code <> '' -- as the index charge_by_subscription has it
    )
    select c.status, c.status_at, c.created_at, c.paid_at, c.days,
        c.account_id, c.subscription_code,
        s.status as term_status, s.status_at as term_status_at, s.period, s.next_billing_at
    from charges c
    left join billing_subscription s
        on s.account_id = c.account_id and s.code = c.subscription_code
    where not c.simulated
"""


def purchases(access: Access) -> list[Purchase]:
    """Everything that was, or was to be, paid for an access."""
    return [purchase_of(row) for row in execute(PURCHASES, access.pk)]


def purchase_of(row: Row) -> Purchase:
    """A row as the pure function reads it."""
    code = row["subscription_code"]
    return Purchase(
        status=ChargeStatus(row["status"]),
        status_at=row["status_at"],
        created_at=row["created_at"],
        paid_at=row["paid_at"],
        days=row["days"],
        subscription=f"{row['account_id']}:{code}" if code else "",
        term=term_of(row),
    )


def term_of(row: Row) -> Term | None:
    """The subscription of a charge, if the gateway told of it."""
    if row["term_status"] is None:
        return None
    return Term(
        status=SubscriptionStatus(row["term_status"]),
        status_at=row["term_status_at"],
        period=Period(row["period"]) if row["period"] else None,
        next_billing_at=row["next_billing_at"],
    )


def last_order(access: Access) -> Order | None:
    """The newest order that paid for an access."""
    newest = access.provisionings.select_related("order").order_by("-order_id").first()
    return newest.order if newest else None


def provisionings(*, stage: str = "", order: int | None = None) -> QuerySet[Provisioning]:
    """Provisionings with their order and access. Indexes: provisioning_by_stage, _unique."""
    found = Provisioning.objects.select_related("order", "access").order_by("-id")
    if stage:
        found = found.filter(stage=stage)
    return found if order is None else found.filter(order=order)


def stats() -> dict[str, int]:
    """How many provisionings there are: in all, and by stage."""
    rows = Provisioning.objects.order_by().values_list("stage").annotate(Count("pk"))
    counts = dict.fromkeys(Stage.values, 0) | dict(rows)
    return {"total": sum(counts.values()), **counts}


def steps(order: Order) -> Sequence[Step]:
    """What giving access went through, oldest first."""
    return list(Step.objects.filter(order=order).order_by("at", "pk"))


#: What a customer's access is called in all: the first that one of them is.
STRONGEST = (AccessState.ACTIVE, AccessState.BLOCKED, AccessState.NONE)


def access_of_customers(customer_ids: Collection[int]) -> Mapping[int, tuple[str, str]]:
    """The access of each customer (none, active, blocked) and his user's id, "" if he has none.

    Two queries for all of them.
    """
    states: dict[int, set[str]] = {}
    for customer, state in Access.objects.filter(customer__in=customer_ids).values_list(
        "customer_id", "state"
    ):
        states.setdefault(customer, set()).add(state)
    users = dict(
        UserAccount.objects.filter(customer__in=customer_ids)
        .exclude(user_id="")
        .order_by("-pk")
        .values_list("customer_id", "user_id")
    )
    return {
        customer: (
            next((state for state in STRONGEST if state in states.get(customer, ())), "none"),
            users.get(customer, ""),
        )
        for customer in customer_ids
    }
