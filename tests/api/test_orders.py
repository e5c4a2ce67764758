"""`/api/orders`: lists, one order with its charges, and its timeline."""

from datetime import timedelta

import pytest

from recibo.billing.models import Order
from recibo.inbox.models import Source
from recibo.processing.drain import drain
from tests.api.conftest import sold, told
from tests.inboxes import NOW, received
from tests.recordings import recorded

pytestmark = pytest.mark.django_db


def test_an_order_has_the_fields_that_scripts_read(client):
    sold(1)
    [item] = client.get("/api/orders").json()["items"]
    assert item["gateway"] == "hotmart"
    assert item["reference"] == "HP2000000001"
    assert item["status"] == "paid"
    assert (item["amount"], item["paid_amount"], item["currency"]) == ("97.90", "97.90", "BRL")
    assert item["customer"] == {
        "id": item["customer"]["id"],
        "email": "comprador.1@example.com",
        "name": "Bruno Barbosa",
    }
    assert item["product"] == "Clube do Código"
    assert item["payment_url"] is None
    assert item["paid_at"] == "2026-04-01T12:00:00Z"
    [charge] = item["charges"]
    assert charge["order"] == {"id": item["id"], "reference": "HP2000000001"}


def test_an_order_that_awaits_payment_says_where_to_pay(client):
    told("purchase-billet-printed", 1)
    drain()
    [item] = client.get("/api/orders", {"status": "pending"}).json()["items"]
    assert item["payment_url"] == "https://boleto.example.com/HP2000000001"
    assert (item["paid_amount"], item["paid_at"]) == ("0.00", None)


def test_orders_are_found_by_id_and_by_reference(client):
    sold(2)
    order = Order.objects.get(reference="HP2000000002")
    for name in (str(order.pk), "HP2000000002"):
        shown = client.get(f"/api/orders/{name}").json()
        assert (shown["id"], shown["reference"]) == (order.pk, "HP2000000002")
    found = client.get("/api/orders", {"reference": "HP2000000002"}).json()
    assert [item["id"] for item in found["items"]] == [order.pk]


@pytest.mark.parametrize("name", ["HP1", "999999", "9" * 40, "%00"])
def test_an_order_that_is_not_there(client, name):
    response = client.get(f"/api/orders/{name}")
    assert response.status_code in {404, 422}
    assert response.json()["message"]


def test_an_order_is_found_by_one_of_its_charges(client):
    received(recorded("hotmart/webhook-purchase-approved-main-with-bump"))
    drain()
    answer = client.get("/api/orders/HP1000000016C1").json()
    assert answer["reference"] == "HP1000000016"


def test_an_id_goes_before_a_reference_that_looks_like_it(client):
    sold(2)
    first, second = Order.objects.order_by("pk")
    Order.objects.filter(pk=second.pk).update(reference=str(first.pk))
    assert client.get(f"/api/orders/{first.pk}").json()["id"] == first.pk
    found = client.get("/api/orders", {"reference": str(first.pk)}).json()["items"]
    assert [item["id"] for item in found] == [second.pk]


def test_the_timeline_tells_the_whole_story_in_the_order_of_time(client):
    day = timedelta(days=1)
    # The refund comes in before the news that it gives back.
    told("purchase-refunded", 1, at=NOW + 9 * day)
    told("purchase-billet-printed", 1, at=NOW)
    told("purchase-approved", 1, at=NOW + 2 * day)
    told("purchase-complete", 1, at=NOW + 8 * day)
    drain()
    timeline = client.get("/api/orders/HP2000000001").json()["timeline"]
    kinds = [entry["kind"] for entry in timeline if entry["kind"] != "event.received"]
    assert kinds == ["order.created", "charge.pending", "charge.paid", "charge.refunded"]
    assert [entry["at"] for entry in timeline] == sorted(entry["at"] for entry in timeline)
    received = [entry for entry in timeline if entry["kind"] == "event.received"]
    assert len(received) == 4
    assert all(entry["event_id"] for entry in received)
    assert "PURCHASE_REFUNDED received (webhook, processed)" in received[-1]["text"]
    paid = next(entry for entry in timeline if entry["kind"] == "charge.paid")
    assert paid["text"] == "Charge HP2000000001 paid: BRL 97.90"
    assert paid["charge"] == "HP2000000001"


def test_the_timeline_says_what_was_only_simulated(client):
    told("purchase-approved", 1, source=Source.SIMULATE)
    drain()
    timeline = client.get("/api/orders/HP2000000001").json()["timeline"]
    assert all(entry["simulated"] for entry in timeline)


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/orders")
    with django_assert_num_queries(4):  # token, page, charges, count
        assert len(client.get("/api/orders").json()["items"]) == 20


def test_queries_of_a_timeline_do_not_grow_with_it(client, django_assert_num_queries):
    for number, sample in enumerate(
        ("purchase-approved", "purchase-complete", "purchase-refunded")
    ):
        told(sample, 1, at=NOW + timedelta(days=number))
    drain()
    client.get("/api/orders")
    # Token, order, charges, facts of both, events, steps of access, messages, calls.
    with django_assert_num_queries(9):
        client.get("/api/orders/HP2000000001")
