"""Threads beside the requests outlive what goes wrong in them."""

import threading
import time

import pytest

from recibo.inbox.background import Nudger, Repeater
from tests.inbox.serving import until


def test_many_wakes_are_few_nudges() -> None:
    nudges: list[float] = []
    nudger = Nudger(lambda: nudges.append(time.monotonic()), gap=0.1)
    nudger.start()
    for _ in range(300):
        nudger.wake()
        time.sleep(0.001)
    nudger.stop()

    assert 1 <= len(nudges) <= 8


def test_without_a_wake_there_is_no_nudge_until_the_last() -> None:
    nudges: list[float] = []
    nudger = Nudger(lambda: nudges.append(time.monotonic()))
    nudger.start()
    time.sleep(0.2)
    assert nudges == []
    nudger.stop()
    assert len(nudges) == 1


def test_a_nudge_that_fails_is_given_again(caplog: pytest.LogCaptureFixture) -> None:
    tries: list[float] = []

    def unreliable() -> None:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise ConnectionError("the database is away")

    nudger = Nudger(unreliable, rest=0.05)
    nudger.start()
    nudger.wake()
    until(lambda: len(tries) == 3)
    nudger.stop()

    assert len([line for line in caplog.records if "failed" in line.message]) == 1


def test_what_is_repeated_goes_on_after_a_failure() -> None:
    ticks = threading.Semaphore(0)

    def act() -> None:
        ticks.release()
        raise ConnectionError("the database is away")

    repeater = Repeater("test", act, every=0.02)
    repeater.start()

    assert all(ticks.acquire(timeout=5) for _ in range(3))
    repeater.stop()
    assert not repeater.is_alive()
