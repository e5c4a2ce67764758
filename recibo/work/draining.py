"""The way of work that talks to the outside: claimed with a lease, done outside of a transaction.

What is due are rows of a table with ``next_attempt_at`` and ``claimed_until``. They are taken a few
at a time, each on a thread with a connection of its own; whoever takes one settles it.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from django.db import DatabaseError, connection

from recibo.work import lease

logger = logging.getLogger(__name__)

#: Rows that one worker takes at a time.
SLOTS = 8
#: Seconds after which a job that drains ends; the sweep brings the next one. Other work has its
#: turn.
SHIFT = 10.0

#: Seconds after which free slots look for what has become due, while others are at work.
LOOK = 0.5

#: One job of a kind is enough in a process: more would only take the slots of other work.
BUSY: dict[str, threading.Lock] = defaultdict(threading.Lock)


class Kind(NamedTuple):
    """A kind of work: its table, which rows are it, and what is done about one."""

    table: str
    take: Callable[[int], None]
    #: Told of a row whose work broke in a way that nobody foresaw.
    broke: Callable[[int, Exception], None]
    condition: str = "true"
    #: Takes at most so many due rows with a lease; None: the oldest, by ``lease.claim``.
    claim: Callable[[int], list[int]] | None = None


def drain(kind: Kind) -> int:
    """Take the due rows, a few at a time, for a while. Gives how many there were."""
    if not BUSY[kind.table].acquire(blocking=False):
        return 0
    try:
        return drain_for_a_while(kind, time.monotonic() + SHIFT)
    finally:
        BUSY[kind.table].release()


def drain_for_a_while(kind: Kind, end: float) -> int:
    """Take rows until nothing is due or the time is over. Gives how many.

    A slot that is free takes the next row at once: a slow one holds up none but its own.
    """
    total = 0
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(SLOTS) as pool:
        while time.monotonic() < end:
            ids = claimed(kind, SLOTS - len(running))
            running |= {pool.submit(alone, kind, row_id) for row_id in ids}
            total += len(ids)
            if not running:
                break
            running = wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).not_done
    return total


def claimed(kind: Kind, limit: int) -> list[int]:
    """At most ``limit`` due rows, ours for the time of a lease."""
    if kind.claim is not None:
        return kind.claim(limit)
    return lease.claim(kind.table, limit=limit, condition=kind.condition)


def alone(kind: Kind, row_id: int) -> None:
    """Take a row on a thread with a connection of its own; what goes wrong there stays there."""
    try:
        with lease.held(kind.table, [row_id]):
            kind.take(row_id)
    except DatabaseError:
        logger.exception("%s %s: the lease will run out", kind.table, row_id)
    except Exception as error:
        logger.exception("%s %s broke", kind.table, row_id)
        kind.broke(row_id, error)
    finally:
        connection.close()
