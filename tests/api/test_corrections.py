"""What the seller says of customers: corrections, notes, tags; and reading who said it."""

import json

import pytest
from django.utils import timezone

from recibo.access import asking
from recibo.billing.models import Customer, Note, Order, Tag
from recibo.journal.models import AuditEntry
from recibo.messaging import composing
from recibo.messaging.kinds import Kind
from recibo.messaging.models import Channel, Message
from recibo.processing.drain import drain
from tests.api.conftest import sold, told

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def address(client) -> str:
    """A customer whom the gateway calls Bruno Barbosa."""
    sold(1)
    return f"/api/hotmart/customers/{Customer.objects.get().pk}"


def correct(client, address: str, **fields: object):
    return client.put(address, fields, content_type=JSON)


def only_audit(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def test_a_correction_is_shown_wherever_the_customer_is(client, address):
    answer = correct(client, address, name="Bruno Barboza", email="Bruno@Example.org")
    assert answer.status_code == 200
    assert answer.json() == client.get(address).json()
    shown = answer.json()
    assert (shown["name"], shown["email"]) == ("Bruno Barboza", "bruno@example.org")
    assert shown["told"] == {"name": "Bruno Barbosa", "email": "comprador.1@example.com"}
    for listing in ("/api/charges", "/api/orders", "/api/all/subscriptions"):
        [item] = client.get(listing).json()["items"]
        assert item["customer"]["name"] == "Bruno Barboza", listing
        assert item["customer"]["email"] == "bruno@example.org", listing


def test_no_later_event_undoes_it(client, address):
    correct(client, address, name="Bruno Barboza", phone="+55 11 91234-5678")
    told("purchase-renewal", 1, at=timezone.now())
    told("purchase-approved", 1, at=timezone.now())
    drain()
    shown = client.get(address).json()
    assert (shown["name"], shown["phone"]) == ("Bruno Barboza", "+55 11 91234-5678")
    assert Customer.objects.count() == 1


def test_what_is_left_out_stays_and_null_takes_a_correction_back(client, address):
    correct(client, address, name="Bruno Barboza")
    correct(client, address, document="111")
    shown = client.get(address).json()
    assert (shown["name"], shown["document"]) == ("Bruno Barboza", "111")
    shown = correct(client, address, name=None).json()
    assert (shown["name"], shown["document"]) == ("Bruno Barbosa", "111")
    assert list(shown["told"]) == ["document"]


def test_a_detail_can_be_corrected_away(client, address):
    assert correct(client, address, document="").json()["document"] == ""


def test_messages_and_access_go_to_the_corrected_person(client, address):
    correct(client, address, name="Ana", email="ana@example.org", phone="+5511912345678")
    customer = Customer.objects.get()
    person = asking.person_of(customer)
    assert (person.email, person.name, person.phone) == ("ana@example.org", "Ana", "+5511912345678")
    message = Message(order=Order.objects.get(), customer=customer, kind=Kind.PURCHASE_CONFIRMATION)
    for channel, to in ((Channel.EMAIL, "ana@example.org"), (Channel.WHATSAPP, "+5511912345678")):
        message.channel = channel
        assert composing.address_of(message, customer) == to
    assert composing.name_of(customer) == "Ana"


@pytest.mark.parametrize("search", ["ana@example", "ana maria", "maria", "comprador.1@", "barbosa"])
def test_it_is_found_by_what_was_told_and_by_what_was_corrected(client, address, search):
    correct(client, address, name="Ana Maria", email="ana@example.org")
    items = client.get("/api/all/customers", {"search": search}).json()["items"]
    assert [item["name"] for item in items] == ["Ana Maria"]


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"email": ""},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"segment": "active"},
        {"id": 1},
    ],
)
def test_what_cannot_be_right_is_refused(client, address, fields):
    assert correct(client, address, **fields).status_code == 422
    assert Customer.objects.get().corrections == {}


def test_the_audit_has_what_changed_before_and_after(client, address):
    correct(client, address, name="Bruno Barboza", email="comprador.1@example.com")
    entry = only_audit("customer.correct")
    assert (entry.actor, entry.subject) == ("token:tests", f"customer:{Customer.objects.get().pk}")
    assert entry.before == {"name": "Bruno Barbosa"}
    assert entry.after == {"name": "Bruno Barboza"}


def test_a_note_has_its_author(client, address):
    answer = client.post(f"{address}/notes", {"text": "Called us."}, JSON)
    assert answer.status_code == 201
    assert client.get(address).json()["notes"] == [answer.json()]
    assert (answer.json()["author"], answer.json()["text"]) == ("token:tests", "Called us.")
    assert only_audit("customer.note").after == {
        "note": Note.objects.get().pk,
        "text": "Called us.",
    }


def test_tags_come_and_go(client, address):
    assert client.post(f"{address}/tags", {"tag": " vip "}, JSON).json() == {"tags": ["vip"]}
    assert client.post(f"{address}/tags", {"tag": "b2b"}, JSON).json() == {"tags": ["b2b", "vip"]}
    assert client.get(address).json()["tags"] == ["b2b", "vip"]
    assert client.delete(f"{address}/tags", {"tag": "vip"}, JSON).json() == {"tags": ["b2b"]}
    entry = only_audit("customer.untag")
    assert (entry.before, entry.after) == ({"tags": ["b2b", "vip"]}, {"tags": ["b2b"]})


def test_what_changes_nothing_is_no_act(client, address):
    for _ in range(2):
        client.post(f"{address}/tags", {"tag": "vip"}, JSON)
    client.delete(f"{address}/tags", {"tag": "other"}, JSON)
    assert Tag.objects.count() == 1
    assert AuditEntry.objects.filter(subject__startswith="customer:").count() == 1


@pytest.mark.parametrize("tag", ["", "  ", "x" * 65, "a\0"])
def test_a_tag_is_a_word(client, address, tag):
    assert client.post(f"{address}/tags", {"tag": tag}, JSON).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"name": "x"}),
        ("POST", "/notes", {"text": "x"}),
        ("POST", "/tags", {"tag": "x"}),
        ("DELETE", "/tags", {"tag": "x"}),
    ],
)
def test_a_customer_of_another_gateway_is_not_there(client, address, method, path, body):
    other = address.replace("hotmart", "asaas") + path
    response = client.generic(method, other, json.dumps(body), JSON)
    assert response.status_code == 404
    assert not AuditEntry.objects.filter(subject__startswith="customer:").exists()


def test_the_audit_is_read_by_subject_actor_action_and_time(client, address):
    client.post(f"{address}/tags", {"tag": "vip"}, JSON)
    client.post(f"{address}/notes", {"text": "x"}, JSON)
    AuditEntry.objects.create(actor="cli:ana", action="token.create", subject="token:shop")
    AuditEntry.objects.filter(action="token.create").update(at="2020-01-01T00:00Z")
    subject = f"customer:{Customer.objects.get().pk}"
    expected = {
        ("subject", subject): ["customer.note", "customer.tag"],
        ("actor", "cli:ana"): ["token.create"],
        ("action", "customer.tag"): ["customer.tag"],
        ("since", "2024-01-01T00:00:00Z"): ["customer.note", "customer.tag"],
        ("subject", "customer:0"): [],
    }
    for (name, value), actions in expected.items():
        items = client.get("/api/audit", {name: value}).json()["items"]
        assert [item["action"] for item in items] == actions, (name, value)
    [item] = client.get("/api/audit", {"action": "customer.tag"}).json()["items"]
    assert set(item) == {"id", "at", "actor", "action", "subject", "before", "after"}
    assert (item["before"], item["after"]) == ({"tags": []}, {"tags": ["vip"]})
