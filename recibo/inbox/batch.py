"""Group commit: requests that arrive together share one statement, one commit and one flush.

A batch is whatever arrived while the one before it was being written: no timer. One task writes
them, one at a time, on a connection of its own, without a thread: two threads of one busy process
wait for Python's lock longer than the disk takes.
"""

import asyncio
import logging
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

from recibo.inbox.deliveries import COUNTED, STORE, UNCOUNTED, Delivery

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

#: How libpq names the parameters of ``STORE``.
PLACES = {"rows": "$1", "headers": "$2", "query": "$3", "body": "$4"}
FORMATS = [Format.TEXT, Format.BINARY, Format.BINARY, Format.BINARY]
BYTEA = 17  # the type's OID
LENGTH = struct.Struct(">i").pack
LOCK_NOT_AVAILABLE = b"55P03"
#: Classes of SQLSTATE that say that a row is at fault, not the database.
POISON = frozenset({"22", "23", "54"})

#: Account and event id: what makes an event the same event.
Key = tuple[int, str]


class FullError(Exception):
    """As many requests wait for the disk as memory may hold."""


class Batch:
    """Deliveries that are written together; repeats are one row that counts them."""

    __slots__ = ("deliveries", "size", "waiters")

    def __init__(self) -> None:
        self.deliveries: dict[Key, Delivery] = {}
        self.waiters: list[tuple[Key, asyncio.Future[bool]]] = []
        self.size = 0  # bytes of all bodies, those of repeats too

    def add(self, delivery: Delivery, waiter: asyncio.Future[bool]) -> None:
        """Let ``waiter`` learn whether ``delivery`` was stored."""
        key = (delivery.row.account_id, delivery.row.event_id)
        first = self.deliveries.setdefault(key, delivery)
        if first is not delivery:
            first.row.duplicates += 1
        self.size += len(delivery.body)
        self.waiters.append((key, waiter))

    def only(self, key: Key) -> "Batch":
        """A batch of that delivery alone."""
        alone = Batch()
        alone.deliveries[key] = self.deliveries[key]
        return alone

    def parameters(self) -> list[bytes]:
        """The parameters of ``STORE``."""
        rows, *columns = zip(*self.deliveries.values(), strict=True)
        return [msgspec.json.encode(rows), *map(byteas, columns)]


def byteas(values: Sequence[bytes]) -> bytes:
    """bytea[] in PostgreSQL's binary form: one dimension, no nulls, counted from 1."""
    parts = [struct.pack(">iiIii", 1, 0, BYTEA, len(values), 1)]
    for value in values:
        parts.append(LENGTH(len(value)))
        parts.append(value)
    return b"".join(parts)


class TurnedAway:
    """Deliveries of each account that were answered 503, counted until somebody takes them."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.lock = threading.Lock()

    def add(self, account_ids: Iterable[int]) -> None:
        """Count one for each of these. An id may be there more than once."""
        with self.lock:
            self.counts.update(account_ids)

    def take(self) -> Counter[int]:
        """The counts so far; they begin at nothing again."""
        with self.lock:
            taken, self.counts = self.counts, Counter()
        return taken


#: Makes a connection for the writer alone. Raises psycopg.OperationalError.
Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]


class Committer:
    """Gathers rows into batches and tells their senders how it went."""

    def __init__(self, connect: Connect, *, committed: Callable[[], None] = lambda: None) -> None:
        """``committed`` is called after each batch; it must not block."""
        self.writer = Writer(connect)
        self.committed = committed
        self.waiting = 0
        self.waiting_bytes = 0
        self.batches: deque[Batch] = deque()
        self.turned_away = TurnedAway()
        self.closing = False

    def start(self) -> None:
        """Call it on the running loop."""
        self.loop = asyncio.get_running_loop()
        self.arrival = self.loop.create_future()
        self.task = self.loop.create_task(self.work())

    async def close(self) -> None:
        """Write what was accepted, then stop."""
        self.closing = True
        self.wake()
        await self.task

    def add(self, delivery: Delivery) -> asyncio.Future[bool]:
        """True once ``delivery`` is on disk, False if that cannot be said. Raises FullError."""
        if self.waiting >= MOST_WAITING or self.waiting_bytes > MOST_WAITING_BYTES:
            raise FullError
        waiter: asyncio.Future[bool] = self.loop.create_future()
        self.waiting += 1
        self.waiting_bytes += len(delivery.body)
        if not self.batches or len(self.batches[-1].deliveries) >= LARGEST_BATCH:
            self.batches.append(Batch())
        self.batches[-1].add(delivery, waiter)
        self.wake()
        return waiter

    def wake(self) -> None:
        """Let the task look again, after what else this turn of the loop brings."""
        if not self.arrival.done():
            self.arrival.set_result(None)

    async def work(self) -> None:
        """Write batch after batch, until closed and nobody waits."""
        while self.batches or not self.closing:
            if not self.batches:
                await self.arrival
                self.arrival = self.loop.create_future()
                continue
            batch = self.batches.popleft()
            self.deliver(batch, await self.writer.write(batch))
        await self.writer.close()

    def deliver(self, batch: Batch, lost: Collection[Key]) -> None:
        """Tell everyone who waits for ``batch``."""
        for key, waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(key not in lost)
        if lost:
            self.turned_away.add(account_id for account_id, _ in lost)
        self.waiting -= len(batch.waiters)
        self.waiting_bytes -= batch.size
        if len(lost) < len(batch.deliveries):
            self.committed()


class Writer:
    """One connection, made again whenever it is lost."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self.connection: psycopg.AsyncConnection[Any] | None = None
        self.rest_until = 0.0
        self.is_lost = False

    async def write(self, batch: Batch) -> Collection[Key]:
        """The keys that may not be on disk. Their senders must send again.

        When the connection breaks, the commit may or may not have happened: nothing is tried
        twice, since the next delivery finds out through its key.
        """
        try:
            await self.store(batch)
        except (psycopg.Error, OSError) as error:
            if isinstance(error, psycopg.Error) and is_poison(error):
                return await self.apart(batch)
            await self.lose(error)
            return batch.deliveries.keys()
        except Exception:
            logger.exception("inbox: a batch could not be packed")
            return await self.apart(batch)
        self.is_lost = False
        return ()

    async def apart(self, batch: Batch) -> Collection[Key]:
        """Write row by row what was refused as a whole, so that only the bad one is lost."""
        if len(batch.deliveries) == 1:
            logger.error("inbox: PostgreSQL cannot hold the event %s", *batch.deliveries)
            return batch.deliveries.keys()
        return {key for key in batch.deliveries if await self.write(batch.only(key))}

    async def store(self, batch: Batch) -> None:
        """Write and commit. Raises psycopg.Error."""
        values = batch.parameters()
        connection = await self.connected()
        result = await run(connection, b"counted", values)
        if result.error_field(DiagnosticField.SQLSTATE) == LOCK_NOT_AVAILABLE:
            # Rolled back as a whole, so this is no second try: repeats of the events that
            # somebody holds stay uncounted, and nobody else waits for them.
            result = await run(connection, b"uncounted", values)
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)

    async def connected(self) -> psycopg.AsyncConnection[Any]:
        """The connection, made if there is none. Raises psycopg.OperationalError."""
        if self.connection is None:
            if time.monotonic() < self.rest_until:
                raise psycopg.OperationalError("the database could not be reached a moment ago")
            self.rest_until = time.monotonic() + REST
            connection = await self.connect()
            await connection.execute(SESSION)
            prepare(connection)
            self.connection = connection
        return self.connection

    async def lose(self, error: Exception) -> None:
        """Drop the connection. Logged once for each outage."""
        if not self.is_lost:
            logger.error("inbox: answering 503, the database is lost: %s", error)
        self.is_lost = True
        await self.close()

    async def close(self) -> None:
        """Drop the connection, if there is one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()


async def run(
    connection: psycopg.AsyncConnection[Any], statement: bytes, values: Sequence[bytes]
) -> PGresult:
    """Execute a prepared statement while the loop goes on."""
    connection.pgconn.send_query_prepared(statement, values, FORMATS)
    result: PGresult = (await connection.wait(generators.execute(connection.pgconn)))[-1]
    return result


def prepare(connection: psycopg.AsyncConnection[Any]) -> None:
    """Make the two forms of ``STORE`` known to the server."""
    for name, repeated in ((b"counted", COUNTED), (b"uncounted", UNCOUNTED)):
        result = connection.pgconn.prepare(
            name,
            STORE.format(
                repeated=repeated, rows="$1", headers="$2", query="$3", body="$4"
            ).encode(),
        )
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)


def is_poison(error: psycopg.Error) -> bool:
    """Whether a row is at fault, not the database."""
    return (error.sqlstate or "")[:2] in POISON
