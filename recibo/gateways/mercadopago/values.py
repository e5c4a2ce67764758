"""JSON, ids, amounts and times as Mercado Pago writes them."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import Period

Code = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
#: An id or a count: a number here, text there, and "***" where Mercado Pago hides it.
Number = int | Code | None

T = TypeVar("T")

#: Digits for payments, 32 hex digits for subscriptions, ORD01… for orders. No id needs escaping.
ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
#: A word as it is shown: topics and actions are not signed, so they may be anything.
WORD = re.compile(r"[\w.-]{1,64}", re.ASCII)
#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")

#: No sale costs as much.
LARGEST_AMOUNT = Decimal(10) ** 10
LARGEST_COUNT = 10_000

#: How often a subscription collects: unit and frequency -> the period.
PERIODS = {
    ("months", 1): Period.MONTHLY,
    ("months", 2): Period.BIMONTHLY,
    ("months", 3): Period.QUARTERLY,
    ("months", 6): Period.SEMIANNUAL,
    ("months", 12): Period.ANNUAL,
    ("days", 7): Period.WEEKLY,
    ("days", 30): Period.MONTHLY,
    ("days", 60): Period.BIMONTHLY,
    ("days", 90): Period.QUARTERLY,
    ("days", 180): Period.SEMIANNUAL,
    ("days", 365): Period.ANNUAL,
}


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a body. Raises PayloadError: malformed, too deep, a field missing or of another type.

    NUL characters, which PostgreSQL stores in no text, are left out.
    """
    if b"\\u0000" in body:
        body = ESCAPES.sub(lambda found: found[1] or b"", body)
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"mercadopago: {error}") from error


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"mercadopago: {field} is missing")


def id_text(value: Number, field: str) -> str:
    """An id as text, exact however many digits it has. Raises PayloadError."""
    if value is None or value == "":
        missing(field)
    text = str(value)
    if ID.fullmatch(text):
        return text
    raise PayloadError(f"mercadopago: {field} is not an id")


def is_id(text: str) -> bool:
    """Whether a text can be an id."""
    return bool(ID.fullmatch(text))


def word(text: str | None) -> str:
    """A word of Mercado Pago's; "" for what is none."""
    return text if text and WORD.fullmatch(text) else ""


def count(value: Number) -> int | None:
    """A number of things; None where it is hidden or absurd."""
    if isinstance(value, int) and 0 <= value <= LARGEST_COUNT:
        return value
    return None


def amount(value: Decimal, field: str) -> Decimal:
    """An amount of money. Raises PayloadError for one that cannot be: negative, endless, absurd."""
    try:
        if 0 <= value < LARGEST_AMOUNT:
            return value
    except InvalidOperation:  # not a number
        pass
    raise PayloadError(f"mercadopago: {field} is not an amount of money")


def positive(value: Decimal | None, field: str) -> Decimal | None:
    """An amount of money; None for 0, which stands for what is not known yet."""
    return amount(value, field) if value else None


def plain(value: Decimal) -> str:
    """An amount as text that does not depend on how many zeros it was written with."""
    return format(value.normalize(), "f")[:40]


def moment(value: str | None, field: str) -> datetime | None:
    """UTC time from ISO 8601 with its offset; None for null and "". Raises PayloadError."""
    if not value:
        return None
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PayloadError(f"mercadopago: {field} is not a time")


def period(unit: str | None, frequency: Number) -> Period | None:
    """How often a subscription collects; None where our words have no name for it."""
    return PERIODS.get((unit, frequency)) if unit and isinstance(frequency, int) else None
