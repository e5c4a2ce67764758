"""What Asaas sends, as typed structs. Unknown fields are left out.

Source: docs.asaas.com, "Eventos para cobranças", "Eventos para assinaturas", and the models of
its API; webhooks and the API send the same objects.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from recibo.gateways.errors import PayloadError

Code = Annotated[str, Meta(min_length=1, max_length=200)]
#: The seller's own reference. Long ones fit, endless ones would not be storable as a key.
Reference = Annotated[str, Meta(max_length=500)]
Count = Annotated[int, Meta(ge=0, le=10_000)]

ABSENT = Raw(b"null")


class HeadlinePayment(Struct):
    id: Code


class Headline(Struct):
    """The little that tells which news this is. Events before March 2024 have no id."""

    event: Code
    id: Code | None = None
    payment: HeadlinePayment | None = None


class Notice(Struct, rename="camel"):
    """The envelope. What it is about stands under the name of its kind."""

    event: Code
    date_created: str
    payment: Raw = ABSENT
    subscription: Raw = ABSENT


class Refund(Struct, rename="camel"):
    """It has no id, and its status is DONE only when the money went back."""

    status: str
    value: Decimal
    date_created: str | None = None
    effective_date: str | None = None


class Chargeback(Struct, rename="camel"):
    status: str | None = None
    dispute_status: str | None = None
    dispute_start_date: str | None = None


class Payment(Struct, rename="camel"):
    """One collection: a single sale, one instalment, or one cycle of a subscription."""

    id: Code
    status: Code
    value: Decimal  # what is, or was, paid
    net_value: Decimal | None = None  # an estimate until it is paid
    original_value: Decimal | None = None  # the price, where interest and fine came on top
    customer: Code | None = None
    subscription: Code | None = None
    installment: Code | None = None
    installment_number: Count | None = None
    external_reference: Reference | None = None
    payment_link: str | None = None
    description: str | None = None
    billing_type: str | None = None
    invoice_url: str | None = None
    deleted: bool | None = None  # the status stays as it was
    date_created: str | None = None
    due_date: str | None = None
    original_due_date: str | None = None
    confirmed_date: str | None = None
    client_payment_date: str | None = None
    payment_date: str | None = None  # the balance came: a month later for a card
    credit_date: str | None = None
    refunds: list[Refund] | None = None
    chargeback: Chargeback | None = None


class Subscription(Struct, rename="camel"):
    """A schedule of charges. Its dates begin with the day."""

    id: Code
    status: Code
    value: Decimal
    customer: Code | None = None
    cycle: str | None = None
    description: str | None = None
    deleted: bool | None = None
    date_created: str | None = None
    next_due_date: str | None = None


class Removal(Struct):
    """The answer to a removal."""

    id: Code
    deleted: bool


class Page(Struct, rename="camel"):
    """A page of any list. The things in it stay as they came."""

    data: list[Raw]
    has_more: bool = False


class Customer(Struct, rename="camel"):
    """A buyer, as the API tells of one."""

    id: Code
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    cpf_cnpj: str | None = None
    date_created: str | None = None


T = TypeVar("T")

HEADLINE = msgspec.json.Decoder(Headline)
NOTICE = msgspec.json.Decoder(Notice)
PAYMENT = msgspec.json.Decoder(Payment)
SUBSCRIPTION = msgspec.json.Decoder(Subscription)
CUSTOMER = msgspec.json.Decoder(Customer)
REMOVAL = msgspec.json.Decoder(Removal)
PAGE = msgspec.json.Decoder(Page)

#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")

#: No sale costs as much.
LARGEST_AMOUNT = Decimal(10) ** 10


def whole(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a body, without NUL characters, which PostgreSQL stores in no text.

    A description with a stray NUL is no reason to fail a sale. Raises PayloadError.
    """
    # A search for one byte is ten times as fast, and mostly it ends there.
    if b"\\" in body and b"\\u0000" in body:
        body = ESCAPES.sub(lambda found: found[1] or b"", body)
    return decode(decoder, body, "the body")


def decode(decoder: msgspec.json.Decoder[T], text: bytes | Raw, what: str) -> T:
    """Decode. Raises PayloadError: malformed, too deep, a field missing or of another type."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"asaas: {what}: {error}") from error


def amount(value: Decimal, field: str) -> Decimal:
    """An amount in reais. Raises PayloadError for what cannot be: negative, endless, absurd."""
    try:
        if 0 <= value < LARGEST_AMOUNT:
            return value
    except InvalidOperation:  # not a number
        pass
    raise PayloadError(f"asaas: {field} is not an amount of money")
