"""Leases: work that talks to the outside holds no transaction open, and no row for ever.

Claim a few rows, commit, do the slow thing, then settle them. Whoever dies in between gives its
rows back by doing nothing: the lease runs out.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from recibo.work.sql import execute

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


@contextmanager
def held(table: str, ids: Sequence[int]) -> Iterator[None]:
    """Renew the lease of these rows for as long as the block lasts."""
    done = threading.Event()
    beating = threading.Thread(target=beat, args=(table, list(ids), done), daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()


def beat(table: str, ids: list[int], done: threading.Event) -> None:
    """Renew until ``done``."""
    try:
        while not done.wait(BEAT):
            execute(RENEW.format(table=table), LEASE, ids)
    finally:
        connection.close()
