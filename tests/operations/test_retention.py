"""Bodies on their way into archives and back, on a real database and real files."""

import gzip
import hashlib
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Charge
from recibo.inbox.actions import store
from recibo.inbox.models import Event, EventBody, Source, Status
from recibo.operations import retention
from recibo.operations.retention import Restored, archived, clean, cleanable, restore
from recibo.processing.actions import preview, replay
from recibo.processing.drain import drain
from tests.inboxes import received
from tests.recordings import recorded

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"id": "%d", "event": "PURCHASE_APPROVED", "name": "\xc3\x89lida"}'


@pytest.fixture(autouse=True)
def _no_bodies(transactional_db: None) -> None:
    """Django flushes only the tables that it manages."""
    EventBody.objects.all().delete()


def event(number: int = 1, status: Status = Status.PROCESSED, *, days_ago: float = 40) -> Event:
    """An event that came to that end so long ago."""
    made = received(BODY % number)
    settled_at = timezone.now() - timedelta(days=days_ago)
    made.status = status
    made.processed_at = settled_at if status in {Status.PROCESSED, Status.IGNORED} else None
    made.save()
    return made


def has_body(one: Event) -> bool:
    return EventBody.objects.filter(event=one).exists()


def bodies() -> list[tuple]:
    rows = EventBody.objects.order_by("event").values_list(
        "event", "retention", "received_at", "headers", "query", "body"
    )
    return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]


@pytest.mark.parametrize("status", [Status.PROCESSED, Status.IGNORED])
def test_the_body_of_a_settled_event_goes_and_its_identity_stays(status):
    one = event(status=status)

    assert cleanable(30) == 1
    assert clean(30) == 1
    assert not has_body(one)
    again = received(BODY % 1)
    assert again.pk == one.pk
    assert Event.objects.get().duplicates == 1


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED])
def test_an_event_that_is_not_finished_keeps_its_body_however_old(status):
    one = event(status=status)

    assert clean(0) == 0
    assert has_body(one)


def test_age_counts_from_when_it_was_settled():
    old, young = event(1, days_ago=31), event(2, days_ago=29)

    assert clean(30) == 1
    assert (has_body(old), has_body(young)) == (False, True)


def test_zero_days_takes_all_that_is_done():
    one = event(days_ago=0)

    assert clean(0) == 1
    assert not has_body(one)


def test_what_was_archived_comes_back_byte_for_byte(tmp_path):
    for number in range(5):
        event(number)
    EventBody.objects.update(headers=b"user-agent: \xff\n", query=b"a=b")
    before = bodies()

    clean(30, tmp_path)
    assert bodies() == []
    assert restore(archived(tmp_path)) == Restored(restored=5)
    assert bodies() == before


def test_restoring_twice_changes_nothing(tmp_path):
    event()
    clean(30, tmp_path)
    restore(archived(tmp_path))

    assert restore(archived(tmp_path)) == Restored(present=1)
    assert len(bodies()) == 1


def test_what_the_receiver_stored_can_be_replayed_after_it_was_brought_back(tmp_path):
    request = recorded("hotmart/webhook-purchase-approved")
    account = Account.objects.get(gateway="hotmart", name=Account.DEFAULT)
    (event_id,) = store(account, [request], Source.WEBHOOK)
    drain()
    clean(0, tmp_path)
    assert "archived" in preview([event_id])[0].error

    restore(archived(tmp_path))
    replay([event_id], with_messages=False, actor="test")
    drain()
    assert Event.objects.get().status == Status.PROCESSED
    assert Charge.objects.get().status == "paid"


def test_batches_are_files_that_sort_as_they_were_written(tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        event(number)
    steps = []

    assert clean(30, tmp_path, advance=steps.append) == 5
    assert steps == [2, 2, 1]
    lines = [gzip.decompress(file.read_bytes()).count(b"\n") for file in archived(tmp_path)]
    assert lines == [2, 2, 1]
    assert restore(archived(tmp_path)) == Restored(restored=5)


def test_an_archive_is_for_its_owner_only(tmp_path):
    event()
    clean(30, tmp_path / "new" / "folder")

    [file] = archived(tmp_path / "new" / "folder")
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_crash_after_archiving_loses_nothing_and_repeats(tmp_path, monkeypatch):
    event()
    before = bodies()
    with monkeypatch.context() as broken:
        broken.setattr(retention, "DELETE", "select 1 / 0, %s::bigint[]")
        with pytest.raises(psycopg.Error):
            clean(30, tmp_path)
    assert bodies() == before
    assert len(archived(tmp_path)) == 1

    assert clean(30, tmp_path) == 1
    assert restore(archived(tmp_path)) == Restored(restored=1, present=1)
    assert bodies() == before


def test_an_archive_that_cannot_be_written_takes_nothing_away(tmp_path, monkeypatch):
    one = event()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(retention.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        clean(30, tmp_path)
    assert has_body(one)
    assert archived(tmp_path) == []


def test_a_name_is_never_used_twice(tmp_path):
    event()
    clean(30, tmp_path)
    restore(archived(tmp_path))
    clean(30, tmp_path)

    assert len(archived(tmp_path)) == 2


def rewritten(file: Path, change) -> None:
    file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes()))))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b'"gateway":"hotmart"', b'"gateway":"hotmort"', 1),
        lambda text: b"{not json\n" + text.split(b"\n", 1)[1],
        lambda text: b'{"sha256": "' + b"0" * 64 + b'"}\n' + text.split(b"\n", 1)[1],
    ],
)
def test_a_damaged_line_is_counted_and_the_others_come_back(tmp_path, change):
    for number in range(3):
        event(number)
    clean(30, tmp_path)
    rewritten(archived(tmp_path)[0], change)

    assert restore(archived(tmp_path)) == Restored(restored=2, damaged=1)


def test_a_sum_that_fits_a_record_of_another_shape_is_damage(tmp_path):
    record = b'{"gateway":"hotmart"}'
    line = b'{"sha256":"%b","record":%b}\n' % (hashlib.sha256(record).hexdigest().encode(), record)
    (tmp_path / "events-1.jsonl.gz").write_bytes(gzip.compress(line))

    assert restore(archived(tmp_path)) == Restored(damaged=1)


def test_a_file_that_breaks_off_is_counted_and_other_files_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    event(1), event(2)
    clean(30, tmp_path)
    first, _ = archived(tmp_path)
    first.write_bytes(first.read_bytes()[:40])

    assert restore(archived(tmp_path)) == Restored(restored=1, damaged=1)


def test_bodies_of_events_that_are_not_here_are_counted_and_left_out(tmp_path):
    one, two = event(1), event(2)
    clean(30, tmp_path)
    one.delete()

    assert restore(archived(tmp_path)) == Restored(restored=1, unknown=1)
    assert has_body(two)


def test_a_body_finds_its_event_under_another_id(tmp_path):
    one = event()
    clean(30, tmp_path)
    Event.objects.filter(pk=one.pk).update(id=one.pk + 1_000)

    assert restore(archived(tmp_path)) == Restored(restored=1)
    assert EventBody.objects.get().event_id == one.pk + 1_000


def test_an_event_that_somebody_holds_is_spared_until_the_next_time(tmp_path):
    held, other = event(1), event(2)
    stranger = connection.copy()
    try:
        stranger.set_autocommit(False)
        with stranger.cursor() as cursor:
            cursor.execute("select 1 from inbox_event where id = %s for update", [held.pk])
        assert clean(30, tmp_path) == 1
    finally:
        stranger.close()

    assert (has_body(held), has_body(other)) == (True, False)
    assert clean(30, tmp_path) == 1
