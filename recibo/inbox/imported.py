"""What is brought in from elsewhere: one row of a file of history, as an event.

Rows enter by the same door as a gateway's news, as events of the account ``import/default``. The
body is the row as JSON; what its types mean is said in docs/metrics.md.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec
from msgspec import Struct

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    LeadFact,
    Money,
    PaymentMethod,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

#: The gateway of imported events: it has no webhooks and no API.
SLUG = "import"
#: Where mail cannot go (RFC 2606): the address of a buyer who is known by a number only.
NOWHERE = "import.invalid"


class RowType(StrEnum):
    """What a row tells."""

    TRIAL_STARTED = "trial_started"
    PAYMENT_APPROVED = "payment_approved"
    CHARGE_DECLINED = "charge_declined"
    CHARGE_EXPIRED = "charge_expired"
    PLAN_SWITCHED = "plan_switched"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_UNDONE = "cancellation_undone"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    CART_ABANDONED = "cart_abandoned"


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row. "" and None mean that the file does not say."""

    event_id: str
    type: RowType
    occurred_at: datetime
    received_at: datetime
    customer_id: str
    customer_email: str = ""
    customer_name: str = ""
    subscription_id: str = ""
    charge_id: str = ""
    charge_created_at: datetime | None = None
    kind: str = ""  # subscription, one_off
    product: str = ""
    plan: str = ""
    interval: Period | None = None
    currency: str = "BRL"
    amount: Decimal | None = None
    charged_total: Decimal | None = None
    installments: int | None = None
    recurring_price: Decimal | None = None
    method: PaymentMethod | None = None
    paid_through: datetime | None = None
    note: str = ""


DECODER = msgspec.json.Decoder(Row)

EVENTS = {
    RowType.TRIAL_STARTED: EventType.SUBSCRIPTION_CREATED,
    RowType.PAYMENT_APPROVED: EventType.CHARGE_PAID,
    RowType.CHARGE_DECLINED: EventType.CHARGE_FAILED,
    RowType.CHARGE_EXPIRED: EventType.CHARGE_EXPIRED,
    RowType.PLAN_SWITCHED: EventType.SUBSCRIPTION_PLAN_CHANGED,
    RowType.CANCELLATION_REQUESTED: EventType.SUBSCRIPTION_CANCELLED,
    RowType.CANCELLATION_UNDONE: EventType.SUBSCRIPTION_REACTIVATED,
    RowType.REFUND: EventType.CHARGE_REFUNDED,
    RowType.CHARGEBACK: EventType.CHARGE_CHARGED_BACK,
    RowType.CART_ABANDONED: EventType.CART_ABANDONED,
}
#: What a row says of its charge.
CHARGE_STATUSES = {
    RowType.PAYMENT_APPROVED: ChargeStatus.PAID,
    RowType.CHARGE_DECLINED: ChargeStatus.FAILED,
    RowType.CHARGE_EXPIRED: ChargeStatus.EXPIRED,
    RowType.REFUND: ChargeStatus.PARTIALLY_REFUNDED,  # wholly, once all of it went back
    RowType.CHARGEBACK: ChargeStatus.CHARGED_BACK,
}
RETURNS = frozenset({RowType.REFUND, RowType.CHARGEBACK})
#: What a row says of its subscription.
SUBSCRIPTION_STATUSES = {
    RowType.TRIAL_STARTED: SubscriptionStatus.TRIAL,
    RowType.PAYMENT_APPROVED: SubscriptionStatus.ACTIVE,
    RowType.PLAN_SWITCHED: None,
    RowType.CANCELLATION_REQUESTED: SubscriptionStatus.CANCELLED,
    RowType.CANCELLATION_UNDONE: SubscriptionStatus.ACTIVE,
}


def request_of(row: Row) -> RawRequest:
    """A row as it enters the inbox."""
    return RawRequest({}, msgspec.json.encode(row))


def read(request: RawRequest) -> Row:
    """The row of an event. Raises PayloadError."""
    try:
        return DECODER.decode(request.body)
    except msgspec.MsgspecError as error:
        raise PayloadError(f"This is not a row of history: {error}") from error


def identify(request: RawRequest) -> Identity:
    """The row's own id: the same row twice is one event. Raises PayloadError."""
    row = read(request)
    return Identity(row.event_id, row.type.value, EVENTS[row.type], row.charge_id)


def parse(request: RawRequest) -> list[Fact]:
    """What a row tells. Raises PayloadError."""
    row = read(request)
    told: tuple[Callable[[Row], Fact | None], ...] = (charge_fact, subscription_fact, cart_fact)
    return [fact for tell in told if (fact := tell(row)) is not None]


def customer_of(row: Row) -> CustomerFact:
    """The buyer: by e-mail, else by the number that the file has."""
    written = row.customer_email or row.customer_id
    email = written if "@" in written else f"{written}@{NOWHERE}"
    return CustomerFact(email=email.lower(), name=row.customer_name, gateway_id=row.customer_id)


def product_of(row: Row) -> ProductFact:
    """What was sold; the file has names only."""
    return ProductFact(id=row.product, name=row.product)


def charge_fact(row: Row) -> ChargeFact | None:
    """What a row says of its charge. What a refund row's amount is, is not the sale's."""
    if (status := CHARGE_STATUSES.get(row.type)) is None:
        return None
    is_return = row.type in RETURNS
    amount = Decimal(0) if is_return or row.amount is None else row.amount
    return ChargeFact(
        charge_id=row.charge_id,
        status=status,
        occurred_at=row.occurred_at,
        amount=Money(amount, row.currency),
        order_reference=row.charge_id,
        customer=customer_of(row),
        product=product_of(row),
        total=row.charged_total,
        payment_method=row.method,
        installments=row.installments,
        created_at=row.charge_created_at,
        paid_at=row.occurred_at if status is ChargeStatus.PAID else None,
        refund_id=row.event_id if is_return else "",
        refunded_amount=row.amount if is_return else None,
        subscription_code=row.subscription_id,
    )


def subscription_fact(row: Row) -> SubscriptionFact | None:
    """What a row says of its subscription."""
    if not row.subscription_id or row.type not in SUBSCRIPTION_STATUSES:
        return None
    is_cancelled = row.type is RowType.CANCELLATION_REQUESTED
    price = row.recurring_price
    return SubscriptionFact(
        code=row.subscription_id,
        occurred_at=row.occurred_at,
        status=SUBSCRIPTION_STATUSES[row.type],
        customer=customer_of(row),
        product=product_of(row),
        plan=row.plan,
        price=None if price is None else Money(price, row.currency),
        period=row.interval,
        next_billing_at=row.paid_through,
        cancelled_at=row.occurred_at if is_cancelled else None,
    )


def cart_fact(row: Row) -> LeadFact | None:
    """Something left at a checkout."""
    if row.type is not RowType.CART_ABANDONED:
        return None
    return LeadFact(
        occurred_at=row.occurred_at,
        customer=customer_of(row),
        product=product_of(row),
        left_cart=True,
    )
