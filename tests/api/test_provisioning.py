"""`/api/provisioning`, `/api/messages` and the orders that the seller registers."""

import pytest

from recibo.access.configuration import DefaultApplication
from recibo.access.models import Access, Provisioning, Stage
from recibo.billing.models import Order
from recibo.journal.actions import About, keep_call
from recibo.journal.models import AuditEntry
from recibo.messaging.configuration import Mail
from recibo.messaging.models import Message
from tests.api.conftest import sold

pytestmark = pytest.mark.django_db


@pytest.fixture
def _shop(settings):
    settings.RECIBO_APPLICATION = DefaultApplication(
        provider="http", url="http://127.0.0.1:1", secret="s"
    )
    settings.RECIBO_MAIL = Mail(provider="smtp", sender="loja@example.com", host="127.0.0.1")


@pytest.fixture
def order(_shop) -> Order:
    sold(1)
    return Order.objects.get()


def test_a_provisioning_has_the_fields_that_scripts_read(client, order):
    [item] = client.get("/api/provisioning").json()["items"]
    assert item["order"] == {"id": order.pk, "reference": order.reference}
    assert (item["stage"], item["attempts"], item["access"]) == ("queued", 0, "none")
    assert item["next_attempt_at"]
    assert item["error"] == ""


def test_provisionings_are_narrowed_by_stage_and_order(client, order):
    def count(**asked: str) -> int:
        return client.get("/api/provisioning", asked).json()["count"]

    assert count(stage="queued", order=order.reference) == 1
    assert count(stage="completed") == 0
    assert count(order="nobody's") == 0
    assert client.get("/api/provisioning", {"stage": "lost"}).status_code == 422
    assert client.get("/api/provisioning/stats").json()["queued"] == 1


def test_a_stuck_one_is_started_again(client, reader, order):
    Provisioning.objects.update(stage=Stage.FAILED_PERMANENT, next_attempt_at=None)
    address = f"/api/provisioning/{order.reference}/resync"
    assert reader.post(address).status_code == 403
    answer = client.post(address, content_type="application/json")
    assert answer.status_code == 202
    assert answer.json() == {
        "order": {"id": order.pk, "reference": order.reference},
        "started": 1,
    }
    assert Provisioning.objects.get().stage == Stage.QUEUED
    assert AuditEntry.objects.filter(action="provisioning.resync", actor="token:tests").exists()


def test_nothing_to_start_is_a_conflict_and_an_unknown_order_not_found(client, order):
    access = Access.objects.create(customer=order.customer, application="default", scope="plan:x")
    Provisioning.objects.update(stage=Stage.COMPLETED, access=access)
    Order.objects.update(status="active")
    address = f"/api/provisioning/{order.pk}/resync"
    answer = client.post(address, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert (
        client.post("/api/provisioning/none/resync", content_type="application/json").status_code
        == 404
    )


def test_messages_are_listed_with_their_order(client, order):
    [item] = client.get("/api/messages", {"order": order.reference}).json()["items"]
    assert (item["kind"], item["channel"], item["status"]) == (
        "purchase_confirmation",
        "email",
        "queued",
    )
    assert item["order"]["reference"] == order.reference
    assert client.get("/api/messages", {"status": "sent"}).json()["count"] == 0
    assert "sealed" not in item


def test_calls_are_found_by_the_order_they_were_about(client, order):
    about = About("access/http", order_id=order.pk, stage="creating_user")
    keep_call(about, host="a.example", operation="POST /", status=200, began=0.0, error="")
    [item] = client.get("/api/integration-calls", {"order": str(order.pk)}).json()["items"]
    assert (item["stage"], item["order"]["reference"]) == ("creating_user", order.reference)
    assert client.get("/api/integration-calls", {"order": "none"}).json()["count"] == 0


def test_the_timeline_tells_every_step_message_and_call(client, order):
    Message.objects.update(status="failed", error="550 no such user", sent_at=None)
    about = About("email/smtp", order_id=order.pk)
    keep_call(about, host="mail", operation="SMTP send", status=550, began=0.0, error="")
    story = client.get(f"/api/orders/{order.pk}").json()["timeline"]
    kinds = [entry["kind"] for entry in story]
    assert {"charge.paid", "access.queued", "message.queued", "message.failed", "call"} <= set(
        kinds
    )
    assert any("550 no such user" in entry["text"] for entry in story)
    assert [entry["at"] for entry in story] == sorted(entry["at"] for entry in story)


def test_a_customer_shows_his_access(client, order):
    item = client.get(f"/api/all/customers/{order.customer_id}").json()
    assert (item["access"], item["user_id"]) == ("none", None)


REGISTERED = {
    "gateway": "hotmart",
    "reference": "PED-1",
    "amount": "150.00",
    "customer": {"email": "Rita@Example.com", "name": "Rita"},
    "product": "Curso",
}


def test_an_order_is_registered_and_cancelled(client):
    answer = client.post("/api/orders", REGISTERED, content_type="application/json")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["status"], shown["amount"], shown["currency"]) == ("pending", "150.00", "BRL")
    assert shown["customer"]["email"] == "rita@example.com"
    again = client.post("/api/orders", REGISTERED, content_type="application/json")
    assert again.json()["id"] == shown["id"]

    cancelled = client.post("/api/orders/PED-1/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert client.post("/api/orders/PED-1/cancel").status_code == 200
    anew = client.post("/api/orders", REGISTERED, content_type="application/json")
    assert anew.json()["status"] == "pending"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gateway", "acme"),
        ("reference", ""),
        ("amount", "-1"),
        ("amount", "1.234"),
        ("currency", "real"),
        ("account", "nobody"),
        ("customer", {"email": "no address"}),
    ],
)
def test_what_is_no_order_is_refused(client, field, value):
    answer = client.post(
        "/api/orders", {**REGISTERED, field: value}, content_type="application/json"
    )
    assert answer.status_code == 422
    assert not Order.objects.exists()


def test_a_paid_order_cannot_be_cancelled(client, order):
    answer = client.post(f"/api/orders/{order.pk}/cancel")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert client.post("/api/orders/none/cancel").status_code == 404
