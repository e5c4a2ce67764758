"""Every figure is the sum of the rows that it leads to."""

from decimal import Decimal

import pytest

from recibo.analytics import queries, sources
from recibo.analytics.sources import COLUMNS
from tests.analytics.conftest import span

pytestmark = pytest.mark.django_db

#: Columns that are ratios, or stand for another column's rows.
OTHER = {
    "arr", "arpa", "ltv", "historic_ltv", "quick_ratio", "customer_churn_rate",
    "gross_revenue_churn_rate", "net_revenue_churn_rate",
}  # fmt: skip


@pytest.mark.parametrize("scope", ["all", "product:clube", "plan:mensal", "currency:USD"])
def test_rows_add_up_to_their_figure(example, scope):
    rows = queries.report(span(scope=scope))["months"]
    for row in rows:
        for column in COLUMNS:
            if column in OTHER or "_rate" in column:
                continue
            found, count = sources.rows_of(
                column, queries.month_named(row["month"]), scope=scope, limit=500
            )
            assert len(found) == count
            total = sum((Decimal(one.value) for one in found), start=Decimal(0))
            assert total == row[column], (column, row["month"])


def test_what_stands_is_the_same_by_stretches_and_by_ledgers(example, monkeypatch):
    months = [queries.month_named(f"2026-0{n}") for n in range(1, 7)]
    levels = [name for name, made in COLUMNS.items() if made.is_level]
    kept = {(name, m): sources.rows_of(name, m, limit=500) for name in levels for m in months}
    monkeypatch.setattr(sources, "is_kept", lambda made, scope: False)
    added = {(name, m): sources.rows_of(name, m, limit=500) for name in levels for m in months}
    for key, (rows, count) in kept.items():
        assert (rows, count) == added[key], key


def test_rows_come_in_pages_the_largest_first(example):
    month = queries.month_named("2026-01")
    whole, count = sources.rows_of("new_mrr", month)
    assert count == len(whole) == 7
    assert [one.value for one in whole] == sorted((one.value for one in whole), reverse=True)
    page, count = sources.rows_of("new_mrr", month, limit=2, offset=4)
    assert (page, count) == (whole[4:6], 7)
