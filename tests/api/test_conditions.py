"""`ETag` and `If-None-Match`: what did not change is not sent again."""

import pytest

from recibo.billing.models import Customer, Tag
from tests.api.conftest import sold

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/api/orders/HP2000000001",
        "/api/all/customers/{customer}",
        "/api/all/subscriptions/00000001",
        "/api/charges",
    ],
)
def test_what_did_not_change_is_304_and_empty(client, address):
    sold(1)
    address = address.format(customer=Customer.objects.get().pk)
    first = client.get(address)
    again = client.get(address, headers={"if-none-match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "RateLimit-Remaining" in again.headers


def test_what_changed_is_sent_with_another_tag(client):
    sold(1)
    customer = Customer.objects.get()
    address = f"/api/all/customers/{customer.pk}"
    tag = client.get(address).headers["ETag"]
    Tag.objects.create(customer=customer, tag="vip")
    again = client.get(address, headers={"if-none-match": tag})
    assert again.status_code == 200
    assert again.headers["ETag"] != tag


def test_an_error_is_never_unchanged(client):
    response = client.get("/api/events/999", headers={"if-none-match": "*"})
    assert response.status_code == 404
