"""Simulated sales hang together, in reais as in cents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recibo.gateways.appmax import APPMAX
from recibo.gateways.contract import Sale
from recibo.gateways.facts import ChargeFact, ChargeStatus

AT = datetime(2026, 10, 5, 14, 5, tzinfo=UTC)


def facts(name: str, number: int = 7, reference: str = "") -> list[Any]:
    return APPMAX.parse(APPMAX.samples[name](Sale(number=number, at=AT, reference=reference)))


def charge(name: str, number: int = 7, reference: str = "") -> ChargeFact:
    fact = facts(name, number, reference)[0]
    assert isinstance(fact, ChargeFact)
    return fact


@pytest.mark.parametrize("family", ["", "app-"])
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("order-pix-created", ChargeStatus.PENDING),
        ("order-billet-created", ChargeStatus.PENDING),
        ("order-authorized", ChargeStatus.AUTHORIZED),
        ("order-paid", ChargeStatus.PAID),
        ("order-paid-by-pix", ChargeStatus.PAID),
        ("order-integrated", ChargeStatus.PAID),
        ("order-pix-expired", ChargeStatus.EXPIRED),
        ("order-billet-overdue", ChargeStatus.EXPIRED),
        ("order-partial-refund", ChargeStatus.PARTIALLY_REFUNDED),
        ("order-refund", ChargeStatus.REFUNDED),
        ("order-chargeback-in-treatment", ChargeStatus.DISPUTED),
        ("order-chargeback-gain", ChargeStatus.PAID),
    ],
)
def test_the_events_of_a_sale_tell_of_one_order(
    family: str, name: str, status: ChargeStatus
) -> None:
    told = charge(family + name)
    assert told.status is status
    assert told.charge_id == "9000000007"
    assert told.amount.amount == 197
    assert told.created_at == AT


def test_what_is_sold_on_top_is_another_charge_of_the_order() -> None:
    for name in ("order-up-sold", "app-order-up-sold"):
        assert charge(name).charge_id == "9100000007"
        assert charge(name).order_reference == "9000000007"


@pytest.mark.parametrize(
    "name",
    [
        *("created-subscription", "charge-success", "charge-failed", "canceled-subscription"),
        *("subscription-delayed", "subscription-cancellation"),
    ],
)
def test_the_events_of_a_subscription_tell_of_one(name: str) -> None:
    assert facts(name)[-1].code == "9200000007-501"


def test_numbers_make_sales_and_buyers_distinct() -> None:
    sales = [charge("order-paid", number) for number in range(200)]
    assert len({sale.charge_id for sale in sales}) == 200
    assert len({sale.customer.email for sale in sales if sale.customer}) == 200


@pytest.mark.parametrize("reference", ["300001", "PEDIDO-1"])
def test_a_reference_stands_for_the_order(reference: str) -> None:
    assert charge("order-refund", reference=reference).charge_id == reference
    assert charge("app-order-refund", reference=reference).charge_id == reference


def test_nobody_can_be_written_to() -> None:
    for name in APPMAX.samples:
        request = APPMAX.samples[name](Sale(number=7, at=AT))
        emails = request.body.decode().count("@")
        assert emails == request.body.decode().count("@example.com")
