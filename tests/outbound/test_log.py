"""The walk through the changes: in order, without gaps or repetition, whatever is being written."""

import random
import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from recibo.outbound import log, retention, telling
from recibo.outbound.log import UnknownCursorError
from recibo.outbound.models import Delivery, PublishedChange
from recibo.work.sql import execute
from tests.outbound.conftest import Connect, cart, go, tell
from tests.outbound.test_rounds import in_background

pytestmark = pytest.mark.django_db(transaction=True)


def walked(after: str = "", limit: int = 100) -> tuple[list[str], str]:
    """Everything after a cursor, and where to go on."""
    found: list[str] = []
    while True:
        part = log.walk(after=after, limit=limit)
        found += [one.id for one in part.items]
        after = part.cursor
        if not part.has_more:
            return found, after


def test_a_walk_gives_every_change_in_its_order() -> None:
    keys = tell(*range(1, 8))
    assert walked(limit=3)[0] == keys


def test_a_walk_says_whether_there_is_more() -> None:
    tell(1, 2, 3)
    assert log.walk(limit=2).has_more
    assert not log.walk(limit=3).has_more


def test_a_cursor_goes_on_where_it_stands() -> None:
    tell(1, 2)
    _, cursor = walked()
    assert log.walk(after=cursor, limit=10).items == []
    assert log.walk(after=cursor, limit=10).cursor == cursor
    keys = tell(3)
    assert walked(cursor)[0] == keys


def test_a_walk_through_nothing_can_go_on_later() -> None:
    empty = log.walk(limit=10)
    assert (empty.items, empty.cursor, empty.has_more) == ([], "0", False)
    keys = tell(1)
    assert walked(empty.cursor)[0] == keys


def test_a_long_transaction_is_neither_missed_nor_waited_for() -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            log.publish([cart(1)])
            began.set()
            may_end.wait(20)

    writer = in_background(slow)
    began.wait(20)
    later = tell(2)  # begun after it, committed before it
    seen, cursor = walked()
    assert seen == later
    may_end.set()
    writer.join()
    rest, cursor = walked(cursor)
    assert len(rest) == 1
    assert rest != later
    assert walked(cursor)[0] == []


WRITERS, BATCHES = 6, 25


def write(number: int) -> None:
    """Transactions that overlap those of others, last differently long, and sometimes fail."""
    chance = random.Random(number)
    for batch in range(BATCHES):
        with transaction.atomic():
            log.publish([cart(number * 1000 + batch)])
            time.sleep(chance.choice((0, 0, 0.002, 0.05)))
            log.publish([cart(number * 1000 + batch)])
            transaction.set_rollback(batch % 9 == 8)


def read(found: list[str], is_over: threading.Event) -> None:
    """Walk on and on, to the end of what was written."""
    after, was_over = "", False
    while not was_over:
        was_over = is_over.is_set()
        part, after = walked(after, limit=7)
        found += part


def test_a_walk_during_heavy_writing_misses_and_repeats_nothing() -> None:
    is_over = threading.Event()
    walks: list[list[str]] = [[], []]
    readers = [in_background(partial(read, found, is_over)) for found in walks]
    writers = [in_background(partial(write, number)) for number in range(WRITERS)]
    for thread in writers:
        thread.join()
    is_over.set()
    for thread in readers:
        thread.join()
    kept = [f"chg_{key.hex}" for key in PublishedChange.objects.values_list("key", flat=True)]
    assert len(kept) == WRITERS * (BATCHES - BATCHES // 9) * 2
    assert walks[0] == walks[1]
    assert len(walks[0]) == len(set(walks[0])), "repeated"
    assert set(walks[0]) == set(kept), "missed"


def test_of_one_thing_the_walk_is_in_the_order_of_its_changes() -> None:
    """Whoever writes about a thing second saw what the first one wrote."""
    keys = []
    for _ in range(5):
        keys += tell(1)
        if random.random() < 0.5:
            walked()
    assert walked()[0] == keys


def test_a_cursor_survives_a_restore_of_what_it_has_seen() -> None:
    tell(1, 2)
    _, cursor = walked()
    after = tell(3)
    kept = list(PublishedChange.objects.order_by("id"))
    execute("truncate outbound_publishedchange restart identity cascade")
    PublishedChange.objects.bulk_create(kept)  # as a dump writes them: with their positions
    assert walked(cursor)[0] == after


def test_a_cursor_of_what_a_restore_lost_is_refused_and_not_misread() -> None:
    tell(1)
    walked()
    tell(2)
    _, lost = walked()
    execute("delete from outbound_publishedchange where position = 2")
    with pytest.raises(UnknownCursorError):
        log.walk(after=lost, limit=10)
    tell(3)
    walked()  # the same position, another change
    with pytest.raises(UnknownCursorError):
        log.walk(after=lost, limit=10)


@pytest.mark.parametrize("cursor", ["x", "1", "-1", "9-abcdefab", "1-", "99999999999999999999-a"])
def test_what_is_no_cursor_is_said_to_be_none(cursor: str) -> None:
    tell(1)
    with pytest.raises((UnknownCursorError, ValueError)):
        log.walk(after=cursor, limit=10)


def test_a_walk_can_begin_at_a_time() -> None:
    tell(1, 2)
    PublishedChange.objects.update(at=timezone.now() - timedelta(days=2))
    keys = tell(3)
    part = log.walk(since=timezone.now() - timedelta(days=1), limit=10)
    assert [one.id for one in part.items] == keys
    future = log.walk(since=timezone.now() + timedelta(days=1), limit=10)
    assert (future.items, future.cursor) == ([], part.cursor)


def test_old_changes_are_forgotten_but_for_what_is_on_its_way(connect: Connect) -> None:
    connect()
    arrived = tell(1)
    go()
    waiting, newest = tell(2), tell(3)
    _, cursor = walked()
    Delivery.objects.filter(change__subject_id=3).delete()
    PublishedChange.objects.update(at=timezone.now() - timedelta(days=91))
    assert retention.forget_old() == 1
    left = [telling.key_of(one) for one in PublishedChange.objects.order_by("id")]
    assert left == [*waiting, *newest]
    assert arrived[0] not in left
    assert Delivery.objects.count() == 1
    keys = tell(4)
    assert walked(cursor)[0] == keys  # who walks is not thrown back


def test_what_is_young_is_kept() -> None:
    tell(1, 2)
    walked()
    PublishedChange.objects.update(at=timezone.now() - timedelta(days=89))
    assert retention.forget_old() == 0


@pytest.fixture(autouse=True)
def _no_jobs(transactional_db: None):
    yield
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")
