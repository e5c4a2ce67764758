"""``recibo import`` and ``recibo analytics``, on a real database."""

import json

import pytest
from typer.testing import CliRunner

from recibo.server.cli import app
from tests.analytics import worked_example

pytestmark = pytest.mark.django_db(transaction=True)
SPAN = ("--from", "2026-01", "--to", "2026-06")


def invoke(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def _imported(transactional_db: None) -> None:
    paths = [worked_example.path(name) for name in ("events", "fx")]
    found = json.loads(invoke("import", paths[0], "--rates", paths[1], "--json"))
    assert (found["rows"], found["new"], found["rates"]["new"]) == (77, 76, 6)


@pytest.mark.usefixtures("_imported")
@pytest.mark.parametrize(
    ("options", "file"),
    [((), "expected"), (("--cohorts",), "cohorts"), (("--customers",), "customer-mrr")],
)
def test_a_report_is_the_file_of_the_worked_example(options, file):
    written = invoke("analytics", "report", *SPAN, "--format", "csv", *options)
    assert written == worked_example.path(file).read_text().replace("\r\n", "\n")


@pytest.mark.usefixtures("_imported")
def test_reports_as_json_and_as_tables():
    found = json.loads(invoke("analytics", "report", *SPAN, "--weekly", "--json"))
    assert {item["iso_week"]: item["customers_lost"] for item in found["items"]}["2026-W14"] == 1
    assert "mrr_closing" in invoke("analytics", "report", *SPAN)
    as_of = ("--as-of", "2026-04-01T03:00:00Z")
    found = json.loads(invoke("analytics", "report", *SPAN, *as_of, "--format", "json"))
    assert found["items"][2]["mrr_closing"] == "1122.00"
    assert json.loads(invoke("analytics", "churn", "--json"))["at_risk_count"] == 0


@pytest.mark.usefixtures("_imported")
def test_a_second_import_changes_nothing_and_a_rebuild_agrees():
    found = json.loads(invoke("import", worked_example.path("events"), "--json"))
    assert (found["new"], found["errors"]) == (0, [])
    rebuilt = json.loads(invoke("analytics", "rebuild", "--json"))
    assert (rebuilt["differing"], rebuilt["cells_amiss"], rebuilt["subjects"]) == (0, 0, 22)


@pytest.mark.usefixtures("transactional_db")
def test_bad_rows_are_told_by_line_and_the_code_says_so(tmp_path):
    text = worked_example.path("events").read_text().splitlines()
    file = tmp_path / "history.csv"
    file.write_text("\n".join([text[0], text[1].replace("payment_approved", "gift"), text[2]]))
    result = CliRunner().invoke(app, ["import", str(file)])
    assert result.exit_code == 1
    assert f"{file}:2:" in result.stderr
    assert "1" in result.stdout


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize(
    "words",
    [
        ("--from", "January"),
        ("--from", "2026-05", "--to", "2026-01"),
        ("--weekly", "--cohorts"),
    ],
)
def test_a_mistake_is_a_sentence(words):
    result = CliRunner().invoke(app, ["analytics", "report", *words])
    assert result.exit_code == 2
    assert result.stderr.strip()
