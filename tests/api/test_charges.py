"""`/api/charges`: attempts to collect."""

import pytest

from recibo.billing.models import Charge, Order
from recibo.processing.drain import drain
from tests.api.conftest import sold, told

pytestmark = pytest.mark.django_db


def test_a_charge_has_the_fields_that_scripts_read(client):
    sold(1)
    [item] = client.get("/api/charges").json()["items"]
    order = Order.objects.get()
    assert item["gateway"] == "hotmart"
    assert item["gateway_charge_id"] == "HP2000000001"
    assert item["status"] == "paid"
    assert (item["amount"], item["currency"]) == ("97.90", "BRL")
    assert (item["fee"], item["net"], item["refunded_amount"]) == ("10.69", "87.21", "0.00")
    assert (item["payment_method"], item["installments"]) == ("card", 1)
    assert item["paid_at"] == "2026-04-01T12:00:00Z"
    assert item["order"] == {"id": order.pk, "reference": "HP2000000001"}
    assert {one["source"]: one["amount"] for one in item["commissions"]} == {
        "MARKETPLACE": "10.69",
        "PRODUCER": "87.21",
    }
    assert item["metadata"] == {"src": "simulacao", "sck": "recibo"}
    assert item["customer"]["email"] == "comprador.1@example.com"


def test_what_the_gateway_did_not_say_is_null(client):
    sold(1)
    Charge.objects.update(fee=None, net=None, payment_method="", installments=None, paid_at=None)
    [item] = client.get("/api/charges").json()["items"]
    silent = ("fee", "net", "payment_method", "installments", "paid_at")
    assert [item[name] for name in silent] == [None] * 5


def test_each_filter_finds_its_own(client):
    sold(2)
    told("purchase-expired", 3)
    drain()
    expected = {
        ("status", "paid"): ["HP2000000002", "HP2000000001"],
        ("status", "expired"): ["HP2000000003"],
        ("gateway", "hotmart"): ["HP2000000003", "HP2000000002", "HP2000000001"],
        ("reference", "HP2000000002"): ["HP2000000002"],
        ("reference", "HP9"): [],
    }
    for (name, value), names in expected.items():
        answer = client.get("/api/charges", {name: value}).json()
        found = [item["gateway_charge_id"] for item in answer["items"]]
        assert sorted(found) == sorted(names), (name, value)
        assert answer["count"] == len(names)


def test_an_unknown_status_is_an_error_not_an_empty_list(client):
    response = client.get("/api/charges", {"status": "levitating"})
    assert response.status_code == 422
    assert "partially_refunded" in response.json()["fields"]["status"]


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/charges")
    with django_assert_num_queries(3):  # token, page, count
        assert len(client.get("/api/charges").json()["items"]) == 20
