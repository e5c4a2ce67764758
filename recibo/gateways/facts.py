"""The vocabulary: what any gateway can tell us, in one set of words.

A *fact* is one thing a gateway said about one charge, subscription or cart, at one moment of the
gateway's own clock. Gateways translate their payloads into facts; everything after them reads
facts only. Money is a decimal amount in major units with an ISO 4217 currency; times are
timezone-aware UTC.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

# ``gc=False`` below: facts hold no cycles, and thousands of them a second would keep Python's
# collector busy.

#: Currencies whose amounts have no minor unit (ISO 4217, exponent 0).
WITHOUT_CENTS = frozenset({"CLP", "JPY", "KRW", "PYG", "VND"})


class EventType(StrEnum):
    """What an event is about, whichever gateway sent it."""

    CHARGE_CREATED = "charge.created"  # someone is expected to pay: boleto printed, Pix waiting
    CHARGE_UPDATED = "charge.updated"  # a detail changed, or the gateway repeats what we know
    CHARGE_AUTHORIZED = "charge.authorized"  # money reserved on the card, not yet taken
    CHARGE_PAID = "charge.paid"
    CHARGE_OVERDUE = "charge.overdue"  # a renewal's due date passed without payment
    CHARGE_FAILED = "charge.failed"  # refused by the bank or the risk analysis
    CHARGE_CANCELLED = "charge.cancelled"
    CHARGE_EXPIRED = "charge.expired"  # boleto or Pix that nobody paid
    CHARGE_DISPUTED = "charge.disputed"  # refund asked for, or a dispute that is still open
    CHARGE_REFUNDED = "charge.refunded"
    CHARGE_PARTIALLY_REFUNDED = "charge.partially_refunded"
    CHARGE_CHARGED_BACK = "charge.charged_back"  # taken back by the card's bank
    PAYMENT_RECEIVED = "payment.received"  # the money of a paid charge became available
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_ACTIVATED = "subscription.activated"
    SUBSCRIPTION_PAST_DUE = "subscription.past_due"
    SUBSCRIPTION_PLAN_CHANGED = "subscription.plan_changed"
    SUBSCRIPTION_BILLING_DATE_CHANGED = "subscription.billing_date_changed"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    SUBSCRIPTION_REACTIVATED = "subscription.reactivated"
    ORDER_REGISTERED = "order.registered"  # by the seller's own systems
    ORDER_CANCELLED = "order.cancelled"  # likewise: no longer expected to be paid
    CART_ABANDONED = "cart.abandoned"
    MEMBER_FIRST_ACCESS = "member.first_access"
    MEMBER_MODULE_COMPLETED = "member.module_completed"
    UNKNOWN = "unknown"  # kept, counted, shown and ignored until a parser understands it

    @property
    def is_critical(self) -> bool:
        """Whether money moved or access depends on it: such news is processed first."""
        return self in CRITICAL


CRITICAL = frozenset(
    {
        EventType.CHARGE_PAID,
        EventType.CHARGE_REFUNDED,
        EventType.CHARGE_PARTIALLY_REFUNDED,
        EventType.CHARGE_CHARGED_BACK,
        EventType.CHARGE_CANCELLED,
        EventType.SUBSCRIPTION_CANCELLED,
    }
)


class ChargeStatus(StrEnum):
    """Where one attempt to collect money stands."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    OVERDUE = "overdue"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DISPUTED = "disputed"
    PARTIALLY_REFUNDED = "partially_refunded"  # derived from refunded amounts, see billing
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


class SubscriptionStatus(StrEnum):
    """Where a subscription stands."""

    TRIAL = "trial"  # running, nothing paid yet
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELLED = "cancelled"  # nothing more will be collected; what is paid stays paid
    EXPIRED = "expired"


class Period(StrEnum):
    """How often a subscription collects."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    BIMONTHLY = "bimonthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"


#: Usual length of each period in days, to recognise it from two dates.
DAYS = {
    Period.WEEKLY: 7,
    Period.MONTHLY: 30,
    Period.BIMONTHLY: 61,
    Period.QUARTERLY: 91,
    Period.SEMIANNUAL: 182,
    Period.ANNUAL: 365,
}


class PaymentMethod(StrEnum):
    """How the buyer pays."""

    CARD = "card"
    PIX = "pix"
    BOLETO = "boleto"
    PAYPAL = "paypal"
    WALLET = "wallet"  # a balance kept at a gateway or a phone's wallet
    BANK_TRANSFER = "bank_transfer"
    BANK_DEBIT = "bank_debit"
    CASH = "cash"
    FINANCING = "financing"
    MIXED = "mixed"
    OTHER = "other"


class Money(Struct, frozen=True, gc=False):
    """An amount in major units (reais, not centavos) with its ISO 4217 currency."""

    amount: Decimal
    currency: str

    @classmethod
    def from_cents(cls, cents: int, currency: str) -> "Money":
        """Money from minor units: ``from_cents(9790, "BRL")`` is R$ 97,90."""
        exponent = 0 if currency in WITHOUT_CENTS else 2
        return cls(Decimal(cents).scaleb(-exponent), currency)


class Commission(Struct, frozen=True, gc=False, omit_defaults=True):
    """The share of one party in a sale, as far as the gateway lets us see it."""

    source: str  # the gateway's word: MARKETPLACE, PRODUCER, COPRODUCER, AFFILIATE …
    amount: Decimal
    currency: str
    name: str = ""


class CustomerFact(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a gateway knows of a buyer. An empty string means it did not say."""

    email: str = ""
    name: str = ""
    phone: str = ""
    document: str = ""  # CPF, CNPJ or a foreign document, as it was given
    gateway_id: str = ""  # the gateway's own id of the buyer


class ProductFact(Struct, frozen=True, gc=False, omit_defaults=True):
    """What was sold, in the gateway's own ids."""

    id: str = ""
    name: str = ""
    offer: str = ""


class ChargeFact(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One thing a gateway said about one charge."""

    charge_id: str
    status: ChargeStatus
    occurred_at: datetime  # the gateway's clock
    amount: Money  # what was sold for: without interest or tax that the buyer pays on top
    order_reference: str  # the sale that the charge collects for
    customer: CustomerFact | None = None
    product: ProductFact = ProductFact()
    total: Decimal | None = None  # what the buyer pays in all, interest and tax included
    fee: Decimal | None = None  # the gateway's share, in the charge's currency
    net: Decimal | None = None  # the seller's share, in the charge's currency
    commissions: tuple[Commission, ...] = ()
    payment_method: PaymentMethod | None = None
    installments: int | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    expires_at: datetime | None = None  # when an unpaid boleto or Pix lapses
    payment_url: str = ""  # where the buyer can pay
    payment_code: str = ""  # the boleto's line or the Pix code to copy
    refusal_reason: str = ""
    undoes_payment: bool = False  # what was told paid until now was a mistake, not a refund
    refund_id: str = ""  # with refunded_amount: one refund; without: a running total
    refunded_amount: Decimal | None = None
    subscription_code: str = ""
    cycle: int | None = None  # 1 for the first collection of a subscription
    metadata: dict[str, str] = {}
    is_dated_by_us: bool = False  # the gateway tells no time: occurred_at comes from our reading


class SubscriptionFact(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One thing a gateway said about one subscription. None or "" means it did not say."""

    code: str
    occurred_at: datetime
    status: SubscriptionStatus | None = None
    customer: CustomerFact | None = None
    product: ProductFact = ProductFact()
    plan: str = ""
    plan_id: str = ""
    price: Money | None = None  # per period
    period: Period | None = None
    next_billing_at: datetime | None = None
    started_at: datetime | None = None
    cancelled_at: datetime | None = None
    is_dated_by_us: bool = False  # as of a charge


class LeadFact(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Somebody showed up without a charge: an abandoned cart, a first log-in, a finished module."""

    occurred_at: datetime
    customer: CustomerFact
    product: ProductFact = ProductFact()
    detail: str = ""
    left_cart: bool = False
    cart_url: str = ""  # where the buyer can go on


class OrderStatement(StrEnum):
    """What the seller's own systems say of an order."""

    AWAITED = "awaited"  # registered: somebody is expected to pay
    CANCELLED = "cancelled"  # nobody is any more


class OrderFact(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One thing the seller's own systems said about one order, with or before its charges."""

    order_reference: str
    status: OrderStatement
    occurred_at: datetime
    amount: Money | None = None
    customer: CustomerFact | None = None
    product: ProductFact = ProductFact()


Fact = ChargeFact | SubscriptionFact | LeadFact | OrderFact


def from_milliseconds(value: int) -> datetime:
    """UTC time from an epoch in milliseconds; exact to the millisecond for centuries."""
    return datetime.fromtimestamp(value / 1000, UTC)
