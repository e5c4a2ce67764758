"""Group commit: requests that arrive together share one statement, one commit and one flush.

A batch is whatever arrived while the one before it was being written: no timer. The event loop
keeps the batches; a thread writes them, one at a time, on a connection of its own. It hands a
whole batch to libpq in one call, which waits for the disk without Python's lock.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format

from recibo.work import columns

logger = logging.getLogger(__name__)

#: Rows of one statement.
LARGEST_BATCH = 500
#: Requests, and bytes of their bodies, that may wait for the disk.
MOST_WAITING = 5_000
MOST_WAITING_BYTES = 32 * 1024 * 1024
#: Seconds without a new try after the database could not be reached.
REST = 0.25

#: A row may be locked for as long as a drain takes; strangers in the same batch wait this long.
LOCK_TIMEOUT = "250ms"
SESSION = f"""
set lock_timeout = '{LOCK_TIMEOUT}';
set statement_timeout = '10s';
set enable_nestloop = off; -- the planner cannot know how long the arrays are
select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') = 'off'
"""

COUNTED = "do update set duplicates = inbox_event.duplicates + excluded.duplicates + 1"
UNCOUNTED = "do nothing"
#: Events and the bodies of the new ones. In key order, so that two processes cannot deadlock.
STORE = """
with given as materialized (
    select * from unnest(
        $1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::smallint[], $9::timestamptz[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[],
        $14::bigint[]
    ) as given (
        account_id, key, gateway_event_id, gateway_charge_id, source, gateway_event, event_type,
        priority, received_at, retention, headers, query, body, duplicates
    )
), stored as (
    insert into inbox_event (
        account_id, key, gateway_event_id, gateway_charge_id, source, gateway_event, event_type,
        priority, received_at, next_attempt_at, duplicates,
        status, attempts, silent, error, result
    )
    select
        account_id, key, gateway_event_id, gateway_charge_id, source, gateway_event, event_type,
        priority, received_at, received_at, duplicates,
        'pending', 0, false, '', ''
    from given
    order by account_id, key
    on conflict (account_id, key) {repeated}
    returning id, account_id, key, xmax = 0 as is_new
)
insert into inbox_eventbody (event_id, retention, received_at, headers, query, body)
select id, retention, received_at, headers, query, body
from stored join given using (account_id, key)
where is_new
"""
LOCK_NOT_AVAILABLE = b"55P03"
#: Classes of SQLSTATE that say that a row is at fault, not the database.
POISON = frozenset({"22", "23", "54"})

#: Account and hashed event id: what makes an event the same event.
Key = tuple[int, bytes]


class FullError(Exception):
    """As many requests wait for the disk as memory may hold."""


class Row(NamedTuple):
    """One delivery on its way to the disk; the order of ``STORE``'s columns.

    Texts are UTF-8 already (``columns.encoded``): most of them are the same for every row.
    """

    account_id: int
    key: bytes
    gateway_event_id: bytes
    gateway_charge_id: bytes
    source: bytes
    gateway_event: bytes
    event_type: bytes
    priority: int
    received_at: int  # microseconds since 2000, PostgreSQL's clock
    retention: bytes
    headers: bytes
    query: bytes
    body: bytes


class Batch:
    """Deliveries that are written together; repeats are one row that counts them."""

    __slots__ = ("repeats", "rows", "size", "waiters")

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.repeats: dict[Key, int] = {}
        self.waiters: list[tuple[Key, asyncio.Future[bool]]] = []
        self.size = 0  # bytes of the bodies

    def add(self, row: Row, waiter: asyncio.Future[bool]) -> None:
        """Let ``waiter`` learn whether ``row`` was stored."""
        key = (row.account_id, row.key)
        if key in self.rows:
            self.repeats[key] = self.repeats.get(key, 0) + 1
        else:
            self.rows[key] = row
            self.size += len(row.body)
        self.waiters.append((key, waiter))

    def only(self, key: Key) -> "Batch":
        """A batch of that row alone."""
        alone = Batch()
        alone.rows[key] = self.rows[key]
        alone.repeats[key] = self.repeats.get(key, 0)
        return alone

    def columns(self) -> list[bytes]:
        """The parameters of ``STORE``."""
        fields = list(zip(*self.rows.values(), strict=True))
        packed = [pack(field) for pack, field in zip(PACK, fields, strict=True)]
        packed.append(columns.integers([self.repeats.get(key, 0) for key in self.rows]))
        return packed


def packed_texts(values: Sequence[bytes]) -> bytes:
    """text[] of what is UTF-8 already."""
    return columns.joined(columns.Texts, values)


def packed_times(values: Sequence[int]) -> bytes:
    """timestamptz[] of microseconds since 2000."""
    return columns.fixed(columns.Times, "q", 8, values)


#: How each field of Row becomes a column.
PACK: tuple[Callable[[Any], bytes], ...] = (
    columns.integers,
    columns.byteas,
    *[packed_texts] * 5,
    columns.smalls,
    packed_times,
    packed_texts,
    *[columns.byteas] * 3,
)


class Committer:
    """The event loop's side: gathers rows and tells their senders how it went."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        *,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """``committed`` is called on the loop after each batch; it must not block."""
        self.writer = Writer(connect)
        self.committed = committed
        self.waiting = 0
        self.waiting_bytes = 0
        self.batches: deque[Batch] = deque()
        self.idle = True
        self.handover: SimpleQueue[Batch | None] = SimpleQueue()
        self.thread = threading.Thread(target=self.work, name="inbox-committer", daemon=True)

    def start(self) -> None:
        """Call it on the running loop."""
        self.loop = asyncio.get_running_loop()
        self.thread.start()

    async def close(self) -> None:
        """Write what was accepted, then stop."""
        while self.waiting:
            await asyncio.sleep(0.01)
        self.handover.put(None)
        await asyncio.to_thread(self.thread.join)

    def add(self, row: Row) -> asyncio.Future[bool]:
        """True once ``row`` is on disk, False if that cannot be said. Raises FullError."""
        if self.waiting >= MOST_WAITING or self.waiting_bytes > MOST_WAITING_BYTES:
            raise FullError
        waiter: asyncio.Future[bool] = self.loop.create_future()
        self.waiting += 1
        self.waiting_bytes += len(row.body)
        if not self.batches or len(self.batches[-1].rows) >= LARGEST_BATCH:
            self.batches.append(Batch())
        self.batches[-1].add(row, waiter)
        if self.idle:
            self.idle = False
            # Not at once: what else this turn of the loop brings shares the flush.
            self.loop.call_soon(self.hand_over)
        return waiter

    def hand_over(self) -> None:
        """Give the oldest batch to the thread; idle if there is none."""
        if self.batches:
            self.handover.put(self.batches.popleft())
        else:
            self.idle = True

    def work(self) -> None:
        """The thread: write batch after batch until None."""
        with contextlib.closing(self.writer):
            while (batch := self.handover.get()) is not None:
                lost = self.writer.write(batch)
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                    self.loop.call_soon_threadsafe(self.deliver, batch, lost)

    def deliver(self, batch: Batch, lost: Collection[Key]) -> None:
        """Tell everyone who waits for ``batch``."""
        self.hand_over()
        for key, waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(key not in lost)
        self.waiting -= len(batch.waiters)
        self.waiting_bytes -= batch.size
        if len(lost) < len(batch.rows):
            self.committed()


class Writer:
    """The thread's side: one connection, made again whenever it is lost."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self.connect = connect
        self.connection: psycopg.Connection[Any] | None = None
        self.rest_until = 0.0
        self.is_lost = False

    def write(self, batch: Batch) -> Collection[Key]:
        """The keys that may not be on disk. Their senders must send again.

        When the connection breaks, the commit may or may not have happened: nothing is tried
        twice, since the next delivery finds out through its key.
        """
        try:
            self.store(batch)
        except psycopg.Error as error:
            if is_poison(error):
                return self.apart(batch)
            self.lose(error)
            return batch.rows.keys()
        except Exception:
            logger.exception("inbox: a batch could not be packed")
            return self.apart(batch)
        self.is_lost = False
        return ()

    def apart(self, batch: Batch) -> Collection[Key]:
        """Write row by row what was refused as a whole, so that only the bad one is lost."""
        if len(batch.rows) == 1:
            logger.error("inbox: PostgreSQL cannot hold the event %s", *batch.rows)
            return batch.rows.keys()
        return {key for key in batch.rows if self.write(batch.only(key))}

    def store(self, batch: Batch) -> None:
        """Write and commit. Raises psycopg.Error."""
        values = batch.columns()
        connection = self.connected()
        result = connection.pgconn.exec_prepared(b"counted", values, FORMATS)
        if result.error_field(DiagnosticField.SQLSTATE) == LOCK_NOT_AVAILABLE:
            # Rolled back as a whole, so this is no second try: repeats of the events that
            # somebody holds stay uncounted, and nobody else waits for them.
            result = connection.pgconn.exec_prepared(b"uncounted", values, FORMATS)
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)

    def connected(self) -> psycopg.Connection[Any]:
        """The connection, made if there is none. Raises psycopg.OperationalError."""
        if self.connection is None:
            if time.monotonic() < self.rest_until:
                raise psycopg.OperationalError("the database could not be reached a moment ago")
            self.rest_until = time.monotonic() + REST
            connection = self.connect()
            connection.execute(SESSION)
            prepare(connection)
            self.connection = connection
        return self.connection

    def lose(self, error: Exception) -> None:
        """Drop the connection. Logged once for each outage."""
        if not self.is_lost:
            logger.error("inbox: answering 503, the database is lost: %s", error)
        self.is_lost = True
        self.close()

    def close(self) -> None:
        """Drop the connection, if there is one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make the two forms of ``STORE`` known to the server."""
    for name, repeated in ((b"counted", COUNTED), (b"uncounted", UNCOUNTED)):
        result = connection.pgconn.prepare(name, STORE.format(repeated=repeated).encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)


def is_poison(error: psycopg.Error) -> bool:
    """Whether a row is at fault, not the database."""
    return (error.sqlstate or "")[:2] in POISON


FORMATS = [Format.BINARY] * (len(PACK) + 1)
