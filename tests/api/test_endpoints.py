"""`/api/endpoints` and `/api/changes`."""

from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from recibo.journal.models import AuditEntry
from recibo.outbound import sending, telling
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint, PublishedChange
from recibo.outbound.wire import Answer
from tests.api.conftest import sold
from tests.outbound.receivers import Reply, receiving

pytestmark = pytest.mark.django_db

URL = "https://loja.example.com/recibo"
JSON = "application/json"


@pytest.fixture(autouse=True)
def _allowed(settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True


def added(client, **fields: object) -> dict:
    answer = client.post("/api/endpoints", {"url": URL, **fields}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    return answer.json()


def failed_delivery(client) -> tuple[str, Delivery]:
    """An endpoint with one delivery that was given up."""
    endpoint = added(client, events=["order.paid"])
    sold(1)
    delivery = Delivery.objects.select_related("endpoint", "change").get()
    sending.settle(delivery, Answer(status=500, error="answered 500", content=b"oh no"))
    Delivery.objects.update(status=DeliveryStatus.FAILED, next_attempt_at=None)
    return f"/api/endpoints/{endpoint['id']}", delivery


def test_an_endpoint_is_added_and_its_secret_told_once(client) -> None:
    new = added(client, events=["order.*"], ordered=True)
    assert new.keys() == {"id", "secret"}
    assert new["secret"].startswith("whsec_")
    shown = client.get(f"/api/endpoints/{new['id']}").json()
    assert (shown["url"], shown["events"], shown["ordered"]) == (URL, ["order.*"], True)
    assert (shown["state"], shown["disabled_at"]) == ("active", None)
    assert new["secret"] not in str(shown)
    assert client.get("/api/endpoints").json()["items"] == [shown]
    assert AuditEntry.objects.get(action="endpoint.add").actor == "token:tests"


def test_who_may_only_read_changes_nothing(client, reader) -> None:
    new = added(client)
    address = f"/api/endpoints/{new['id']}"
    assert reader.post("/api/endpoints", {"url": URL}, content_type=JSON).status_code == 403
    for act in ("disable", "enable", "rotate", "test", "replay"):
        assert reader.post(f"{address}/{act}", content_type=JSON).status_code == 403
    assert reader.patch(address, {}, content_type=JSON).status_code == 403
    assert reader.delete(address).status_code == 403
    assert reader.get(address).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "nowhere"},
        {"url": ""},
        {"events": ["order.payed"]},
        {"gateways": ["hotmort"]},
        {"concurrency": 99},
        {"per_second": -1},
        {"products": ["x" * 300]},
        {"events": "order.paid"},
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(client, fields: dict) -> None:
    answer = client.post("/api/endpoints", {"url": URL, **fields}, content_type=JSON)
    assert answer.status_code == 422
    assert answer.json()["message"]
    assert not Endpoint.objects.exists()


def test_addresses_of_our_network_are_refused(client, settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = False
    answer = client.post("/api/endpoints", {"url": "https://127.0.0.1/"}, content_type=JSON)
    assert answer.status_code == 422
    assert "RECIBO_ALLOW_PRIVATE_ADDRESSES" in answer.json()["message"]


def test_a_part_of_an_endpoint_is_changed(client) -> None:
    new = added(client, events=["order.*"], per_second=5)
    address = f"/api/endpoints/{new['id']}"
    changed = client.patch(address, {"events": []}, content_type=JSON).json()
    assert (changed["events"], changed["per_second"]) == ([], 5)
    changed = client.patch(address, {"per_second": None, "ordered": True}, content_type=JSON).json()
    assert (changed["per_second"], changed["ordered"], changed["url"]) == (None, True, URL)
    assert client.patch(address, {"url": "x"}, content_type=JSON).status_code == 422


def test_it_is_disabled_enabled_and_removed(client) -> None:
    address = f"/api/endpoints/{added(client)['id']}"
    disabled = client.post(f"{address}/disable").json()
    assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "operator")
    assert client.post(f"{address}/enable").json()["state"] == "active"
    assert client.delete(address).status_code == 204
    for path in ("", "/deliveries", "/deliveries/1"):
        assert client.get(address + path).status_code == 404


def test_one_that_fails_is_shown_as_failing(client) -> None:
    address, _ = failed_delivery(client)
    shown = client.get(address).json()
    assert (shown["state"], shown["error"]) == ("failing", "answered 500")


def test_a_rotation_tells_the_new_secret_and_keeps_the_old_one_a_while(client) -> None:
    with receiving() as receiver:
        new = added(client, url=receiver.url)
        address = f"/api/endpoints/{new['id']}"
        secret = client.post(f"{address}/rotate", content_type=JSON).json()["secret"]
        client.post(f"{address}/test")
        last = client.post(f"{address}/rotate", {"keep_hours": 0}, content_type=JSON).json()
        client.post(f"{address}/test")
    both, alone = receiver.received
    for one in (new["secret"], secret):
        Webhook(one).verify(both.body, both.headers)
    assert len(alone.headers["webhook-signature"].split()) == 1
    Webhook(last["secret"]).verify(alone.body, alone.headers)


def test_a_test_says_what_came_back(client) -> None:
    with receiving() as receiver:
        receiver.replies = [Reply(status=418, body=b"teapot")]
        address = f"/api/endpoints/{added(client, url=receiver.url)['id']}"
        answer = client.post(f"{address}/test").json()
    assert (answer["status_code"], answer["answer"]) == (418, "teapot")
    assert client.post(f"{address}/test").json()["status_code"] is None  # nobody there any more


def test_a_delivery_is_shown_with_its_tries_and_its_message(client) -> None:
    address, delivery = failed_delivery(client)
    [row] = client.get(f"{address}/deliveries").json()["items"]
    assert (row["type"], row["status"], row["status_code"]) == ("order.paid", "failed", 500)
    shown = client.get(f"{address}/deliveries/{delivery.pk}").json()
    assert shown["message"]["id"] == row["message_id"] == telling.key_of(delivery.change)
    assert shown["message"]["data"]["status"] == "paid"
    [one] = shown["tries"]
    assert (one["status_code"], one["answer"], one["error"]) == (500, "oh no", "answered 500")


def test_deliveries_are_narrowed(client) -> None:
    address, _ = failed_delivery(client)

    def count(**asked: str) -> int:
        return client.get(f"{address}/deliveries", asked).json()["count"]

    assert (count(status="failed"), count(status="delivered")) == (1, 0)
    assert (count(event_type="order.paid"), count(event_type="charge.paid")) == (1, 0)
    assert client.get(f"{address}/deliveries", {"status": "lost"}).status_code == 422


def test_one_all_failed_or_a_time_is_delivered_again(client) -> None:
    address, delivery = failed_delivery(client)
    assert client.post(f"{address}/deliveries/{delivery.pk}/replay").json() == {"count": 1}
    assert client.post(f"{address}/deliveries/{delivery.pk + 1}/replay").status_code == 404
    Delivery.objects.update(status=DeliveryStatus.FAILED, next_attempt_at=None)

    def replay(**wish: object) -> int:
        answer = client.post(f"{address}/replay", wish, content_type=JSON)
        assert answer.status_code == 202
        return answer.json()["count"]

    assert replay(failed=True) == 1
    Delivery.objects.all().delete()
    hour_ago = timezone.now() - timedelta(hours=1)
    assert replay(since=hour_ago.isoformat(), until=hour_ago.isoformat()) == 0
    assert replay(since=hour_ago.isoformat()) == 1
    for wish in ({}, {"failed": True, "since": hour_ago.isoformat()}):
        assert client.post(f"{address}/replay", wish, content_type=JSON).status_code == 422


def test_a_delivery_of_another_endpoint_is_not_found(client) -> None:
    _, delivery = failed_delivery(client)
    other = added(client)["id"]
    assert client.get(f"/api/endpoints/{other}/deliveries/{delivery.pk}").status_code == 404


def test_changes_are_walked_in_order_with_a_cursor(client, reader) -> None:
    sold(2)
    whole = reader.get("/api/changes").json()
    assert [one["type"] for one in whole["items"]][:3] == [
        "subscription.activated",
        "subscription.activated",
        "charge.paid",
    ]
    found, cursor = [], None
    while True:
        asked = {"limit": 4} | ({"after": cursor} if cursor else {})
        part = reader.get("/api/changes", asked).json()
        found += part["items"]
        cursor = part["cursor"]
        if not part["has_more"]:
            break
    assert found == whole["items"]
    assert cursor == whole["cursor"]
    assert reader.get("/api/changes", {"after": cursor}).json()["items"] == []


def test_changes_are_the_messages_that_endpoints_get(client) -> None:
    address, delivery = failed_delivery(client)
    message = client.get(f"{address}/deliveries/{delivery.pk}").json()["message"]
    assert message in client.get("/api/changes").json()["items"]


def test_a_walk_begins_at_a_time(client) -> None:
    sold(1)
    PublishedChange.objects.update(at=timezone.now() - timedelta(days=3))
    asked = {"since": (timezone.now() - timedelta(days=1)).isoformat()}
    assert client.get("/api/changes", asked).json()["items"] == []
    asked = {"since": (timezone.now() - timedelta(days=4)).isoformat()}
    assert len(client.get("/api/changes", asked).json()["items"]) == 3


@pytest.mark.parametrize("cursor", ["x", "1", "-1", "1-ABCDEF12", "0x", "1-abcdef12 "])
def test_what_is_no_cursor_is_invalid(client, cursor: str) -> None:
    answer = client.get("/api/changes", {"after": cursor})
    assert answer.status_code == 422
    assert "after" in answer.json()["fields"]


def test_a_cursor_of_another_history_is_a_conflict(client) -> None:
    sold(1)
    assert client.get("/api/changes", {"after": "1-00000000"}).status_code == 409
    assert client.get("/api/changes", {"after": "999-00000000"}).status_code == 409


def test_nobody_without_a_token_reads_changes() -> None:
    from django.test import Client

    assert Client().get("/api/changes").status_code == 401


def test_the_same_request_twice_makes_one_endpoint_and_keeps_no_secret_in_the_open(client) -> None:
    from recibo.api.models import KeptAnswer

    def post():
        return client.post(
            "/api/endpoints", {"url": URL}, content_type=JSON, headers={"Idempotency-Key": "k1"}
        )

    first, second = post().json(), post().json()
    assert first == second
    assert Endpoint.objects.count() == 1
    assert first["secret"].encode() not in bytes(KeptAnswer.objects.get().content)
