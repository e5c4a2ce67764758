"""Days, ISO weeks and months in the zone of the installation, each half-open: [start, end)."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recibo.gateways.facts import Period

#: Months of each period; a week is none.
MONTHS = {
    Period.MONTHLY: 1,
    Period.BIMONTHLY: 2,
    Period.QUARTERLY: 3,
    Period.SEMIANNUAL: 6,
    Period.ANNUAL: 12,
}


class Calendar:
    """Cuts instants into local months and weeks."""

    def __init__(self, time_zone: str) -> None:
        self.zone = ZoneInfo(time_zone)

    def day(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.zone).date()

    def month(self, at: datetime) -> date:
        """The first day of the local month of an instant."""
        return self.day(at).replace(day=1)

    def week(self, at: datetime) -> date:
        """The Monday of the local ISO week of an instant."""
        return monday(self.day(at))

    def start(self, day: date) -> datetime:
        """The instant, in UTC, at which a local day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def monday(day: date) -> date:
    """The first day of an ISO week."""
    return day - timedelta(days=day.weekday())


def later(month: date, count: int) -> date:
    """The month so many months on, by its first day."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def months(first: date, last: date) -> list[date]:
    """Every month from ``first`` to ``last``, both included."""
    return [later(first, n) for n in range(between(first, last) + 1)]


def between(first: date, last: date) -> int:
    """How many months ``last`` is after ``first``."""
    return (last.year - first.year) * 12 + last.month - first.month


def renewed(at: datetime, period: Period) -> datetime:
    """The end of a period from ``at`` on; the last day of a month that has no such day."""
    if period is Period.WEEKLY:
        return at + timedelta(days=7)
    month = later(at.date().replace(day=1), MONTHS[period])
    day = min(at.day, monthrange(month.year, month.month)[1])
    return at.replace(year=month.year, month=month.month, day=day)
