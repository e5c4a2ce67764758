"""Simulated sales hang together, and can be taken for nobody else's."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from recibo.gateways.contract import Sale
from recibo.gateways.facts import ChargeFact, ChargeStatus, SubscriptionFact, SubscriptionStatus
from recibo.gateways.hotmart import HOTMART

AT = datetime(2026, 3, 10, 14, 2, 11, 331_000, tzinfo=UTC)


def facts(name: str, number: int = 7, reference: str = "") -> list[Any]:
    return HOTMART.parse(HOTMART.samples[name](Sale(number=number, at=AT, reference=reference)))


def charge(name: str, number: int = 7, reference: str = "") -> ChargeFact:
    fact = facts(name, number, reference)[0]
    assert isinstance(fact, ChargeFact)
    return fact


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("purchase-approved", ChargeStatus.PAID),
        ("purchase-complete", ChargeStatus.PAID),
        ("purchase-canceled", ChargeStatus.CANCELLED),
        ("purchase-billet-printed", ChargeStatus.PENDING),
        ("purchase-billet-printed-pix", ChargeStatus.PENDING),
        ("purchase-expired", ChargeStatus.EXPIRED),
        ("purchase-protest", ChargeStatus.DISPUTED),
        ("purchase-refunded", ChargeStatus.REFUNDED),
        ("purchase-chargeback", ChargeStatus.CHARGED_BACK),
    ],
)
def test_the_events_of_a_sale_tell_of_one_transaction(name: str, status: ChargeStatus) -> None:
    told = charge(name)
    assert told.status is status
    assert told.charge_id == charge("purchase-approved").charge_id
    assert told.customer == charge("purchase-approved").customer


@pytest.mark.parametrize(
    ("name", "status", "subscription_status"),
    [
        ("purchase-renewal", ChargeStatus.PAID, SubscriptionStatus.ACTIVE),
        ("purchase-delayed", ChargeStatus.OVERDUE, SubscriptionStatus.PAST_DUE),
    ],
)
def test_a_later_cycle_has_a_transaction_of_its_own_and_the_same_subscription(
    name: str, status: ChargeStatus, subscription_status: SubscriptionStatus
) -> None:
    first, first_subscription = facts("purchase-approved")
    later, later_subscription = facts(name)
    assert (later.status, later_subscription.status) == (status, subscription_status)
    assert later.charge_id != first.charge_id
    assert later_subscription.code == first_subscription.code
    assert (first.cycle, later.cycle) == (1, 2)


@pytest.mark.parametrize(
    "name", ["subscription-cancellation", "switch-plan", "update-subscription-charge-date"]
)
def test_the_events_of_a_subscription_tell_of_that_of_the_sale(name: str) -> None:
    (fact,) = facts(name)
    assert isinstance(fact, SubscriptionFact)
    assert fact.code == charge("purchase-approved").subscription_code


def test_a_single_sale_is_no_subscription() -> None:
    (fact,) = facts("purchase-approved-single")
    assert fact.subscription_code == ""


@pytest.mark.parametrize("number", [0, 1, 42, 999_999_999, 6_015_479_281_022])
def test_transactions_look_like_hotmarts_and_never_like_the_panels_test(number: int) -> None:
    code = charge("purchase-approved", number).charge_id
    assert re.fullmatch(r"HP[2-9]\d{9,}", code)


def test_numbers_make_sales_buyers_and_subscriptions_distinct() -> None:
    sales = [charge("purchase-approved", number) for number in range(200)]
    assert len({sale.charge_id for sale in sales}) == 200
    assert len({sale.customer.email for sale in sales if sale.customer}) == 200
    assert len({sale.subscription_code for sale in sales}) == 200


def test_a_reference_stands_for_the_transaction() -> None:
    assert charge("purchase-refunded", reference="HP5550000001").charge_id == "HP5550000001"


def test_an_approval_happens_when_it_is_told_to() -> None:
    assert charge("purchase-approved").occurred_at == AT


def test_nobody_can_be_written_to() -> None:
    for name in HOTMART.samples:
        for fact in facts(name):
            assert fact.customer.email.endswith("@example.com")
