"""An unpaid order is followed until it ends, whichever way the news of that comes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Order
from recibo.inbox.models import Event, Source
from recibo.processing.actions import replay
from recibo.processing.drain import drain
from recibo.reconciliation import payment_checks, rules
from recibo.reconciliation.models import Circuit, PaymentCheck
from tests.reconciliation.orders import ago, charge, learned, only

DAY = timedelta(days=1)
OURS = ("reconciliation_", "billing_order")


def test_a_pending_charge_opens_one_check_of_its_order(account: Account) -> None:
    learned(account, charge())
    check = only()
    assert (check.status, check.attempts, check.order.reference) == ("pending", 0, "c1")
    minutes = (check.next_attempt_at - timezone.now()) / timedelta(minutes=1)
    assert 14 < minutes < 17
    assert check.interval_seconds == 900
    assert check.give_up_at > timezone.now() + 29 * DAY
    assert Circuit.objects.filter(account=account).exists()


def test_the_charge_s_method_decides_where_nothing_is_set(account: Account) -> None:
    expires = timezone.now() + timedelta(hours=1)
    learned(account, charge("pix", method="pix", expires_at=expires))
    check = only()
    assert check.interval_seconds == 120
    assert check.give_up_at == expires + timedelta(minutes=1)


def test_a_second_attempt_to_pay_is_the_same_check(account: Account) -> None:
    learned(account, charge("c1", reference="o1"))
    PaymentCheck.objects.update(next_attempt_at=timezone.now() + 9 * DAY, answered=7)
    expires = timezone.now() + timedelta(hours=1)
    learned(account, charge("c2", reference="o1", method="pix", expires_at=expires))
    check = only()
    assert check.answered == 0
    assert check.next_attempt_at < timezone.now() + timedelta(minutes=15)


@pytest.mark.parametrize("source", [Source.WEBHOOK, Source.POLL, Source.SYNC])
def test_payment_ends_it_whichever_way_it_is_told(account: Account, source: Source) -> None:
    learned(account, charge())
    learned(account, charge(status="paid"), source=source)
    check = only()
    assert (check.status, check.next_attempt_at) == ("paid", None)
    assert check.reason == "The order is paid."
    assert check.ended_at is not None


def test_a_payment_too_old_to_act_upon_ends_it_too(account: Account) -> None:
    learned(account, charge(created_at=ago(days=20), at=ago(days=20)))
    PaymentCheck.objects.update(status="processing")
    learned(account, charge(status="paid", paid_at=ago(days=9)), source=Source.POLL)
    assert only().status == "paid"


@pytest.mark.parametrize(("told", "status"), [("cancelled", "cancelled"), ("expired", "expired")])
def test_an_order_that_ended_is_left_alone(account: Account, told: str, status: str) -> None:
    learned(account, charge())
    learned(account, charge(status=told))
    assert (only().status, only().next_attempt_at) == (status, None)
    assert only().reason


def test_an_order_that_comes_back_is_followed_again(account: Account) -> None:
    learned(account, charge("c1", reference="o1"))
    learned(account, charge("c1", "expired", reference="o1"))
    learned(account, charge("c2", reference="o1"))
    check = only()
    assert (check.status, check.reason, check.ended_at) == ("pending", "", None)
    assert check.next_attempt_at is not None


def test_a_payment_after_we_gave_up_is_a_payment(account: Account) -> None:
    learned(account, charge())
    payment_checks.end([Order.objects.get().pk], payment_checks.GIVEN_UP)
    assert only().status == "expired"
    learned(account, charge(status="paid"))
    assert only().status == "paid"


def test_the_news_that_a_paid_order_was_pending_opens_nothing(account: Account) -> None:
    learned(account, charge(status="paid"))
    learned(account, charge(at=ago(hours=1)))
    assert not PaymentCheck.objects.exists()


def test_what_nobody_will_pay_any_more_is_not_followed(account: Account) -> None:
    old = ago(days=90)
    learned(account, charge(at=old, created_at=old), source=Source.SYNC)
    assert not PaymentCheck.objects.exists()


def test_a_simulated_order_is_not_followed(account: Account) -> None:
    learned(account, charge(), source=Source.SIMULATE)
    assert not PaymentCheck.objects.exists()


def test_a_replay_opens_nothing_twice(account: Account) -> None:
    learned(account, charge())
    replay([Event.objects.get().pk], with_messages=False, actor="test")
    drain()
    assert PaymentCheck.objects.count() == 1


def test_only_orders_that_the_rule_covers_are_followed(account: Account) -> None:
    rules.change(None, "test", products=["course"])
    rules.change(account, "test", since=ago(days=2))
    learned(account, charge("a", product="book"), charge("b", product="course"))
    learned(account, charge("c", product="course", created_at=ago(days=3)))
    assert only().order.reference == "b"


def test_opening_and_ending_take_a_fixed_number_of_statements(account: Account) -> None:
    def statements(first: int, count: int, status: str) -> int:
        told = [charge(f"c{first + number}", status) for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            learned(account, *told)
        return sum(any(name in query["sql"] for name in OURS) for query in captured)

    few, many = statements(0, 2, "pending"), statements(100, 60, "pending")
    assert few == many
    assert PaymentCheck.objects.count() == 62
    few, many = statements(0, 2, "paid"), statements(100, 60, "paid")
    assert few == many
    assert PaymentCheck.objects.filter(status="paid").count() == 62


def test_a_buyer_who_looks_has_the_gateway_asked_once_a_minute(account: Account) -> None:
    learned(account, charge())
    order = Order.objects.get().pk
    assert payment_checks.ask_about_order(order)
    assert only().next_attempt_at <= timezone.now()
    PaymentCheck.objects.update(last_check_at=ago(seconds=20))
    assert not payment_checks.ask_about_order(order)
    PaymentCheck.objects.update(last_check_at=ago(seconds=70))
    assert payment_checks.ask_about_order(order)
    learned(account, charge(status="paid"))
    assert not payment_checks.ask_about_order(order)


def test_what_was_asked_lately_wakes_nobody(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned(account, charge())
    nudged: list[str] = []
    monkeypatch.setattr(payment_checks, "nudge", nudged.append)
    assert payment_checks.ask_soon(only())
    PaymentCheck.objects.update(last_check_at=ago(seconds=20))
    assert not payment_checks.ask_soon(only())
    assert nudged == [payment_checks.POLL]


def test_why_an_account_is_not_polled_is_said(account: Account, settings) -> None:
    assert payment_checks.obstacle(account) == ""
    settings.RECIBO_CREDENTIALS = {}
    assert "ACME_KEY" in payment_checks.obstacle(account)
    account.disabled_at = timezone.now()
    assert "disabled" in payment_checks.obstacle(account)
