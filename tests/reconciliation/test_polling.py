"""Unpaid orders are asked about when their time comes; what is learned enters by the same door."""

import itertools
import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Charge, Order
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import DeniedError, UnavailableError
from recibo.gateways.facts import Money, OrderStatement
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Source
from recibo.inbox.own import Statement
from recibo.journal.models import IntegrationCall
from recibo.processing.actions import state
from recibo.processing.drain import drain
from recibo.reconciliation import circuits, claiming, payment_checks, polling, rules
from recibo.reconciliation.intervals import parse
from recibo.reconciliation.models import Circuit, PaymentCheck
from recibo.work import draining, limits
from recibo.work.sql import execute
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.acme import ACME
from tests.reconciliation.orders import ago, charge, due, learned, only, page

MINUTE = timedelta(minutes=1)


def waits(account: Account, delays: str = "1h,2h,4h") -> None:
    rules.change(account, "test", delays=delays, min_age=timedelta(seconds=1))


def ask(account: Account) -> int:
    """The time has come: ask, and process the answers."""
    due(account=account)
    count = polling.poll_due()
    drain()
    return count


def test_what_a_poll_learns_enters_the_inbox_and_ends_it(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = told(charge(status="paid"))
    assert ask(account) == 1
    assert Event.objects.get(event_type="charge.paid").source == Source.POLL
    assert Charge.objects.get().status == "paid"
    assert Order.objects.get().status == "paid"
    check = only()
    assert (check.status, check.attempts, check.next_attempt_at) == ("paid", 1, None)
    assert check.last_check_at is not None
    assert ask(account) == 0


def test_the_waits_grow_while_it_is_unpaid_and_no_event_is_made_twice(
    account: Account, server: GatewayServer
) -> None:
    waits(account)
    unpaid = charge()
    learned(account, unpaid)
    server.routes["/charges/c1"] = told(unpaid)
    found = []
    for _ in range(4):
        found.append(only().interval_seconds)
        ask(account)
        wait = only().next_attempt_at - only().last_check_at
        assert only().interval_seconds <= wait.total_seconds() + 1
        assert wait.total_seconds() <= only().interval_seconds * 1.11
    assert found == [3600, 7200, 14400, 14400]
    assert (only().attempts, only().status) == (4, "pending")
    assert Event.objects.count() == 1


def test_nobody_is_asked_before_the_time_has_come(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    assert polling.poll_due() == 0
    assert not server.asked


def test_an_order_without_a_charge_is_searched_by_its_reference(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge("c1", "failed", reference="o 1"))
    server.routes["/search"] = page(
        charge("c1", "failed", reference="o 1"), charge("c2", "paid", reference="o 1")
    )
    ask(account)
    assert server.asked[0].query == {"reference": ["o 1"]}
    assert set(Charge.objects.values_list("gateway_charge_id", "status")) == {
        ("c1", "failed"),
        ("c2", "paid"),
    }
    assert Order.objects.get().status == "paid"
    assert only().status == "paid"


def test_a_charge_that_the_gateway_lost_is_searched_for(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge("c1", reference="o1"))
    server.routes["/charges/c1"] = Canned(404)
    server.routes["/search"] = page(charge("c9", "paid", reference="o1"))
    ask(account)
    assert only().status == "paid"


def test_before_it_gives_up_it_searches_for_another_way_of_paying(
    account: Account, server: GatewayServer
) -> None:
    expires = timezone.now() + timedelta(minutes=30)
    learned(account, charge("c1", expires_at=expires))
    server.routes["/charges/c1"] = told(charge("c1", expires_at=expires))
    server.routes["/search"] = page(charge("c2", "paid", reference="c1"))
    ask(account)
    assert only().status == "pending"
    Charge.objects.update(expires_at=ago(minutes=2))
    ask(account)
    assert server.paths == ["/charges/c1", "/charges/c1", "/search"]
    assert only().status == "paid"


def test_another_charge_of_the_seller_s_reference_is_found_by_the_next_look(
    account: Account, server: GatewayServer
) -> None:
    register(account, "PED-1")
    learned(account, charge("c1", reference="PED-1"))
    server.routes["/charges/c1"] = told(charge("c1", reference="PED-1"))
    server.routes["/search"] = page(charge("c2", "paid", reference="PED-1"))
    ask(account)
    assert only().status == "paid"


def test_a_search_that_fails_takes_nothing_from_what_was_answered(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge("c1", reference="o1"))
    server.routes["/charges/c1"] = told(charge("c1", "paid", reference="o1"))
    server.routes["/search"] = Canned(500)
    ask(account)
    assert only().status == "paid"


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_an_order_whose_charge_ended_is_searched_once_more(
    account: Account, server: GatewayServer, how: str
) -> None:
    server.routes["/search"] = [page(), page(charge("c2", "paid", reference="o2"))]
    for order in ("o1", "o2"):
        learned(account, charge(f"{order}-1", reference=order))
        learned(account, charge(f"{order}-1", how, reference=order))
        check = PaymentCheck.objects.get(order__reference=order)
        assert check.next_attempt_at <= timezone.now()
        ask(account)
    assert dict(PaymentCheck.objects.values_list("order__reference", "status")) == {
        "o1": how,
        "o2": "paid",
    }
    assert server.paths == ["/search"] * 2


def test_an_order_whose_charge_ended_while_it_was_asked_about_ends_with_it(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge("c1", reference="o1"))
    server.routes["/charges/c1"] = told(charge("c1", "expired", reference="o1"))
    server.routes["/search"] = page()
    ask(account)
    assert only().status == "expired"
    assert server.paths == ["/charges/c1", "/search"]


def test_what_the_seller_cancelled_is_not_searched(account: Account, server: GatewayServer) -> None:
    register(account, "PED-1")
    learned(account, charge("c1", reference="PED-1"))
    register(account, "PED-1", OrderStatement.CANCELLED)
    assert (only().status, only().next_attempt_at) == ("cancelled", None)


def without_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searching wants credentials that we do not have."""

    def search(*_: object) -> list[RawRequest]:
        raise DeniedError("no e-mail")

    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, search_charges=search))


def test_a_charge_without_an_id_to_ask_for_is_asked_for_by_the_gateway_s_order(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PagBank's Pix has the code of its QR until it is paid."""
    without_search(monkeypatch)
    for number in range(circuits.TRIP + 1):
        learned(account, charge(f"QRCO_{number}", reference=f"o{number}"))
        Charge.objects.filter(gateway_charge_id=f"QRCO_{number}").update(
            metadata={"order_id": f"ORDE_{number}"}
        )
        found = charge(f"QRCO_{number}", "paid", reference=f"o{number}")
        server.routes[f"/charges/ORDE_{number}"] = told(found)
    ask(account)
    assert set(PaymentCheck.objects.values_list("status", flat=True)) == {"paid"}


def test_what_cannot_be_asked_for_is_no_failure_of_the_api(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_search(monkeypatch)
    learned(account, *(charge(f"c{n}") for n in range(circuits.TRIP + 1)))
    ask(account)
    assert set(PaymentCheck.objects.values_list("status", "attempts")) == {("pending", 1)}
    assert not circuits.down().exists()


def test_a_check_that_ends_without_a_word_of_the_gateway_does_not_say_that_it_spoke(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge(expires_at=timezone.now() + timedelta(minutes=30)))
    Charge.objects.update(expires_at=ago(hours=1))
    server.routes["/search"] = page()
    ask(account)
    assert (only().status, only().reason) == ("expired", payment_checks.UNKNOWN.reason)


def test_what_the_gateway_refuses_is_asked_less_and_less(
    account: Account, server: GatewayServer
) -> None:
    expires = timezone.now() + timedelta(hours=1)
    learned(account, charge(method="pix", expires_at=expires))
    server.routes["/charges/c1"] = Canned(400)
    PaymentCheck.objects.update(attempts=4)
    ask(account)
    assert only().next_attempt_at > timezone.now() + timedelta(hours=3)


@pytest.mark.parametrize("trouble", [Canned(400), Canned(500), Canned(401)])
def test_long_after_its_end_an_error_is_tried_again_once_a_day(
    account: Account, server: GatewayServer, trouble: Canned
) -> None:
    learned(account, charge())
    PaymentCheck.objects.update(give_up_at=ago(days=3))
    server.routes["/charges/c1"] = trouble
    ask(account)
    assert only().next_attempt_at > timezone.now() + timedelta(hours=23)


def test_an_order_is_asked_about_by_hand_where_the_api_counts_as_down_but_not_where_it_wants_a_rest(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = told(charge())
    later = timezone.now() + 9 * MINUTE
    Circuit.objects.update(paused_until=later)
    polling.poll(only().pk, by_hand=True)
    assert (only().attempts, server.asked) == (0, [])
    Circuit.objects.update(failures=9, opened_at=timezone.now())
    polling.poll(only().pk)
    assert (only().attempts, server.asked) == (0, [])
    polling.poll(only().pk, by_hand=True)
    assert only().attempts == 1


def test_a_gate_that_another_worker_holds_for_a_moment_is_tried_again(account: Account) -> None:
    learned(account, charge())
    due()
    is_held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            execute("select from reconciliation_circuit for update")
            is_held.set()
            let_go.wait(5)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(5)
    threading.Timer(0.1, let_go.set).start()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(claiming, "HELD", 0.5)
        assert len(polling.claim(8)) == 1
    holder.join()


def test_after_its_end_it_is_given_up_with_a_reason_and_never_before_an_answer(
    account: Account, server: GatewayServer
) -> None:
    expires = timezone.now() + timedelta(minutes=30)
    unpaid = charge(expires_at=expires)
    learned(account, unpaid)
    Charge.objects.update(expires_at=ago(hours=1))
    server.routes["/charges/c1"] = [Canned(500), Canned(503), told(unpaid)]
    server.routes["/search"] = page()
    for _ in range(2):
        ask(account)
        assert only().status == "pending"
        assert "UnavailableError" in only().last_error
    ask(account)
    assert (only().status, only().next_attempt_at) == ("expired", None)
    assert only().reason == payment_checks.GIVEN_UP.reason


@pytest.mark.parametrize("trouble", [Canned(500), Canned(401), Canned(400)])
def test_an_error_never_ends_it_and_does_not_lengthen_the_waits(
    account: Account, server: GatewayServer, trouble: Canned
) -> None:
    waits(account)
    learned(account, charge())
    server.routes["/charges/c1"] = trouble
    for attempt in range(3):
        ask(account)
        assert (only().status, only().attempts) == ("pending", attempt + 1)
    assert only().interval_seconds == 3600
    assert str(trouble.status) in only().last_error
    server.routes["/charges/c1"] = told(charge(status="paid"))
    ask(account)
    assert only().status == "paid"


def test_after_an_outage_it_is_asked_again_before_long(
    account: Account, server: GatewayServer
) -> None:
    waits(account, "24h")
    learned(account, charge())
    server.routes["/charges/c1"] = Canned(502)
    ask(account)
    assert only().next_attempt_at < timezone.now() + 6 * MINUTE


def test_the_wait_that_the_gateway_asks_for_is_kept_by_the_whole_account(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge("c1"), charge("c2"))
    server.routes["/charges/c1"] = server.routes["/charges/c2"] = told({}, 429, retry_after="1800")
    due(order__reference="c1")
    assert polling.poll_due() == 1
    assert PaymentCheck.objects.get(order__reference="c1").next_attempt_at > (
        timezone.now() + 29 * MINUTE
    )
    due(order__reference="c2")
    assert polling.poll_due() == 0
    assert len(server.asked) == 1
    assert not circuits.down().exists()


def test_a_dead_api_is_left_alone_and_tried_with_one_question(
    account: Account, server: GatewayServer
) -> None:
    learned(account, *(charge(f"c{n}") for n in range(30)))
    for number in range(30):
        server.routes[f"/charges/c{number}"] = Canned(503)
    ask(account)
    asked = len(server.asked)
    assert circuits.TRIP <= asked <= circuits.TRIP + circuits.MOST_AT_ONCE
    circuit = circuits.down().get()
    assert circuit.paused_until > timezone.now()
    assert circuit.failures == circuits.TRIP  # what was asked before it was paused adds none
    first_pause = circuit.paused_until - timezone.now()
    assert ask(account) == 0

    Circuit.objects.update(paused_until=timezone.now())
    assert ask(account) == 1
    assert len(server.asked) == asked + 1
    assert circuits.down().get().paused_until - timezone.now() > first_pause

    Circuit.objects.update(paused_until=timezone.now(), failures=99)
    for number in range(30):
        server.routes[f"/charges/c{number}"] = told(charge(f"c{number}", "paid"))
    assert ask(account) == 30
    assert not circuits.down().exists()
    assert set(PaymentCheck.objects.values_list("status", flat=True)) == {"paid"}


def test_a_pause_is_never_longer_than_a_quarter_of_an_hour(account: Account) -> None:
    circuits.ensure([account.pk])
    Circuit.objects.update(failures=50)
    circuits.trouble(account.pk, UnavailableError("down", status=503))
    assert Circuit.objects.get().paused_until < timezone.now() + 16 * MINUTE


def other(account: Account, name: str = "second", count: int = 4) -> Account:
    """Another account of Acme with unpaid orders."""
    from recibo.accounts.encryption import sealed

    found = Account.objects.create(
        gateway="acme",
        name=name,
        sealed_credentials=sealed({"key": "other"}),
        api_url=f"http://127.0.0.1:{name_port(account)}",
    )
    learned(found, *(charge(f"{name}-{n}") for n in range(count)))
    return found


def name_port(account: Account) -> str:
    from recibo.accounts.queries import api_url_of

    return api_url_of(account).rpartition(":")[2]


def poll_as_a_worker() -> None:
    polling.poll_due()
    connection.close()


def test_a_slow_api_does_not_hold_up_other_accounts(
    account: Account, server: GatewayServer
) -> None:
    learned(account, *(charge(f"c{n}") for n in range(12)))
    second = other(account, count=12)
    for number in range(12):
        server.routes[f"/charges/c{number}"] = Canned(503, delay=2.0)
        server.routes[f"/charges/second-{number}"] = told(charge(f"second-{number}", "paid"))
    due()
    worker = threading.Thread(target=poll_as_a_worker)
    worker.start()
    end = time.monotonic() + 1.9
    answered = PaymentCheck.objects.filter(account=second, attempts=1)
    while answered.count() < 12 and time.monotonic() < end:
        time.sleep(0.05)
    assert answered.count() == 12
    worker.join()


def test_an_account_is_asked_about_a_few_orders_at_a_time_by_however_many_workers(
    account: Account, server: GatewayServer
) -> None:
    learned(account, *(charge(f"c{n}") for n in range(20)))
    due()
    taken = [polling.claim(8) for _ in range(3)]
    assert [len(ids) for ids in taken] == [circuits.MOST_AT_ONCE, 0, 0]
    found: list[int] = []

    def claim() -> None:
        found.extend(polling.claim(8))
        connection.close()

    PaymentCheck.objects.update(claimed_until=None)
    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == circuits.MOST_AT_ONCE


def test_the_slots_are_shared_among_accounts(account: Account) -> None:
    learned(account, *(charge(f"c{n}") for n in range(9)))
    second, third = other(account, "second", 9), other(account, "third", 2)
    due()
    taken = PaymentCheck.objects.filter(pk__in=polling.claim(8))
    counts = {one: taken.filter(account=one).count() for one in (account, second, third)}
    assert list(counts.values()) == [3, 3, 2]
    assert set(taken.values_list("status", flat=True)) == {"processing"}


def test_a_worker_that_died_gives_its_orders_back(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = told(charge(status="paid"))
    due()
    assert len(polling.claim(8)) == 1
    assert polling.poll_due() == 0
    PaymentCheck.objects.update(claimed_until=ago(seconds=1))
    assert polling.poll_due() == 1
    drain()
    assert only().status == "paid"


def test_answer_and_settlement_stand_or_fall_together(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object, **__: object) -> None:
        raise RuntimeError("killed here")

    learned(account, charge())
    server.routes["/charges/c1"] = told(charge(status="paid"))
    due()
    with monkeypatch.context() as patched:
        patched.setattr(polling, "nudge", breaking)
        polling.poll_due()
    assert not Event.objects.filter(source=Source.POLL).exists()
    assert "killed here" in only().last_error
    ask(account)
    assert only().status == "paid"
    assert Event.objects.filter(source=Source.POLL).count() == 1


def test_paid_by_a_webhook_while_somebody_asks_stays_paid(
    account: Account, server: GatewayServer
) -> None:
    paid, unpaid = charge(status="paid"), charge(at=ago(minutes=3))
    learned(account, unpaid)

    def answer(_: Asked) -> Canned:
        learned(account, paid)
        connection.close()
        return told(unpaid)

    server.routes["/charges/c1"] = answer
    ask(account)
    assert (only().status, only().next_attempt_at) == ("paid", None)


def test_an_account_without_credentials_is_not_polled_and_no_row_changes(
    account: Account, server: GatewayServer, settings
) -> None:
    learned(account, charge())
    due()
    before = PaymentCheck.objects.values().get()
    settings.RECIBO_CREDENTIALS = {}
    assert polling.poll_due() == 0
    assert PaymentCheck.objects.values().get() == before
    assert not IntegrationCall.objects.exists()
    settings.RECIBO_CREDENTIALS = {"acme": {"key": "late"}}
    server.routes["/charges/c1"] = told(charge(status="paid"))
    assert polling.poll_due() == 1


def test_a_disabled_account_is_not_polled(account: Account) -> None:
    learned(account, charge())
    due()
    Account.objects.filter(pk=account.pk).update(disabled_at=timezone.now())
    assert polling.poll_due() == 0


def test_every_call_says_which_order_it_was_about(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = [Canned(500), told(charge())]
    ask(account)
    ask(account)
    rows = IntegrationCall.objects.order_by("id").values_list("order_id", "stage", "status_code")
    order = Order.objects.get().pk
    assert list(rows) == [(order, "poll", 500), (order, "poll", 200)]


def test_without_a_turn_nobody_is_asked_and_nothing_is_counted(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned(account, charge())
    monkeypatch.setattr(limits, "take", lambda *_, **__: None)
    ask(account)
    assert (only().attempts, only().status) == (0, "pending")
    assert only().next_attempt_at < timezone.now() + MINUTE
    assert not server.asked


def test_an_order_that_is_gone_is_left(account: Account) -> None:
    learned(account, charge())
    Charge.objects.all().delete()
    execute("delete from billing_order")
    ask(account)
    assert only_without_order().reason == payment_checks.GONE.reason


def only_without_order() -> PaymentCheck:
    return PaymentCheck.objects.defer("order").get()


def test_an_order_that_the_rule_leaves_out_now_is_left(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge(product="book"))
    rules.change(account, "test", products=["course"])
    ask(account)
    assert (only().status, only().reason) == ("cancelled", payment_checks.LEFT_OUT.reason)
    assert not server.asked


def test_a_free_slot_takes_the_next_row_while_a_slow_one_goes_on() -> None:
    rows = iter(range(1, 40))
    slow, done = threading.Event(), []

    def claim(limit: int) -> list[int]:
        return list(itertools.islice(rows, limit))

    def take(row: int) -> None:
        if row == 1:
            slow.wait(5)
        done.append(row)
        if len(done) == 38:
            slow.set()

    kind = draining.Kind("inbox_event", take, lambda *_: None, claim=claim)
    assert draining.drain_for_a_while(kind, time.monotonic() + 5) == 39
    assert done[-1] == 1


def test_what_is_due_is_found_by_an_index(account: Account) -> None:
    fill(account, 3000)
    execute("analyze reconciliation_paymentcheck")
    rows = execute(
        "explain select id from reconciliation_paymentcheck where account_id = %s"
        " and next_attempt_at <= now() order by next_attempt_at limit 4",
        account.pk,
    )
    assert "payment_check_due" in str(rows)


def fill(account: Account, count: int) -> None:
    execute(
        """
        insert into reconciliation_paymentcheck
            (order_id, account_id, status, attempts, answered, next_attempt_at, interval_seconds,
             last_error, reason, give_up_at, created_at)
        select n, %s, 'pending', 0, 0, now() + n * interval '1 second', 900, '', '',
            now() + interval '30 days', now() from generate_series(1, %s) n
        """,
        account.pk,
        count,
    )


def test_waits_of_the_environment_hold_for_all(account: Account, settings) -> None:
    settings.RECIBO_PAYMENT_CHECK_DELAYS = parse("3h")
    settings.RECIBO_PAYMENT_CHECK_GIVE_UP = timedelta(days=2)
    learned(account, charge())
    assert only().interval_seconds == 3 * 3600
    assert only().give_up_at < timezone.now() + timedelta(days=2)


def test_a_new_way_of_paying_that_comes_while_somebody_asks_is_waited_for(
    account: Account, server: GatewayServer
) -> None:
    long_ago = ago(minutes=2)
    learned(account, charge("c1", reference="o1", expires_at=timezone.now() + MINUTE))
    Charge.objects.update(expires_at=long_ago)
    expires = timezone.now() + timedelta(hours=1)

    def answer(_: Asked) -> Canned:
        learned(account, charge("c2", reference="o1", method="pix", expires_at=expires))
        connection.close()
        return told(charge("c1", reference="o1", expires_at=long_ago))

    server.routes["/charges/c1"] = answer
    server.routes["/search"] = page()
    ask(account)
    check = only()
    assert check.status == "pending"
    assert check.give_up_at == expires + MINUTE
    assert check.next_attempt_at is not None
    assert check.next_attempt_at < timezone.now() + timedelta(minutes=12)


def test_a_registered_order_is_found_by_its_reference_and_left_when_cancelled(
    account: Account, server: GatewayServer
) -> None:
    register(account, "PED-1")
    register(account, "PED-2")
    assert set(PaymentCheck.objects.values_list("status", flat=True)) == {"pending"}
    server.routes["/search"] = lambda asked: (
        page(charge("c1", "paid", reference="PED-1")) if "PED-1" in str(asked.query) else page()
    )
    ask(account)
    assert dict(PaymentCheck.objects.values_list("order__reference", "status")) == {
        "PED-1": "paid",
        "PED-2": "pending",
    }
    register(account, "PED-2", OrderStatement.CANCELLED)
    assert PaymentCheck.objects.get(order__reference="PED-2").status == "cancelled"


def register(
    account: Account, reference: str, status: OrderStatement = OrderStatement.AWAITED
) -> None:
    """The seller's own systems say so."""
    statement = Statement(
        reference=reference,
        status=status,
        occurred_at=timezone.now(),
        amount=Money(Decimal(100), "BRL"),
    )
    state(account, statement, actor="test")
