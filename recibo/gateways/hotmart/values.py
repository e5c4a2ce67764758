"""JSON, amounts and times as Hotmart writes them."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Raw

from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import from_milliseconds

Code = Annotated[str, Meta(max_length=200)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
#: Milliseconds since 1970, in some documented samples seconds; the same as text; or ISO 8601.
Moment = int | str | None
Number = int | Code | None  # an id: a number, in some events text

T = TypeVar("T")

#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")

#: No sale costs as much.
LARGEST_AMOUNT = Decimal(10) ** 10

#: Below it an epoch counts seconds, as in some documented samples (year 5138, or March 1973).
FIRST_MILLISECONDS = 100_000_000_000


def whole(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a body. Raises PayloadError."""
    # A search for one byte is ten times as fast, and mostly it ends there.
    if b"\\" in body and b"\\u0000" in body:
        body = without_nul(body)
    return decode(decoder, body)


def decode(decoder: msgspec.json.Decoder[T], text: bytes | Raw) -> T:
    """Decode. Raises PayloadError: malformed, too deep, a field missing or of another type."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"hotmart: {error}") from error


def without_nul(body: bytes) -> bytes:
    """The same JSON without NUL characters, which PostgreSQL stores in no text.

    A buyer's name with a stray NUL is no reason to fail a sale.
    """
    return ESCAPES.sub(lambda found: found[1] or b"", body)


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"hotmart: {field} is missing")


def amount(value: Decimal, field: str) -> Decimal:
    """An amount of money. Raises PayloadError for one that cannot be: negative, endless, absurd."""
    try:
        if 0 <= value < LARGEST_AMOUNT:
            return value
    except InvalidOperation:  # not a number
        pass
    raise PayloadError(f"hotmart: {field} is not an amount of money")


def moment(value: Moment, field: str) -> datetime | None:
    """UTC time from any of the forms that Hotmart writes; None for null, 0 and "".

    Raises PayloadError, naming ``field``.
    """
    if not value:
        return None
    try:
        return from_epoch(value) if isinstance(value, int) else from_text(value.strip())
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError(f"hotmart: {field} is not a time") from error


def from_epoch(value: int) -> datetime:
    """From milliseconds or seconds since 1970."""
    return from_milliseconds(value if value >= FIRST_MILLISECONDS else value * 1000)


def from_text(value: str) -> datetime:
    """From an epoch in digits, or ISO 8601, which is in UTC when it names no zone."""
    if value.isdecimal():
        return from_epoch(int(value))
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
