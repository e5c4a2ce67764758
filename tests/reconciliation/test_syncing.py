"""Lists are read page by page: whoever dies loses nothing, and a second run changes nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Source
from recibo.journal.models import IntegrationCall
from recibo.processing import fold
from recibo.processing.drain import drain
from recibo.reconciliation import syncing
from recibo.reconciliation.models import Circuit, PaymentCheck, Sync
from recibo.reconciliation.reports import report
from recibo.reconciliation.syncing import start, start_daily, sync_due
from recibo.work.sql import execute
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.acme import ACME
from tests.reconciliation.orders import ago, charge, learned, page

DAY = timedelta(days=1)
PAGE = 50


@pytest.fixture(autouse=True)
def _api(server: GatewayServer) -> None:
    """An API that lets us in and has nothing to list."""
    server.routes["POST /token"] = told({"token": "token"})
    server.routes["/charges"] = server.routes["/subscriptions"] = page()


def lists(server: GatewayServer, sales: list[dict[str, Any]]) -> None:
    """The API lists these sales, ``PAGE`` at a time."""

    def answer(asked: Asked) -> Canned:
        first = int(asked.query.get("page", ["0"])[0])
        rest = sales[first + PAGE :]
        return page(*sales[first : first + PAGE], after=str(first + PAGE) if rest else "")

    server.routes["/charges"] = answer


def run(account: Account, **options: Any) -> Sync:
    """Read everything, and process it."""
    start(account, **options)
    while Sync.objects.filter(next_attempt_at__lte=timezone.now()).exists():
        sync_due()
    drain()
    return sales_of(account)


def sales_of(account: Account) -> Sync:
    return Sync.objects.get(account=account, kind="sales")


def state() -> list[list[Any]]:
    """Every row that customers, orders, charges and subscriptions consist of."""
    tables = ("customer", "order", "charge", "subscription", "chargenews", "subscriptionnews")
    return [execute(f"select * from billing_{table} order by 1, 2") for table in tables]


def test_sales_and_subscriptions_are_brought_over(account: Account, server: GatewayServer) -> None:
    lists(server, [charge(f"c{n}", "paid") for n in range(3)])
    subscriber = {"id": "s1", "status": "active", "at": "2026-03-01T00:00:00Z", "email": "a@x.org"}
    server.routes["/subscriptions"] = page(subscriber)
    sync = run(account)
    assert Charge.objects.filter(status="paid").count() == 3
    assert Subscription.objects.get().customer.email == "a@x.org"
    assert set(Event.objects.values_list("source", flat=True)) == {Source.SYNC}
    assert (sync.found, sync.new, sync.pages, sync.error) == (3, 3, 1, "")
    assert sync.finished_at is not None
    assert sync.next_attempt_at is None
    assert set(IntegrationCall.objects.values_list("stage", flat=True)) == {
        "sync.sales",
        "sync.subscriptions",
    }


def test_a_second_run_changes_nothing(account: Account, server: GatewayServer) -> None:
    lists(server, [charge(f"c{n}", "paid", at=ago(days=n % 9)) for n in range(120)])
    run(account)
    before = state()
    second = run(account, since=ago(days=400))
    assert state() == before
    assert (second.found, second.new) == (120, 0)
    assert Event.objects.count() == 120


def test_the_watermark_moves_and_the_next_run_begins_a_day_before_it(
    account: Account, server: GatewayServer
) -> None:
    first = run(account)
    asked = [one for one in server.asked if one.path == "/charges"]
    since = datetime.fromisoformat(asked[0].query["since"][0])
    assert timezone.now() - since > 700 * DAY
    run(account)
    asked = [one for one in server.asked if one.path == "/charges"]
    assert datetime.fromisoformat(asked[-1].query["since"][0]) == first.watermark - DAY
    assert sales_of(account).watermark > first.watermark


def test_what_may_change_without_its_list_telling_is_read_again(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hotmart lists sales by when they were made: a refund of last month shows only there."""
    first = run(account)
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, sales_change_for=60 * DAY))
    run(account)
    asked = [one for one in server.asked if one.path == "/charges"]
    assert datetime.fromisoformat(asked[-1].query["since"][0]) == first.watermark - 60 * DAY


def test_a_run_that_leaves_a_gap_does_not_move_the_watermark(account: Account) -> None:
    assert run(account, since=ago(days=3)).watermark is None
    whole = run(account)
    assert whole.watermark is not None
    late = whole.watermark - 10 * DAY
    Sync.objects.update(watermark=late)
    assert run(account, since=ago(days=3)).watermark == late
    assert run(account, since=ago(days=30)).watermark > late


def test_a_worker_that_died_between_pages_loses_and_repeats_nothing(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists(server, [charge(f"c{n}", "paid") for n in range(3 * PAGE)])
    start(account)
    monkeypatch.setattr(syncing, "PAGES", 1)
    sync = sales_of(account)
    syncing.go_on(sync.pk)
    assert (sales_of(account).cursor, Event.objects.count()) == (str(PAGE), PAGE)
    stale = Sync.objects.select_related("account").get(pk=sync.pk)
    syncing.go_on(sync.pk)

    # Somebody whose lease ran out comes back with the second page.
    assert syncing.accept(stale, syncing.Listed([], "x")) is False
    assert sales_of(account).cursor == str(2 * PAGE)
    syncing.go_on(sync.pk)
    assert sales_of(account).found == 3 * PAGE
    assert sales_of(account).finished_at is not None
    assert server.paths.count("/charges") == 3
    assert Event.objects.count() == 3 * PAGE


def test_a_crash_in_the_middle_of_a_page_takes_the_page_back(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object) -> None:
        raise RuntimeError("killed here")

    lists(server, [charge(f"c{n}", "paid") for n in range(PAGE + 1)])
    start(account)
    with monkeypatch.context() as patched:
        patched.setattr(syncing, "nudge", breaking)
        sync_due()
    assert not Event.objects.exists()
    assert sales_of(account).cursor == ""
    assert "killed here" in sales_of(account).error
    run(account)
    assert Charge.objects.count() == PAGE + 1


def test_an_api_that_fails_is_tried_again_where_it_stood(
    account: Account, server: GatewayServer
) -> None:
    sales = [charge(f"c{n}", "paid") for n in range(2 * PAGE)]
    second = page(*sales[PAGE:])
    answers = [page(*sales[:PAGE], after="2"), Canned(503), second]
    server.routes["/charges"] = answers
    run(account)
    sync = sales_of(account)
    assert (sync.cursor, sync.attempts) == ("2", 1)
    assert "503" in sync.error
    assert sync.next_attempt_at > timezone.now() + timedelta(seconds=30)
    Sync.objects.filter(pk=sync.pk).update(next_attempt_at=timezone.now())
    sync_due()
    assert (sales_of(account).found, sales_of(account).error) == (2 * PAGE, "")
    assert server.paths.count("/charges") == 3


def test_the_wait_that_the_gateway_asks_for_is_kept(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges"] = told({}, 429, retry_after="3000")
    run(account)
    assert sales_of(account).next_attempt_at > timezone.now() + timedelta(seconds=2900)
    assert not Circuit.objects.filter(opened_at__isnull=False).exists()


def test_a_page_that_is_refused_begins_the_run_anew(
    account: Account, server: GatewayServer
) -> None:
    sales = [charge(f"c{n}", "paid") for n in range(2)]
    server.routes["/charges"] = [page(sales[0], after="stale"), Canned(400), page(*sales)]
    sync = run(account)
    assert sync.finished_at is not None
    assert Charge.objects.count() == 2


def test_a_page_that_is_refused_for_good_is_left_with_its_error(
    account: Account, server: GatewayServer
) -> None:
    def answer(asked: Asked) -> Canned:
        return Canned(400) if asked.query.get("page") else page(charge(), after="stale")

    server.routes["/charges"] = answer
    sync = run(account)
    assert (sync.finished_at, sync.next_attempt_at) == (None, None)
    assert "400" in sync.error
    assert server.paths.count("/charges") < 12


def test_a_list_that_goes_in_circles_is_an_error(account: Account, server: GatewayServer) -> None:
    server.routes["/charges"] = page(charge(), after="same")
    sync = run(account)
    assert "does not go on" in sync.error
    assert server.paths.count("/charges") < 12


def test_refused_credentials_wait_for_a_person(account: Account, server: GatewayServer) -> None:
    server.routes["/charges"] = Canned(403)
    sync = run(account)
    assert sync.next_attempt_at is None
    assert "403" in sync.error
    server.routes["/charges"] = page()
    assert run(account).error == ""


def test_what_is_old_is_brought_over_in_silence(account: Account, server: GatewayServer) -> None:
    old = ago(days=100)
    lists(server, [charge("c1", "paid", at=old, created_at=old, paid_at=old), charge("c2")])
    run(account)
    assert set(Order.objects.values_list("reference", "status")) == {
        ("c1", "paid"),
        ("c2", "pending"),
    }
    assert PaymentCheck.objects.get().order.reference == "c2"


def test_missed_sales_and_statuses_are_reported(account: Account, server: GatewayServer) -> None:
    learned(account, charge("known"), charge("same", "paid"))
    same = json.loads(bytes(Event.objects.latest("id").body.body))
    lists(server, [charge("known", "paid"), charge("missed", "paid"), charge("open"), same])
    subscriber = {"id": "s1", "status": "active", "at": "2026-03-01T00:00:00Z", "email": "a@x.org"}
    server.routes["/subscriptions"] = page(subscriber)
    run(account)
    told_of = report(account, list(Sync.objects.filter(account=account)))
    assert (told_of.found, told_of.new, told_of.changed) == (5, 4, 4)
    assert (told_of.charges, told_of.subscriptions) == (2, 1)
    assert (told_of.paid, told_of.customers) == (2, 1)
    assert (told_of.failed, told_of.waiting, told_of.errors) == (0, 0, ())
    assert Customer.objects.count() == 1


def test_daily_runs_begin_at_two_in_our_zone_once(account: Account, settings) -> None:
    settings.TIME_ZONE = "America/Sao_Paulo"
    early = datetime(2026, 3, 10, 4, 59, tzinfo=UTC)
    assert syncing.last_daily(early) == datetime(2026, 3, 9, 5, tzinfo=UTC)
    assert syncing.last_daily(early + timedelta(minutes=1)) == datetime(2026, 3, 10, 5, tzinfo=UTC)

    now = timezone.now()
    assert start_daily(now) == []
    Account.objects.filter(pk=account.pk).update(connected_at=now)
    assert start_daily(now) == []
    Account.objects.filter(pk=account.pk).update(connected_at=now - 2 * DAY)
    begun = start_daily(now)
    assert {sync.account for sync in begun} == {account}
    assert start_daily(now) == []
    run(account)
    assert start_daily(now) == []
    Sync.objects.update(begun_at=syncing.last_daily(now) - timedelta(minutes=1))
    assert len(start_daily(now)) == 2


def test_a_run_that_a_refusal_stopped_is_begun_once_a_day(
    account: Account, server: GatewayServer
) -> None:
    now = timezone.now()
    Account.objects.filter(pk=account.pk).update(connected_at=now - 9 * DAY)
    server.routes["/charges"] = server.routes["/subscriptions"] = Canned(403)
    run(account)
    Sync.objects.update(started_at=now - 2 * DAY, begun_at=now - 2 * DAY)
    assert len(start_daily(now)) == 2
    sync_due()
    assert start_daily(now) == []
    assert {one.kind for one in syncing.standing_since(now - DAY)} == {"sales", "subscriptions"}
    server.routes["/charges"] = server.routes["/subscriptions"] = page()
    run(account)
    assert not syncing.standing_since(now - DAY).exists()


def test_a_new_request_does_not_undo_the_wait_that_the_gateway_asked_for(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges"] = told({}, 429, retry_after="3000")
    run(account)
    asked = len(server.asked)
    run(account)
    assert len(server.asked) == asked
    assert sales_of(account).next_attempt_at > timezone.now() + timedelta(seconds=2900)


def test_an_account_that_was_disabled_is_read_no_further(
    account: Account, server: GatewayServer
) -> None:
    start(account)
    Account.objects.filter(pk=account.pk).update(disabled_at=timezone.now())
    sync_due()
    assert not server.asked
    assert sales_of(account).next_attempt_at is None
    assert "disabled" in sales_of(account).error


def test_a_gap_is_read_of_sales_only_and_not_where_they_never_were(
    account: Account, server: GatewayServer
) -> None:
    assert not syncing.start_gap(account, ago(hours=3))
    assert not Sync.objects.exists()
    run(account)
    asked = len(server.asked)
    assert syncing.start_gap(account, ago(hours=3))
    sync_due()
    [one] = server.asked[asked:]
    assert one.path == "/charges"
    since = datetime.fromisoformat(one.query["since"][0])
    assert timezone.now() - since < DAY + timedelta(hours=4)


def test_a_run_that_stands_goes_on_instead_of_beginning_anew(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges"] = [page(charge(), after="2"), Canned(503), page()]
    run(account)
    started = sales_of(account).started_at
    run(account)
    assert sales_of(account).started_at == started
    assert server.asked[-1].query.get("page", ["2"]) == ["2"]
    assert sales_of(account).finished_at is not None


def test_accounts_that_cannot_be_read_say_why(account: Account, settings) -> None:
    assert syncing.obstacle(account) == ""
    settings.RECIBO_CREDENTIALS = {}
    assert "ACME_KEY" in syncing.obstacle(account)
    account.disabled_at = timezone.now()
    assert "disabled" in syncing.obstacle(account)


@pytest.mark.timeout(240)
def test_twenty_thousand_sales_are_read_twice_with_identical_state(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.reconciliation.test_syncing.PAGE", 500)
    at = ago(days=30)
    lists(server, [charge(f"c{n}", "paid", at=at, created_at=at) for n in range(20_000)])
    run(account)
    assert Charge.objects.filter(status="paid").count() == 20_000
    before = state()
    assert run(account, since=ago(days=500)).new == 0
    assert state() == before


def test_what_is_young_is_acted_upon_and_what_is_old_is_not(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted_upon: list[str] = []
    monkeypatch.setattr(
        fold,
        "react",
        lambda changes: acted_upon.extend(f"{one.kind} {one.name}" for one in changes),
    )
    Account.objects.filter(pk=account.pk).update(connected_at=ago(days=300))
    old = ago(days=100)
    lists(server, [charge("old", "paid", at=old, created_at=old), charge("young", "paid")])
    run(account)
    assert acted_upon == ["charge.paid young", "order.paid young"]
    assert Order.objects.filter(status="paid").count() == 2
