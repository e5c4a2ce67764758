"""From an order to what it says of its charge. An order is one attempt to collect, so it is both.

AppMax dates payments, refunds and expiries, and nothing else. What it does not date is taken as of
the latest time that the order tells, which keeps the order of things: a dispute then is not
older than the payment, and a dispute that was won is a second newer than the dispute.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from recibo.gateways.appmax.orders import Order
from recibo.gateways.appmax.words import (
    BORNE_OUT,
    DECIDED,
    EVENTS,
    EVENTS_OF_CHARGES,
    PAID_ONCE,
    READ,
    STATUSES,
    WON_EVENTS,
    WON_STATUS,
)
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import ChargeFact, ChargeStatus, CustomerFact, EventType, Money

ZERO = Decimal(0)
SHORTLY_AFTER = timedelta(seconds=1)

#: When an order came to its status. None: it does not say, and cannot be left to say nothing.
DATED: dict[ChargeStatus, Callable[[Order], datetime | None]] = {
    ChargeStatus.PENDING: lambda order: order.pix_created_at or order.created_at,
    ChargeStatus.AUTHORIZED: lambda order: order.created_at,
    ChargeStatus.FAILED: lambda order: order.created_at,
    # Not before the Pix that it cancels, which is dated when it was made.
    ChargeStatus.CANCELLED: lambda order: (
        order.updated_at or order.pix_created_at or order.created_at
    ),
    ChargeStatus.EXPIRED: lambda order: order.expires_at or order.updated_at or order.created_at,
    ChargeStatus.PAID: lambda order: order.paid_at,
    ChargeStatus.PARTIALLY_REFUNDED: lambda order: order.refunded_at or order.last_told,
    ChargeStatus.DISPUTED: lambda order: order.last_told,
    ChargeStatus.REFUNDED: lambda order: order.refunded_at,
    ChargeStatus.CHARGED_BACK: lambda order: order.updated_at or order.last_told,
}


def told_by_event(order: Order, word: str) -> ChargeFact | None:
    """What an event says of its order. None: too little, or two things that cannot both be true.

    Raises UnknownStatusError.
    """
    status = status_by_event(order, EVENTS_OF_CHARGES.get(word, EVENTS[word]))
    if status is None:
        return None
    return dated(order, status, is_won=word in WON_EVENTS or order.status == WON_STATUS)


def read_from_api(order: Order, news: EventType | None = None) -> ChargeFact:
    """What an order says that we asked for. ``news``: what made us ask.

    Raises UnknownStatusError, and PayloadError for an order without an amount or any time.
    """
    status = status_as_read(order, news)
    is_won = order.status == WON_STATUS
    fact = dated(order, status, is_won=is_won, at=DATED[status](order) or order.last_told)
    if fact is None:
        raise PayloadError("appmax: the order tells no amount or no time")
    return fact


def status_by_event(order: Order, event_type: EventType) -> ChargeStatus | None:
    """The event decides, the status refines. None: the status belies that money moved.

    Of an event that is about something else only the status is told.
    """
    told = known_status(order)
    if decided := DECIDED.get(event_type):
        is_lost = decided is ChargeStatus.DISPUTED and told is ChargeStatus.CHARGED_BACK
        return told if is_lost else decided
    if event_type not in BORNE_OUT:
        return told
    if told is None:
        return BORNE_OUT[event_type][0]
    return told if told in BORNE_OUT[event_type] else None


def status_as_read(order: Order, news: EventType | None) -> ChargeStatus:
    """The status decides; the news tells what it does not distinguish."""
    told = known_status(order)
    if told is None:
        raise PayloadError("appmax: the order tells no status")
    if told is ChargeStatus.PAID and (order.refunded_at or order.refunded):
        return ChargeStatus.PARTIALLY_REFUNDED
    return READ.get((news, told), told) if news else told


def known_status(order: Order) -> ChargeStatus | None:
    """None where no status is told. Raises UnknownStatusError."""
    if not order.status:
        return None
    if order.status not in STATUSES:
        raise UnknownStatusError("appmax", order.status)
    return STATUSES[order.status]


def dated(
    order: Order, status: ChargeStatus, *, is_won: bool = False, at: datetime | None = None
) -> ChargeFact | None:
    """The charge, if the order tells its amount and when that was."""
    is_won = is_won and status is ChargeStatus.PAID
    time = order.last_told if is_won else at or DATED[status](order)
    if time is None or order.total is None:
        return None
    return charge_fact(order, status, time + SHORTLY_AFTER if is_won else time)


def charge_fact(order: Order, status: ChargeStatus, at: datetime) -> ChargeFact:
    """The charge. One sold on top of another order belongs to that order."""
    total = order.total or ZERO
    refund_id, refunded = refund_of(order, status)
    return ChargeFact(
        charge_id=order.id,
        status=status,
        occurred_at=at,
        amount=Money(max(total - (order.interest or ZERO), ZERO), "BRL"),
        order_reference=order.first_order or order.id,
        customer=buyer_of(order),
        product=order.product,
        total=total,
        fee=order.fee,
        net=order.net,
        payment_method=order.payment_method,
        installments=order.installments,
        created_at=order.created_at,
        paid_at=order.paid_at if status in PAID_ONCE else None,
        expires_at=order.expires_at,
        payment_url=order.payment_url,
        payment_code=order.payment_code,
        refusal_reason=order.refusal_reason,
        refund_id=refund_id,
        refunded_amount=refunded,
        metadata=order.metadata,
    )


def buyer_of(order: Order) -> CustomerFact:
    """The buyer or, where no e-mail is told, the order by which he can be asked for."""
    return order.customer if order.customer.email else CustomerFact(gateway_id=buyer_id(order.id))


def buyer_id(order_id: str) -> str:
    """Stands for a buyer of whom only an order is known: AppMax can be asked for orders only."""
    return f"order-{order_id}"


def refund_of(order: Order, status: ChargeStatus) -> tuple[str, Decimal | None]:
    """The id and the amount of one refund, or "" and a running total; None: not told.

    ``total_refunded`` larger than ``refund_amount`` is a running total. Where they are equal this
    is the first refund, or a gateway that repeats the one: then it counts by itself.
    """
    is_part = status is ChargeStatus.PARTIALLY_REFUNDED
    if is_part and order.refund and (order.refunded or ZERO) <= order.refund:
        return f"{order.refund.normalize():f}/{order.refunded_at or ''}", order.refund
    return "", order.refunded or None
