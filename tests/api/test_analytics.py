"""`/api/{gateway}/analytics`: the report, and the rows that its figures are made of."""

import csv
import io
from decimal import Decimal

import pytest

from tests.analytics import worked_example
from tests.analytics.conftest import example, rates

__all__ = ["example", "rates"]  # the worked example, imported
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("example")]

REPORT = "/api/all/analytics/report"
SPAN = {"from": "2026-01", "to": "2026-06"}


def test_the_report_is_the_worked_example(client):
    answer = client.get(REPORT, SPAN).json()
    assert (answer["currency"], answer["from"], answer["to"]) == ("BRL", "2026-01", "2026-06")
    assert (answer["count"], answer["is_current"]) == (6, True)
    for item, expected in zip(answer["items"], worked_example.rows("expected"), strict=True):
        found = {name: "" if item[name] is None else str(item[name]) for name in expected}
        assert found == expected


@pytest.mark.parametrize(
    ("table", "file"),
    [("months", "expected"), ("cohorts", "cohorts"), ("customers", "customer-mrr")],
)
def test_each_table_is_a_file_too(client, table, file):
    answer = client.get(REPORT, {**SPAN, "table": table, "format": "csv"})
    assert answer["content-type"].startswith("text/csv")
    assert list(csv.DictReader(io.StringIO(answer.content.decode()))) == worked_example.rows(file)


def test_weeks(client):
    items = client.get(REPORT, {**SPAN, "table": "weeks"}).json()["items"]
    weeks = {item["iso_week"]: item for item in items}
    for expected in worked_example.rows("weekly"):
        assert {name: str(weeks[expected["iso_week"]][name]) for name in expected} == expected


def test_as_of(client):
    asked = {"from": "2026-03", "to": "2026-03", "as_of": "2026-04-01T03:00:00Z"}
    [item] = client.get(REPORT, asked).json()["items"]
    assert item["mrr_closing"] == "1122.00"


def test_every_figure_leads_to_its_rows(client):
    for item in client.get(REPORT, SPAN).json()["items"]:
        for column in ("new_mrr", "churn_mrr", "mrr_closing", "customers_closing", "cash_net"):
            rows = client.get(item["links"][column], {}).json()
            total = sum(Decimal(row["value"]) for row in rows["items"])
            assert total == Decimal(str(item[column])), (item["month"], column)


def test_rows_say_who_it_is_and_where_his_payments_are(client):
    [item] = client.get(
        "/api/all/analytics/rows", {"figure": "reactivation_mrr", "month": "2026-06"}
    ).json()["items"]
    assert item["value"] == "150.00"
    assert item["customer"]["email"] == "c10@import.invalid"
    assert client.get(item["link"]).json()["count"] == 4


def test_by_plan(client):
    items = client.get("/api/all/analytics/parts", {"by": "plan", "month": "2026-06"}).json()
    assert {item["plan"]: item["mrr_closing"] for item in items}["anual-parcelado"] == "100.00"


def test_a_gateway_shows_its_own(client):
    own = client.get("/api/import/analytics/report", SPAN).json()["items"]
    other = client.get("/api/hotmart/analytics/report", SPAN).json()["items"]
    assert own[0]["mrr_closing"] == "660.00"
    assert other[0]["mrr_closing"] == "0.00"


def test_another_currency_shows_its_sales_unconverted(client):
    answer = client.get(REPORT, {**SPAN, "currency": "USD"}).json()
    assert (answer["currency"], answer["items"][1]["mrr_closing"]) == ("USD", "20.00")


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-13"},
        {"from": "2026-05", "to": "2026-01"},
        {"from": "1900-01", "to": "2026-01"},
        {"currency": "USD", "part": "plan:mensal"},
        {"table": "years"},
        {"as_of": "never"},
    ],
)
def test_what_makes_no_sense_is_refused(client, asked):
    answer = client.get(REPORT, asked)
    assert answer.status_code == 422
    assert answer.json()["message"]


def test_an_unknown_figure_says_which_there_are(client):
    answer = client.get("/api/all/analytics/rows", {"figure": "luck", "month": "2026-06"})
    assert answer.status_code == 422
    assert "mrr_closing" in answer.json()["fields"]["figure"]


def test_it_takes_a_token(client):
    client.headers = {}
    client.defaults.pop("HTTP_AUTHORIZATION", None)
    assert client.get(REPORT).status_code == 401
