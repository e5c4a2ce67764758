"""`/api/events`: lists, counts, one event, and processing it again."""

import json
from datetime import timedelta

import pytest

from recibo.accounts.models import Account
from recibo.billing.models import Charge
from recibo.inbox.models import Event, EventBody, Source, Status
from recibo.journal.models import AuditEntry
from recibo.processing.drain import drain
from tests.api.conftest import sold, told
from tests.inboxes import NOW, received

pytestmark = pytest.mark.django_db


def ids(response) -> list[int]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_event_has_the_fields_that_scripts_read(client):
    event = told("purchase-approved", 1)
    drain()
    [item] = client.get("/api/events").json()["items"]
    assert item["id"] == event.pk
    assert item["gateway_event_id"] == event.gateway_event_id
    assert item["gateway_charge_id"] == "HP2000000001"
    assert (item["gateway"], item["account"]) == ("hotmart", "default")
    assert item["source"] == "webhook"
    assert item["event_type"] == "charge.paid"
    assert item["gateway_event"] == "PURCHASE_APPROVED"
    assert item["status"] == "processed"
    assert (item["attempts"], item["duplicates"]) == (1, 0)
    assert item["received_at"] == "2026-04-01T12:00:01Z"
    assert item["processed_at"].endswith("Z")
    assert item["error"] == ""
    assert "charge HP2000000001: new → paid" in item["result"]


def test_a_list_is_newest_first_in_pages_with_its_count(client):
    events = [told("purchase-approved", number) for number in range(1, 6)]
    newest_first = [event.pk for event in reversed(events)]
    answer = client.get("/api/events", {"limit": 2, "offset": 1})
    assert ids(answer) == newest_first[1:3]
    assert answer.json()["count"] == 5
    assert answer.json()["count_is_estimate"] is False
    assert ids(client.get("/api/events", {"offset": 5})) == []


def test_a_page_has_50_rows_unless_asked(client):
    for number in range(51):
        told("cart-abandonment", number)
    assert len(ids(client.get("/api/events"))) == 50
    assert len(ids(client.get("/api/events", {"limit": 500}))) == 51


def test_each_filter_finds_its_own(client):
    sale = told("purchase-approved", 1)
    cart = told("cart-abandonment", 2, at=NOW + timedelta(days=1), source=Source.SIMULATE)
    broken = received(b"{", at=NOW - timedelta(days=1))
    drain()
    expected = {
        ("status", "failed"): [broken],
        ("status", "processed"): [cart, sale],
        ("gateway", "hotmart"): [broken, cart, sale],
        ("gateway", "all"): [broken, cart, sale],
        ("event_type", "charge.paid"): [sale],
        ("source", "simulate"): [cart],
        ("since", "2026-04-01T12:00:01Z"): [cart, sale],
        ("since", "2026-04-01T09:00:02"): [cart],
        ("since", "2026-04-02"): [cart],
        ("search", sale.gateway_event_id): [sale],
        ("search", "HP2000000001"): [sale],
        ("search", str(cart.pk)): [cart],
        ("search", "nothing like it"): [],
    }
    for (name, value), events in expected.items():
        found = ids(client.get("/api/events", {name: value}))
        assert found == sorted((event.pk for event in events), reverse=True), (name, value)


def test_a_gateway_without_an_account_has_no_events(client):
    told("purchase-approved", 1)
    Account.objects.filter(gateway="hotmart").update(gateway="elsewhere")
    assert ids(client.get("/api/events", {"gateway": "hotmart"})) == []
    assert client.get("/api/events/stats", {"gateway": "hotmart"}).json()["total"] == 0
    assert client.get("/api/events/stats").json()["total"] == 1


def test_filters_narrow_each_other(client):
    told("purchase-approved", 1)
    both = {"status": "pending", "event_type": "charge.refunded"}
    assert ids(client.get("/api/events", both)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "lost"),
        ("gateway", "nowhere"),
        ("event_type", "charge.levitated"),
        ("source", "rumour"),
        ("since", "yesterday"),
        ("search", "\0"),
        ("limit", "501"),
        ("limit", "0"),
        ("offset", "-1"),
        ("offset", "99999999999999999999"),
    ],
)
def test_a_filter_that_cannot_be_is_named(client, field, value):
    response = client.get("/api/events", {field: value})
    assert response.status_code == 422
    answer = response.json()
    assert answer["error"] == "invalid"
    assert answer["message"]
    assert list(answer["fields"]) == [field]


def test_stats_count_each_status(client):
    sold(2)
    told("purchase-approved", 3)
    broken = received(b"{")
    Event.objects.filter(pk=broken.pk).update(status=Status.FAILED)
    expected = {
        "total": 4,
        "pending": 1,
        "processing": 0,
        "processed": 2,
        "failed": 1,
        "ignored": 0,
    }
    assert client.get("/api/events/stats").json() == expected
    assert client.get("/api/events/stats", {"gateway": "hotmart"}).json() == expected
    assert client.get("/api/events/stats", {"gateway": "nowhere"}).status_code == 422


def test_one_event_shows_its_bytes_and_what_it_told(client):
    event = told("purchase-approved", 1)
    EventBody.objects.update(headers=b"content-type: application/json\nx-note: caf\xe9")
    drain()
    shown = client.get(f"/api/events/{event.pk}").json()
    assert json.loads(shown["body"])["event"] == "PURCHASE_APPROVED"
    assert shown["headers"] == {"content-type": "application/json", "x-note": "café"}
    facts = {fact["about"]: fact for fact in shown["facts"]}
    assert facts["charge"]["status"] == "paid"
    assert facts["subscription"]["code"] == "00000001"
    assert "example.com" not in json.dumps(shown["facts"])


def test_an_archived_event_is_shown_without_its_bytes(client):
    event = told("purchase-approved", 1)
    EventBody.objects.all().delete()
    shown = client.get(f"/api/events/{event.pk}").json()
    assert (shown["body"], shown["headers"], shown["query"]) == (None, None, None)


@pytest.mark.parametrize("name", ["999", "9" * 30, "9" * 5000, "x", "1/nothing"])
def test_an_event_that_is_not_there_is_not_found(client, name):
    response = client.get(f"/api/events/{name}")
    assert response.status_code == 404
    assert response.json()["error"] == "not_found"
    assert response.json()["message"]


def test_a_replay_queues_the_event_and_is_audited(client):
    event = told("purchase-approved", 1)
    drain()
    response = client.post(
        f"/api/events/{event.pk}/replay", {"with_messages": False}, "application/json"
    )
    assert response.status_code == 202
    assert response.json() == {"id": event.pk, "status": "pending"}
    event.refresh_from_db()
    assert (event.status, event.silent) == (Status.PENDING, True)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("token:tests", "event.replay")
    drain()
    assert Charge.objects.count() == 1


@pytest.mark.parametrize(("body", "silent"), [({"with_messages": True}, False), ({}, True)])
def test_a_replay_tells_people_only_when_asked(client, body, silent):
    event = told("purchase-approved", 1)
    drain()
    client.post(f"/api/events/{event.pk}/replay", body, "application/json")
    event.refresh_from_db()
    assert event.silent is silent


def test_a_replay_needs_no_body(client):
    event = told("purchase-approved", 1)
    drain()
    assert client.generic("POST", f"/api/events/{event.pk}/replay").status_code == 202


def test_an_archived_event_cannot_be_replayed(client):
    event = told("purchase-approved", 1)
    drain()
    EventBody.objects.all().delete()
    response = client.generic("POST", f"/api/events/{event.pk}/replay")
    assert response.status_code == 409
    assert response.json()["error"] == "conflict"
    assert "recibo events restore" in response.json()["message"]
    event.refresh_from_db()
    assert event.status == Status.PROCESSED


def test_replaying_nothing_is_not_found(client):
    assert client.generic("POST", "/api/events/999/replay").status_code == 404


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/events")  # notes the token's use
    with django_assert_num_queries(3):  # token, page, count
        assert len(ids(client.get("/api/events"))) == 20
