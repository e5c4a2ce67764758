"""`/api/{gateway}/subscriptions`: agreements to collect again and again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection

from recibo.accounts.encryption import sealed
from recibo.accounts.models import Account
from recibo.api import tokens
from recibo.billing.models import Subscription
from recibo.gateways.registry import GATEWAYS
from recibo.journal.models import AuditEntry
from recibo.processing.drain import drain
from recibo.reconciliation.subscriptions import alone
from recibo.work.sql import execute
from tests.api.conftest import bearer, sold, told
from tests.gateways.gateway_server import Canned, GatewayServer
from tests.gateways.gateway_server import told as reply
from tests.reconciliation.acme import ACME
from tests.reconciliation.agreements import agreement, asked_for, obey, obeying, subscribed

pytestmark = pytest.mark.django_db


def test_a_subscription_has_the_fields_that_scripts_read(client):
    sold(1)
    [item] = client.get("/api/hotmart/subscriptions").json()["items"]
    assert item["subscriber_code"] == "00000001"
    assert (item["gateway"], item["status"]) == ("hotmart", "active")
    assert item["plan"] == "Clube Mensal"
    assert (item["price"], item["currency"]) == ("97.90", "BRL")
    assert item["period"] == "monthly"
    assert item["next_billing_at"] == "2026-05-01T12:00:00Z"
    assert item["started_at"] == "2026-04-01T12:00:00Z"
    assert item["cancelled_at"] is None
    assert item["customer"]["email"] == "comprador.1@example.com"
    assert client.get("/api/all/subscriptions/00000001").json() == item


def test_what_is_unknown_is_null(client):
    sold(1)
    Subscription.objects.update(price=None, currency="", period="", next_billing_at=None)
    item = client.get("/api/all/subscriptions/00000001").json()
    names = ("price", "currency", "period", "next_billing_at")
    assert [item[name] for name in names] == [None] * 4


def test_a_status_and_a_gateway_narrow(client):
    sold(2)
    told("subscription-cancellation", 1)
    drain()
    found = client.get("/api/all/subscriptions", {"status": "cancelled"}).json()
    assert [item["subscriber_code"] for item in found["items"]] == ["00000001"]
    Subscription.objects.update(account=Account.objects.create(gateway="elsewhere"))
    assert client.get("/api/hotmart/subscriptions").json()["count"] == 0
    assert client.get("/api/hotmart/subscriptions/00000001").status_code == 404


def test_a_subscription_that_is_not_there(client):
    response = client.get("/api/hotmart/subscriptions/NOBODY")
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


def test_queries_of_a_list_do_not_grow_with_it(client, django_assert_num_queries):
    sold(20)
    client.get("/api/all/subscriptions")
    with django_assert_num_queries(3):  # token, page, count
        assert len(client.get("/api/all/subscriptions").json()["items"]) == 20


# Changing, through a gateway on this machine


@pytest.fixture
def shop(account: Account, server: GatewayServer):
    """A client, with a subscription at Acme."""
    subscribed(account)
    return bearer(tokens.create("erp"))


IDLE = (
    "select query from pg_stat_activity where datname = current_database()"
    " and state like 'idle in transaction%%'"
)
CHANGES = [
    ("cancel", None, {"status": "cancelled"}),
    ("reactivate", None, {"status": "active"}),
    ("due-day", {"day": 10}, {"day": 10}),
    ("plan", {"plan_id": "p2"}, {"plan": "p2"}),
]


def post(client, path: str, body: object = None, **query: str):
    address = f"/api/acme/subscriptions/{path}"
    return client.post(
        address, body or {}, content_type="application/json", query_params=query or None
    )


@pytest.mark.parametrize(("path", "body", "asked"), CHANGES)
def test_a_change_answers_with_the_subscription_as_it_stands(shop, server, path, body, asked):
    obey(server)
    response = post(shop, f"s1/{path}", body)
    assert response.status_code == 200
    assert asked_for(server) == [asked]
    assert response.json() == shop.get("/api/acme/subscriptions/s1").json()
    assert AuditEntry.objects.get().actor == "token:erp"


def test_the_change_shows_in_the_answer(shop, server):
    obey(server)
    assert post(shop, "s1/cancel").json()["status"] == "cancelled"
    assert post(shop, "s1/reactivate").json()["status"] == "active"
    assert post(shop, "s1/due-day", {"day": 9}).json()["next_billing_at"] == "2026-12-09T12:00:00Z"


def test_an_answer_that_is_still_being_worked_on_is_202(shop, server):
    server.routes["PUT /subscriptions/s1"] = reply({**agreement(), "status": "levitating"})
    response = post(shop, "s1/cancel")
    assert (response.status_code, response.json()["status"]) == (202, "active")


def test_what_cannot_be_done_is_a_conflict_with_the_reason(shop, server, monkeypatch):
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, change_plan=None))
    response = post(shop, "s1/plan", {"plan_id": "p2"})
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert "in the gateway's own panel" in response.json()["message"]
    assert not server.asked


@pytest.mark.parametrize(
    ("canned", "words"),
    [
        (Canned(400, body=b"already ended"), "Acme Pagamentos says no: already ended"),
        (Canned(401), "ACME_KEY"),
        (Canned(404), "knows no such subscription"),
    ],
)
def test_what_the_gateway_refuses_is_a_conflict_in_its_words(shop, server, canned, words):
    server.routes["PUT /subscriptions/s1"] = canned
    response = post(shop, "s1/cancel")
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert words in response.json()["message"]


def test_reasons_are_told_in_the_callers_language(shop, server):
    server.routes["PUT /subscriptions/s1"] = Canned(400, body=b"encerrada")
    response = shop.post("/api/acme/subscriptions/s1/cancel", headers={"accept-language": "pt-BR"})
    assert response.json()["message"] == "Acme Pagamentos recusou: encerrada"


def test_a_gateway_that_does_not_answer_is_503_with_when_to_ask_again(shop, server):
    server.routes["PUT /subscriptions/s1"] = Canned(503, {"retry-after": "17"})
    response = post(shop, "s1/cancel")
    assert (response.status_code, response.json()["error"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "17"
    assert "Acme Pagamentos gave no answer" in response.json()["message"]


def test_one_that_is_being_changed_is_a_conflict(shop, server):
    with ThreadPoolExecutor(1) as other:
        held, done = threading.Event(), threading.Event()
        holding = other.submit(hold, Subscription.objects.get(), held, done)
        assert held.wait(5)
        response = post(shop, "s1/cancel")
        done.set()
        holding.result()
    assert response.status_code == 409
    assert "Somebody else" in response.json()["message"]
    assert not server.asked


def hold(subscription: Subscription, held: threading.Event, done: threading.Event) -> None:
    """Another process that is changing it."""
    with alone(subscription):
        held.set()
        done.wait(5)
    connection.close()


@pytest.mark.parametrize(("path", "body", "asked"), CHANGES)
def test_under_a_key_too_no_transaction_is_open_and_it_is_asked_once(
    shop, server, path, body, asked
):
    open_ones = []

    def answer(request):
        open_ones.extend(execute(IDLE))
        connection.close()
        return obeying()(request)

    server.routes["PUT /subscriptions/s1"] = answer
    shop.defaults["HTTP_IDEMPOTENCY_KEY"] = "the same"
    first, again = post(shop, f"s1/{path}", body), post(shop, f"s1/{path}", body)
    assert (first.status_code, again.json()) == (200, first.json())
    assert open_ones == []
    assert asked_for(server) == [asked]


@pytest.mark.parametrize(("path", "body", "asked"), CHANGES)
def test_a_token_that_may_only_read_changes_nothing(shop, server, path, body, asked):
    reader = bearer(tokens.create("report", read_only=True))
    response = post(reader, f"s1/{path}", body)
    assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    assert not server.asked


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("due-day", {"day": 0}, "day"),
        ("due-day", {"day": 29}, "day"),
        ("due-day", {}, "day"),
        ("plan", {"plan_id": ""}, "plan_id"),
        ("plan", {"plan_id": "a\x00"}, "plan_id"),
        ("plan", {}, "plan_id"),
    ],
)
def test_a_wish_that_is_none_is_invalid(shop, server, path, body, field):
    response = post(shop, f"s1/{path}", body)
    assert response.status_code == 422
    assert list(response.json()["fields"]) == [field]
    assert not server.asked


@pytest.mark.parametrize(("path", "body", "asked"), CHANGES)
def test_one_that_is_not_there_cannot_be_changed(shop, path, body, asked):
    response = post(shop, f"nobody/{path}", body)
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


def test_of_several_accounts_one_has_to_be_named(shop, server, account):
    second = Account.objects.create(
        gateway="acme", name="loja-2", sealed_credentials=sealed({"key": "their-key"})
    )
    subscribed(second)
    obey(server)
    response = post(shop, "s1/cancel")
    assert (response.status_code, server.asked) == (409, [])
    assert "account" in response.json()["message"]
    response = post(shop, "s1/cancel", account="loja-2")
    assert (response.status_code, response.json()["account"]) == (200, "loja-2")
    assert Subscription.objects.get(account=account).status == "active"
    assert post(shop, "s1/cancel", account="loja-3").status_code == 404
