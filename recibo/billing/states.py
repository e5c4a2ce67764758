"""From facts to state: pure functions of *sets* of facts.

``charge_state`` and ``subscription_state`` take every fact kept about one charge or subscription,
in any order and with repeats, and give the columns of its row. ``order_state`` takes the states
of an order's charges and what was told of the order itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from recibo.billing.strength import COLLECTED, ENDED, RETURNED, SUBSCRIPTION_PLACES, strength
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Commission,
    OrderFact,
    OrderStatement,
    SubscriptionFact,
    SubscriptionStatus,
)

F = TypeVar("F", ChargeFact, SubscriptionFact, OrderFact)
ZERO = Decimal(0)

SUBSCRIPTION_CODE = attrgetter("subscription_code")
CYCLE = attrgetter("cycle")
TOTAL = attrgetter("total")
FEE = attrgetter("fee")
NET = attrgetter("net")
COMMISSIONS = attrgetter("commissions")
PAYMENT_METHOD = attrgetter("payment_method")
INSTALLMENTS = attrgetter("installments")
PRODUCT_ID = attrgetter("product.id")
PRODUCT = attrgetter("product.name")
OFFER = attrgetter("product.offer")
PAYMENT_URL = attrgetter("payment_url")
PAYMENT_CODE = attrgetter("payment_code")
REFUSAL_REASON = attrgetter("refusal_reason")
EXPIRES_AT = attrgetter("expires_at")
AMOUNT = attrgetter("amount")
PRICE = attrgetter("price")
PLAN = attrgetter("plan")
PLAN_ID = attrgetter("plan_id")
PERIOD = attrgetter("period")
NEXT_BILLING_AT = attrgetter("next_billing_at")


class Told(Struct, Generic[F], frozen=True, gc=False):
    """A fact, as it is kept: what was said, who the buyer is, and whether it was only a test."""

    fact: F
    text: str  # the fact as JSON: decides between facts of one instant, whoever came first
    customer: str  # e-mail, "" when unknown
    simulated: bool

    @property
    def gateway_customer_id(self) -> str:
        """The gateway's own id of the buyer, "" when unknown."""
        return self.fact.customer.gateway_id if self.fact.customer else ""


class ChargeState(Struct, frozen=True, gc=False):
    """The columns of a charge's row that facts decide."""

    status: ChargeStatus
    status_at: datetime
    order_reference: str
    customer: str
    gateway_customer_id: str
    subscription_code: str
    cycle: int | None
    amount: Decimal
    currency: str
    total: Decimal | None
    fee: Decimal | None
    net: Decimal | None
    refunded_amount: Decimal
    commissions: tuple[Commission, ...]
    payment_method: str
    installments: int | None
    product_id: str
    product: str
    offer: str
    payment_url: str
    payment_code: str
    refusal_reason: str
    metadata: dict[str, str]
    simulated: bool
    created_at: datetime
    paid_at: datetime | None
    expires_at: datetime | None


class SubscriptionState(Struct, frozen=True, gc=False):
    """The columns of a subscription's row that facts decide."""

    status: SubscriptionStatus
    status_at: datetime
    customer: str
    gateway_customer_id: str
    plan: str
    plan_id: str
    product_id: str
    product: str
    price: Decimal | None
    currency: str
    period: str
    next_billing_at: datetime | None
    started_at: datetime | None
    cancelled_at: datetime | None
    simulated: bool


class OrderState(Struct, frozen=True, gc=False):
    """The columns of an order's row that its charges decide."""

    status: str
    customer: str
    amount: Decimal
    currency: str
    paid_amount: Decimal
    product_id: str
    product: str
    payment_url: str
    registered: bool
    simulated: bool
    created_at: datetime
    paid_at: datetime | None


def charge_state(told: Sequence[Told[ChargeFact]]) -> ChargeState:
    """What all the facts about one charge add up to. At least one."""
    news = relevant(told)
    facts = standing([one.fact for one in news])
    newest = facts[0]
    strongest = max(facts, key=lambda fact: strength(fact.status, fact.occurred_at))
    amount = sold_for(facts)
    refunded = refunded_amount(facts, amount)
    return ChargeState(
        status=status_after_refunds(strongest.status, facts, refunded, amount),
        status_at=strongest.occurred_at,
        order_reference=newest.order_reference,
        customer=next((one.customer for one in news if one.customer), ""),
        gateway_customer_id=gateway_customer_id(news),
        subscription_code=first(facts, SUBSCRIPTION_CODE, ""),
        cycle=first(facts, CYCLE, None),
        amount=amount,
        currency=newest.amount.currency,
        total=first(facts, TOTAL, None),
        fee=first(facts, FEE, None),
        net=first(facts, NET, None),
        refunded_amount=refunded,
        commissions=first(facts, COMMISSIONS, ()),
        payment_method=first(facts, PAYMENT_METHOD, ""),
        installments=first(facts, INSTALLMENTS, None),
        product_id=first(facts, PRODUCT_ID, ""),
        product=first(facts, PRODUCT, ""),
        offer=first(facts, OFFER, ""),
        payment_url=first(facts, PAYMENT_URL, ""),
        payment_code=first(facts, PAYMENT_CODE, ""),
        refusal_reason=first(facts, REFUSAL_REASON, ""),
        metadata=merged(facts),
        simulated=news[0].simulated,
        created_at=min(fact.created_at or fact.occurred_at for fact in facts),
        paid_at=paid_at(facts),
        expires_at=first(facts, EXPIRES_AT, None),
    )


def subscription_state(told: Sequence[Told[SubscriptionFact]]) -> SubscriptionState:
    """What all the facts about one subscription add up to. At least one."""
    news = relevant(told)
    facts = [one.fact for one in news]
    decisive = max(facts, key=subscription_strength)
    status = decisive.status or SubscriptionStatus.ACTIVE
    price = first(facts, PRICE, None)
    return SubscriptionState(
        status=status,
        status_at=decisive.occurred_at,
        customer=next((one.customer for one in news if one.customer), ""),
        gateway_customer_id=gateway_customer_id(news),
        plan=first(facts, PLAN, ""),
        plan_id=first(facts, PLAN_ID, ""),
        product_id=first(facts, PRODUCT_ID, ""),
        product=first(facts, PRODUCT, ""),
        price=price.amount if price else None,
        currency=price.currency if price else "",
        period=first(facts, PERIOD, ""),
        next_billing_at=first(facts, NEXT_BILLING_AT, None),
        started_at=min((fact.started_at for fact in facts if fact.started_at), default=None),
        cancelled_at=cancelled_at(facts) if status is SubscriptionStatus.CANCELLED else None,
        simulated=news[0].simulated,
    )


def cancelled_at(newest_first: Sequence[SubscriptionFact]) -> datetime:
    """When a subscription that stands cancelled was: one that is read later is no later.

    The newest time that the gateway gives since it last ran, else the earliest that we saw.
    """
    found = []
    for fact in newest_first:
        if fact.status is SubscriptionStatus.CANCELLED:
            found.append(fact)
        elif fact.status is not None and found:
            break
    dated = next((fact for fact in found if not fact.is_dated_by_us), found[-1])
    return dated.cancelled_at or dated.occurred_at


def relevant(told: Sequence[Told[F]]) -> Sequence[Told[F]]:
    """Newest first; where a gateway has spoken, what a simulation said does not count."""
    if len(told) == 1:
        return told
    real = [one for one in told if not one.simulated] or told
    return sorted(real, key=lambda one: (one.fact.occurred_at, one.text), reverse=True)


def standing(facts: list[ChargeFact]) -> list[ChargeFact]:
    """Without the payments that were told by mistake and undone since."""
    undone = max((fact.occurred_at for fact in facts if fact.undoes_payment), default=None)
    if undone is None:
        return facts
    return [f for f in facts if f.status not in COLLECTED or f.occurred_at > undone]


def gateway_customer_id(news: Iterable[Told[Any]]) -> str:
    """The newest id that the gateway gave the buyer."""
    return next((one.gateway_customer_id for one in news if one.gateway_customer_id), "")


def first(facts: Sequence[F], get: Callable[[F], Any], default: Any) -> Any:
    """The newest value that was told: a later silence does not unsay it."""
    for fact in facts:
        if (value := get(fact)) is not None and value != default:
            return value
    return default


def merged(facts: Sequence[ChargeFact]) -> dict[str, str]:
    """What was told beside, the newest of each name: one way to learn of a sale tells more."""
    told: dict[str, str] = {}
    for fact in reversed(facts):
        told |= fact.metadata
    return told


def sold_for(newest_first: Sequence[ChargeFact]) -> Decimal:
    """What was sold for: news of money that went back, without the price, does not unsay it."""
    return next((fact.amount.amount for fact in newest_first if fact.amount.amount), ZERO)


def refunded_amount(facts: Sequence[ChargeFact], amount: Decimal) -> Decimal:
    """What was given back: the sum of distinct refunds or the largest running total told."""
    told = [fact for fact in facts if fact.refunded_amount or fact.status in RETURNED]
    if not told:
        return ZERO
    refunds: dict[str, Decimal] = {}
    for fact in told:
        value = amount if fact.refunded_amount is None else fact.refunded_amount
        refunds[fact.refund_id] = max(value, refunds.get(fact.refund_id, ZERO))
    running_total = refunds.pop("", ZERO)
    return max(running_total, sum(refunds.values(), start=ZERO))


def status_after_refunds(
    status: ChargeStatus, facts: Sequence[ChargeFact], refunded: Decimal, amount: Decimal
) -> ChargeStatus:
    """The refunds that a later "paid" would hide: part of the money back, or all of it.

    Some gateways say that part went back and not how much.
    """
    if status not in COLLECTED:
        return status
    if refunded and refunded >= amount:
        return ChargeStatus.REFUNDED
    partly = refunded or any(fact.status is ChargeStatus.PARTIALLY_REFUNDED for fact in facts)
    if partly and status is not ChargeStatus.DISPUTED:
        return ChargeStatus.PARTIALLY_REFUNDED
    return status


def paid_at(facts: Sequence[ChargeFact]) -> datetime | None:
    """When the money came: the earliest time that any fact gives for it."""
    return min(
        (
            fact.paid_at or fact.occurred_at
            for fact in facts
            if fact.paid_at or fact.status is ChargeStatus.PAID
        ),
        default=None,
    )


def subscription_strength(fact: SubscriptionFact) -> tuple[bool, datetime, int]:
    """Order the facts about one subscription; facts that name no status decide nothing."""
    place = SUBSCRIPTION_PLACES[fact.status] if fact.status else -1
    return fact.status is not None, fact.occurred_at, place


def order_state(
    charges: Mapping[str, ChargeState],
    told: Sequence[Told[OrderFact]] = (),
    *,
    has_access: bool,
) -> OrderState:
    """What the charges of one order, by their ids, and what was told of it itself add up to.

    One of both at least. ``has_access``: the buyer was given what the order pays for.
    """
    if not charges:
        return registered_state(told)
    state = charged_state(charges, has_access=has_access)
    if not told:
        return state
    own = registered_state(told)
    return msgspec.structs.replace(
        state,
        status=own.status if state.status == "pending" else state.status,
        customer=state.customer or own.customer,
        product_id=state.product_id or own.product_id,
        product=state.product or own.product,
        registered=True,
        created_at=min(state.created_at, own.created_at),
    )


def registered_state(told: Sequence[Told[OrderFact]]) -> OrderState:
    """An order that nothing was collected for yet."""
    news = relevant(told)
    facts = [one.fact for one in news]
    amount = first(facts, AMOUNT, None)
    is_cancelled = facts[0].status is OrderStatement.CANCELLED
    return OrderState(
        status="cancelled" if is_cancelled else "pending",
        customer=next((one.customer for one in news if one.customer), ""),
        amount=amount.amount if amount else ZERO,
        currency=amount.currency if amount else "",
        paid_amount=ZERO,
        product_id=first(facts, PRODUCT_ID, ""),
        product=first(facts, PRODUCT, ""),
        payment_url="",
        registered=True,
        simulated=news[0].simulated,
        created_at=min(fact.occurred_at for fact in facts),
        paid_at=None,
    )


def charged_state(charges: Mapping[str, ChargeState], *, has_access: bool) -> OrderState:
    """What the charges of one order, by their ids, add up to."""
    ordered = sorted(charges.items(), key=lambda item: (item[1].created_at, item[0]))
    real = [charge for _, charge in ordered if not charge.simulated]
    real = real or [charge for _, charge in ordered]
    status = order_status({charge.status for charge in real})
    settled = [charge for charge in real if charge.status in COLLECTED or charge.status in RETURNED]
    main = (settled or real)[0]
    return OrderState(
        status="active" if status == "paid" and has_access else status,
        customer=next((charge.customer for charge in reversed(real) if charge.customer), ""),
        amount=order_amount(real),
        currency=main.currency,
        paid_amount=sum(
            (c.amount - c.refunded_amount for c in real if c.status in COLLECTED), start=ZERO
        ),
        product_id=main.product_id,
        product=main.product,
        payment_url=next(
            (c.payment_url for c in real if c.payment_url and status == "pending"), ""
        ),
        registered=False,
        simulated=main.simulated,
        created_at=min(charge.created_at for charge in real),
        paid_at=min((charge.paid_at for charge in real if charge.paid_at), default=None),
    )


def order_status(charges: set[ChargeStatus]) -> str:
    """Paid while any charge is; given back when what was paid was; else what awaits payment."""
    if charges & COLLECTED:
        return "paid"
    if ChargeStatus.CHARGED_BACK in charges:
        return "charged_back"
    if ChargeStatus.REFUNDED in charges:
        return "refunded"
    if charges - ENDED:
        return "pending"
    return "expired" if ChargeStatus.EXPIRED in charges else "cancelled"


def order_amount(charges: Sequence[ChargeState]) -> Decimal:
    """The sum over what was bought: a second attempt to collect one thing adds nothing.

    A charge that was told without its product is an attempt at the first one.
    """
    main = next((charge.product_id for charge in charges if charge.product_id), "")
    by_product: dict[str, list[ChargeState]] = defaultdict(list)
    for charge in charges:
        by_product[charge.product_id or main].append(charge)
    return sum((line_amount(line) for line in by_product.values()), start=ZERO)


def line_amount(charges: Sequence[ChargeState]) -> Decimal:
    """What one product was sold for: all that was collected, else the largest attempt."""
    settled = [c.amount for c in charges if c.status in COLLECTED or c.status in RETURNED]
    return sum(settled, start=ZERO) if settled else max(c.amount for c in charges)
