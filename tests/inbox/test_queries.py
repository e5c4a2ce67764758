"""Reads of the inbox stay quick in a large table. What they find is tried in tests/api."""

import pytest
from django.db import connection

from recibo.accounts.models import Account
from recibo.inbox import queries
from recibo.inbox.models import Event, EventBody
from tests.inboxes import NOW, received
from tests.plans import read_whole

pytestmark = pytest.mark.django_db

#: 20,000 events of 200 days, nearly all of them processed.
FILL = """
    insert into inbox_event (account_id, key, gateway_event_id, gateway_charge_id, source,
        gateway_event, event_type, status, priority, attempts, duplicates, silent,
        received_at, processed_at, error, result)
    select %s, substr(sha256(('event-' || n)::bytea), 1, 16), 'event-' || n, 'charge-' || n / 2,
        'webhook', 'PURCHASE_APPROVED', 'charge.paid',
        case when n %% 4000 = 0 then 'failed' else 'processed' end, 0, 1, 0, false,
        timestamptz '2026-01-01' + n * interval '864 seconds',
        case when n %% 4000 = 0 then null else now() end, '', ''
    from generate_series(1, 20000) n
"""


@pytest.fixture
def _filled(db):
    with connection.cursor() as cursor:
        cursor.execute("truncate inbox_event")  # what earlier tests rolled back still takes room
        cursor.execute(FILL, [Account.objects.get(gateway="hotmart").pk])
        cursor.execute("analyze inbox_event, accounts_account")


@pytest.mark.usefixtures("_filled")
def test_lists_of_20000_events_use_indexes():
    lists = {
        "all": queries.listed(),
        "deep": queries.listed()[200:250],
        "processed": queries.listed(status="processed"),
        "failed": queries.listed(status="failed"),
        "gateway": queries.listed(gateway="hotmart"),
        "type": queries.listed(event_type="charge.paid"),
        "source": queries.listed(source="webhook"),
        "gateway's id": queries.listed(search="event-777"),
        "charge": queries.listed(search="charge-77"),
        "our id": queries.listed(search=str(Event.objects.latest("id").pk)),
    }
    for name, rows in lists.items():
        page = rows if rows.query.is_sliced else rows[:50]
        assert read_whole(page) == [], name
        assert len(page) > 0, name


@pytest.mark.usefixtures("_filled")
def test_what_came_in_the_last_days_is_found_by_time():
    since = NOW.replace(month=7, day=19)
    recent = queries.listed(since=since)
    assert read_whole(recent[:50]) == []
    assert read_whole(recent.order_by()) == []
    assert 0 < recent.count() < 200


def test_an_event_is_found_by_each_of_its_names():
    event = received(b"{")
    for name in (event.gateway_event_id, str(event.pk)):
        assert list(queries.listed(search=name)) == [event]
    assert not queries.listed(search="9" * 30).exists()


def test_an_event_without_its_body_is_archived():
    event = received(b"{")
    assert queries.is_archived(event.pk) is False
    EventBody.objects.all().delete()
    assert queries.is_archived(event.pk) is True
    assert queries.is_archived(event.pk + 1) is None
    assert queries.body_of(queries.with_body(event.pk)) is None
