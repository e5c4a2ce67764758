"""Paid, refunded, charged back: of every gateway, in every order, with the same end."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import transaction

from recibo.accounts.models import Account
from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.facts import ChargeStatus
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.processing.drain import drain
from recibo.work.sql import execute

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: The samples of one sale that tell of its payment and of the money's way back.
LIVES = {
    # AppMax tells of a dispute and of its end, and of no chargeback that was lost.
    "appmax": ("order-approved", "order-refund", "order-chargeback-in-treatment"),
    "asaas": ("payment-confirmed", "payment-refunded", "payment-chargeback-lost"),
    "hotmart": ("purchase-approved", "purchase-refunded", "purchase-chargeback"),
    "mercadopago": ("payment-approved", "payment-refunded", "payment-charged-back"),
    # PagBank's chargebacks come as legacy notices, which have to be asked about.
    "pagseguro": ("order-card-paid", "order-card-refunded-in-part", "order-card-refunded-in-full"),
    "stone": ("charge-paid", "charge-refunded", "charge-chargedback"),
}
ENDS = {"appmax": ChargeStatus.REFUNDED, "pagseguro": ChargeStatus.REFUNDED}


def told(slug: str, number: int = 1) -> list[RawRequest]:
    samples = GATEWAYS[slug].samples
    return [
        samples[name](Sale(number=number, at=START + timedelta(days=day)))
        for day, name in enumerate(LIVES[slug])
    ]


def end_of(slug: str, requests: list[RawRequest]) -> list[dict]:
    account = Account.objects.get(gateway=slug, name=Account.DEFAULT)
    with transaction.atomic():
        for request in requests:
            store(account, [request], Source.WEBHOOK)
            drain()
        end = execute(
            "select gateway_charge_id, status, amount, refunded_amount, paid_at"
            " from billing_charge order by 1"
        )
        transaction.set_rollback(True)
    return end


@pytest.mark.parametrize("slug", LIVES)
def test_paid_refunded_and_charged_back_end_the_same_in_any_order(slug: str) -> None:
    requests = told(slug)
    expected = end_of(slug, requests)
    assert expected[0]["status"] == ENDS.get(slug, ChargeStatus.CHARGED_BACK)
    for order in permutations(requests):
        assert end_of(slug, [*order, *order]) == expected


def test_every_gateway_is_told_of_here():
    assert set(LIVES) == set(GATEWAYS)
