"""Every address, asked from outside: over HTTP, on the real web server."""

import re
from typing import Any

import httpx
import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Customer, Order
from recibo.inbox.models import Event
from recibo.journal.models import AuditEntry
from recibo.operations import exports
from recibo.reconciliation.models import PaymentCheck
from tests.api.served import shop

#: Written by others, with tests of their own.
ELSEWHERE = re.compile(r"/analytics/|/api/endpoints|/api/changes|/due-day|/plan$|/deliveries")

#: What is asked, in this order, with which body, and how it is answered: status, and a field that
#: the answer has, unless it is no object.
ASKED = (
    ("GET /api/events", None, 200, "items"),
    ("GET /api/events/stats", None, 200, "processed"),
    ("GET /api/events/{event}", None, 200, "body"),
    ("POST /api/events/{event}/replay", {}, 202, "status"),
    (
        "POST /api/orders",
        {
            "gateway": "hotmart",
            "reference": "PED-1",
            "amount": "10.00",
            "customer": {"email": "ana@example.com"},
        },
        201,
        "timeline",
    ),
    ("GET /api/orders", None, 200, "items"),
    ("GET /api/orders/PED-1", None, 200, "timeline"),
    ("POST /api/orders/PED-1/cancel", None, 200, "timeline"),
    ("GET /api/charges", None, 200, "items"),
    ("GET /api/hotmart/customers", None, 200, "items"),
    ("GET /api/hotmart/customers/stats", None, 200, "buyer"),
    ("GET /api/hotmart/customers/{customer}", None, 200, "lifetime_value"),
    ("PUT /api/hotmart/customers/{customer}", {"name": "Ana"}, 200, "told"),
    ("GET /api/hotmart/customers/{customer}/events", None, 200, "items"),
    ("GET /api/hotmart/customers/{customer}/transactions", None, 200, "items"),
    ("POST /api/hotmart/customers/{customer}/notes", {"text": "Called us."}, 201, "author"),
    ("POST /api/hotmart/customers/{customer}/tags", {"tag": "vip"}, 200, "tags"),
    ("DELETE /api/hotmart/customers/{customer}/tags", {"tag": "vip"}, 200, "tags"),
    ("GET /api/hotmart/subscriptions", None, 200, "items"),
    ("GET /api/hotmart/subscriptions/00000001", None, 200, "plan"),
    # Without credentials nothing can be asked of the gateway, and that is said.
    ("POST /api/hotmart/subscriptions/00000001/cancel", None, 409, "message"),
    ("POST /api/hotmart/subscriptions/00000001/reactivate", None, 409, "message"),
    ("POST /api/hotmart/sync", None, 409, "message"),
    ("GET /api/hotmart/sync", None, 200, "items"),
    ("GET /api/coverage", None, 200, None),
    ("POST /api/hotmart/export", {"kind": "charges", "format": "csv"}, 200, None),
    (
        "POST /api/all/export",
        {"kind": "customers", "format": "jsonl", "as_job": True},
        202,
        "status",
    ),
    ("GET /api/exports/{export}", None, 200, "expires_at"),
    ("GET /api/exports/{export}/file", None, 200, None),
    ("GET /api/provisioning", None, 200, "items"),
    ("GET /api/provisioning/stats", None, 200, "completed"),
    ("POST /api/provisioning/PED-1/resync", {}, 409, "message"),
    ("POST /api/admin/process-provisioning", None, 200, "advanced"),
    ("GET /api/payment-checks", None, 200, "items"),
    ("POST /api/payment-checks/{check}/run", None, 409, "message"),
    ("GET /api/messages", None, 200, "items"),
    ("GET /api/integration-calls", None, 200, "items"),
    ("GET /api/alerts", None, 200, "items"),
    ("GET /api/audit", None, 200, "items"),
    ("GET /api/refusals", None, 200, "items"),
)


@pytest.fixture
def client(transactional_db: None, settings: Any, tmp_path: Any):
    settings.RECIBO_HOME = tmp_path
    with shop() as client:
        yield client


def names() -> dict[str, int]:
    """What stands in the addresses, made where it is not there yet."""
    account = Account.objects.get(gateway="hotmart")
    order = Order.objects.earliest("pk")
    check = PaymentCheck.objects.create(
        order=order,
        account=account,
        status=PaymentCheck.Status.PAID,
        created_at=timezone.now(),
        give_up_at=timezone.now(),
    )
    export = exports.queue("charges", "", exports.Style(), actor="tests")
    exports.write_all()
    return {
        "event": Event.objects.earliest("pk").pk,
        "customer": Customer.objects.earliest("pk").pk,
        "export": export.pk,
        "check": check.pk,
    }


def ask(client: httpx.Client, address: str, body: Any) -> httpx.Response:
    method, path = address.split()
    return (
        client.request(method, path, json=body)
        if body is not None
        else client.request(method, path)
    )


def test_every_address_answers_from_outside(client):
    given = names()
    for address, body, status, field in ASKED:
        acts = AuditEntry.objects.count()
        response = ask(client, address.format_map(given), body)
        assert response.status_code == status, (address, response.text)
        if field is not None:
            assert field in response.json(), address
        if not address.startswith("GET") and status < 300:
            assert AuditEntry.objects.count() == acts + 1, f"{address} left no trace"
    schema = client.get("/openapi.json").json()
    told = {
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
        if not ELSEWHERE.search(path)
    }
    left = {one for one in told if not any(matches(one, asked) for asked, *_ in ASKED)}
    assert not left, "Addresses that no line above asks."


def matches(operation: str, asked: str) -> bool:
    """Whether an address that was asked is of this operation."""
    pattern = re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(operation))
    return re.fullmatch(pattern, asked) is not None


def test_the_page_to_read_and_try_it_is_served(client):
    page = client.get("/doc")
    assert page.status_code == 200
    assert "swagger" in page.text


def test_a_file_comes_as_a_stream(client):
    wish = {"kind": "charges", "format": "csv"}
    with client.stream("POST", "/api/all/export", json=wish) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        lines = [line for line in response.iter_lines() if line]
    assert len(lines) == 3


def test_what_did_not_change_is_not_sent_again(client):
    first = client.get("/api/orders/HP2000000001")
    again = client.get("/api/orders/HP2000000001", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
