"""Asaas's dates: days and local times without a zone, in two spellings.

Payments write 2026-10-05, subscriptions 05/10/2026, envelopes 2026-10-05 11:05:03; all of them
mean Brasília's clock. A few fields that are not read here write ISO 8601 in UTC.
"""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from recibo.gateways.errors import PayloadError

ZONE = ZoneInfo("America/Sao_Paulo")
LAST_SECOND = time(23, 59, 59)

#: The day of a date as subscriptions write it.
DAY_FIRST = re.compile(r"^(\d\d)/(\d\d)/(\d{4})")
#: The length of a date without a time.
DAY_ONLY = len("2026-10-05")


def moment(text: str | None, field: str, clock: time = time.min) -> datetime | None:
    """UTC time from any of the spellings; None for null and "".

    ``clock``: the time of day, in Brasília, of a day that has none. Raises PayloadError.
    """
    if not text:
        return None
    try:
        return local(DAY_FIRST.sub(r"\3-\2-\1", text.strip()), clock).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"asaas: {field} is not a time") from error


def local(text: str, clock: time) -> datetime:
    """A time that knows its zone, from ISO 8601."""
    value = datetime.fromisoformat(text)
    if len(text) == DAY_ONLY:
        value = datetime.combine(value, clock)
    return value if value.tzinfo else value.replace(tzinfo=ZONE)


def by_then(text: str | None, field: str, told_at: datetime) -> datetime | None:
    """The latest that something dated only by its day can have been, told of at ``told_at``.

    Told on that very day it is the time of the telling, told later the end of the day. So of all
    the times that several events give for one thing the earliest is the best, and an event that
    repeats it a month later moves nothing.
    """
    latest = moment(text, field, LAST_SECOND)
    return min(latest, told_at) if latest else None
