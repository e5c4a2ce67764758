"""The way of a question: claimed with a lease, asked outside of a transaction, settled in one.

What is asked about (thin notices, unknown buyers) are rows of a table with ``attempts``,
``next_attempt_at`` and ``claimed_until``; the same steps serve them all.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import connection

from recibo.gateways.errors import UnavailableError
from recibo.work import lease

logger = logging.getLogger(__name__)

#: Questions that one worker asks at a time.
SLOTS = 8


def ask_all(table: str, ask: Callable[[int], None], *, condition: str = "true") -> int:
    """Ask about every due row, a few at a time. Gives how many there were."""
    total = 0
    while ids := lease.claim(table, limit=SLOTS, condition=condition):
        with lease.held(table, ids), ThreadPoolExecutor(SLOTS) as pool:
            list(pool.map(lambda row_id: alone(ask, row_id), ids))
        total += len(ids)
    return total


def alone(ask: Callable[[int], None], row_id: int) -> None:
    """Ask on a thread with a connection of its own; what goes wrong there stays there.

    The lease of a row whose question broke unforeseen runs out, and it is asked again.
    """
    try:
        ask(row_id)
    except Exception:
        logger.exception("Question %s broke", row_id)
    finally:
        connection.close()


def wait_after(error: Exception, attempts: int) -> timedelta | None:
    """How long to wait when a try failed after ``attempts`` earlier ones; None: give up."""
    delays: Sequence[timedelta] = settings.RECIBO_FETCH_DELAYS
    if attempts >= len(delays):
        return None
    asked_for = error.retry_after if isinstance(error, UnavailableError) else None
    return max(delays[attempts], asked_for or timedelta(0))
