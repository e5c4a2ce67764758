"""What the API's answers say: the same things as the webhooks about the same sale."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from recibo.billing.states import ChargeState, Told, charge_state, subscription_state
from recibo.gateways import http
from recibo.gateways.asaas import ASAAS, answers, payments
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    EventType,
    Fact,
    SubscriptionFact,
    SubscriptionStatus,
)
from tests.recordings import recorded

#: When we asked, unless a test says otherwise: Monday noon in Brasília, a week later.
ASKED = "2026-10-12T15:00:00+00:00"
CARD = "api_payment_card_confirmed"
PIX = "api_payment_pix_received"
BOLETO = "api_payment_boleto_pending"


def payment(name: str, asked: str = ASKED, **changes: Any) -> RawRequest:
    body = json.loads(recorded(f"asaas/{name}").body) | changes
    return http.answer("payment", json.dumps(body).encode(), at=asked)


def subscription(
    name: str = "active", asked: str = ASKED, act: str = "", **changes: Any
) -> RawRequest:
    body = json.loads(recorded(f"asaas/api_subscription_{name}").body) | changes
    notes = {"act": act} if act else {}
    return http.answer("subscription", json.dumps(body).encode(), at=asked, **notes)


def charge(request: RawRequest) -> ChargeFact:
    return next(fact for fact in ASAAS.parse(request) if isinstance(fact, ChargeFact))


def only_subscription(request: RawRequest) -> SubscriptionFact:
    (fact,) = [fact for fact in ASAAS.parse(request) if isinstance(fact, SubscriptionFact)]
    return fact


def told(facts: Iterable[Fact]) -> list[Told[Any]]:
    return [Told(fact, repr(fact), "", False) for fact in facts]


def state(*requests: RawRequest) -> ChargeState:
    """How the charge stands, in whichever order the requests came."""
    facts = [fact for one in requests for fact in ASAAS.parse(one) if isinstance(fact, ChargeFact)]
    states = [charge_state(told(order)) for order in permutations(facts)]
    assert all(one == states[0] for one in states)
    return states[0]


def subscription_status(*requests: RawRequest) -> SubscriptionStatus:
    facts = [
        fact for one in requests for fact in ASAAS.parse(one) if isinstance(fact, SubscriptionFact)
    ]
    return subscription_state(told(facts)).status


def webhook(name: str) -> RawRequest:
    return recorded(f"asaas/webhook_{name}")


def brasilia(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time of Brasília's October 2026, three hours behind UTC."""
    return datetime(2026, 10, day + (hour + 3) // 24, (hour + 3) % 24, minute, second, tzinfo=UTC)


# One sale, whoever tells of it


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (CARD, "card_PAYMENT_CONFIRMED"),
        (PIX, "pix_PAYMENT_RECEIVED"),
        (BOLETO, "boleto_PAYMENT_CREATED"),
    ],
)
def test_a_webhook_and_an_answer_about_one_sale_are_one_charge(answer: str, event: str) -> None:
    read, noticed = charge(payment(answer)), charge(webhook(event))
    for field in (
        *("charge_id", "status", "amount", "order_reference", "customer", "product", "total"),
        *("fee", "net", "payment_method", "payment_url", "subscription_code", "metadata"),
    ):
        assert getattr(read, field) == getattr(noticed, field), field


def test_a_sale_that_a_webhook_told_of_keeps_its_time_of_payment() -> None:
    together = state(webhook("card_PAYMENT_CONFIRMED"), payment(CARD))
    alone = state(webhook("card_PAYMENT_CONFIRMED"))
    assert (together.status, together.paid_at) == (ChargeStatus.PAID, alone.paid_at)
    assert together.created_at == alone.created_at


def test_a_sale_that_no_webhook_told_of_is_paid_by_the_end_of_its_day() -> None:
    assert state(payment(CARD)).paid_at == brasilia(5, 23, 59, 59)


def test_a_sale_that_is_found_on_its_day_is_paid_by_the_time_of_the_reading() -> None:
    asked = "2026-10-05T14:30:00+00:00"
    assert state(payment(CARD, asked)).paid_at == datetime.fromisoformat(asked)


def test_an_old_sale_is_no_news_of_today() -> None:
    assert charge(payment(CARD, "2029-01-01T00:00:00+00:00")).occurred_at == brasilia(5, 23, 59, 59)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("PENDING", EventType.CHARGE_CREATED),
        ("AUTHORIZED", EventType.CHARGE_AUTHORIZED),
        ("CONFIRMED", EventType.CHARGE_PAID),
        ("RECEIVED_IN_CASH", EventType.CHARGE_PAID),
        ("REFUND_IN_PROGRESS", EventType.CHARGE_PAID),
        ("OVERDUE", EventType.CHARGE_OVERDUE),
        ("REFUNDED", EventType.CHARGE_REFUNDED),
        ("CHARGEBACK_DISPUTE", EventType.CHARGE_DISPUTED),
        ("LEVITATING", EventType.UNKNOWN),
    ],
)
def test_an_answer_is_news_of_the_status_it_tells(status: str, expected: EventType) -> None:
    identity = ASAAS.identify(payment(CARD, status=status))
    assert (identity.event_type, identity.gateway_event) == (expected, f"payment/{status}")
    assert identity.charge_id == "pay_car0000000001"


def test_every_status_is_dated_and_named() -> None:
    given = {*payments.STATUSES.values(), ChargeStatus.CANCELLED, ChargeStatus.CHARGED_BACK}
    assert given == set(answers.CHARGE_NEWS)
    for status in payments.STATUSES:
        assert charge(payment(CARD, status=status)).occurred_at <= datetime.fromisoformat(ASKED)


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        ASAAS.parse(payment(CARD, status="LEVITATING"))
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        ASAAS.parse(subscription(status="LEVITATING"))
    assert ASAAS.identify(subscription(status="LEVITATING")).event_type is EventType.UNKNOWN


# The same state is the same news


def test_the_same_state_read_twice_is_one_event() -> None:
    first, second = payment(CARD), payment(CARD, "2026-11-01T00:00:00+00:00", escrow={"id": 1})
    assert ASAAS.identify(first) == ASAAS.identify(second)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "RECEIVED"},
        {"netValue": 96.51},
        {"deleted": True},
        {"dueDate": "2026-10-09"},
        {"refunds": [{"status": "DONE", "value": 10, "dateCreated": "2026-10-10 10:00:00"}]},
        {"chargeback": {"status": "REQUESTED"}},
    ],
)
def test_a_changed_state_is_news(change: dict[str, Any]) -> None:
    assert ASAAS.identify(payment(CARD)) != ASAAS.identify(payment(CARD, **change))


def test_a_page_and_a_single_answer_about_one_state_are_one_event() -> None:
    (_, listed) = json.loads(recorded("asaas/api_payments_list_page_1").body)["data"]
    request = http.answer("payment", json.dumps(listed).encode(), at=ASKED)
    assert ASAAS.identify(request) == ASAAS.identify(payment(CARD))


def test_an_answer_that_does_not_say_when_it_was_read_is_not_read() -> None:
    for resource, name in (("payment", CARD), ("subscription", "api_subscription_inactive")):
        request = http.answer(resource, recorded(f"asaas/{name}").body)
        assert ASAAS.identify(request).event_id
        with pytest.raises(PayloadError, match="when it was read"):
            ASAAS.parse(request)


# What comes after what


def test_a_charge_that_still_waits_does_not_undo_its_refusal() -> None:
    refused = webhook("card_PAYMENT_CREDIT_CARD_CAPTURE_REFUSED")
    pending = payment(CARD, status="PENDING", confirmedDate=None, clientPaymentDate=None)
    assert state(refused, pending).status is ChargeStatus.FAILED


def test_a_late_charge_that_was_given_another_day_waits_again() -> None:
    pending = payment(BOLETO, dueDate="2026-10-20")
    assert state(webhook("boleto_PAYMENT_OVERDUE"), pending).status is ChargeStatus.PENDING


def test_a_charge_is_late_from_the_end_of_its_day() -> None:
    late = charge(payment(BOLETO, status="OVERDUE"))
    assert (late.status, late.occurred_at) == (ChargeStatus.OVERDUE, brasilia(8, 23, 59, 59))


def test_a_removed_charge_is_cancelled_even_after_it_was_late() -> None:
    removed = payment(BOLETO, status="OVERDUE", deleted=True)
    assert state(webhook("boleto_PAYMENT_OVERDUE"), removed).status is ChargeStatus.CANCELLED


def test_a_reserved_charge_is_newer_than_its_making() -> None:
    reserved = payment(CARD, status="AUTHORIZED")
    assert state(webhook("card_PAYMENT_CREATED"), reserved).status is ChargeStatus.AUTHORIZED


def test_a_refund_is_counted_once_whoever_tells_of_it() -> None:
    notice = webhook("card_PAYMENT_PARTIALLY_REFUNDED")
    refunds = json.loads(notice.body)["payment"]["refunds"]
    read = payment(CARD, refunds=refunds)
    assert ASAAS.identify(read).event_type is EventType.CHARGE_PARTIALLY_REFUNDED
    assert state(notice, read).refunded_amount == state(notice).refunded_amount > 0
    assert state(notice, read).status is ChargeStatus.PARTIALLY_REFUNDED


def test_a_full_refund_that_no_webhook_told_of_is_dated_by_itself() -> None:
    done = {"status": "DONE", "value": 100, "effectiveDate": "2026-10-10 10:00:05"}
    found = state(payment(PIX, status="REFUNDED", refunds=[done]))
    assert (found.status, found.refunded_amount) == (ChargeStatus.REFUNDED, Decimal(100))
    assert found.status_at == brasilia(10, 10, 0, 5)


def test_a_refund_without_details_is_dated_by_the_reading() -> None:
    refund = charge(payment(PIX, status="REFUNDED"))
    assert refund.occurred_at == datetime.fromisoformat(ASKED)


@pytest.mark.parametrize(
    ("changes", "is_dated_by_us"),
    [
        ({"status": "REFUNDED", "refunds": None}, True),
        ({"status": "OVERDUE", "deleted": True}, True),
        ({"status": "PENDING", "dueDate": "2026-10-20", "originalDueDate": "2026-10-08"}, True),
        ({"status": "RECEIVED", "refunds": None}, False),
        ({"status": "OVERDUE"}, False),
        ({"status": "PENDING"}, False),
        ({"chargeback": {"status": "REVERSED"}}, True),
    ],
)
def test_what_only_the_reading_dates_says_so(changes: dict[str, Any], is_dated_by_us: bool) -> None:
    fact = charge(payment(PIX, **changes))
    assert fact.is_dated_by_us is is_dated_by_us
    assert (fact.occurred_at == datetime.fromisoformat(ASKED)) is is_dated_by_us


def test_a_payment_without_any_day_is_dated_by_the_reading() -> None:
    days = dict.fromkeys(("confirmedDate", "clientPaymentDate", "paymentDate"))
    assert charge(payment(PIX, **days)).is_dated_by_us


def test_a_refund_that_names_its_day_is_dated_by_it() -> None:
    named = {"status": "DONE", "value": 10, "effectiveDate": "2026-10-10 10:00:05"}
    facts = ASAAS.parse(payment(PIX, refunds=[named, {"status": "DONE", "value": 5}]))
    refunds = [fact for fact in facts if isinstance(fact, ChargeFact) and fact.refund_id]
    assert [fact.is_dated_by_us for fact in refunds] == [False, True]


@pytest.mark.parametrize("billing_type", ["BOLETO", "PIX"])
def test_a_boleto_or_pix_can_be_paid_to_the_end_of_its_due_day(billing_type: str) -> None:
    fact = charge(payment(BOLETO, billingType=billing_type, dueDate="2026-12-11"))
    assert fact.expires_at == datetime(2026, 12, 12, 2, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("billing_type", ["CREDIT_CARD", "UNDEFINED"])
def test_what_may_be_paid_by_card_has_no_end(billing_type: str) -> None:
    assert charge(payment(BOLETO, billingType=billing_type)).expires_at is None


def test_a_dispute_is_dated_by_its_beginning_and_one_that_is_won_by_the_reading() -> None:
    open_one = {"status": "REQUESTED", "disputeStartDate": "2026-10-07"}
    disputed = payment(CARD, status="CHARGEBACK_REQUESTED", chargeback=open_one)
    assert charge(disputed).occurred_at == brasilia(7, 23, 59, 59)
    won = payment(CARD, chargeback={**open_one, "status": "REVERSED"})
    assert state(webhook("card_PAYMENT_CONFIRMED"), disputed, won).status is ChargeStatus.PAID


def test_a_lost_dispute_is_charged_back() -> None:
    lost = {"status": "DISPUTE_LOST", "disputeStartDate": "2026-10-07"}
    found = charge(payment(CARD, status="REFUNDED", chargeback=lost))
    assert (found.status, found.occurred_at) == (
        ChargeStatus.CHARGED_BACK,
        brasilia(7, 23, 59, 59),
    )


def test_a_renewal_that_was_found_paid_makes_its_subscription_run_again() -> None:
    charges = json.loads(recorded("asaas/api_subscription_payments").body)["data"]
    read = http.answer("payment", json.dumps(charges[0]).encode(), at=ASKED)
    assert only_subscription(read).status is SubscriptionStatus.ACTIVE
    late = http.answer("payment", json.dumps(charges[0] | {"status": "OVERDUE"}).encode(), at=ASKED)
    assert subscription_status(late, read) is SubscriptionStatus.PAST_DUE  # due after it was paid


# Subscriptions


def test_a_webhook_and_an_answer_about_one_subscription_tell_the_same() -> None:
    (noticed,) = ASAAS.parse(webhook("SUBSCRIPTION_CREATED"))
    read = only_subscription(subscription())
    for field in ("code", "customer", "product", "plan", "price", "period", "next_billing_at"):
        assert getattr(read, field) == getattr(noticed, field), field


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("active", {}, None),
        ("inactive", {}, SubscriptionStatus.PAUSED),
        ("expired", {}, SubscriptionStatus.EXPIRED),
        ("active", {"deleted": True}, SubscriptionStatus.CANCELLED),
        ("inactive", {"deleted": True}, SubscriptionStatus.CANCELLED),
    ],
)
def test_a_subscription_is_told_as_it_stands(
    name: str, changes: dict[str, Any], status: SubscriptionStatus | None
) -> None:
    assert only_subscription(subscription(name, **changes)).status is status


def test_one_that_is_found_active_may_still_be_late() -> None:
    late = webhook("subscription_charge_PAYMENT_OVERDUE")
    later = subscription(asked="2026-12-01T00:00:00+00:00")
    assert subscription_status(late, later) is SubscriptionStatus.PAST_DUE
    assert subscription_status(subscription()) is SubscriptionStatus.ACTIVE


def test_one_that_ended_long_ago_is_dated_by_the_charge_that_did_not_come() -> None:
    removed = subscription(deleted=True, asked="2029-01-01T00:00:00+00:00")
    fact = only_subscription(removed)
    assert fact.occurred_at == fact.cancelled_at == datetime(2026, 11, 6, 2, 59, 59, tzinfo=UTC)
    recently = only_subscription(subscription(deleted=True))
    assert recently.cancelled_at == datetime.fromisoformat(ASKED)


def test_a_removal_that_is_read_after_it_was_told_keeps_its_day() -> None:
    """Else the churn of the last night of a month would move to the next one."""
    body = json.loads(recorded("asaas/api_subscription_deleted").body)
    told_of = http.answer("removed-subscription", json.dumps(body).encode(), at=ASKED)
    later = subscription(deleted=True, asked="2026-11-01T05:00:00+00:00")
    found = [only_subscription(one) for one in (told_of, later)]
    for facts in permutations(found):
        state = subscription_state(told(facts))
        assert state.cancelled_at == datetime.fromisoformat(ASKED)
    assert [fact.is_dated_by_us for fact in found] == [False, True]


def test_one_taken_up_again_runs_though_it_was_read_like_that_before() -> None:
    before = subscription(asked="2026-10-06T00:00:00+00:00")
    paused = subscription("inactive", asked="2026-10-07T00:00:00+00:00")
    again = subscription(asked="2026-10-08T00:00:00+00:00", act="reactivate")
    assert ASAAS.identify(before).event_id != ASAAS.identify(again).event_id
    assert ASAAS.identify(again).event_type is EventType.SUBSCRIPTION_ACTIVATED
    assert subscription_status(before, paused, again) is SubscriptionStatus.ACTIVE


def test_after_an_act_the_time_of_the_reading_counts() -> None:
    moved = only_subscription(subscription("inactive", act="due-day", nextDueDate="2026-10-10"))
    assert moved.occurred_at == datetime.fromisoformat(ASKED)


def test_a_removal_cancels_and_is_one_event() -> None:
    body = recorded("asaas/api_subscription_deleted").body
    first = http.answer("removed-subscription", body, at=ASKED)
    second = http.answer("removed-subscription", body, at="2026-11-01T00:00:00+00:00")
    assert ASAAS.identify(first) == ASAAS.identify(second)
    assert ASAAS.identify(first).event_type is EventType.SUBSCRIPTION_CANCELLED
    assert subscription_status(subscription(), first) is SubscriptionStatus.CANCELLED
    fact = only_subscription(first)
    assert (fact.code, fact.cancelled_at) == ("sub_000000000001", datetime.fromisoformat(ASKED))


def test_a_removal_that_was_none_is_an_error() -> None:
    refused = http.answer("removed-subscription", b'{"id": "sub_1", "deleted": false}', at=ASKED)
    with pytest.raises(PayloadError, match="was none"):
        ASAAS.parse(refused)
