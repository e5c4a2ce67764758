"""`/api/integration-calls` and `/api/alerts`."""

import pytest
from django.utils import timezone

from recibo.journal.models import Alert, IntegrationCall

pytestmark = pytest.mark.django_db


def test_calls_are_listed_newest_first_and_narrowed(client):
    for account in ("asaas/default", "stone/default"):
        IntegrationCall.objects.create(
            account=account,
            event_id=7,
            host="api.example",
            operation="GET /x",
            status_code=200,
            duration_ms=12,
        )
    items = client.get("/api/integration-calls").json()["items"]
    assert [item["account"] for item in items] == ["stone/default", "asaas/default"]
    found = client.get("/api/integration-calls", {"account": "asaas/default"}).json()
    assert (found["count"], found["items"][0]["duration_ms"]) == (1, 12)
    assert client.get("/api/integration-calls", {"event": 8}).json()["count"] == 0


def test_open_alerts_can_be_told_from_those_that_are_over(client):
    now = timezone.now()
    Alert.objects.create(
        key="a", kind="k", text="over", opened_at=now, seen_at=now, resolved_at=now
    )
    Alert.objects.create(key="b", kind="k", text="open", opened_at=now, seen_at=now)
    assert client.get("/api/alerts").json()["count"] == 2
    items = client.get("/api/alerts", {"open_only": "true"}).json()["items"]
    assert [item["text"] for item in items] == ["open"]
