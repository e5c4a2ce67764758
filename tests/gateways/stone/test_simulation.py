"""Simulated sales hang together, and can be taken for nobody else's."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from recibo.gateways.contract import Sale
from recibo.gateways.errors import SignatureError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Fact,
    PaymentMethod,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.stone import STONE

AT = datetime(2026, 3, 10, 14, 2, 11, 331_000, tzinfo=UTC)


def facts(name: str, number: int = 7, reference: str = "") -> list[Fact]:
    return STONE.parse(STONE.samples[name](Sale(number=number, at=AT, reference=reference)))


def charge(name: str, number: int = 7, reference: str = "") -> ChargeFact:
    fact = facts(name, number, reference)[0]
    assert isinstance(fact, ChargeFact)
    return fact


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("charge-pending", ChargeStatus.AUTHORIZED),
        ("charge-updated", ChargeStatus.PAID),
        ("charge-processing", ChargeStatus.PENDING),
        ("order-paid", ChargeStatus.PAID),
        ("order-updated", ChargeStatus.PAID),
        ("order-canceled-refunded", ChargeStatus.REFUNDED),
        ("invoice-paid", ChargeStatus.PAID),
        ("charge-partial-canceled", ChargeStatus.PARTIALLY_REFUNDED),
        ("charge-refunded", ChargeStatus.REFUNDED),
        ("charge-chargedback", ChargeStatus.CHARGED_BACK),
        ("chargeback-received", ChargeStatus.CHARGED_BACK),
    ],
)
def test_the_events_of_a_sale_tell_of_one_charge(name: str, status: ChargeStatus) -> None:
    told, paid = charge(name), charge("charge-paid")
    assert told.status is status
    assert (told.charge_id, told.order_reference, told.customer) == (
        *(paid.charge_id, paid.order_reference, paid.customer),
    )


@pytest.mark.parametrize(
    ("name", "status", "method"),
    [
        ("charge-created-pix", ChargeStatus.PENDING, PaymentMethod.PIX),
        ("charge-paid-pix", ChargeStatus.PAID, PaymentMethod.PIX),
        ("order-created", ChargeStatus.PENDING, PaymentMethod.PIX),
        ("charge-created-boleto", ChargeStatus.PENDING, PaymentMethod.BOLETO),
        ("charge-paid-boleto", ChargeStatus.PAID, PaymentMethod.BOLETO),
        ("charge-overpaid", ChargeStatus.PAID, PaymentMethod.BOLETO),
        ("charge-underpaid", ChargeStatus.PENDING, PaymentMethod.BOLETO),
        ("order-canceled", ChargeStatus.CANCELLED, PaymentMethod.BOLETO),
        ("charge-paid-machine", ChargeStatus.PAID, PaymentMethod.CARD),
        ("charge-payment-failed", ChargeStatus.FAILED, PaymentMethod.CARD),
        ("charge-antifraud-reproved", ChargeStatus.FAILED, PaymentMethod.CARD),
    ],
)
def test_each_method_and_each_refused_attempt_is_a_charge_of_the_order(
    name: str, status: ChargeStatus, method: PaymentMethod
) -> None:
    told, paid = charge(name), charge("charge-paid")
    assert (told.status, told.payment_method) == (status, method)
    assert told.charge_id != paid.charge_id
    assert told.order_reference == paid.order_reference


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("subscription-created", SubscriptionStatus.ACTIVE),
        ("subscription-created-future", SubscriptionStatus.TRIAL),
        ("subscription-updated", None),
        ("subscription-canceled", SubscriptionStatus.CANCELLED),
        ("subscription-deleted", SubscriptionStatus.CANCELLED),
        ("invoice-paid", SubscriptionStatus.ACTIVE),
        ("invoice-payment-failed", SubscriptionStatus.PAST_DUE),
    ],
)
def test_the_events_of_a_subscription_tell_of_one(
    name: str, status: SubscriptionStatus | None
) -> None:
    fact, first = facts(name)[-1], facts("subscription-created")[0]
    assert isinstance(fact, SubscriptionFact)
    assert isinstance(first, SubscriptionFact)
    assert (fact.code, fact.status) == (first.code, status)


@pytest.mark.parametrize("number", [0, 1, 42, 999_999_999, 6_015_479_281_022])
def test_ids_look_like_pagarmes(number: int) -> None:
    assert re.fullmatch(r"ch_[a-z0-9]{16}", charge("charge-paid", number).charge_id)


def test_numbers_make_sales_and_buyers_distinct() -> None:
    sales = [charge("charge-paid", number) for number in range(200)]
    assert len({sale.charge_id for sale in sales}) == 200
    assert len({sale.order_reference for sale in sales}) == 200
    assert len({sale.customer.email for sale in sales if sale.customer}) == 200


@pytest.mark.parametrize("name", ["charge-paid", "order-paid", "invoice-paid", "postback-paid"])
def test_a_reference_stands_for_the_sellers_code(name: str) -> None:
    assert charge(name, reference="PEDIDO-99").order_reference == "PEDIDO-99"


def test_a_payment_happens_when_it_is_told_to() -> None:
    assert charge("charge-paid").occurred_at == AT


def test_nobody_can_be_written_to() -> None:
    people: list[Any] = [fact.customer for name in STONE.samples for fact in facts(name)]
    assert all(one.email.endswith("@example.com") for one in people if one.email)
    assert sum(not one.email for one in people) == 1  # the card machine's


@pytest.mark.parametrize("name", ["charge-paid", "postback-paid"])
@pytest.mark.parametrize("secret", [b"user:password", b"key-of-an-hmac"])
def test_a_sample_is_signed_as_the_secret_allows(name: str, secret: bytes) -> None:
    request = STONE.sign(STONE.samples[name](Sale(number=1, at=AT)), secret)
    STONE.verify(request, [secret])
    with pytest.raises(SignatureError):
        STONE.verify(request, [b"user:another"])
