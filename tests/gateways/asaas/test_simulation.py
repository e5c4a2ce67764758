"""Simulated sales hang together, and can be taken for nobody else's."""

from datetime import UTC, datetime

import pytest

from recibo.gateways.asaas import ASAAS
from recibo.gateways.contract import Sale
from recibo.gateways.facts import ChargeFact, ChargeStatus, SubscriptionFact

#: Late in the evening of 9 March in Brasília.
AT = datetime(2026, 3, 10, 1, 2, 11, tzinfo=UTC)


def charge(name: str, reference: str = "") -> ChargeFact:
    fact = ASAAS.parse(ASAAS.samples[name](Sale(number=7, at=AT, reference=reference)))[0]
    assert isinstance(fact, ChargeFact)
    return fact


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("payment-created", ChargeStatus.PENDING),
        ("payment-confirmed", ChargeStatus.PAID),
        ("payment-received", ChargeStatus.PAID),
        ("payment-overdue", ChargeStatus.OVERDUE),
        ("payment-reproved-by-risk-analysis", ChargeStatus.FAILED),
        ("payment-deleted", ChargeStatus.CANCELLED),
        ("payment-refunded", ChargeStatus.REFUNDED),
        ("payment-chargeback-requested", ChargeStatus.DISPUTED),
        ("payment-chargeback-won", ChargeStatus.PAID),
        ("payment-chargeback-lost", ChargeStatus.CHARGED_BACK),
    ],
)
def test_the_events_of_a_sale_tell_of_one_payment(name: str, status: ChargeStatus) -> None:
    told = charge(name)
    assert told.status is status
    assert told.charge_id == "pay_0000000000000007"
    assert told.order_reference == "SIM-000007"
    assert told.customer == charge("payment-created").customer


def test_a_sample_happens_at_the_moment_that_is_asked_for() -> None:
    paid = charge("payment-confirmed")
    assert paid.occurred_at == paid.paid_at == AT


def test_a_partial_refund_is_partial() -> None:
    sale = Sale(number=7, at=AT)
    paid, refund = ASAAS.parse(ASAAS.samples["payment-partially-refunded"](sale))
    assert isinstance(paid, ChargeFact)
    assert isinstance(refund, ChargeFact)
    assert 0 < (refund.refunded_amount or 0) < paid.amount.amount


def test_the_charge_of_a_subscription_names_it() -> None:
    sale = Sale(number=7, at=AT)
    (created,) = ASAAS.parse(ASAAS.samples["subscription-created"](sale))
    assert isinstance(created, SubscriptionFact)
    assert charge("payment-confirmed-subscription").subscription_code == created.code


def test_a_sale_that_is_asked_for_by_its_reference_has_it_everywhere() -> None:
    for name in ("payment-confirmed", "payment-confirmed-subscription"):
        told = charge(name, "PED-1")
        assert (told.charge_id, told.order_reference) == ("PED-1", "PED-1")
