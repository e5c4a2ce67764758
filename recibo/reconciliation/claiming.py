"""Taking what is due through the gates of the accounts that it belongs to (``circuits``).

A few rows of each account at a time, whatever the number of workers, and none of one that is left
alone: an account that is slow, down or busy with its first sync takes no turns of the others.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from django.db import transaction

from recibo.accounts.models import Account
from recibo.reconciliation import circuits
from recibo.work import lease
from recibo.work.sql import execute

#: Seconds until the gates are tried once more, where other workers hold them all. A claim is short.
HELD = 0.02

IS_DUE = """{condition} and c.next_attempt_at <= statement_timestamp()
    and (c.claimed_until is null or c.claimed_until < statement_timestamp())"""
#: The gates of the accounts that have something due; a gate that another worker holds is passed by.
GATES = """
    select g.account_id from reconciliation_circuit g
    where (g.paused_until is null or g.paused_until <= statement_timestamp())
        and exists (select from {table} c where c.account_id = g.account_id and {is_due})
    order by g.account_id for update skip locked
"""
#: Of each account as many as it has room for; in all the first of each, then the second …
CLAIM = """
    update {table} t set {changes} claimed_until = now() + make_interval(secs => %s)
    where t.id in (
        select p.id from (
            select g.account_id, least(%s::int, (
                case when g.failures >= %s then 1 else %s end
                - (select count(*) from {table} c
                   where c.account_id = g.account_id and c.claimed_until > statement_timestamp())
            )::int) as room
            from reconciliation_circuit g where g.account_id = any(%s)
        ) a cross join lateral (
            select d.id, d.place, d.next_attempt_at,
                row_number() over (order by d.place, d.next_attempt_at) as turn
            from ({rows}) d
        ) p where p.turn <= a.room order by p.turn, p.place, p.next_attempt_at limit %s
    ) returning t.id
"""
ROWS = """
    select c.id, {place} as place, c.next_attempt_at from {table} c
    where c.account_id = a.account_id and {is_due}
    order by c.next_attempt_at limit greatest(a.room, 0) for update skip locked
"""
#: The same for each source, those of the first one first.
ROWS_BY_SOURCE = """
    select r.* from unnest(array[{sources}]) with ordinality s (source, place)
    cross join lateral ({rows}) r
"""


class Due(NamedTuple):
    """Which rows are taken. The table has ``account_id`` beside what a lease wants."""

    table: str
    #: SQL on the columns of the row ``c``.
    condition: str = "true"
    #: Further columns that a claim sets, in SQL with a comma behind.
    changes: str = ""
    #: Rows of one account at a time.
    most: int = circuits.MOST_AT_ONCE
    #: Where rows have a source: whose go first.
    sources: tuple[str, ...] = ()
    #: Whether an account's rows are taken at all; the others stay as they are.
    is_open: Callable[[Account], bool] = lambda _: True

    @property
    def is_due(self) -> str:
        """The condition under which a row may be taken."""
        return IS_DUE.format(condition=self.condition)

    @property
    def rows(self) -> str:
        """Asks for the rows of one account ``a``."""
        if not self.sources:
            return ROWS.format(table=self.table, place="0", is_due=self.is_due)
        is_due = f"c.source = s.source and {self.is_due}"
        rows = ROWS.format(table=self.table, place="s.place", is_due=is_due)
        sources = ", ".join(f"'{source}'" for source in self.sources)
        return ROWS_BY_SOURCE.format(sources=sources, rows=rows)


def claim(due: Due, limit: int) -> list[int]:
    """Take at most ``limit`` due rows, of as many accounts as there are."""
    if (found := through_gates(due, limit)) is not None:
        return found
    time.sleep(HELD)
    return through_gates(due, limit) or []


def through_gates(due: Due, limit: int) -> list[int] | None:
    """Take due rows; None where there was no gate: nothing is due, or others hold them all."""
    with transaction.atomic():
        gates = execute(GATES.format(table=due.table, is_due=due.is_due))
        if not gates:
            return None
        accounts = Account.objects.filter(pk__in=[row["account_id"] for row in gates])
        open_to_us = [account.pk for account in accounts if due.is_open(account)]
        if not open_to_us:
            return []
        # A statement of its own: it sees what was claimed by whoever held a gate before us.
        statement = CLAIM.format(table=due.table, changes=due.changes, rows=due.rows)
        found = execute(statement, lease.LEASE, limit, circuits.TRIP, due.most, open_to_us, limit)
    return sorted(row["id"] for row in found)
