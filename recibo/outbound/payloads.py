"""What receivers get: the types of changes, and the shape of each, version 1.

A field is added when there is need, and never renamed or taken away: that would be version 2, told
by ``version``. All texts that a gateway may make as long as it likes are cut, so a message stays
below 20 kB.
"""

from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from recibo.gateways.facts import ChargeStatus, SubscriptionStatus

VERSION = 1

Amount = Annotated[
    str, Meta(pattern=r"^-?\d+\.\d{2}$", description="In major units of the currency: 1500.00.")
]
Moment = Annotated[datetime, Meta(tz=True)]
Status = Annotated[str, Meta(description="A word of the list below; new ones may come.")]


class Buyer(Struct, frozen=True):
    """Who bought: as known when the message is sent, with the seller's corrections."""

    id: int
    email: str
    name: str


class Product(Struct, frozen=True):
    """What was sold, in the gateway's own ids; "" where it did not say."""

    id: str
    name: str


class OrderName(Struct, frozen=True):
    """The order that a charge collects for."""

    id: int
    reference: str


class OrderData(Struct, frozen=True, kw_only=True):
    """An order: what a buyer bought."""

    id: int
    reference: str
    status: Status
    previous_status: str | None
    gateway: str
    account: str
    amount: Amount
    paid_amount: Amount
    currency: str
    product: Product
    customer: Buyer | None = None
    created_at: Moment
    paid_at: Moment | None
    event_id: int | None


class ChargeData(Struct, frozen=True, kw_only=True):
    """A charge: one attempt to collect money."""

    id: int
    gateway_charge_id: str
    status: Status
    previous_status: str | None
    gateway: str
    account: str
    order: OrderName
    subscription_code: str | None
    cycle: int | None
    amount: Amount
    refunded_amount: Amount
    fee: Amount | None
    net: Amount | None
    currency: str
    payment_method: str | None
    installments: int | None
    product: Product
    offer: str
    customer: Buyer | None = None
    refusal_reason: str
    created_at: Moment
    paid_at: Moment | None
    expires_at: Moment | None
    event_id: int | None


class SubscriptionData(Struct, frozen=True, kw_only=True):
    """A subscription: an agreement to collect again and again."""

    id: int
    subscriber_code: str
    status: Status
    previous_status: str | None
    gateway: str
    account: str
    plan: str
    plan_id: str
    product: Product
    price: Amount | None
    currency: str | None
    period: str | None
    customer: Buyer | None = None
    next_billing_at: Moment | None
    started_at: Moment | None
    cancelled_at: Moment | None
    event_id: int | None


class AccessData(Struct, frozen=True, kw_only=True):
    """An access to one of the seller's applications, as the application knows it."""

    access_id: str
    status: Status
    application: str
    product: Product
    plan: str
    order: OrderName | None
    reason: str
    valid_until: Moment | None
    customer: Buyer | None = None


class CartData(Struct, frozen=True, kw_only=True):
    """Something left at a checkout."""

    product: Product
    url: str
    customer: Buyer | None = None
    event_id: int | None


class TestData(Struct, frozen=True, kw_only=True):
    """Nothing but a try of the connection."""

    endpoint_id: int


Data = OrderData | ChargeData | SubscriptionData | AccessData | CartData | TestData


class Described(NamedTuple):
    """A type of message: when it is sent, and the shape of its ``data``."""

    meaning: str
    shape: type[Struct]


#: Every type of message there is.
CATALOGUE: dict[str, Described] = {
    "order.created": Described("Somebody is expected to pay.", OrderData),
    "order.reopened": Described("It had ended, and can be paid after all.", OrderData),
    "order.paid": Described("One of its charges is paid.", OrderData),
    "order.active": Described("Paid, and access is given to all that it is for.", OrderData),
    "order.refunded": Described("Its money was given back.", OrderData),
    "order.charged_back": Described("Its money was taken back by the card's bank.", OrderData),
    "order.cancelled": Described("It is no longer expected to be paid.", OrderData),
    "order.expired": Described("The time to pay it is over.", OrderData),
    "charge.created": Described("A boleto was printed, a Pix waits, a card is tried.", ChargeData),
    "charge.updated": Described("It is open again; `previous_status` was a mistake.", ChargeData),
    "charge.authorized": Described("Money is reserved on the card, not yet taken.", ChargeData),
    "charge.paid": Described("The money came: of a sale, or of a renewal.", ChargeData),
    "charge.overdue": Described("Its due date passed without payment.", ChargeData),
    "charge.failed": Described("The bank or the risk analysis refused it.", ChargeData),
    "charge.cancelled": Described("Nobody is to pay it any more.", ChargeData),
    "charge.expired": Described("A boleto or Pix that nobody paid.", ChargeData),
    "charge.disputed": Described("A refund is asked for, or a dispute is open.", ChargeData),
    "charge.partially_refunded": Described("A part was given back.", ChargeData),
    "charge.refunded": Described("All of it was given back.", ChargeData),
    "charge.charged_back": Described("The card's bank took it back.", ChargeData),
    "subscription.created": Described(
        "It began, with nothing paid yet: a trial.", SubscriptionData
    ),
    "subscription.activated": Described("It is paid for, for the first time.", SubscriptionData),
    "subscription.past_due": Described("A renewal is late.", SubscriptionData),
    "subscription.paused": Described("Nothing is collected for a while.", SubscriptionData),
    "subscription.cancelled": Described(
        "Nothing more will be collected; what is paid stays paid.", SubscriptionData
    ),
    "subscription.expired": Described("It came to its end.", SubscriptionData),
    "subscription.reactivated": Described(
        "It runs again: the late renewal came, or it was taken up again.", SubscriptionData
    ),
    "access.granted": Described("The application let the buyer in for the first time.", AccessData),
    "access.blocked": Described("The application took the access away.", AccessData),
    "access.restored": Described("The application gave it back.", AccessData),
    "cart.abandoned": Described("Somebody left the checkout without paying.", CartData),
    "endpoint.test": Described("Somebody tries the connection; only sent when asked.", TestData),
}

#: As in billing, whose models need a database to be read.
ORDER_STATUSES = (
    "pending",
    "paid",
    "active",
    "refunded",
    "charged_back",
    "cancelled",
    "expired",
)
#: The words of ``status``, by the shape.
STATUSES: dict[type[Struct], tuple[str, ...]] = {
    OrderData: ORDER_STATUSES,
    ChargeData: tuple(ChargeStatus),
    SubscriptionData: tuple(SubscriptionStatus),
    AccessData: ("granted", "blocked", "restored"),
}
SHAPES: tuple[type[Struct], ...] = get_args(Data)


class Message(Struct, frozen=True, kw_only=True):
    """What is posted, and what ``/api/changes`` lists."""

    type: str
    timestamp: Moment  # of the change, in UTC
    id: str  # as in the header webhook-id: the same over all tries
    version: int
    data: Any


def message(kind: str, key: str, at: datetime, data: Struct, *, version: int = VERSION) -> Message:
    """A message of the catalogue."""
    return Message(type=kind, timestamp=at, id=key, version=version, data=data)


def encoded(one: Message) -> bytes:
    """The bytes that are signed and sent."""
    return msgspec.json.encode(one)
