"""`/api/{gateway}/customers`: people, what they are worth, and what they did."""

import pytest

from recibo.accounts.models import Account
from recibo.billing import queries
from recibo.billing.models import Charge, Customer, Note, Subscription, Tag
from recibo.inbox.models import Source
from recibo.processing.drain import drain
from tests.api.conftest import sold, told

pytestmark = pytest.mark.django_db


def emails(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["email"] for item in response.json()["items"]]


def test_a_customer_has_the_fields_that_scripts_read(client):
    sold(1)
    customer = Customer.objects.get()
    Tag.objects.create(customer=customer, tag="vip")
    Note.objects.create(customer=customer, author="ana", text="Called us.")
    [item] = client.get("/api/hotmart/customers").json()["items"]
    assert item["id"] == customer.pk
    assert item["email"] == "comprador.1@example.com"
    assert item["name"] == "Bruno Barbosa"
    assert item["phone"] == customer.phone
    assert item["document"] == "12345678909"
    assert item["segment"] == "active"
    assert (item["access"], item["user_id"]) == ("none", None)
    assert item["tags"] == ["vip"]
    assert [(note["author"], note["text"]) for note in item["notes"]] == [("ana", "Called us.")]
    assert item["lifetime_value"] == "97.90"
    assert item["lifetime_values"] == {"BRL": "97.90"}
    assert item["created_at"].endswith("Z")
    [subscription] = item["subscriptions"]
    assert (subscription["subscriber_code"], subscription["status"]) == ("00000001", "active")
    assert client.get(f"/api/all/customers/{customer.pk}").json() == item


def test_lifetime_value_is_what_was_paid_and_not_given_back(client):
    sold(1)
    told("purchase-renewal", 1)
    told("purchase-refunded", 2)
    told("purchase-approved", 3, source=Source.SIMULATE)
    told("cart-abandonment", 4)
    drain()
    Charge.objects.filter(gateway_charge_id="HP3000000001").update(
        status="partially_refunded", refunded_amount="20.00"
    )
    items = client.get("/api/all/customers").json()["items"]
    values = {item["email"]: item["lifetime_value"] for item in items}
    assert values == {
        "comprador.1@example.com": "175.80",
        "comprador.2@example.com": "0.00",
        "comprador.3@example.com": "0.00",
        "comprador.4@example.com": "0.00",
    }


def test_lifetime_values_of_two_currencies_are_not_added(client):
    sold(1)
    told("purchase-renewal", 1)
    told("purchase-approved-single", 2)
    drain()
    customer = Customer.objects.get(email="comprador.1@example.com")
    Charge.objects.filter(gateway_charge_id="HP2000000002").update(
        customer=customer, currency="USD", amount=1000
    )
    shown = client.get(f"/api/all/customers/{customer.pk}").json()
    assert shown["lifetime_values"] == {"BRL": "195.80", "USD": "1000.00"}
    assert shown["lifetime_value"] == "195.80"


def test_customers_of_a_gateway_have_something_there(client):
    sold(1)
    told("cart-abandonment", 2)
    drain()
    elsewhere = Account.objects.create(gateway="elsewhere")
    assert emails(client.get("/api/hotmart/customers")) == ["comprador.1@example.com"]
    assert len(emails(client.get("/api/all/customers"))) == 2
    Charge.objects.update(account=elsewhere)
    assert len(emails(client.get("/api/hotmart/customers"))) == 1
    Subscription.objects.update(account=elsewhere)
    assert emails(client.get("/api/hotmart/customers")) == []
    customer = Customer.objects.get(email="comprador.1@example.com")
    assert client.get(f"/api/hotmart/customers/{customer.pk}").status_code == 404
    assert client.get(f"/api/all/customers/{customer.pk}").status_code == 200


def test_it_does_not_matter_whether_a_gateway_has_few_charges_or_many(client, monkeypatch):
    sold(2)
    told("subscription-cancellation", 1)
    drain()
    few = client.get("/api/hotmart/customers").json()
    monkeypatch.setattr(queries, "FEW", 0)
    assert client.get("/api/hotmart/customers").json() == few
    assert few["count"] == 2
    assert emails(client.get("/api/asaas/customers")) == []


def test_a_gateway_without_an_account_has_no_customers(client):
    sold(1)
    Account.objects.filter(gateway="hotmart").update(gateway="elsewhere")
    assert emails(client.get("/api/hotmart/customers")) == []
    assert client.get("/api/hotmart/customers/stats").json()["total"] == 0


@pytest.mark.parametrize("path", ["customers", "customers/stats", "customers/1", "subscriptions"])
def test_a_gateway_that_is_not_there_is_not_found(client, path):
    response = client.get(f"/api/nowhere/{path}")
    assert response.status_code == 404
    assert "hotmart" in response.json()["message"]


def test_segments_and_tags_narrow(client):
    sold(2)
    told("purchase-approved-single", 3)
    drain()
    Tag.objects.create(customer=Customer.objects.get(email="comprador.1@example.com"), tag="vip")
    found = emails(client.get("/api/all/customers", {"segment": "buyer"}))
    assert found == ["comprador.3@example.com"]
    found = emails(client.get("/api/all/customers", {"tag": "vip"}))
    assert found == ["comprador.1@example.com"]
    both = {"tag": "vip", "segment": "buyer"}
    assert emails(client.get("/api/all/customers", both)) == []
    assert client.get("/api/all/customers", {"segment": "friend"}).status_code == 422


@pytest.mark.parametrize(
    ("search", "is_found"),
    [
        ("conceicao.elida@", True),
        ("Conceicao.Elida@Example.com", True),
        ("elida", True),
        ("Élida da Conceição", True),
        ("conceiçao eli", True),
        ("12345678909", True),
        ("123.456.789-09", True),
        ("123.456", True),
        ("bruno", False),
        ("elida bruno", False),
        ("example.com", False),
        ("%", False),
        ("_onceicao", False),
        ("onceicao", False),
        ("& | ! ( ) :* '", False),
        ("\\", False),
    ],
)
def test_customers_are_found_by_email_name_and_document(client, search, is_found):
    sold(1)  # Bruno Barbosa, of the same document, by another name
    Customer.objects.update(document="")
    Customer.objects.create(
        email="conceicao.elida@example.com",
        name="Élida da Conceição",
        document="123.456.789-09",
        name_at="2026-01-01T00:00Z",
        phone_at="2026-01-01T00:00Z",
        document_at="2026-01-01T00:00Z",
        created_at="2026-01-01T00:00Z",
    )
    found = emails(client.get("/api/all/customers", {"search": search}))
    assert ("conceicao.elida@example.com" in found) is is_found


def test_stats_count_each_segment(client):
    sold(2)
    told("purchase-approved-single", 3)
    told("cart-abandonment", 4)
    drain()
    expected = {
        "total": 4,
        "active": 2,
        "at_risk": 0,
        "trial": 0,
        "cancelled": 0,
        "buyer": 1,
        "lead": 1,
    }
    assert client.get("/api/all/customers/stats").json() == expected
    of_gateway = client.get("/api/hotmart/customers/stats").json()
    assert of_gateway == {**expected, "total": 3, "lead": 0}


def test_a_customer_has_events_and_transactions(client):
    sold(2)
    told("purchase-renewal", 1)
    told("subscription-cancellation", 1)
    drain()
    customer = Customer.objects.get(email="comprador.1@example.com")
    events = client.get(f"/api/hotmart/customers/{customer.pk}/events").json()
    assert [item["gateway_event"] for item in events["items"]] == [
        "SUBSCRIPTION_CANCELLATION",
        "PURCHASE_APPROVED",
        "PURCHASE_APPROVED",
    ]
    assert events["count"] == 3
    charges = client.get(f"/api/hotmart/customers/{customer.pk}/transactions").json()
    names = {item["gateway_charge_id"] for item in charges["items"]}
    assert names == {"HP2000000001", "HP3000000001"}
    assert charges["count"] == 2
    page = client.get(f"/api/hotmart/customers/{customer.pk}/transactions", {"limit": 1}).json()
    assert (len(page["items"]), page["count"]) == (1, 2)


@pytest.mark.parametrize("path", ["", "/events", "/transactions"])
def test_a_customer_that_is_not_there(client, path):
    response = client.get(f"/api/all/customers/999{path}")
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/all/customers")
    # Token, accounts, are they few, page, tags, notes, subscriptions, lifetime values, access,
    # users, count.
    with django_assert_num_queries(11):
        assert len(client.get("/api/hotmart/customers").json()["items"]) == 20
