"""The console: for those who logged in, and mostly to look."""

from datetime import datetime

import pytest
from django.db import connection
from django.db.models import BinaryField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recibo.access.models import Access, Provisioning
from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.inbox.models import Event, Refusal
from recibo.journal.actions import audit
from recibo.journal.models import Alert, AuditEntry, IntegrationCall
from recibo.messaging.models import Message
from recibo.outbound.models import Attempt, Delivery, Endpoint
from recibo.processing.drain import drain
from recibo.reconciliation.models import PaymentCheck
from tests.api.conftest import told
from tests.outbound.conftest import tell

pytestmark = pytest.mark.django_db

SHOWN = [
    Event,
    Refusal,
    Customer,
    Order,
    Charge,
    Subscription,
    Provisioning,
    Access,
    Message,
    PaymentCheck,
    Endpoint,
    Delivery,
    IntegrationCall,
    Alert,
    AuditEntry,
]
#: What stands in the columns that nobody is shown.
SEALED = b"nobody-is-shown-this"
#: Only here is something added by hand.
ADDED = {Endpoint}


@pytest.fixture
def _something():
    """At least one row of everything."""
    something(1)


def something(number: int) -> None:
    """A further row of everything."""
    told("purchase-approved", number)
    drain()
    audit("cli:ana", "event.replay", f"event:{number}")
    now = timezone.now()
    Refusal.objects.create(
        hour=now,
        reason="signature_missing",
        remote_address=f"203.0.113.{number}",
        first_at=now,
        last_at=now,
        excerpt=b"\xff" + SEALED,
    )
    calls = {"account": "email/smtp", "host": "mail.example.com", "operation": "SEND"}
    IntegrationCall.objects.create(**calls, duration_ms=12)
    text = {"key": f"late:{number}", "kind": "late", "text": "Something is late."}
    Alert.objects.create(**text, opened_at=now, seen_at=now)
    owed(Order.objects.get(reference=f"HP{2_000_000_000 + number}"), now)
    Endpoint.objects.create(url=f"https://shop.example/{number}", sealed_secrets=SEALED)
    tell(number)
    Attempt.objects.create(delivery=Delivery.objects.last(), at=now, duration_ms=7, answer="Busy")


def owed(order: Order, now: datetime) -> None:
    """What is made and sent for an order."""
    access = Access.objects.create(
        customer=order.customer, application="default", scope="plan:all", sealed_password=SEALED
    )
    Provisioning.objects.update_or_create(
        order=order,
        product_id="p1",
        defaults={"access": access, "stage_at": now, "created_at": now},
    )
    Message.objects.create(
        key=f"receipt:{order.pk}",
        order=order,
        customer=order.customer,
        channel="email",
        kind="receipt",
        sealed=SEALED,
        created_at=now,
    )
    PaymentCheck.objects.update_or_create(
        order=order, defaults={"account": order.account, "give_up_at": now, "created_at": now}
    )


def address(model: type) -> str:
    return f"/console/{model._meta.app_label}/{model._meta.model_name}/"


def test_a_stranger_is_asked_to_log_in():
    response = Client().get("/console/")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        "/console/login/?next=/console/",
    )
    assert b"Recibo" in Client().get("/console/login/").content


@pytest.mark.usefixtures("_something")
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_rows_are_listed_and_shown(admin_client, model):
    assert address(model).encode() in admin_client.get("/console/").content
    assert admin_client.get(address(model)).status_code == 200
    row = model.objects.first()
    assert admin_client.get(f"{address(model)}{row.pk}/change/").status_code == 200


@pytest.mark.usefixtures("_something")
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_what_is_sealed_is_not_shown(admin_client, model):
    hidden = [one for one in model._meta.fields if isinstance(one, BinaryField)]
    row = model.objects.first()
    for path in ("", f"{row.pk}/change/"):
        shown = admin_client.get(f"{address(model)}{path}").content
        assert SEALED not in shown
        assert not [one.name for one in hidden if f"field-{one.name}".encode() in shown]


@pytest.mark.usefixtures("_something")
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_a_longer_list_takes_no_more_queries(admin_client, model):
    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(address(model))
        return [one["sql"] for one in queries]

    few = asked()
    something(2)
    something(3)
    assert len(asked()) == len(few)


@pytest.mark.usefixtures("_something")
def test_a_delivery_is_shown_with_its_attempts(admin_client):
    shown = admin_client.get(f"{address(Delivery)}{Delivery.objects.get().pk}/change/")
    assert "Busy" in shown.content.decode()


@pytest.mark.usefixtures("_something")
@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_nothing_is_changed_from_here(admin_client, model):
    row = model.objects.first()
    adding = [] if model in ADDED else ["add/"]
    for path in (*adding, f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert admin_client.post(f"{address(model)}{path}", {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.usefixtures("_something")
@pytest.mark.parametrize(
    ("model", "search"),
    [
        (Event, "HP2000000001"),
        (Customer, "comprador.1@example.com"),
        (Order, "HP2000000001"),
        (Charge, "HP2000000001"),
        (Subscription, "00000001"),
        (Provisioning, "HP2000000001"),
        (Access, "comprador.1@example.com"),
        (Message, "HP2000000001"),
        (PaymentCheck, "HP2000000001"),
        (IntegrationCall, "email/smtp"),
    ],
)
def test_rows_are_found_by_the_name_people_know(admin_client, model, search):
    found = admin_client.get(address(model), {"q": search}).context["cl"]
    assert found.result_count == 1
    assert admin_client.get(address(model), {"q": "nobody"}).context["cl"].result_count == 0
