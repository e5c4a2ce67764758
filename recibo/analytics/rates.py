"""Amounts of other currencies in the one of the report, month by month."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from recibo.analytics.definitions import half_up


class Rates:
    """What one unit of a currency is worth in the reporting currency, by month.

    A month without a rate of its own takes the latest one before it, provisionally. A currency
    without any rate until then has no value: what was sold in it is counted apart.
    """

    def __init__(self, currency: str, rows: Iterable[tuple[date, str, Decimal]] = ()) -> None:
        self.currency = currency
        self.known: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for month, other, rate in sorted(rows):
            self.known[other].append((month, rate))

    def rate(self, currency: str, month: date) -> Decimal | None:
        """The rate of a month; None where there is none yet."""
        if currency == self.currency:
            return Decimal(1)
        rows = self.known.get(currency, [])
        place = bisect_right(rows, month, key=lambda row: row[0])
        return rows[place - 1][1] if place else None

    def convert(self, amount: int, currency: str, month: date) -> int | None:
        """Hundredths in the reporting currency, rounded once; None where there is no rate."""
        if currency == self.currency:
            return amount
        rate = self.rate(currency, month)
        return None if rate is None else half_up(amount * rate)

    def changes(self, currency: str) -> list[date]:
        """The months from which a currency has another rate."""
        if currency == self.currency:
            return []
        return [month for month, _ in self.known.get(currency, ())]

    def is_provisional(self, month: date) -> bool:
        """Whether a currency that has rates has none of this very month."""
        return any(month not in {known for known, _ in rows} for rows in self.known.values())


def native(currency: str) -> Rates:
    """No conversion: amounts of that currency as they are, of others none."""
    return Rates(currency)
