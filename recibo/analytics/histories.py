"""What the kept facts tell of one buyer: charges, subscriptions and carts, in any order told.

Pure functions of *sets* of facts, like ``billing.states``: repeats and order change nothing.
Amounts are in hundredths of the currency's unit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Struct

from recibo.analytics.definitions import cents
from recibo.billing.states import standing
from recibo.billing.strength import COLLECTED, ENDED
from recibo.gateways.facts import ChargeFact, ChargeStatus, SubscriptionFact

F = TypeVar("F", ChargeFact, SubscriptionFact)
ZERO = Decimal(0)
#: What says that nobody paid at that moment.
MISSED = frozenset({ChargeStatus.FAILED, ChargeStatus.OVERDUE})


class Told(Struct, Generic[F], frozen=True, gc=False):
    """A fact, and which event told it."""

    event_id: int
    text: str  # decides between facts of one instant
    fact: F


class Return(Struct, frozen=True, gc=False):
    """Money that went back."""

    at: datetime
    amount: int
    is_chargeback: bool
    is_full: bool  # nothing of the charge is left


class Charge(Struct, frozen=True, gc=False):
    """One charge with all its attempts."""

    id: int
    name: str  # the gateway's id of it
    account_id: int
    gateway: str
    subscription_code: str
    cycle: int | None
    product: str
    currency: str
    amount: int
    fee: int
    net: int | None
    commissions: tuple[tuple[str, str, str, int], ...]  # source, name, currency, amount
    method: str
    methods: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None
    paid_by: frozenset[int]  # the events that told that it is paid
    missed: tuple[datetime, ...]
    is_over: bool  # expired or cancelled: nobody will pay it
    returns: tuple[Return, ...]


class Subscription(Struct, frozen=True, gc=False):
    """One subscription with everything told of it, oldest first."""

    id: int
    account_id: int
    gateway: str
    code: str
    product: str
    plan: str
    currency: str
    period: str
    told: tuple[Told[SubscriptionFact], ...]


class Cart(Struct, frozen=True, gc=False):
    """Something left at a checkout."""

    at: datetime
    account_id: int
    gateway: str
    product: str


class History(Struct, frozen=True, gc=False):
    """All that is known of one buyer."""

    charges: Sequence[Charge] = ()
    subscriptions: Sequence[Subscription] = ()
    carts: Sequence[Cart] = ()


def in_order(told: Iterable[Told[F]]) -> list[Told[F]]:
    """Oldest first, whoever came first."""
    return sorted(told, key=lambda one: (one.fact.occurred_at, one.text))


def charge_of(
    charge_id: int, account_id: int, gateway: str, told: Sequence[Told[ChargeFact]]
) -> Charge:
    """What all the facts about one charge add up to. At least one."""
    ordered = in_order(told)
    events = {id(one.fact): one.event_id for one in ordered}
    facts = standing([one.fact for one in ordered])
    newest_first = facts[::-1]
    amount = amount_of(newest_first)
    paid = [fact for fact in facts if fact.paid_at or fact.status is ChargeStatus.PAID]
    net = next((fact.net for fact in newest_first if fact.net is not None), None)
    return Charge(
        id=charge_id,
        name=newest_first[0].charge_id,
        account_id=account_id,
        gateway=gateway,
        subscription_code=last(newest_first, "subscription_code"),
        cycle=next((fact.cycle for fact in newest_first if fact.cycle is not None), None),
        product=product_of(newest_first),
        currency=newest_first[0].amount.currency,
        amount=cents(amount),
        fee=cents(next((fact.fee for fact in newest_first if fact.fee is not None), ZERO)),
        net=None if net is None else cents(net),
        commissions=commissions_of(newest_first),
        method=method_of(paid[::-1]) or method_of(newest_first),
        methods=frozenset(fact.payment_method for fact in facts if fact.payment_method),
        created_at=min(fact.created_at or fact.occurred_at for fact in facts),
        expires_at=next((fact.expires_at for fact in newest_first if fact.expires_at), None),
        paid_at=min((fact.paid_at or fact.occurred_at for fact in paid), default=None),
        paid_by=frozenset(events[id(fact)] for fact in paid),
        missed=tuple(sorted({f.occurred_at for f in facts if f.status in MISSED})),
        is_over=newest_first[0].status in ENDED,
        returns=tuple(returns_of(facts, amount)),
    )


def amount_of(newest_first: Sequence[ChargeFact]) -> Decimal:
    """What was sold for: a refund that names no price of the sale does not unsay it."""
    return next((f.amount.amount for f in newest_first if f.amount.amount), ZERO)


def last(newest_first: Sequence[ChargeFact], name: str) -> str:
    """The newest text that was told; "" if none was."""
    return next((text for fact in newest_first if (text := getattr(fact, name))), "")


def product_of(newest_first: Sequence[ChargeFact] | Sequence[SubscriptionFact]) -> str:
    """What the product is called; its id where it has no name."""
    named = next((fact.product.name for fact in newest_first if fact.product.name), "")
    return named or next((fact.product.id for fact in newest_first if fact.product.id), "")


def method_of(newest_first: Sequence[ChargeFact]) -> str:
    """How it was paid; "" where nobody said."""
    return next((fact.payment_method for fact in newest_first if fact.payment_method), "")


def commissions_of(
    newest_first: Sequence[ChargeFact],
) -> tuple[tuple[str, str, str, int], ...]:
    """Who got what of the sale."""
    told = next((fact.commissions for fact in newest_first if fact.commissions), ())
    return tuple((one.source, one.name, one.currency, cents(one.amount)) for one in told)


def returns_of(facts: Sequence[ChargeFact], amount: Decimal) -> Iterable[Return]:
    """Each time money went back, oldest first: what was told twice went back once.

    Distinct refunds add up; a running total counts by what it grew; a chargeback takes the rest,
    unless it says how much. All together never more than the sale.
    """
    refunds: dict[str, Decimal] = {}
    before = ZERO
    charged_back = False
    for fact in facts:
        is_chargeback = fact.status is ChargeStatus.CHARGED_BACK
        if not gives_back(fact):
            continue
        value = amount if fact.refunded_amount is None else fact.refunded_amount
        refunds[fact.refund_id] = max(value, refunds.get(fact.refund_id, ZERO))
        total = total_of(refunds, amount)
        if total > before or (is_chargeback and not charged_back and not total):
            yield Return(fact.occurred_at, cents(total - before), is_chargeback, total >= amount)
        charged_back = charged_back or is_chargeback
        before = total


def gives_back(fact: ChargeFact) -> bool:
    """Whether a fact tells of money that went back, by how much or wholly."""
    if fact.status in {ChargeStatus.REFUNDED, ChargeStatus.CHARGED_BACK}:
        return True
    return bool(fact.refunded_amount) and fact.status in COLLECTED


def total_of(refunds: dict[str, Decimal], amount: Decimal) -> Decimal:
    """What went back in all: distinct refunds added up, or the largest running total."""
    distinct = sum((value for name, value in refunds.items() if name), start=ZERO)
    total = max(distinct, refunds.get("", ZERO))
    return min(total, amount) if amount else total


def subscription_of(
    subscription_id: int,
    account_id: int,
    gateway: str,
    code: str,
    told: Iterable[Told[SubscriptionFact]],
) -> Subscription:
    """What all the facts about one subscription add up to."""
    ordered = in_order(told)
    facts = [one.fact for one in reversed(ordered)]
    price = next((fact.price for fact in facts if fact.price), None)
    return Subscription(
        id=subscription_id,
        account_id=account_id,
        gateway=gateway,
        code=code,
        product=product_of(facts),
        plan=next((fact.plan or fact.plan_id for fact in facts if fact.plan or fact.plan_id), ""),
        currency=price.currency if price else "",
        period=next((fact.period for fact in facts if fact.period), ""),
        told=tuple(ordered),
    )
