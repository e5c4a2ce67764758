"""A buyer named by id only is looked up, whatever comes first: the charge or the answer."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Charge, Customer, Order
from recibo.gateways import http
from recibo.gateways.facts import CustomerFact, Money, OrderStatement
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.inbox.own import Statement, request_of
from recibo.processing.drain import drain
from recibo.reconciliation import circuits, claiming, customers
from recibo.reconciliation.customers import ask, look_up_all
from recibo.reconciliation.models import CustomerLookup
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.reconciliation.acme import ACME

CHARGE = (
    b'{"id": "%b", "status": "paid", "cents": 100, "at": "2026-03-10T12:00:00Z",'
    b' "customer": "cus_1"}'
)
CUSTOMER = {"id": "cus_1", "email": "ana@example.com"}


def told_of_charge(account: Account, charge: bytes = b"c1") -> None:
    store(account, [http.answer("charge", CHARGE % charge)], Source.WEBHOOK)
    drain()


def test_a_buyer_known_by_id_is_asked_for_and_joined(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/customers/cus_1"] = told(CUSTOMER)
    told_of_charge(account)
    assert Charge.objects.get().customer is None

    assert look_up_all() == 1
    drain()

    assert Charge.objects.get().customer.email == "ana@example.com"
    assert Order.objects.get().customer.email == "ana@example.com"
    assert Customer.objects.get().segment == "buyer"
    assert CustomerLookup.objects.get().status == CustomerLookup.Status.FOUND


def test_a_buyer_is_asked_for_once_for_all_that_he_bought(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/customers/cus_1"] = told(CUSTOMER)
    told_of_charge(account)
    told_of_charge(account, b"c2")
    look_up_all()
    drain()
    told_of_charge(account, b"c3")
    assert look_up_all() == 0
    assert len(server.asked) == 1
    assert set(Charge.objects.values_list("customer__email", flat=True)) == {"ana@example.com"}


def test_an_answer_that_comes_before_the_charge_joins_it_too(account: Account) -> None:
    store(account, [http.answer("customer", b'{"id":"cus_1","email":"ana@example.com"}')], "fetch")
    drain()
    told_of_charge(account)
    assert Charge.objects.get().customer.email == "ana@example.com"


def test_later_news_does_not_part_a_charge_from_its_buyer(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/customers/cus_1"] = told(CUSTOMER)
    told_of_charge(account)
    look_up_all()
    drain()
    refund = (CHARGE % b"c1").replace(b"paid", b"refunded").replace(b"10T", b"11T")
    store(account, [http.answer("charge", refund)], Source.WEBHOOK)
    drain()
    charge = Charge.objects.get()
    assert (charge.status, charge.customer.email) == ("refunded", "ana@example.com")
    assert charge.order.customer.email == "ana@example.com"


def test_a_charge_and_a_buyer_that_two_workers_folded_at_once_are_joined_later(
    account: Account,
) -> None:
    store(account, [http.answer("customer", b'{"id":"cus_1","email":"ana@example.com"}')], "fetch")
    told_of_charge(account)
    Charge.objects.update(customer=None)
    Order.objects.update(customer=None)
    Customer.objects.update(segment="lead")
    look_up_all()
    assert Charge.objects.get().customer.email == "ana@example.com"
    assert Order.objects.get().customer.segment == "buyer"


@pytest.mark.parametrize("trouble", [Canned(500), Canned(404)])
def test_trouble_is_tried_again_and_then_left_with_its_error(
    account: Account, server: GatewayServer, trouble: Canned
) -> None:
    server.routes["/customers/cus_1"] = trouble
    told_of_charge(account)
    for _ in range(3):
        CustomerLookup.objects.update(next_attempt_at=timezone.now())
        look_up_all()
    lookup = CustomerLookup.objects.get()
    assert (lookup.status, lookup.attempts) == (CustomerLookup.Status.FAILED, 3)
    assert str(trouble.status) in lookup.error


def test_buyers_are_asked_for_one_at_a_time_and_not_while_the_account_rests(
    account: Account, server: GatewayServer
) -> None:
    now = timezone.now()
    CustomerLookup.objects.bulk_create(
        CustomerLookup(account=account, gateway_id=f"cus_{number}", next_attempt_at=now)
        for number in range(5)
    )
    circuits.ensure([account.pk])
    assert len(claiming.claim(customers.DUE, 8)) == 1
    assert claiming.claim(customers.DUE, 8) == []
    CustomerLookup.objects.update(claimed_until=None)
    server.routes["/customers/cus_0"] = told({}, 429, retry_after="900")
    ask(CustomerLookup.objects.get(gateway_id="cus_0").pk)
    assert look_up_all() == 0
    assert len(server.asked) == 1


def registered(account: Account, name: str = "") -> None:
    """An order of the seller's own systems, whose buyer is known by e-mail."""
    statement = Statement(
        reference="PED-1",
        status=OrderStatement.AWAITED,
        occurred_at=timezone.now(),
        amount=Money(Decimal(100), "BRL"),
        customer=CustomerFact(email="ana@example.com", name=name),
    )
    store(account, [request_of(statement)], Source.API)
    drain()


def test_a_buyer_known_by_email_only_is_completed(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, finds_buyers_by_email=True))
    server.routes["/customers/ana%40example.com"] = told({**CUSTOMER, "name": "Ana Souza"})
    registered(account)
    assert Customer.objects.get().name == ""
    assert look_up_all() == 1
    drain()
    assert Customer.objects.get().name == "Ana Souza"
    registered(account)
    assert look_up_all() == 0


def test_nobody_asks_for_a_buyer_who_is_known_or_cannot_be_found_so(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(account)
    assert not CustomerLookup.objects.exists()
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, finds_buyers_by_email=True))
    Customer.objects.all().update(name="Ana")
    registered(account, name="Ana")
    assert not CustomerLookup.objects.exists()
