"""One slow endpoint delays no other; each has its slots, its rate and, if asked, its order."""

import threading
import time
from concurrent.futures import wait
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from recibo.outbound import actions, claiming, rounds, wire
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint
from recibo.work.sql import execute
from tests.outbound.conftest import Connect, come, go, tell
from tests.outbound.receivers import OK, Reply, Way


def until(condition, seconds: float = 10.0) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


def in_background(job) -> threading.Thread:
    """Run a job as a worker does: on a thread with a connection of its own."""

    def run() -> None:
        try:
            job()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_healthy_endpoint_does_not_wait_for_one_that_hangs(connect: Connect, monkeypatch) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", 4.0)
    _, hanging = connect()
    _, healthy = connect()
    hanging.replies = [Reply(Way.HANG)]
    tell(1, 2)
    job = in_background(rounds.deliver_due)
    until(lambda: len(healthy.received) == 2 and len(hanging.received) == 2, 3.0)
    arrived = Delivery.objects.filter(status=DeliveryStatus.DELIVERED)
    until(lambda: arrived.count() == 2, 3.0)
    time.sleep(0.5)  # now the job waits for nobody but the hanging ones
    began = time.monotonic()
    tell(3)
    until(lambda: len(healthy.received) == 3, 3.0)
    assert time.monotonic() - began < 1.5  # the hanging ones are still under way
    hanging.ended.set()
    job.join()


def test_however_many_hang_some_slots_stay_free(connect: Connect, monkeypatch) -> None:
    monkeypatch.setattr(rounds, "SLOTS", 10)
    monkeypatch.setattr(claiming, "RESERVED", 4)
    for _ in range(12):
        connect(concurrency=8)
    tell(*range(1, 4))
    Endpoint.objects.update(failing_since=timezone.now())
    endpoint, _healthy = connect()
    tell(100)
    taken = Delivery.objects.filter(pk__in=claiming.claim(10))
    assert taken.filter(endpoint=endpoint).count() == 1
    assert taken.exclude(endpoint=endpoint).count() == 6


def test_one_that_fails_gets_one_slot(connect: Connect) -> None:
    _endpoint, _ = connect(concurrency=5)
    tell(*range(1, 9))
    Endpoint.objects.update(failing_since=timezone.now())
    assert len(claiming.claim(32)) == 1
    assert claiming.claim(32) == []


def test_an_endpoint_has_so_many_at_a_time_over_all_workers(connect: Connect) -> None:
    connect(concurrency=3)
    tell(*range(1, 9))
    claims: list[list[int]] = []
    workers = [in_background(lambda: claims.append(claiming.claim(32))) for _ in range(6)]
    for worker in workers:
        worker.join()
    assert sum(map(len, claims)) == 3


def test_the_slots_are_used_and_not_exceeded(connect: Connect) -> None:
    _, receiver = connect(concurrency=3)
    receiver.slowness = 0.1
    tell(*range(1, 13))
    go()
    assert len(receiver.received) == 12
    assert receiver.most_at_once == 3


def test_free_slots_are_shared_among_endpoints(connect: Connect) -> None:
    _first, _ = connect(concurrency=16)
    tell(*range(1, 21))
    second, _ = connect(concurrency=16)
    tell(*range(21, 41))
    taken = Delivery.objects.filter(pk__in=claiming.claim(8))
    assert taken.filter(endpoint=second).count() == 4


def test_a_rate_is_kept(connect: Connect) -> None:
    _, receiver = connect(per_second=5, concurrency=16)
    tell(*range(1, 13))
    began = time.monotonic()
    go()
    assert len(receiver.received) == 12
    assert time.monotonic() - began > (12 - 5) / 5 - 0.3  # a second's worth goes at once


def test_a_slow_rate_does_not_hold_a_worker_after_its_shift(connect: Connect, monkeypatch) -> None:
    monkeypatch.setattr(rounds, "SHIFT", 0.5)
    _, receiver = connect(per_second=0.1)
    tell(1, 2)
    execute("delete from procrastinate_jobs")
    began = time.monotonic()
    go()
    assert time.monotonic() - began < 2
    assert len(receiver.received) == 1
    assert execute("select count(*) as n from procrastinate_jobs")[0]["n"] == 1


def test_a_shift_ends_without_waiting_for_one_that_hangs(connect: Connect, monkeypatch) -> None:
    monkeypatch.setattr(rounds, "SHIFT", 0.5)
    monkeypatch.setattr(wire, "TIMEOUT", 3.0)
    _, receiver = connect()
    receiver.replies = [Reply(Way.HANG), OK]
    tell(1)
    began = time.monotonic()
    rounds.deliver_due()
    assert time.monotonic() - began < 1.5
    assert rounds.UNDER_WAY
    wait(rounds.UNDER_WAY)


def test_in_order_one_of_a_thing_waits_for_the_one_before(connect: Connect) -> None:
    endpoint, receiver = connect(is_ordered=True, concurrency=8)
    receiver.replies = [Reply(status=500), OK]
    keys = tell(7, 7, 7)
    assert endpoint.deliveries.filter(lane="cart:7").count() == 3
    go()
    [other] = tell(8)
    go()
    assert receiver.ids == [keys[0], other]
    come()
    go()
    assert receiver.ids == [keys[0], other, *keys]
    assert Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 4


def test_in_order_what_was_given_up_lets_the_next_one_pass(connect: Connect, settings) -> None:
    settings.RECIBO_OUTBOUND_DELAYS = ()
    _, receiver = connect(is_ordered=True)
    receiver.replies = [Reply(status=500), OK]
    keys = tell(7, 7)
    go()
    assert receiver.ids == keys


def test_without_order_nothing_waits(connect: Connect) -> None:
    _, receiver = connect(concurrency=8)
    receiver.replies = [Reply(status=500), OK]
    keys = tell(7, 7, 7)
    go()
    assert set(receiver.ids) == set(keys)


def test_every_change_arrives_at_least_once_whatever_goes_wrong(
    connect: Connect, monkeypatch, settings
) -> None:
    """An endpoint that fails, hangs, answers garbage and dies in turn, beside a healthy one."""
    monkeypatch.setattr(wire, "TIMEOUT", 0.3)
    settings.RECIBO_OUTBOUND_DELAYS = (timedelta(seconds=0),) * 40
    _, troubled = connect(concurrency=4)
    _, healthy = connect()
    ways = (Way.STATUS, Way.HANG, Way.GARBAGE, Way.DIE)
    troubled.replies = [*(Reply(way, status=503) for way in ways * 2), OK]
    keys = tell(*range(1, 13))
    for _ in range(20):
        Endpoint.objects.update(resting_until=None)
        go()
        if not Delivery.objects.filter(next_attempt_at__isnull=False).exists():
            break
    assert set(healthy.ids) == set(keys)
    assert len(healthy.received) == len(keys)
    assert set(troubled.ids) == set(keys)
    assert len(troubled.received) == len(keys) + 8
    assert max(one.at for one in healthy.received) < min(one.at for one in troubled.received) + 3


def test_only_one_job_goes_round_in_a_process(connect: Connect) -> None:
    _, receiver = connect()
    tell(1)
    with rounds.ROUND:
        assert rounds.deliver_due() == 0
    assert receiver.received == []


def test_a_disabled_endpoint_is_passed_over(connect: Connect) -> None:
    endpoint, _ = connect()
    tell(1)
    actions.disable(endpoint, actor="tests")
    assert claiming.claim(32) == []
    assert not claiming.has_soon()
