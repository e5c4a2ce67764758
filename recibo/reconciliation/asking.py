"""The way of a question: claimed with a lease, asked outside of a transaction, settled in one.

What is asked about (thin notices, unknown buyers) are rows of a table with ``attempts``,
``next_attempt_at`` and ``claimed_until``; the same steps serve them all.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection

from recibo.gateways.errors import UnavailableError
from recibo.reconciliation.calls import OutOfTurnsError
from recibo.work import lease

logger = logging.getLogger(__name__)

#: Questions that one worker asks at a time.
SLOTS = 8
#: Seconds after which a job that asks ends; the sweep brings the next one. Other work has its turn.
SHIFT = 10.0
#: Seconds until the next try where there was no turn left.
OUT_OF_TURNS = timedelta(seconds=10)

#: One job of a kind is enough in a process: more would only take the slots of other work.
BUSY: dict[str, threading.Lock] = defaultdict(threading.Lock)


class Kind(NamedTuple):
    """A kind of question: its table, which rows are it, and what is done about one."""

    table: str
    ask: Callable[[int], None]
    #: Told of a row whose question broke in a way that nobody foresaw.
    broke: Callable[[int, Exception], None]
    condition: str = "true"


def ask_all(kind: Kind) -> int:
    """Ask about the due rows, a few at a time, for a while. Gives how many there were."""
    if not BUSY[kind.table].acquire(blocking=False):
        return 0
    try:
        return ask_for_a_while(kind, time.monotonic() + SHIFT)
    finally:
        BUSY[kind.table].release()


def ask_for_a_while(kind: Kind, end: float) -> int:
    """Ask until nothing is due or the time is over."""
    total = 0
    while time.monotonic() < end:
        ids = lease.claim(kind.table, limit=SLOTS, condition=kind.condition)
        if not ids:
            break
        with lease.held(kind.table, ids), ThreadPoolExecutor(SLOTS) as pool:
            list(pool.map(lambda row_id: alone(kind, row_id), ids))
        total += len(ids)
    return total


def alone(kind: Kind, row_id: int) -> None:
    """Ask on a thread with a connection of its own; what goes wrong there stays there."""
    try:
        kind.ask(row_id)
    except DatabaseError:
        logger.exception("%s %s: the lease will run out", kind.table, row_id)
    except Exception as error:
        logger.exception("%s %s broke", kind.table, row_id)
        kind.broke(row_id, error)
    finally:
        connection.close()


def wait_after(error: Exception, attempts: int) -> timedelta | None:
    """How long to wait when a try failed after ``attempts`` earlier ones; None: give up."""
    if isinstance(error, OutOfTurnsError):
        return OUT_OF_TURNS
    delays: Sequence[timedelta] = settings.RECIBO_FETCH_DELAYS
    if attempts >= len(delays):
        return None
    asked_for = error.retry_after if isinstance(error, UnavailableError) else None
    return max(delays[attempts], asked_for or timedelta(0))


def attempts_after(error: Exception, attempts: int) -> int:
    """The attempts that have been made: where nobody was asked, none is added."""
    return attempts if isinstance(error, OutOfTurnsError) else attempts + 1
