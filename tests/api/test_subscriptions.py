"""`/api/{gateway}/subscriptions`: agreements to collect again and again."""

import pytest

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.processing.drain import drain
from tests.api.conftest import sold, told

pytestmark = pytest.mark.django_db


def test_a_subscription_has_the_fields_that_scripts_read(client):
    sold(1)
    [item] = client.get("/api/hotmart/subscriptions").json()["items"]
    assert item["subscriber_code"] == "00000001"
    assert (item["gateway"], item["status"]) == ("hotmart", "active")
    assert item["plan"] == "Clube Mensal"
    assert (item["price"], item["currency"]) == ("97.90", "BRL")
    assert item["period"] == "monthly"
    assert item["next_billing_at"] == "2026-05-01T12:00:00Z"
    assert item["started_at"] == "2026-04-01T12:00:00Z"
    assert item["cancelled_at"] is None
    assert item["customer"]["email"] == "comprador.1@example.com"
    assert client.get("/api/all/subscriptions/00000001").json() == item


def test_what_is_unknown_is_null(client):
    sold(1)
    Subscription.objects.update(price=None, currency="", period="", next_billing_at=None)
    item = client.get("/api/all/subscriptions/00000001").json()
    names = ("price", "currency", "period", "next_billing_at")
    assert [item[name] for name in names] == [None] * 4


def test_a_status_and_a_gateway_narrow(client):
    sold(2)
    told("subscription-cancellation", 1)
    drain()
    found = client.get("/api/all/subscriptions", {"status": "cancelled"}).json()
    assert [item["subscriber_code"] for item in found["items"]] == ["00000001"]
    Subscription.objects.update(account=Account.objects.create(gateway="elsewhere"))
    assert client.get("/api/hotmart/subscriptions").json()["count"] == 0
    assert client.get("/api/hotmart/subscriptions/00000001").status_code == 404


def test_a_subscription_that_is_not_there(client):
    response = client.get("/api/hotmart/subscriptions/NOBODY")
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/all/subscriptions")
    with django_assert_num_queries(3):  # token, page, count
        assert len(client.get("/api/all/subscriptions").json()["items"]) == 20
