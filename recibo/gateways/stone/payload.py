"""What Pagar.me writes: its resources, as webhooks and the API v5 send them alike.

Source: "Objetos" and "Webhooks", Pagar.me docs v5; the SDKs' models for what those leave open.
Amounts are cents. Almost everything can be absent, and an empty object can come as a list.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from recibo.gateways.errors import PayloadError

Code = Annotated[str, Meta(max_length=200)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Cents = Annotated[int, Meta(ge=0, le=10**12)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
Share = Annotated[float, Meta(ge=0, le=10**9)]  # of a discount: cents or percent
#: ISO 8601 with up to seven digits of fraction; in UTC when it names no zone.
Moment = Code | None
#: Part of a phone number or a code: text, in some integrations a number.
Text = Code | int | None


class Phone(Struct):
    country_code: Text = None
    area_code: Text = None
    number: Text = None


class Phones(Struct):
    mobile_phone: Phone | None = None
    home_phone: Phone | None = None


class Customer(Struct):
    id: Code | None = None
    name: str | None = None
    email: str | None = None
    document: str | None = None
    phones: Phones | list[Any] | None = None
    created_at: Moment = None
    updated_at: Moment = None


class Transaction(Struct):
    """The last attempt of a charge."""

    status: Code | None = None
    installments: Count | None = None
    acquirer_message: str | None = None
    url: str | None = None  # boleto
    line: str | None = None  # boleto
    due_at: Moment = None  # boleto
    qr_code: str | None = None  # Pix
    qr_code_url: str | None = None  # Pix
    expires_at: Moment = None  # Pix


class OrderOfCharge(Struct):
    id: Code | None = None
    code: Code | None = None
    metadata: Any = None


class InvoiceOfCharge(Struct):
    id: Code | None = None
    code: Code | None = None
    subscription_id: Code | None = msgspec.field(default=None, name="subscriptionId")


class Charge(Struct):
    id: Code
    status: Code
    amount: Cents
    paid_amount: Cents | None = None
    canceled_amount: Cents | None = None  # a running total
    currency: Currency | None = None
    code: Code | None = None
    payment_method: Code | None = None
    due_at: Moment = None
    paid_at: Moment = None
    canceled_at: Moment = None
    created_at: Moment = None
    updated_at: Moment = None
    recurrence_cycle: Code | None = None
    customer: Customer | None = None
    order: OrderOfCharge | None = None
    invoice: InvoiceOfCharge | None = None
    last_transaction: Transaction | None = None
    metadata: Any = None

    @property
    def transaction(self) -> Transaction:
        """The last transaction; an empty one where there is none yet."""
        return self.last_transaction or NO_TRANSACTION


class Item(Struct):
    """What an order, an invoice or a subscription holds."""

    code: Text = None
    name: str | None = None
    description: str | None = None


class Order(Struct):
    id: Code
    code: Code | None = None
    currency: Currency | None = None
    customer: Customer | None = None
    items: list[Item] | None = None
    charges: list[Charge] | None = None
    metadata: Any = None


class PricingScheme(Struct):
    price: Cents | None = None  # None: by brackets


class SubscriptionItem(Item):
    quantity: Count | None = None
    status: Code | None = None
    pricing_scheme: PricingScheme | None = None


class Adjustment(Struct):
    """A discount or an increment of a subscription."""

    value: Share = 0
    status: Code | None = None
    discount_type: Code | None = None  # flat or percentage
    increment_type: Code | None = None


class Plan(Struct):
    id: Code | None = None
    name: str | None = None


class Subscription(Struct):
    """Also the shorter one inside an invoice."""

    id: Code
    status: Code
    interval: Code | None = None
    interval_count: Count | None = None
    currency: Currency | None = None
    start_at: Moment = None
    next_billing_at: Moment = None
    canceled_at: Moment = None
    created_at: Moment = None
    updated_at: Moment = None
    customer: Customer | None = None
    plan: Plan | None = None
    items: list[SubscriptionItem] | None = None
    discounts: list[Adjustment] | None = None
    increments: list[Adjustment] | None = None


class Cycle(Struct):
    cycle: Count | None = None


class Invoice(Struct):
    id: Code
    status: Code
    code: Code | None = None
    created_at: Moment = None
    updated_at: Moment = None
    canceled_at: Moment = None
    customer: Customer | None = None
    items: list[Item] | None = None
    subscription: Subscription | None = None
    cycle: Cycle | None = None
    charge: Charge | None = None
    metadata: Any = None


class Envelope(Struct):
    """A webhook. What ``GET /hooks/{id}`` answers says ``event`` for ``type``."""

    id: Code | None = None
    type: Code | None = None
    event: Code | None = None
    created_at: Moment = None
    data: Raw = Raw(b"{}")
    encrypted_body: Any = None  # Stone's Banking API
    event_type: Any = None  # the claims inside an encrypted body


NO_TRANSACTION = Transaction()

T = TypeVar("T")

#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")


def clean(body: bytes) -> bytes:
    """The same JSON without NUL characters, which PostgreSQL stores in no text."""
    if b"\\" in body and b"\\u0000" in body:
        return ESCAPES.sub(lambda found: found[1] or b"", body)
    return body


def decode(decoder: msgspec.json.Decoder[T], text: bytes | Raw) -> T:
    """Decode. Raises PayloadError: malformed, too deep, a field missing or of another type."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"stone: {error}") from error


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"stone: {field} is missing")


def moment(value: str | None, field: str) -> datetime | None:
    """UTC time; None for null and "". Raises PayloadError, naming ``field``."""
    if not value:
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"stone: {field} is not a time") from error


def latest(source: Charge | Invoice | Subscription | Customer, *fields: str) -> datetime | None:
    """The newest of these times of a resource; None where it tells none of them."""
    times = [moment(getattr(source, field), field) for field in fields]
    return max((time for time in times if time), default=None)


def first(*values: str | None) -> str:
    """The first text that is not empty; "" if all are."""
    return next((value for value in values if value), "")


def text(value: Text) -> str:
    """A code or a number as text; "" for null."""
    return "" if value is None else str(value)
