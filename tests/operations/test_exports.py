"""Rows as files: what stands in them, and what becomes of a file that a worker writes."""

import csv
import io
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from recibo.billing.models import Charge, Customer, Tag
from recibo.journal.models import AuditEntry
from recibo.operations import exports
from recibo.operations.exports import Style
from recibo.operations.models import Export
from tests.api.conftest import sold

KINDS = list(Export.Kind)
PLAIN = Style()
SPREADSHEET = Style(separator=";", decimal=",", bom=True)


@pytest.fixture(autouse=True)
def _home(settings, tmp_path):
    settings.RECIBO_HOME = tmp_path


def written(kind: str, style: Style = PLAIN, gateway: str = "") -> str:
    return b"".join(exports.pieces(kind, gateway, style)).decode()


def read(text: str, separator: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+5511912345678", "'+5511912345678"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (Decimal("-5.5"), "-5.50"),
        (-3, "-3"),
        (True, "true"),
        (datetime(2026, 4, 1, 12, tzinfo=UTC), "2026-04-01T12:00:00Z"),
    ],
)
def test_no_text_becomes_a_formula_and_numbers_stay_numbers(value, expected):
    assert exports.cell(value, Style()) == expected


def test_amounts_have_the_comma_of_the_spreadsheet():
    assert exports.cell(Decimal(1500), SPREADSHEET) == "1500,00"


@pytest.mark.django_db
class TestContent:
    def test_a_charge_as_csv(self):
        sold(1)
        [row] = read(written("charges"))
        assert row["gateway_charge_id"] == "HP2000000001"
        assert (row["amount"], row["fee"], row["currency"]) == ("97.90", "10.69", "BRL")
        assert row["paid_at"] == "2026-04-01T12:00:00Z"
        assert row["customer_email"] == "comprador.1@example.com"
        assert row["order_reference"] == "HP2000000001"

    def test_a_spreadsheet_of_brazil(self):
        sold(1)
        text = written("charges", SPREADSHEET)
        assert text.startswith("\ufeffid;gateway;")
        [row] = read(text.removeprefix("\ufeff"), ";")
        assert row["amount"] == "97,90"

    def test_a_customer_with_what_other_tables_know(self):
        sold(1)
        customer = Customer.objects.get()
        Tag.objects.create(customer=customer, tag="vip")
        Customer.objects.update(corrections={"name": "=Ana"})
        [row] = read(written("customers"))
        assert (row["name"], row["tags"], row["segment"]) == ("'=Ana", "vip", "active")
        assert (row["lifetime_value"], row["currency"], row["access"]) == ("97.90", "BRL", "none")

    @pytest.mark.parametrize("kind", KINDS)
    def test_json_lines_have_the_columns_of_the_csv(self, kind):
        sold(2)
        rows = read(written(kind))
        lines = [json.loads(line) for line in written(kind, Style("jsonl")).splitlines()]
        assert len(lines) == len(rows) == 2
        assert list(lines[0]) == list(rows[0])

    def test_json_lines_tell_values_as_the_api_does(self):
        sold(1)
        [line] = written("charges", Style("jsonl")).splitlines()
        charge = json.loads(line)
        assert (charge["amount"], charge["paid_at"]) == ("97.90", "2026-04-01T12:00:00Z")
        assert charge["simulated"] is False
        assert charge["expires_at"] is None

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_row_comes_once_over_all_batches(self, kind, monkeypatch):
        sold(7)
        monkeypatch.setattr(exports, "BATCH", 3)
        ids = [int(row["id"]) for row in read(written(kind))]
        assert len(ids) == 7
        assert ids == sorted(set(ids), reverse=True)

    @pytest.mark.parametrize("kind", KINDS)
    def test_queries_grow_with_batches_not_with_rows(self, kind, django_assert_max_num_queries):
        sold(20)
        with django_assert_max_num_queries(9):
            written(kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_rows_of_another_gateway_stay_out(self, kind):
        sold(1)
        assert read(written(kind, gateway="asaas")) == []
        assert len(read(written(kind, gateway="hotmart"))) == 1

    def test_lines_and_separators_in_a_cell_stay_in_it(self):
        sold(1)
        Charge.objects.update(product='A "new", one\r\nof two lines')
        [row] = read(written("charges"))
        assert row["product"] == 'A "new", one\r\nof two lines'


@pytest.mark.django_db(transaction=True)
class TestJobs:
    def test_a_worker_writes_what_was_asked_for(self):
        sold(3)
        export = exports.queue("charges", "hotmart", SPREADSHEET, actor="token:shop")
        assert exports.opened(export) is None
        assert exports.write_all() == 1
        export.refresh_from_db()
        path = exports.place(export)
        content = path.read_bytes()
        assert content == b"".join(exports.pieces("charges", "hotmart", SPREADSHEET))
        assert (export.status, export.rows, export.size) == ("done", 3, len(content))
        assert export.expires_at == export.finished_at + exports.LASTS
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert exports.write_all() == 0
        assert AuditEntry.objects.get(action="export.charges").actor == "token:shop"

    def test_a_file_that_broke_off_is_not_there_and_is_written_again(self, monkeypatch):
        sold(1)
        export = exports.queue("charges", "", Style(), actor="x")

        def full(*_args: object, **_kwargs: object):
            yield b"half"
            raise OSError("No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(exports, "pieces", full)
            exports.write_all()
        export.refresh_from_db()
        assert list(exports.folder().iterdir()) == []
        assert (export.status, export.attempts) == ("queued", 1)
        assert "No space left" in export.error
        Export.objects.update(next_attempt_at=timezone.now())
        exports.write_all()
        export.refresh_from_db()
        assert (export.status, export.error) == ("done", "")

    def test_what_breaks_each_time_is_given_up(self, monkeypatch):
        export = exports.queue("charges", "", Style(), actor="x")
        Export.objects.update(attempts=exports.ATTEMPTS - 1)
        monkeypatch.setattr(exports, "pieces", lambda *_args, **_kwargs: 1 / 0)
        exports.write_all()
        export.refresh_from_db()
        assert (export.status, export.next_attempt_at) == ("failed", None)

    def test_a_file_is_gone_when_its_time_is_over(self):
        export = exports.queue("charges", "", Style(), actor="x")
        exports.write_all()
        Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        export.refresh_from_db()
        assert exports.opened(export) is None
        assert exports.place(export).exists()
        assert exports.clean() == 1
        assert not exports.place(export).exists()
        export.refresh_from_db()
        assert export.status == "expired"
        assert exports.clean() == 0

    def test_what_a_killed_worker_left_is_deleted_after_a_day(self):
        left = exports.folder() / ".charges-1.csv.0a1b2c3d"
        left.write_bytes(b"half")
        assert exports.clean() == 0
        yesterday = timezone.now().timestamp() - 25 * 3600
        os.utime(left, (yesterday, yesterday))
        assert exports.clean() == 1
        assert not left.exists()
