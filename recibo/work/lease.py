"""Leases: work that talks to the outside holds no transaction open, and no row for ever.

Claim a few rows, commit, do the slow thing, then settle them. Whoever dies in between gives its
rows back by doing nothing: the lease runs out.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, connection

from recibo.work.sql import execute

logger = logging.getLogger(__name__)

#: Seconds after which another worker may take a row whose holder went silent.
LEASE = 30
#: Seconds between renewals while the work goes on.
BEAT = 10

CLAIM = """
    update {table} t set claimed_until = now() + make_interval(secs => %s)
    where t.id in (
        select id from {table}
        where next_attempt_at <= statement_timestamp()
            and (claimed_until is null or claimed_until < statement_timestamp())
            and {condition}
        order by next_attempt_at limit %s for update skip locked
    ) returning t.id
"""
TAKE = """
    update {table} set claimed_until = now() + make_interval(secs => %s)
    where id = %s and (claimed_until is null or claimed_until < statement_timestamp())
    returning claimed_until
"""
#: Of whoever holds it by this time, and of nobody who has taken it since.
KEEP = """
    update {table} set claimed_until = now() + make_interval(secs => %s)
    where id = %s and claimed_until = %s returning claimed_until
"""
LET_GO = "update {table} set claimed_until = null where id = %s and claimed_until = %s"
RENEW = """
    update {table} set claimed_until = now() + make_interval(secs => %s)
    where id = any(%s) and claimed_until is not null
"""


def claim(table: str, *, limit: int, condition: str = "true") -> list[int]:
    """Take at most ``limit`` due rows for ``LEASE`` seconds, oldest first. One statement.

    The table has ``next_attempt_at`` and ``claimed_until``; ``condition`` is SQL on its columns.
    """
    found = execute(CLAIM.format(table=table, condition=condition), LEASE, limit)
    return sorted(row["id"] for row in found)


class BusyError(Exception):
    """Somebody else holds the row: come again in a moment."""


@contextmanager
def alone(table: str, row_id: int) -> Iterator[None]:
    """Hold one row, and let it go at the end, if it still is ours. Raises BusyError."""
    hold = Hold(table, row_id)
    try:
        with renewed(hold.keep):
            yield
    finally:
        hold.let_go()


class Hold:
    """A row that is held, known by the time to which it is."""

    def __init__(self, table: str, row_id: int) -> None:
        """Take it. Raises BusyError."""
        self.table, self.row_id = table, row_id
        if not (taken := execute(TAKE.format(table=table), LEASE, row_id)):
            raise BusyError(f"{table} {row_id}")
        self.until = taken[0]["claimed_until"]

    def keep(self) -> None:
        """Renew the lease, unless it was lost."""
        kept = execute(KEEP.format(table=self.table), LEASE, self.row_id, self.until)
        self.until = kept[0]["claimed_until"] if kept else self.until

    def let_go(self) -> None:
        """Let others take the row, unless somebody has already."""
        execute(LET_GO.format(table=self.table), self.row_id, self.until)


@contextmanager
def held(table: str, ids: Sequence[int]) -> Iterator[None]:
    """Renew the lease of these rows for as long as the block lasts."""
    found = list(ids)
    with renewed(lambda: execute(RENEW.format(table=table), LEASE, found)):
        yield


@contextmanager
def renewed(renew: Callable[[], object]) -> Iterator[None]:
    """Call ``renew`` again and again on a thread of its own, for as long as the block lasts."""
    done = threading.Event()
    beating = threading.Thread(target=beat, args=(renew, done), daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()


def beat(renew: Callable[[], object], done: threading.Event) -> None:
    """Renew until ``done``. A database that is away for a moment does not end it."""
    try:
        while not done.wait(BEAT):
            try:
                renew()
            except DatabaseError:
                logger.warning("A lease could not be renewed", exc_info=True)
                connection.close()
    finally:
        connection.close()
