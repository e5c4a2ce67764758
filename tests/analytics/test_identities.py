"""Opening + movements = closing, for every month and every history; parts add up to the whole."""

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from recibo.analytics import figures
from recibo.analytics.calendar import later
from recibo.analytics.counting import ALL, WEEK, counted
from tests.analytics.histories import CALENDAR, DEFINITIONS, GROUND, NOW, history, lives

FIRST, LAST = date(2025, 12, 1), date(2026, 9, 1)
MOVEMENTS = {
    "new_mrr": 1,
    "expansion_mrr": 1,
    "reactivation_mrr": 1,
    "contraction_mrr": -1,
    "churn_mrr": -1,
    "fx_adjustment": 1,
}
bases = st.lists(lives(), min_size=1, max_size=4)


def together(base: list) -> Counter:
    """What several buyers add up to, of the whole."""
    found: Counter = Counter()
    for rows in base:
        for part in counted(history(rows), GROUND).parts:
            if ALL in part.scopes:
                found.update(part.figures)
    return found


@settings(max_examples=60, deadline=None)
@given(base=bases)
def test_opening_and_movements_are_the_closing_of_every_month(base):
    rows = figures.monthly(together(base), FIRST, LAST, DEFINITIONS)
    for before, row in zip([None, *rows], rows, strict=False):
        moved = sum(sign * row[name] for name, sign in MOVEMENTS.items())
        assert row["mrr_opening"] + moved == row["mrr_closing"]
        joined = row["customers_new"] + row["customers_reactivated"]
        left = row["customers_churn_events"]
        assert row["customers_opening"] + joined - left == row["customers_closing"]
        if before:
            assert before["mrr_closing"] == row["mrr_opening"]
        assert all(row[name] >= 0 for name in MOVEMENTS if name != "fx_adjustment")
        assert row["mrr_closing"] >= row["at_risk_mrr"] >= 0
        assert row["mrr_closing"] >= row["scheduled_churn_mrr"] >= 0
        assert 0 <= (row["gross_revenue_churn_rate"] or 0) <= 1
        assert (row["customer_churn_rate"] or 0) <= 1


@settings(max_examples=40, deadline=None)
@given(base=bases)
def test_the_closing_is_what_everybody_is_worth_at_that_instant(base):
    """Figures against stretches: what is added up month by month, and what stands."""
    found = figures.monthly(together(base), FIRST, LAST, DEFINITIONS)
    lives_of_all = [counted(history(rows), GROUND).stretches for rows in base]
    for row in found:
        end = CALENDAR.start(later(date.fromisoformat(f"{row['month']}-01"), 1))
        standing = [
            next((one for one in reversed(life) if one.since < end), None) for life in lives_of_all
        ]
        kept = [one for one in standing if one]
        assert row["mrr_closing"] == figures.money(sum(one.mrr for one in kept))
        assert row["customers_closing"] == sum(one.is_paying for one in kept)
        for segment in ("active", "at_risk", "cancelled", "trial"):
            assert row[f"seg_{segment}"] == sum(one.segment == segment for one in kept)


@settings(max_examples=40, deadline=None)
@given(base=bases)
def test_weeks_and_cohorts_end_where_months_do(base):
    found = together(base)
    months = figures.monthly(found, FIRST, LAST, DEFINITIONS)
    sums = figures.Sums(found)
    until = CALENDAR.week(NOW)
    assert sums.until(f"{WEEK}customers", until) == months[-1]["customers_closing"]
    assert figures.money(sums.until(f"{WEEK}mrr", until)) == months[-1]["mrr_closing"]
    cohorts = figures.cohorts(found, FIRST, LAST)
    last = [row for row in cohorts if row["cohort"] and reached_end(row)]
    assert sum(row["customers_retained"] for row in last) == months[-1]["customers_closing"]
    for row in cohorts:
        assert 0 <= row["customers_retained"] <= row["customers_start"]


def reached_end(row: dict) -> bool:
    return later(date.fromisoformat(f"{row['cohort']}-01"), row["months_since"]) == LAST


@settings(max_examples=40, deadline=None)
@given(rows=lives())
def test_cash_by_gateway_product_and_currency_is_the_cash_of_the_whole(rows):
    parts = {scope: part for part in counted(history(rows), GROUND).parts for scope in part.scopes}
    whole = parts[ALL].figures
    for dimension in ("gateway", "account", "product"):
        added: Counter = Counter()
        for scope, part in parts.items():
            if scope.startswith(f"{dimension}:"):
                added.update(part.figures)
        for figure in set(whole) | set(added):
            if figure.name in {"cash_gross", "payments_count", "refunds_value"}:
                assert added[figure] == whole.get(figure, 0), figure
    dollars = parts.get("currency:USD")
    if dollars:
        expected = sum(
            (one.amount for one in rows if one.currency == "USD" and one.kind), start=Decimal(0)
        )
        sold = sum(
            value for figure, value in dollars.figures.items() if figure.name == "cash_gross"
        )
        assert figures.money(sold) == expected


@settings(max_examples=40, deadline=None)
@given(rows=lives(), seed=st.integers(0, 1000))
def test_neither_order_nor_repeats_of_what_was_told_matter(rows, seed):
    expected = counted(history(rows), GROUND)
    mixed = [*rows, *rows[: len(rows) // 2]]
    random.Random(seed).shuffle(mixed)
    found = counted(history(mixed), GROUND)
    assert found.parts == expected.parts
    assert found.again_at == expected.again_at


@settings(max_examples=40, deadline=None)
@given(rows=lives())
def test_time_alone_changes_nothing_before_it_is_said_to(rows):
    known = max(one.occurred_at for one in rows)
    early = counted(history(rows), GROUND._replace(now=known))
    if early.again_at is None:
        later_on = known + timedelta(days=400)
    else:
        later_on = early.again_at - timedelta(microseconds=1)
    again = counted(history(rows), GROUND._replace(now=later_on))
    assert again.parts == early.parts
