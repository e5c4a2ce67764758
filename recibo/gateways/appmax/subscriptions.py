"""Subscriptions, as the panel's events tell them and as the API v1 does.

The panel tells the subscription's own id in half of its events, and not in those of its charges. So
there a subscription is known by what all of them tell: who buys which bundle.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from recibo.gateways.appmax.charges import SHORTLY_AFTER, charge_fact
from recibo.gateways.appmax.orders import Bundle, Customer, Order, customer_fact, product_fact
from recibo.gateways.appmax.reading import Code, Count, Json, missing, moment, read, reais, text
from recibo.gateways.appmax.words import SUBSCRIPTION_EVENTS, SUBSCRIPTION_STATUSES
from recibo.gateways.errors import UnknownStatusError
from recibo.gateways.facts import (
    DAYS,
    ChargeFact,
    ChargeStatus,
    EventType,
    Fact,
    Money,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

#: No renewal is due, let alone late, before.
SHORTEST_PERIOD = timedelta(days=DAYS[Period.WEEKLY])


class PanelDetails(Struct, frozen=True):
    id: Code = None
    total: Decimal | None = None
    created_at: str | None = None
    cancelled_at: str | None = None
    bundle: Bundle = Bundle()


class PanelSubscription(Customer, frozen=True):
    """A customer, whose id is ``data.id``, with his subscription."""

    subscription: PanelDetails = PanelDetails()


class Cycle(Struct, frozen=True):
    """One collection. ``value`` in reais; ``status`` "paid", others are told by their orders."""

    order_id: Code = None
    cycle: Count = None
    charged_at: str | None = None
    value: Decimal | None = None
    status: str = ""


class V1Subscription(Struct, frozen=True):
    """``GET /v1/subscriptions/{id}``. In reais, unlike everything else of v1."""

    id: Code
    status: str
    value: Decimal | None = None
    customer_id: Code = None
    created_at: str | None = None
    next_charge_at: str | None = None
    canceled_at: str | None = None
    paused_at: str | None = None
    charges: list[Cycle] = []


def with_order(word: str, order: Order, charge: ChargeFact | None) -> list[Fact]:
    """The facts of a subscription's event that comes with an order."""
    code = panel_code(order.customer.gateway_id, order.product)
    fact = SubscriptionFact(
        code=code,
        occurred_at=order_time(word, order),
        status=order_status(word, charge),
        customer=order.customer,
        product=order.product,
        plan=order.product.name,
        plan_id=order.product.id,
        price=Money(order.total, "BRL") if order.total else None,
        started_at=order.created_at if word == "CreatedSubscription" else None,
    )
    if charge is None:
        return [fact]
    return [replace(charge, subscription_code=code), fact]


def order_time(word: str, order: Order) -> datetime:
    """When the event happened, as far as its order tells: AppMax dates no cancellation there."""
    told = {
        SubscriptionStatus.ACTIVE: order.paid_at or order.created_at,
        SubscriptionStatus.PAST_DUE: order.created_at,
        SubscriptionStatus.CANCELLED: order.last_told and order.last_told + SHORTLY_AFTER,
    }
    return told[SUBSCRIPTION_EVENTS[word]] or missing("data.created_at")


def order_status(word: str, charge: ChargeFact | None) -> SubscriptionStatus | None:
    """What the event says; a subscription that is only created runs once its order is paid."""
    status = SUBSCRIPTION_EVENTS[word]
    is_paid = charge is not None and charge.status is ChargeStatus.PAID
    return None if status is SubscriptionStatus.ACTIVE and not is_paid else status


def panel_facts(word: str, data: Json) -> list[Fact]:
    """The fact of a subscription's event that comes with a customer. Raises PayloadError."""
    told = read(data, PanelSubscription)
    details, customer = told.subscription, customer_fact(told)
    product = product_fact([details.bundle], [])
    total = reais(details.total)
    return [
        SubscriptionFact(
            code=panel_code(customer.gateway_id, product),
            occurred_at=panel_time(word, details),
            status=SUBSCRIPTION_EVENTS[word],
            customer=customer,
            product=product,
            plan=product.name,
            plan_id=product.id,
            price=Money(total, "BRL") if total else None,
            started_at=moment(details.created_at),
            cancelled_at=moment(details.cancelled_at),
        )
    ]


def panel_time(word: str, details: PanelDetails) -> datetime:
    """When the event happened; of a delay, which AppMax does not date, the earliest it can have."""
    status = SUBSCRIPTION_EVENTS[word]
    if status is SubscriptionStatus.CANCELLED:
        return moment(details.cancelled_at) or missing("data.subscription.cancelled_at")
    started_at = moment(details.created_at) or missing("data.subscription.created_at")
    is_late = status is SubscriptionStatus.PAST_DUE
    return started_at + SHORTEST_PERIOD if is_late else started_at


def panel_code(customer_id: str, product: ProductFact) -> str:
    """Who buys which bundle. Raises PayloadError where neither is told.

    There is always a hyphen: a customer's number alone would be the id of somebody else's
    subscription in the API.
    """
    if not (customer_id or product.id):
        missing("data.customer_id")
    return f"{customer_id}-{product.id}"


def api_facts(data: Json, name: str, news: EventType | None) -> list[Fact]:
    """A subscription that we asked for, and its paid cycles. ``name``: told by the event only.

    Raises PayloadError, UnknownStatusError.
    """
    told = read(data, V1Subscription)
    code = text(told.id) or missing("data.id")
    charges = [cycle_fact(cycle, code, name) for cycle in told.charges if cycle.status == "paid"]
    return [*charges, subscription_fact(told, code, charges, name, news)]


def subscription_fact(
    told: V1Subscription, code: str, charges: list[ChargeFact], name: str, news: EventType | None
) -> SubscriptionFact:
    """How a subscription stands. The buyer is known by the latest order."""
    started_at = moment(told.created_at)
    status = status_as_read(told.status, news)
    last = max(charges, key=lambda charge: charge.occurred_at, default=None)
    running_at = last.occurred_at if last else started_at
    value = reais(told.value)
    return SubscriptionFact(
        code=code,
        occurred_at=status_time(told, status, running_at) or missing("data.created_at"),
        status=status,
        customer=last.customer if last else None,
        product=ProductFact(name=name),
        plan=name,
        price=Money(value, "BRL") if value else None,
        next_billing_at=moment(told.next_charge_at),
        started_at=started_at,
        cancelled_at=moment(told.canceled_at),
    )


def status_as_read(word: str, news: EventType | None) -> SubscriptionStatus:
    """The status decides; but AppMax calls one active whose charge just failed.

    Raises UnknownStatusError.
    """
    status = SUBSCRIPTION_STATUSES.get(word.lower())
    if status is None:
        raise UnknownStatusError("appmax", word)
    is_late = status is SubscriptionStatus.ACTIVE and news is EventType.SUBSCRIPTION_PAST_DUE
    return SubscriptionStatus.PAST_DUE if is_late else status


def status_time(
    told: V1Subscription, status: SubscriptionStatus, running_at: datetime | None
) -> datetime | None:
    """When a subscription came to its status: late since just after the last paid cycle."""
    times = {
        SubscriptionStatus.ACTIVE: running_at,
        SubscriptionStatus.PAST_DUE: running_at and running_at + SHORTLY_AFTER,
        SubscriptionStatus.PAUSED: moment(told.paused_at),
        SubscriptionStatus.CANCELLED: moment(told.canceled_at),
    }
    return times[status] or running_at


def cycle_fact(cycle: Cycle, code: str, name: str) -> ChargeFact:
    """A paid cycle: its order, as far as the subscription tells it."""
    at = moment(cycle.charged_at) or missing("data.charges.charged_at")
    order = Order(
        id=text(cycle.order_id) or missing("data.charges.order_id"),
        total=reais(cycle.value) or missing("data.charges.value"),
        paid_at=at,
        product=ProductFact(name=name),
    )
    fact = charge_fact(order, ChargeStatus.PAID, at)
    return replace(fact, subscription_code=code, cycle=cycle.cycle)
