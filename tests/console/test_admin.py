"""The console: for those who logged in, and only to look."""

import pytest
from django.test import Client
from django.utils import timezone

from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.inbox.models import Event, Refusal
from recibo.journal.actions import audit
from recibo.journal.models import AuditEntry
from recibo.processing.drain import drain
from tests.api.conftest import told

pytestmark = pytest.mark.django_db

SHOWN = [Event, Refusal, Customer, Order, Charge, Subscription, AuditEntry]


@pytest.fixture
def _something():
    """At least one row of everything."""
    told("purchase-approved", 1)
    drain()
    audit("cli:ana", "event.replay", "event:1")
    now = timezone.now()
    Refusal.objects.create(
        hour=now, reason="signature_missing", first_at=now, last_at=now, excerpt=b"\xff"
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
def test_nothing_is_changed_from_here(admin_client, model):
    row = model.objects.first()
    for path in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
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
    ],
)
def test_rows_are_found_by_the_name_people_know(admin_client, model, search):
    found = admin_client.get(address(model), {"q": search}).context["cl"]
    assert found.result_count == 1
    assert admin_client.get(address(model), {"q": "nobody"}).context["cl"].result_count == 0
