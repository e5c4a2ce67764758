"""The group commit under repeats, overload, and a database that goes away."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection, transaction

from recibo.inbox import batch
from recibo.inbox.batch import Connect
from recibo.inbox.models import Event, EventBody, Refusal
from recibo.server.entry import connect, parameters
from tests.inbox.serving import SECRET, Served, serving, until


def all_at_once(served: Served, ids: list[str]) -> list[int]:
    """The answers to deliveries with these ids, sent at the same time."""

    async def send() -> list[int]:
        url = f"http://127.0.0.1:{served.port}/api/webhooks/acme"
        headers = {"X-Acme-Token": SECRET}
        async with httpx.AsyncClient(headers=headers, timeout=20) as client:
            answers = await asyncio.gather(*(client.post(url, json={"id": i}) for i in ids))
        return [answer.status_code for answer in answers]

    return asyncio.run(send())


def end_connections() -> None:
    """End every connection of this database but our own."""
    connection.cursor().execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def test_a_hundred_deliveries_at_once_of_one_event_are_one_row(served: Served) -> None:
    assert all_at_once(served, ["evt_1"] * 100) == [200] * 100

    assert Event.objects.get().duplicates == 99
    assert EventBody.objects.count() == 1


def test_deliveries_at_once_share_commits_and_all_are_stored(served: Served) -> None:
    assert all_at_once(served, [f"evt_{n}" for n in range(100)]) == [200] * 100

    assert Event.objects.count() == 100
    assert EventBody.objects.count() == 100
    bodies = {bytes(body.body) for body in EventBody.objects.all()}
    assert bodies == {b'{"id":"evt_%d"}' % n for n in range(100)}


def test_a_row_that_cannot_be_stored_is_refused_alone(served: Served) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "alter table inbox_event add constraint no_bad check (gateway_event_id <> 'bad')"
        )
    try:
        answers = all_at_once(served, ["good_1", "bad", "good_2", "good_3"])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter table inbox_event drop constraint no_bad")

    assert answers == [200, 503, 200, 200]
    assert Event.objects.count() == 3
    assert EventBody.objects.count() == 3


def test_an_event_that_somebody_holds_delays_nobody_else(served: Served) -> None:
    served.post(json={"id": "held"})
    with transaction.atomic():
        list(Event.objects.select_for_update())

        assert sorted(all_at_once(served, ["held", "other"])) == [200, 200]
    assert Event.objects.count() == 2


def test_killed_connections_are_answered_503_and_mend(served: Served) -> None:
    assert served.post(json={"id": "before"}).status_code == 200
    end_connections()

    until(lambda: served.post(json={"id": "after"}).status_code == 200)
    assert set(Event.objects.values_list("gateway_event_id", flat=True)) == {"before", "after"}


def test_what_a_lost_database_may_not_have_stored_is_never_answered_200(served: Served) -> None:
    acknowledged: set[str] = set()
    refused = 0
    stop = threading.Event()
    killer = threading.Thread(target=keep_killing, args=(stop,))
    killer.start()
    for n in range(60):
        answer = served.post(json={"id": f"evt_{n}"})
        if answer.status_code == 200:
            acknowledged.add(f"evt_{n}")
        else:
            refused += 1
            assert (answer.status_code, answer.json()) == (503, {"error": "unavailable"})
            assert int(answer.headers["retry-after"]) > 0
    stop.set()
    killer.join()

    assert refused, "no connection was killed in time"
    assert acknowledged <= set(Event.objects.values_list("gateway_event_id", flat=True))


def keep_killing(stop: threading.Event) -> None:
    with psycopg.connect(**parameters(), autocommit=True) as administrator:
        while not stop.wait(0.02):
            administrator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and query like '%given as materialized%'"
            )


def test_without_a_database_the_answer_is_503_until_it_is_back(transactional_db: None) -> None:
    is_up = threading.Event()

    async def unreliable() -> psycopg.AsyncConnection[Any]:
        if not is_up.is_set():
            raise psycopg.OperationalError("connection refused")
        return await connect()

    with serving(connect=unreliable) as served:
        answer = served.post(json={"id": "evt_1"})
        assert (answer.status_code, answer.json()) == (503, {"error": "unavailable"})
        assert int(answer.headers["retry-after"]) > 0

        is_up.set()
        until(lambda: served.post(json={"id": "evt_1"}).status_code == 200)


def test_who_was_answered_503_is_noted_once_the_database_is_back(transactional_db: None) -> None:
    is_up = threading.Event()

    async def unreliable() -> psycopg.AsyncConnection[Any]:
        if not is_up.is_set():
            raise psycopg.OperationalError("connection refused")
        return await connect()

    with serving(connect=unreliable) as served:
        assert served.post(json={"id": "evt_1"}).status_code == 503
        until(lambda: Refusal.objects.filter(reason="unavailable").exists())
    row = Refusal.objects.get()
    assert (row.gateway, row.account, row.times) == ("acme", "default", 1)


def test_a_full_queue_is_503_and_empties_by_itself(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING", 3)
    with held_up() as (stuck, release), serving(connect=stuck) as served:
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(served.post, json={"id": f"evt_{n}"}) for n in range(3)]
            until(lambda: served.receiver.committer.waiting == 3)

            answer = served.post(json={"id": "one too many"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")

            release()
            assert [sent.result().status_code for sent in waiting] == [200] * 3
        assert served.post(json={"id": "later"}).status_code == 200


def test_waiting_bodies_are_bounded_in_bytes(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MOST_WAITING_BYTES", 1000)
    with held_up() as (stuck, release), serving(connect=stuck) as served:
        with ThreadPoolExecutor(1) as pool:
            large = pool.submit(served.post, content=b'{"id": "large"}'.ljust(2000))
            until(lambda: served.receiver.committer.waiting == 1)

            assert served.post(json={"id": "one too many"}).status_code == 503
            release()
            assert large.result().status_code == 200
        until(lambda: served.receiver.committer.waiting_bytes == 0)


def test_what_was_accepted_is_finished_when_the_server_stops(transactional_db: None) -> None:
    with held_up() as (stuck, release), ThreadPoolExecutor(1) as pool:
        with serving(connect=stuck) as served:
            sent = pool.submit(served.post, json={"id": "accepted"})
            until(lambda: served.receiver.committer.waiting == 1)
            threading.Timer(0.5, release).start()

        assert sent.result().status_code == 200
    assert Event.objects.get().gateway_event_id == "accepted"


@contextmanager
def held_up() -> Iterator[tuple[Connect, Callable[[], None]]]:
    """A way to connect that waits, and what ends the wait."""
    free = threading.Event()

    async def stuck() -> psycopg.AsyncConnection[Any]:
        while not free.is_set():
            await asyncio.sleep(0.01)
        return await connect()

    try:
        yield stuck, free.set
    finally:
        free.set()
