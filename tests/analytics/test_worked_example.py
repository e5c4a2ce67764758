"""Every cell of the worked example, in any order of import and imported twice."""

from datetime import datetime

import pytest

from recibo.analytics import queries, rollups
from recibo.inbox.models import Event
from tests.analytics import worked_example
from tests.analytics.conftest import bring_in, shuffled, span, written

pytestmark = pytest.mark.django_db


def shown(rows: list[dict], columns: list[str]) -> list[dict[str, str]]:
    return [{name: written(row[name]) for name in columns} for row in rows]


def assert_months() -> None:
    expected = worked_example.rows("expected")
    found = shown(queries.report(span())["months"], list(expected[0]))
    for row, wanted in zip(found, expected, strict=True):
        assert row == wanted


def assert_everything() -> None:
    assert_months()
    report = queries.report(span(), ("weeks", "cohorts"))
    cohorts = worked_example.rows("cohorts")
    assert shown(report["cohorts"], list(cohorts[0])) == cohorts
    weeks = worked_example.rows("weekly")
    found = {row["iso_week"]: row for row in shown(report["weeks"], list(weeks[0]))}
    assert [found[row["iso_week"]] for row in weeks] == weeks
    people = worked_example.rows("customer-mrr")
    assert shown(queries.customers_by_month(span()), list(people[0])) == people


def test_every_cell_comes_out(example):
    assert Event.objects.filter(source="import").count() == 76
    assert set(Event.objects.values_list("status", flat=True)) == {"processed"}
    assert_everything()


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_import_does_not_matter(rates, seed):
    rows = shuffled(worked_example.rows("events"), seed)
    for start in range(0, len(rows), 10):  # counted in between, as news comes in
        bring_in(rows[start : start + 10])
    assert_everything()


def test_importing_twice_changes_nothing(example):
    again = bring_in(shuffled(worked_example.rows("events"), 7))
    assert (again.new, again.errors) == (0, [])
    assert_everything()


@pytest.mark.parametrize("seed", range(3))
def test_the_report_as_it_was_known(rates, seed):
    bring_in(shuffled(worked_example.rows("events"), seed))
    for row in worked_example.rows("as-known"):
        as_of = datetime.fromisoformat(row["as_of"])
        [month] = queries.report(span(*[queries.month_named(row["month"])] * 2, as_of=as_of))[
            "months"
        ]
        assert written(month[row["metric"]]) == row["value"], row["metric"]


def test_the_first_of_two_deliveries_says_when_it_was_known(rates):
    twice = [row for row in worked_example.rows("events") if row["event_id"] == "w-e002"]
    assert len(twice) == 2
    for row in reversed(twice):
        bring_in([row])
    event = Event.objects.get(gateway_event_id="w-e002")
    assert event.received_at == datetime.fromisoformat("2026-02-05T13:00:04+00:00")


def test_a_rebuild_finds_nothing_to_mend(example):
    rebuilt = rollups.rebuild()
    assert (rebuilt.differing, rebuilt.cells_amiss) == (0, 0)
    assert rebuilt.subjects == 22
    assert_months()
