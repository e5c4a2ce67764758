"""How long bodies stay: taking those of settled events away, into files, and bringing them back.

The row of an event, its identity and its outcome, stays for good. An archive is a folder of
gzip files of JSON lines, each line with a SHA-256 of its record; a file has its name only once
it is whole and on disk. A crash at any point leaves a body in the database, in a file or in both.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
from django.db import transaction
from django.utils import timezone
from msgspec import Raw, Struct

from recibo.work.sql import execute

#: Bodies of one transaction, and of one file.
BATCH = 1_000
SUFFIX = ".jsonl.gz"

#: Settled before a time. The body's own table leads: events that have none cost nothing.
SETTLED = """
    from inbox_eventbody b join inbox_event e on e.id = b.event_id
    where e.status in ('processed', 'ignored') and e.processed_at <= %s
"""
COUNT = f"select count(*) as bodies {SETTLED}"
#: Locked, so that nobody replays an event while its body goes; who is being replayed is spared.
TAKE = f"""
    with settled as materialized (
        select e.id, e.account_id, e.key, e.gateway_event_id,
               b.retention, b.received_at, b.headers, b.query, b.body
        {SETTLED} and b.event_id > %s
        order by b.event_id limit %s for update of e skip locked
    )
    select s.*, a.gateway, a.name as account
    from settled s join accounts_account a on a.id = s.account_id order by s.id
"""  # noqa: S608  # put together from constants
DELETE = "delete from inbox_eventbody where event_id = any(%s)"
#: One restore at a time: the table of bodies cannot have a unique index of its own.
ALONE = "select pg_advisory_xact_lock(hashtext('recibo.operations.retention'))"
FIND = """
    select given.position, e.id,
           exists (select from inbox_eventbody b where b.event_id = e.id) as is_present
    from unnest(%s::bigint[], %s::text[], %s::text[], %s::bytea[])
        as given (position, gateway, account, key)
    join accounts_account a on a.gateway = given.gateway and a.name = given.account
    join inbox_event e on e.account_id = a.id and e.key = given.key
"""
INSERT = """
    insert into inbox_eventbody (event_id, retention, received_at, headers, query, body)
    select * from unnest(
        %s::bigint[], %s::text[], %s::timestamptz[], %s::bytea[], %s::bytea[], %s::bytea[]
    )
"""

#: Called with how many more are done.
Advance = Callable[[int], object]


class Record(Struct, frozen=True):
    """A body in an archive, and whose it is: by the key, for ids differ between databases."""

    gateway: str
    account: str
    key: bytes
    gateway_event_id: str
    retention: str
    received_at: datetime
    headers: bytes
    query: bytes
    body: bytes


class Line(Struct, frozen=True):
    """A line of an archive. ``sha256`` is that of the record as it stands in the line."""

    sha256: str
    record: Raw


class DamagedError(Exception):
    """A line that is not what was written."""


class Restored(Struct):
    """What became of the lines of an archive."""

    restored: int = 0
    present: int = 0  # the body was there already
    unknown: int = 0  # no such event in this database
    damaged: int = 0  # lines; a file that breaks off counts as one

    @property
    def total(self) -> int:
        """Every line read."""
        return self.restored + self.present + self.unknown + self.damaged


def ignore(_: int) -> None:
    """Nobody watches."""


def cleanable(days: int) -> int:
    """How many bodies ``clean`` would take away now."""
    count: int = execute(COUNT, before(days))[0]["bodies"]
    return count


def before(days: int) -> datetime:
    """The moment ``days`` ago."""
    return timezone.now() - timedelta(days=days)


def clean(days: int, archive: Path | None = None, *, advance: Advance = ignore) -> int:
    """Take away the bodies of events processed or ignored more than ``days`` ago; gives how many.

    0 days: of all that are settled. With ``archive`` each batch is on disk there, in a file of
    its own, before it leaves the database. Raises OSError if it cannot be written.
    """
    if archive is not None:
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    limit, last, total = before(days), 0, 0
    while ids := clean_batch(limit, last, archive):
        last, total = ids[-1], total + len(ids)
        advance(len(ids))
    return total


def clean_batch(limit: datetime, last: int, archive: Path | None) -> list[int]:
    """One batch after the event ``last``, oldest first; gives the ids."""
    with transaction.atomic():
        rows = execute(TAKE, limit, last, BATCH)
        ids = [row["id"] for row in rows]
        if rows and archive is not None:
            write(archive / file_name(ids), [msgspec.convert(row, Record) for row in rows])
        execute(DELETE, ids)
    return ids


def file_name(ids: Sequence[int]) -> str:
    """Sorts by time. Never used twice: the same range may be cleaned again after a restore."""
    return f"events-{timezone.now():%Y%m%dT%H%M%S%f}-{ids[0]:012}-{ids[-1]:012}{SUFFIX}"


def write(path: Path, records: Sequence[Record]) -> None:
    """Write the records to a new file, whole and on disk, for this user's eyes only."""
    draft = path.with_name(f".{path.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(gzip.compress(b"".join(line(record) for record in records), mtime=0))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def line(record: Record) -> bytes:
    """A record as a line of an archive."""
    encoded = msgspec.json.encode(record)
    digest = hashlib.sha256(encoded).hexdigest()
    return msgspec.json.encode(Line(digest, Raw(encoded))) + b"\n"


def archived(folder: Path) -> list[Path]:
    """The files of an archive, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def restore(files: Sequence[Path], *, advance: Advance = ignore) -> Restored:
    """Bring back the bodies in ``files`` whose event is here without one. Safe to repeat.

    What is damaged is counted, and everything else comes back. ``advance`` counts files.
    """
    result = Restored()
    for file in files:
        records = readable(file, result)
        while batch := list(islice(records, BATCH)):
            restore_batch(batch, result)
        advance(1)
    return result


def readable(file: Path, result: Restored) -> Iterator[Record]:
    """The sound records of a file; the others are counted in ``result``."""
    try:
        with gzip.open(file) as lines:
            for text in lines:
                try:
                    yield read(text)
                except DamagedError:
                    result.damaged += 1
    except (EOFError, gzip.BadGzipFile, zlib.error):
        result.damaged += 1


def read(text: bytes) -> Record:
    """The record in a line. Raises DamagedError."""
    try:
        found = msgspec.json.decode(text, type=Line)
        if hashlib.sha256(found.record).hexdigest() != found.sha256:
            raise DamagedError
        return msgspec.json.decode(found.record, type=Record)
    except msgspec.MsgspecError as error:
        raise DamagedError from error


def restore_batch(records: Sequence[Record], result: Restored) -> None:
    """Bring back those that are missing, in one transaction."""
    with transaction.atomic():
        execute(ALONE)
        found = execute(
            FIND,
            list(range(len(records))),
            [record.gateway for record in records],
            [record.account for record in records],
            [record.key for record in records],
        )
        missing = {row["id"]: records[row["position"]] for row in found if not row["is_present"]}
        insert(missing)
    result.restored += len(missing)
    result.present += len(found) - len(missing)
    result.unknown += len(records) - len(found)


def insert(missing: dict[int, Record]) -> None:
    """Write bodies back, by the id of their event."""
    records = list(missing.values())
    execute(
        INSERT,
        list(missing),
        [record.retention for record in records],
        [record.received_at for record in records],
        [record.headers for record in records],
        [record.query for record in records],
        [record.body for record in records],
    )
