"""Draining the inbox: batches in one transaction each, shared by any number of workers.

Rows stay locked while they are folded (``for update skip locked``), so a worker that dies gives
them back at once and nobody processes an event twice. A batch that the database refuses is
halved until the event that it refuses stands alone.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from psycopg import Error, InterfaceError, OperationalError, errors

from recibo.inbox.models import Status
from recibo.processing.fold import Outcome, Pending, describe, fold
from recibo.work.sql import document, execute

logger = logging.getLogger(__name__)

BATCH = 500
#: Two workers met on a row that neither had: taking the batch again finds it.
MET = (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure)
MEETINGS = 5
#: Classes of SQLSTATE that say that the database cannot work now: no event is to blame.
LOST = ("08", "53", "57", "58")

#: The fold only ever looks rows up by key: an index is right whatever the statistics say, and
#: those of a table that was empty a moment ago say otherwise.
ONLY_INDEXES = """
    select set_config(name, 'off', true)
    from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) as s(name)
"""
CLAIM = """
    select e.id from inbox_event e
    where e.next_attempt_at <= statement_timestamp() and e.is_thin = false {only}
    order by e.priority, e.next_attempt_at limit %s for update skip locked
"""
CLAIM_DUE = CLAIM.format(only="")
CLAIM_SOME = CLAIM.format(only="and e.id = any(%s)")
READ = """
    select e.id, e.account_id, a.gateway, e.source, e.received_at, e.attempts, e.silent,
           b.headers, b.query, b.body, a.connected_at
    from inbox_event e
    join accounts_account a on a.id = e.account_id
    left join inbox_eventbody b on b.event_id = e.id and b.received_at = e.received_at
    where e.id = any(%s) order by e.id
"""
SETTLE = """
    update inbox_event e set
        status = r.status, result = r.result, error = r.error, attempts = e.attempts + 1,
        processed_at = case when r.status = 'failed' then null else now() end,
        next_attempt_at = case when r.status = 'failed'
            then now() + make_interval(secs => (%s::float[])[e.attempts + 1]) end,
        silent = e.silent and r.status = 'failed'
    from json_to_recordset(%s::json) as r(id bigint, status text, result text, error text)
    where e.id = r.id
"""


def drain(limit: int = BATCH) -> int:
    """Process everything that is due now. Gives how many events were settled."""
    total = 0
    while settled := process_due(limit):
        total += settled
    return total


def process_due(limit: int = BATCH) -> int:
    """Process one batch of what is due; 0 when nothing is (or others hold it)."""
    return process(CLAIM_DUE, [limit])


def process(claim: str, parameters: Sequence[Any]) -> int:
    """Process one batch: as a whole if the database lets us, else in halves."""
    batch: list[int] = []
    for _ in range(MEETINGS):
        try:
            return take(claim, parameters, batch)
        except MET as error:
            met = error
        except Exception as error:  # one bad event must not hold up the others
            if lost(error):
                raise  # nothing was applied; whoever drains next finds the events as they were
            return divide(batch, error)
    return divide(batch, met)


def lost(error: Exception) -> bool:
    """Whether the database went away or is out of means."""
    if isinstance(error, DatabaseError) and not isinstance(error.__cause__, Error):
        return True  # Django's own: there is no connection
    error = error.__cause__ if isinstance(error.__cause__, Error) else error
    if isinstance(error, OperationalError):
        return error.sqlstate is None or error.sqlstate[:2] in LOST
    return isinstance(error, InterfaceError)


def take(claim: str, parameters: Sequence[Any], batch: list[int]) -> int:
    """Claim, fold and settle one batch in one transaction. ``batch`` gets the ids it claimed."""
    with transaction.atomic():
        execute(ONLY_INDEXES)
        batch[:] = [row["id"] for row in execute(claim, *parameters)]
        if batch:
            settle(fold(read(batch)))
    return len(batch)


def read(ids: Sequence[int]) -> list[Pending]:
    """The events with their bytes, oldest first."""
    return [Pending(**row) for row in execute(READ, list(ids))]


def settle(outcomes: Sequence[Outcome]) -> None:
    """Write how each event ended, and when the failed ones are tried again by themselves."""
    delays = [delay.total_seconds() for delay in settings.RECIBO_EVENT_RETRY_DELAYS]
    execute(SETTLE, delays, document(outcomes))


def divide(batch: Sequence[int], error: Exception) -> int:
    """Process the halves of a batch that failed; a single event is marked failed."""
    if not batch:
        raise error
    if len(batch) > 1:
        middle = len(batch) // 2
        halves = (batch[:middle], batch[middle:])
        return sum(process(CLAIM_SOME, [list(half), len(half)]) for half in halves)
    logger.error("Event %s failed", batch[0], exc_info=error)
    with transaction.atomic():
        if claimed := execute(CLAIM_SOME, list(batch), 1):  # else somebody took it since
            settle([Outcome(batch[0], Status.FAILED, error=describe(error))])
    return len(claimed)
