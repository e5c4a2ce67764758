"""The life of one subscription: what starts it, what changes it, what ends it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from recibo.analytics.counting import ALL, counted
from recibo.analytics.terms import State, stands
from tests.analytics.histories import DEFINITIONS, GROUND, at, history, paid, row

GRACE = DEFINITIONS.grace.days


def life(*rows):
    """State and value in major units from each day on, counted from the start."""
    known = history(list(rows))
    [subscription] = known.subscriptions
    return [
        ((stand.at - at(0)) / timedelta(days=1), stand.state, stand.value / 100, stand.is_late)
        for stand in stands(subscription, known.charges, DEFINITIONS)
    ]


def test_it_ends_a_grace_after_what_is_paid_and_is_late_in_between():
    assert life(paid(0)) == [
        (0, State.LIVE, 100, False),
        (33, State.LIVE, 100, True),
        (30 + GRACE, State.ENDED, 0, False),
    ]


def test_a_payment_in_the_grace_clears_the_delay():
    found = life(paid(0), paid(40))
    assert found[:3] == [
        (0, State.LIVE, 100, False),
        (33, State.LIVE, 100, True),
        (40, State.LIVE, 100, False),
    ]


def test_a_declined_renewal_makes_it_late_at_once():
    declined = row("charge_declined", 30, charge_id="c2", subscription_id="S1", method="card")
    assert (30, State.LIVE, 100, True) in life(paid(0), declined)


def test_a_decline_before_the_due_date_does_not_make_it_late():
    declined = row("charge_declined", 20, charge_id="c2", subscription_id="S1", method="card")
    assert life(paid(0), declined) == life(paid(0))


def test_a_cancellation_takes_effect_at_the_end_of_what_is_paid():
    cancelled = row("cancellation_requested", 10, subscription_id="S1")
    assert life(paid(0), cancelled)[-1] == (30, State.ENDED, 0, False)
    undone = row("cancellation_undone", 20, subscription_id="S1")
    assert life(paid(0), cancelled, undone)[-1] == (30 + GRACE, State.ENDED, 0, False)


def test_a_cancellation_of_a_late_one_ends_it_at_once():
    cancelled = row("cancellation_requested", 40, subscription_id="S1")
    assert life(paid(0), cancelled)[-1] == (40, State.ENDED, 0, False)


@pytest.mark.parametrize("what", ["refund", "chargeback"])
def test_money_of_the_latest_payment_that_goes_back_ends_it(what):
    first, second = paid(0), paid(30)
    back = row(what, 35, charge_id=second.charge_id, amount=Decimal("100.00"))
    assert life(first, second, back)[-1] == (35, State.ENDED, 0, False)


def test_money_of_an_older_payment_or_a_part_of_it_changes_cash_only():
    first, second = paid(0), paid(30)
    older = row("refund", 35, charge_id=first.charge_id, amount=Decimal("100.00"))
    part = row("refund", 36, charge_id=second.charge_id, amount=Decimal("40.00"))
    assert life(first, second, older, part)[-1] == (60 + GRACE, State.ENDED, 0, False)
    rest = row("refund", 37, charge_id=second.charge_id, amount=Decimal("60.00"))
    assert life(first, second, older, part, rest)[-1] == (37, State.ENDED, 0, False)


def test_a_trial_is_worth_nothing_until_it_is_paid():
    trial = row("trial_started", 0, subscription_id="S1", paid_through=at(7))
    cancelled = row("cancellation_requested", 3, subscription_id="S1")
    assert life(trial) == [(0, State.TRIAL, 0, False), (7, State.ENDED, 0, False)]
    assert life(trial, cancelled)[-1] == (7, State.ENDED, 0, False)
    assert life(trial, paid(7))[1] == (7, State.LIVE, 100, False)


def test_a_switch_counts_from_its_own_day():
    switched = row(
        "plan_switched", 12, subscription_id="S1", recurring_price=Decimal(1188), interval="annual"
    )
    assert life(paid(0), switched)[1] == (12, State.LIVE, 99, False)


@pytest.mark.parametrize(
    ("interval", "price", "monthly"),
    [
        ("weekly", "30.00", 130.00),
        ("weekly", "9.99", 43.29),
        ("monthly", "49.90", 49.90),
        ("bimonthly", "180.00", 90.00),
        ("quarterly", "100.00", 33.33),
        ("quarterly", "100.01", 33.34),
        ("semiannual", "480.03", 80.01),
        ("annual", "1199.94", 100.00),
    ],
)
def test_a_price_is_worth_its_share_of_a_year_rounded_half_up(interval, price, monthly):
    assert life(paid(0, price=price, interval=interval))[0][2] == monthly


def test_the_price_counts_and_not_what_a_first_coupon_left_of_it():
    assert life(paid(0, amount=Decimal("50.00")))[0][2] == 100


def test_what_never_was_paid_never_lives():
    expired = row("charge_expired", 3, charge_id="c", subscription_id="S1", method="boleto")
    known = history([expired])
    assert known.subscriptions == []
    assert counted(known, GROUND).stretches == []


def test_who_comes_back_is_reactivated_however_long_it_was():
    stretches = counted(history([paid(0), paid(200, subscription_id="S2")]), GROUND).stretches
    assert [one.kind for one in stretches if one.kind] == ["new", "churn", "reactivation"]


def test_changes_of_one_instant_are_one_movement():
    first = paid(0)
    cancelled = row("cancellation_requested", 10, subscription_id="S1")
    other = paid(30, price="150.00", subscription_id="S2")
    stretches = counted(history([first, cancelled, other]), GROUND).stretches
    moved = [(one.kind, one.amount) for one in stretches if one.kind]
    assert moved[:2] == [("new", 10000), ("expansion", 5000)]


def test_a_currency_without_a_rate_is_counted_apart_and_is_no_churn():
    found = counted(history([paid(0, currency="CHF")]), GROUND)
    whole = {
        figure.name: value
        for part in found.parts
        if ALL in part.scopes
        for figure, value in part.figures.items()
    }
    assert whole["payments_unconverted"] == 1
    assert not {"cash_gross", "mrr", "payments_count"} & whole.keys()
    own = next(part for part in found.parts if "currency:CHF" in part.scopes)
    assert sum(v for f, v in own.figures.items() if f.name == "cash_gross") == 10000
    assert [one.kind for one in found.stretches if one.kind] == ["new", "churn"]


def test_days_are_those_of_the_installation():
    late_evening = datetime(2026, 2, 1, 1, 30, tzinfo=UTC)  # still January in São Paulo
    payment = paid(0, occurred_at=late_evening, paid_through=late_evening + timedelta(days=28))
    figures = counted(history([payment]), GROUND).parts[0].figures
    [new] = [figure for figure in figures if figure.name == "new_mrr"]
    assert new.period.isoformat() == "2026-01-01"
