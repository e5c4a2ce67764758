"""Cells stay in step with the facts, whatever comes in, and in whatever order."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.analytics import importing, queries, rollups
from recibo.analytics.models import Cell, Ledger, Mark, Rate, Snapshot
from recibo.analytics.snapshots import take_if_due
from recibo.billing.models import Charge, Customer
from recibo.gateways.contract import Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Source
from recibo.processing import actions
from recibo.processing.drain import drain
from recibo.work.sql import execute
from tests.analytics import worked_example
from tests.analytics.conftest import as_csv, bring_in, span
from tests.inboxes import received

pytestmark = pytest.mark.django_db
AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
APRIL = date(2026, 4, 1)


def told(sample: str, number: int = 1, *, at: datetime = AT, source: Source = Source.WEBHOOK):
    """News of a sale at Hotmart."""
    sale = Sale(number=number, at=at)
    received(GATEWAYS["hotmart"].samples[sample](sale), source=source, at=at)


def april(scope: str = "all") -> dict:
    """April's figures, after everything was folded and counted."""
    drain()
    rollups.drain()
    [row] = queries.report(span(APRIL, APRIL, scope=scope))["months"]
    return row


def agree() -> bool:
    rebuilt = rollups.rebuild()
    return not rebuilt.differing and not rebuilt.cells_amiss


def test_a_webhook_is_counted_and_its_refund_too():
    told("purchase-approved")
    row = april()
    assert (row["cash_gross"], row["payments_count"]) == (Decimal("97.90"), 1)
    assert (row["new_mrr"], row["customers_new"]) == (Decimal("97.90"), 1)
    assert row["fees"] > 0
    assert row["commissions"]
    told("purchase-refunded", at=AT + timedelta(days=3))
    row = april()
    assert row["refunds_value"] == Decimal("97.90")
    assert (row["churn_mrr"], row["mrr_closing"]) == (Decimal("97.90"), Decimal("0.00"))
    months = queries.report(span(date(2026, 3, 1), APRIL))["months"]  # the sale was in March
    assert sum(one["cash_net"] for one in months) == 0
    assert agree()


def test_simulations_are_no_revenue():
    told("purchase-approved", source=Source.SIMULATE)
    assert april()["cash_gross"] == 0
    assert not Ledger.objects.exists()


def test_what_is_counted_again_at_once_is_marked_in_the_same_transaction():
    told("purchase-approved")
    drain()
    customer = Customer.objects.get()
    assert customer.pk in set(Mark.objects.values_list("subject", flat=True))
    assert queries.waiting()
    rollups.drain()
    assert not queries.waiting()


def test_a_sale_whose_buyer_is_not_known_is_counted_once_and_moves_to_him():
    told("purchase-approved")
    drain()
    charge = Charge.objects.get()
    customer = charge.customer
    for table in ("charge", "subscription"):
        execute(f"update billing_{table} set customer_id = null")
    rollups.rebuild()
    alone = april()
    assert (alone["cash_gross"], alone["customers_new"]) == (Decimal("97.90"), 1)
    assert Ledger.objects.filter(subject__lt=0).exists()
    for table in ("charge", "subscription"):
        execute(f"update billing_{table} set customer_id = %s", customer.pk)
    told("purchase-complete", at=AT + timedelta(days=8))
    joined = april()
    assert (joined["cash_gross"], joined["customers_new"]) == (Decimal("97.90"), 1)
    assert not Ledger.objects.filter(subject__lt=0).exists()
    assert agree()


def test_an_event_that_is_processed_again_changes_nothing():
    told("purchase-approved")
    told("cart-abandonment", 2)
    before = april()
    assert before["carts_abandoned"] == 1
    ids = list(Event.objects.values_list("pk", flat=True))
    assert actions.replay(ids, with_messages=False, actor="tests") == 2
    assert april() == before
    assert agree()


def test_cells_that_were_spoilt_are_found_and_mended(example):
    cell = Cell.objects.filter(scope="all", name="new_mrr").first()
    Cell.objects.filter(pk=cell.pk).update(value=cell.value + 1)
    Ledger.objects.filter(figures__isnull=False).first().delete()
    rebuilt = rollups.rebuild()
    assert rebuilt.differing == 1
    assert rebuilt.cells_amiss >= 1
    assert agree()
    assert Cell.objects.get(pk=cell.pk).value == cell.value


def test_who_is_no_more_is_no_more_counted(example):
    execute("update analytics_ledger set subject = 999999 where subject = (select min(subject)"
            " from analytics_ledger)")  # fmt: skip
    rollups.rebuild()
    assert not Ledger.objects.filter(subject=999999).exists()
    assert agree()


def test_another_rate_counts_those_who_pay_in_it_anew(example):
    rates = worked_example.rows("fx")
    rates[1]["rate_to_brl"] = "6.00"
    importing.import_rates(as_csv(rates))
    rollups.drain()
    rows = queries.report(span())["months"]
    # S17 joined in February for 20 dollars.
    assert rows[1]["new_mrr"] == Decimal("420.00")
    assert rows[2]["fx_adjustment"] == Decimal("-8.00")
    assert rows[2]["mrr_closing"] == Decimal("1202.00")
    assert agree()


def test_another_definition_counts_everybody_anew_and_is_logged(example, settings):
    chosen = settings.RECIBO_DEFINITIONS
    settings.RECIBO_DEFINITIONS = type(chosen)(grace=timedelta(days=60))
    rollups.drain()
    rows = queries.report(span())["months"]
    # C10 paid until 12 March: 30 days of grace end in April, 60 in May.
    assert (rows[3]["churn_mrr"], rows[4]["churn_mrr"]) == (Decimal("0.00"), Decimal("480.00"))
    [entry] = execute("select * from journal_auditentry where action = 'analytics.definitions'")
    assert entry["before"]["grace"] != entry["after"]["grace"]
    assert agree()


def test_what_only_time_changes_is_counted_when_it_comes(example, monkeypatch):
    Ledger.objects.filter(subject__gt=0).update(again_at=timezone.now())
    assert rollups.drain() == Ledger.objects.filter(part=0).count()
    assert rollups.drain() == 0


def test_the_currency_scope_shows_what_was_sold_unconverted(example):
    rows = queries.report(span(scope=queries.scope_of(currency="usd")))["months"]
    assert [str(row["mrr_closing"]) for row in rows] == ["0.00"] + ["20.00"] * 5
    assert {str(row["fx_adjustment"]) for row in rows} == {"0.00"}


def test_parts_of_a_month_add_up_to_it(example):
    may = date(2026, 5, 1)
    [whole] = queries.report(span(may, may))["months"]
    for dimension in ("gateway", "account", "product"):
        parts = queries.by_part(dimension, may)
        for name in ("mrr_closing", "cash_gross", "refunds_value"):
            assert sum(row[name] for row in parts) == whole[name], (dimension, name)
    plans = {row["plan"]: row["mrr_closing"] for row in queries.by_part("plan", may)}
    assert plans["mensal-pro"] == Decimal("150.00")


def test_a_closed_month_that_late_news_changes_is_said_to_be_restated(rates):
    late = [row for row in worked_example.rows("events") if row["event_id"] == "w-e048"]
    others = [row for row in worked_example.rows("events") if row["event_id"] != "w-e048"]
    bring_in(others)
    assert take_if_due(datetime(2026, 4, 1, 6, tzinfo=UTC))
    assert not take_if_due(datetime(2026, 4, 1, 7, tzinfo=UTC))
    [before] = queries.report(span(date(2026, 3, 1), date(2026, 3, 1)))["months"]
    assert not before["is_restated"]
    bring_in(late)
    [after] = queries.report(span(date(2026, 3, 1), date(2026, 3, 1)))["months"]
    assert (after["is_restated"], after["first_shown"]) == (True, before["mrr_closing"])
    assert Snapshot.objects.count() == 1


def test_a_month_is_not_shown_before_its_news_is_in():
    assert not take_if_due(datetime(2026, 4, 1, 4, tzinfo=UTC))  # 1:00 in São Paulo


def test_imports_open_no_door(example):
    account = Account.objects.get(gateway="import")
    assert account.disabled_at is not None
    assert Rate.objects.count() == 6
