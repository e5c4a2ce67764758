"""`/api/payment-checks`, `/api/{gateway}/sync` and `/api/coverage`."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Order
from recibo.inbox.models import Source
from recibo.journal.models import AuditEntry
from recibo.reconciliation.models import PaymentCheck, Sync
from tests.reconciliation.orders import ago, charge, learned

FIELDS = {
    "id",
    "order",
    "status",
    "attempts",
    "last_check_at",
    "next_check_at",
    "interval_seconds",
    "last_error",
}


def test_checks_are_listed_with_their_orders(account: Account, client: Client) -> None:
    learned(account, charge("c1"), charge("c2"))
    learned(account, charge("c2", "paid"))
    found = client.get("/api/payment-checks").json()
    assert found["count"] == 2
    item = client.get("/api/payment-checks", {"status": "pending"}).json()["items"][0]
    assert item.keys() >= FIELDS
    order = Order.objects.get(reference="c1")
    assert item["order"] == {"id": order.pk, "reference": "c1"}
    assert (item["gateway"], item["interval_seconds"], item["reason"]) == ("acme", 900, "")
    named = client.get("/api/payment-checks", {"order": "c2"}).json()
    assert [one["status"] for one in named["items"]] == ["paid"]
    assert client.get("/api/payment-checks", {"status": "lost"}).status_code == 422


def test_why_nobody_asks_is_said(account: Account, client: Client, settings) -> None:
    learned(account, charge())
    settings.RECIBO_CREDENTIALS = {}
    [item] = client.get("/api/payment-checks").json()["items"]
    assert item["status"] == "pending"
    assert "ACME_KEY" in item["reason"]
    answer = client.post(f"/api/payment-checks/{item['id']}/run")
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


def test_a_check_can_be_run_now(account: Account, client: Client, reader: Client) -> None:
    learned(account, charge())
    check = PaymentCheck.objects.get()
    address = f"/api/payment-checks/{check.pk}/run"
    assert reader.post(address).status_code == 403
    answer = client.post(address)
    assert (answer.status_code, answer.json()) == (202, {"id": check.pk, "status": "pending"})
    check.refresh_from_db()
    assert check.next_attempt_at <= timezone.now()
    assert AuditEntry.objects.get(action="payment_check.run").actor == "token:tests"
    assert client.post("/api/payment-checks/999999/run").status_code == 404
    learned(account, charge(status="paid"))
    ended = client.post(address)
    assert ended.status_code == 409
    assert "paid" in ended.json()["message"]


def test_a_sync_is_begun_for_every_account_of_a_gateway(account: Account, client: Client) -> None:
    answer = client.post("/api/acme/sync", content_type="application/json")
    assert answer.status_code == 202
    assert {one["kind"] for one in answer.json()["syncs"]} == {"sales", "subscriptions"}
    assert Sync.objects.filter(account=account, next_attempt_at__isnull=False).count() == 2
    listed = client.get("/api/acme/sync").json()
    assert listed["count"] == 2
    assert listed["items"][0]["watermark"] is None
    assert client.get("/api/all/sync").json()["count"] == 2


def test_a_sync_can_be_told_from_when(account: Account, client: Client) -> None:
    body = {"since": "2026-04-01T00:00:00Z"}
    answer = client.post("/api/acme/sync", body, content_type="application/json")
    assert answer.json()["syncs"][0]["since"] == "2026-04-01T00:00:00Z"


def test_a_gateway_that_cannot_be_read_is_a_conflict_with_the_reason(
    account: Account, client: Client, settings
) -> None:
    settings.RECIBO_CREDENTIALS = {}
    answer = client.post("/api/acme/sync", content_type="application/json")
    assert answer.status_code == 409
    assert "ACME_KEY" in answer.json()["message"]
    assert client.post("/api/nobody/sync", content_type="application/json").status_code == 404


def test_coverage_is_told_by_account_and_day(account: Account, client: Client) -> None:
    paid_at = ago(days=1)
    for name, source in (("a", Source.WEBHOOK), ("b", Source.WEBHOOK), ("c", Source.POLL)):
        learned(account, charge(name, "paid", at=paid_at, paid_at=paid_at), source=source)
    [day] = client.get("/api/coverage").json()
    assert day["ways"] == {"webhook": 2, "poll": 1}
    assert (day["account"], day["total"], round(day["by_webhook"], 2)) == ("default", 3, 0.67)
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert client.get("/api/coverage", {"since": since}).json() == []
    assert client.get("/api/coverage", {"gateway": "hotmart"}).json() == []
