"""The vocabulary: money, times and periods mean what they say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from recibo.gateways.facts import EventType, Money, from_milliseconds


@pytest.mark.parametrize(
    ("cents", "currency", "amount"),
    [
        (9790, "BRL", "97.90"),
        (1, "USD", "0.01"),
        (0, "BRL", "0"),
        (9790, "JPY", "9790"),
        (9790, "PYG", "9790"),
    ],
)
def test_cents_become_major_units(cents: int, currency: str, amount: str) -> None:
    assert Money.from_cents(cents, currency) == Money(Decimal(amount), currency)


def test_milliseconds_are_kept_exactly() -> None:
    expected = datetime(2026, 3, 10, 14, 2, 11, 331_000, tzinfo=UTC)
    assert from_milliseconds(1773151331331) == expected


@pytest.mark.parametrize("value", range(1773151331000, 1773151332000, 37))
def test_no_millisecond_is_rounded_away(value: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert from_milliseconds(value) - epoch == timedelta(milliseconds=value)


def test_a_time_before_the_epoch_is_a_time() -> None:
    assert from_milliseconds(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event_type", "is_critical"),
    [
        (EventType.CHARGE_PAID, True),
        (EventType.CHARGE_REFUNDED, True),
        (EventType.CHARGE_PARTIALLY_REFUNDED, True),
        (EventType.CHARGE_CHARGED_BACK, True),
        (EventType.CHARGE_CANCELLED, True),
        (EventType.SUBSCRIPTION_CANCELLED, True),
        (EventType.CHARGE_CREATED, False),
        (EventType.CART_ABANDONED, False),
        (EventType.UNKNOWN, False),
    ],
)
def test_news_that_moves_money_or_access_is_critical(
    event_type: EventType, *, is_critical: bool
) -> None:
    assert event_type.is_critical is is_critical
