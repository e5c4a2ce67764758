"""What we asked for enters the inbox, and takes no turn of the news."""

import json

import pytest

from recibo.accounts.models import Account
from recibo.gateways import http
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source
from recibo.processing.drain import CLAIM_DUE
from recibo.work.sql import execute
from tests.recordings import recorded

pytestmark = pytest.mark.django_db

READ_AT = "2026-10-12T15:00:00+00:00"


def found(source: Source, charge_id: str, status: str = "CONFIRMED") -> int:
    """A charge that was found this way; the id of its event."""
    changes = {"id": charge_id, "status": status}
    body = json.loads(recorded("asaas/api_payment_card_confirmed").body) | changes
    answer = http.answer("payment", json.dumps(body).encode(), at=READ_AT)
    account = Account.objects.get(gateway="asaas", name=Account.DEFAULT)
    [event_id] = store(account, [answer], source)
    return event_id


def test_what_is_read_in_bulk_waits_while_there_is_news() -> None:
    synced, imported = found(Source.SYNC, "pay_1"), found(Source.IMPORT, "pay_2")
    polled, fetched = found(Source.POLL, "pay_3"), found(Source.FETCH, "pay_4", "PENDING")
    Event.objects.filter(pk__in=[synced, imported]).update(next_attempt_at="2020-01-01T00:00:00Z")
    first = [row["id"] for row in execute(CLAIM_DUE, 2)]
    assert sorted(first) == sorted([polled, fetched])
    assert len(execute(CLAIM_DUE, 9)) == 4


def test_a_sync_does_not_put_back_what_is_known() -> None:
    polled = found(Source.POLL, "pay_1")
    assert found(Source.SYNC, "pay_1") == polled
    assert Event.objects.get().priority == 0
