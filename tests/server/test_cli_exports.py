"""``recibo export``: rows on standard output."""

import csv
import json

import pytest
from typer.testing import CliRunner

from recibo.journal.models import AuditEntry
from recibo.server.cli import app
from tests.api.conftest import sold

pytestmark = pytest.mark.django_db
KINDS = ["customers", "charges", "subscriptions", "events"]


def export(*words: str):
    return CliRunner().invoke(app, ["export", *words])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_written_as_csv(kind):
    sold(2)
    result = export(kind)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert len(rows) == 2
    assert int(rows[0]["id"]) > int(rows[1]["id"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_written_as_json_lines(kind):
    sold(2)
    lines = export(kind, "--format", "jsonl").stdout.splitlines()
    assert len([json.loads(line) for line in lines]) == 2


def test_a_brazilian_spreadsheet():
    sold(1)
    result = export("charges", "--separator", ";", "--bom")
    assert result.stdout_bytes.startswith("\ufeffid;gateway".encode())
    assert ";97,90;BRL;" in result.stdout


def test_only_one_gateway():
    sold(1)
    assert len(export("charges", "--gateway", "hotmart").stdout.splitlines()) == 2
    assert len(export("charges", "--gateway", "asaas").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["charges", "--gateway", "nowhere"], "nowhere"),
        (["charges", "--separator", "x"], "separator"),
        (["charges", "--decimal", ","], "separator"),
        (["secrets"], "secrets"),
        (["charges", "--format", "xls"], "xls"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(words, named):
    result = export(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr
    assert not AuditEntry.objects.exists()


def test_who_took_rows_out_is_kept():
    export("customers", "--gateway", "hotmart")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("export.customers", "gateway:hotmart")
    assert entry.actor.startswith("cli:")
