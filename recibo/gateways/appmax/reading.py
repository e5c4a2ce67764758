"""JSON as AppMax writes it: empty where there is nothing, amounts and times in several forms."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from recibo.gateways.errors import PayloadError

#: A JSON object.
Json = dict[str, Any]
T = TypeVar("T")

#: An id or a code: a number, or text.
Code = int | Annotated[str, Meta(max_length=200)] | None
#: Text that may come as a number: a telephone, a document.
Text = int | str | None
Count = Annotated[int, Meta(ge=0, le=10_000)] | None

#: AppMax writes local times and names no zone.
ZONE = ZoneInfo("America/Sao_Paulo")
#: ``05/07/2020 17h03`` and, without its time, ``05/11/2026``.
BRAZILIAN = re.compile(r"(\d\d)/(\d\d)/(\d{4})(?: (\d\d)h(\d\d))?")

#: No sale costs as much.
LARGEST_AMOUNT = Decimal(10) ** 10

DECODER = msgspec.json.Decoder(float_hook=Decimal)
EMPTY: tuple[Any, ...] = (None, "", [])


def document(body: bytes) -> Json:
    """A JSON object without what is empty. Raises PayloadError."""
    try:
        value = without_empties(DECODER.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
        raise PayloadError(f"appmax: {error}") from error
    return value if isinstance(value, dict) else missing("event")


def without_empties(value: Any) -> Any:
    """The value without null, "" and [] in its objects, and without NUL, which nothing stores.

    AppMax writes [] where an object is expected and there is none.
    """
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_empties(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {without_empties(name): without_empties(one) for name, one in value.items()}
    return {name: one for name, one in kept.items() if one not in EMPTY}


def read(value: Any, kind: type[T]) -> T:
    """A value as a typed record; numbers may be text. Raises PayloadError."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, InvalidOperation, OverflowError) as error:
        raise PayloadError(f"appmax: {error}") from error


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"appmax: {field} is missing")


def text(value: Text) -> str:
    """Text or a number as text; "" for none."""
    return "" if value is None else str(value).strip()


def reais(value: Decimal | None) -> Decimal | None:
    """An amount in reais. Raises PayloadError for one that cannot be."""
    try:
        if value is None or 0 <= value < LARGEST_AMOUNT:
            return value
    except InvalidOperation:  # not a number
        pass
    raise PayloadError("appmax: not an amount of money")


def cents(value: int | None) -> Decimal | None:
    """Reais from an amount in cents. Raises PayloadError for one that cannot be."""
    return None if value is None else reais(Decimal(value).scaleb(-2))


def moment(value: str | None) -> datetime | None:
    """UTC time from the forms that AppMax writes; None for none. Raises PayloadError."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(iso(value))
        return (time if time.tzinfo else time.replace(tzinfo=ZONE)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadError("appmax: not a time") from error


def iso(value: str) -> str:
    """``2020-07-05T17:03`` from ``05/07/2020 17h03``; all else as it is."""
    if not (found := BRAZILIAN.fullmatch(value)):
        return value
    day, month, year, hour, minute = found.groups(default="00")
    return f"{year}-{month}-{day}T{hour}:{minute}"


def end_of_day(value: str | None) -> datetime | None:
    """When something lapses: a date without a time is good until that day ends."""
    time = moment(value)
    if time is None or value is None or ":" in iso(value).removesuffix("T00:00"):
        return time
    return time + timedelta(days=1, seconds=-1)


def fingerprint(value: Any) -> str:
    """The same content, in whatever order its fields are written, has the same."""
    content = msgspec.json.encode(value, order="sorted")
    return hashlib.sha256(content).hexdigest()[:40]
