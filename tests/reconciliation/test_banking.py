"""Days on which Brazilian banks work."""

from datetime import date

import pytest

from recibo.reconciliation.banking import business_day, is_business_day


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 3, 10), True),
        (date(2026, 3, 14), False),  # a Saturday
        (date(2026, 2, 17), False),  # Carnival
        (date(2026, 6, 4), False),  # Corpus Christi
        (date(2026, 11, 20), False),  # Consciência Negra
        (date(2026, 12, 25), False),
    ],
)
def test_banks_rest_on_weekends_and_holidays(day: date, is_open: bool) -> None:
    assert is_business_day(day) is is_open


def test_business_days_are_counted_over_weekends_and_holidays() -> None:
    friday_before_carnival = date(2026, 2, 13)
    assert business_day(friday_before_carnival, 0) == friday_before_carnival
    assert business_day(friday_before_carnival, 1) == date(2026, 2, 18)
    assert business_day(date(2026, 2, 14), 0) == date(2026, 2, 18)
