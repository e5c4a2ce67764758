"""Reading what PagSeguro writes: JSON, amounts, times and ids, in both of its generations."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Raw

from recibo.gateways.errors import PayloadError

#: Of times that name no zone: the seller's local time.
ZONE = ZoneInfo("America/Sao_Paulo")

#: A transaction's code. v4 writes the same behind CHAR_.
CODE = re.compile(r"(?:CHAR_)?([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})", re.IGNORECASE)

#: Reais with a dot; in some answers without decimals.
REAIS = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,2})?")

#: "2025-06-10": a day.
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")

T = TypeVar("T")

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=500)]
#: Money in v4: integer cents.
Cents = Annotated[int, Meta(ge=0, lt=10**12)]
Count = Annotated[int, Meta(ge=0, le=10_000)]


def decode(decoder: msgspec.json.Decoder[T], text: bytes | Raw) -> T:
    """Decode JSON, without the NUL characters that PostgreSQL stores in no text.

    Raises PayloadError: malformed, too deep, a field missing or of another type.
    """
    try:
        return decoder.decode(ESCAPES.sub(lambda found: found[1] or b"", bytes(text)))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"pagseguro: {error}") from error


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"pagseguro: {field} is missing")


def charge_id(code: str) -> str:
    """The charge that a legacy code or a v4 id names.

    v4 payments are told by both generations, and their disputes by the legacy one only: without
    ``CHAR_`` both name one charge.
    """
    found = CODE.fullmatch(code)
    return found[1].upper() if found else code


def reais(text: str, field: str) -> Decimal:
    """A signed amount. Raises PayloadError, naming ``field``."""
    if not REAIS.fullmatch(text):
        raise PayloadError(f"pagseguro: {field} is not an amount of money")
    return Decimal(text)


def moment(text: str, field: str) -> datetime:
    """UTC time from ISO 8601 with any offset and fraction. Raises PayloadError, naming ``field``.

    Without an offset it is the seller's local time; a day begins at midnight.
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=ZONE)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"pagseguro: {field} is not a time") from error


def last_moment(text: str, field: str) -> datetime:
    """As ``moment``, but of a day the end: what is due on a day can be paid on it."""
    time = moment(text, field)
    return time + timedelta(days=1, seconds=-1) if DAY.fullmatch(text.strip()) else time


def normal(email: str | None) -> str:
    """An address as we compare it; "" when there is none."""
    return (email or "").strip().lower()


def fingerprint(body: bytes) -> str:
    """An id for news that has none: the same bytes are the same news."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def known(values: Mapping[str, str | None]) -> dict[str, str]:
    """What is there of ``values``."""
    return {name: value for name, value in values.items() if value}
