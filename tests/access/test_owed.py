"""Access is owed by a pure function of what was paid."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from recibo.access.owed import FOREVER, NOTHING, Purchase, Term, owed_until, why_ended
from recibo.gateways.facts import ChargeStatus as C
from recibo.gateways.facts import Period
from recibo.gateways.facts import SubscriptionStatus as S

GRACE = timedelta(days=5)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=31)  # a day more than a month's usual length


def until(*purchases: Purchase) -> datetime:
    return owed_until(purchases, grace=GRACE)


def bought(status: C = C.PAID, *, days: int | None = None, at: datetime = START) -> Purchase:
    return Purchase(status=status, status_at=at, created_at=at, paid_at=at, days=days)


def cycle(
    status: C = C.PAID,
    term: S | None = S.ACTIVE,
    *,
    at: datetime = START,
    term_at: datetime = START,
    period: Period | None = Period.MONTHLY,
    next_billing_at: datetime | None = None,
) -> Purchase:
    """One charge of a subscription."""
    is_settled = status in {C.PAID, C.REFUNDED, C.CHARGED_BACK}
    return Purchase(
        status=status,
        status_at=at,
        created_at=at,
        paid_at=at if is_settled else None,
        subscription="1:SUB",
        term=Term(status=term, status_at=term_at, period=period, next_billing_at=next_billing_at)
        if term
        else None,
    )


def test_nothing_bought_is_nothing_owed() -> None:
    assert until() == NOTHING


@pytest.mark.parametrize(
    ("status", "owed"),
    [
        (C.PAID, FOREVER),
        (C.PARTIALLY_REFUNDED, FOREVER),
        (C.DISPUTED, FOREVER),
        (C.REFUNDED, NOTHING),
        (C.CHARGED_BACK, NOTHING),
        (C.PENDING, NOTHING),
        (C.FAILED, NOTHING),
    ],
)
def test_a_purchase_lasts_until_the_money_goes_back(status: C, owed: datetime) -> None:
    assert until(bought(status)) == owed


def test_a_purchase_for_some_days_ends_with_them() -> None:
    assert until(bought(days=365)) == START + timedelta(days=365)


def test_a_refund_takes_only_what_nothing_else_pays_for() -> None:
    assert until(bought(C.REFUNDED), bought(at=START + MONTH)) == FOREVER


def test_a_running_subscription_has_no_end() -> None:
    assert until(cycle()) == FOREVER
    assert until(cycle(term=S.TRIAL)) == FOREVER


@pytest.mark.parametrize("status", [S.CANCELLED, S.EXPIRED, S.PAUSED])
def test_what_ended_lasts_to_the_end_of_the_paid_period(status: S) -> None:
    assert until(cycle(term=status)) == START + MONTH
    later = START + timedelta(days=28)
    assert until(cycle(term=status, next_billing_at=later)) == later


def test_a_year_paid_is_a_year_owed_after_a_cancellation() -> None:
    paid = cycle(term=S.CANCELLED, period=Period.ANNUAL)
    assert until(paid) == START + timedelta(days=366)


def test_a_late_payment_leaves_the_access_for_the_grace() -> None:
    late_at = START + timedelta(days=40)
    assert until(cycle(term=S.PAST_DUE, term_at=late_at)) == late_at + GRACE


def test_a_late_charge_tells_the_same_where_the_subscription_says_nothing() -> None:
    late = cycle(C.OVERDUE, at=START + timedelta(days=40))
    assert until(cycle(), late) == late.status_at + GRACE


def test_a_renewal_makes_good_what_was_late() -> None:
    late = cycle(C.OVERDUE, at=START + timedelta(days=31))
    renewed = cycle(at=START + timedelta(days=33))
    assert until(cycle(), late, renewed) == FOREVER


@pytest.mark.parametrize("status", [C.REFUNDED, C.CHARGED_BACK])
def test_money_back_for_the_current_period_ends_it_at_once(status: C) -> None:
    assert until(cycle(status)) == NOTHING
    second = cycle(status, at=START + MONTH)
    assert until(cycle(), second) == START + MONTH  # what the first one paid for


def test_a_subscription_nobody_told_of_lasts() -> None:
    assert until(cycle(term=None)) == FOREVER


def test_why_it_ended() -> None:
    assert why_ended([]) == ""
    assert why_ended([bought(C.REFUNDED)]) == "refunded"
    assert why_ended([cycle(C.CHARGED_BACK)]) == "charged_back"
    assert why_ended([cycle(term=S.PAST_DUE)]) == "past_due"
    assert why_ended([cycle(), cycle(C.OVERDUE, at=START + MONTH)]) == "past_due"
    assert why_ended([cycle(term=S.CANCELLED)]) == "cancelled"
    assert why_ended([bought(days=30)]) == "expired"


PURCHASES = st.lists(
    st.builds(
        Purchase,
        status=st.sampled_from(C),
        status_at=st.integers(0, 90).map(lambda day: START + timedelta(days=day)),
        created_at=st.integers(0, 90).map(lambda day: START + timedelta(days=day)),
        paid_at=st.none() | st.integers(0, 90).map(lambda day: START + timedelta(days=day)),
        days=st.none() | st.integers(1, 400),
        subscription=st.sampled_from(["", "1:SUB", "1:OTHER"]),
    ),
    max_size=6,
)


@given(purchases=PURCHASES, order=st.randoms())
def test_the_order_of_the_news_does_not_matter(
    purchases: list[Purchase], order: random.Random
) -> None:
    shuffled = list(purchases)
    order.shuffle(shuffled)
    assert until(*shuffled) == until(*purchases)


@given(purchases=PURCHASES)
def test_giving_money_back_never_gives_access(purchases: list[Purchase]) -> None:
    returned = [structs.replace(one, status=C.REFUNDED) for one in purchases]
    assert until(*returned) == NOTHING
