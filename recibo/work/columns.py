"""Many rows in one statement: columns as PostgreSQL arrays in their binary form.

``select … from unnest(%s, %s)`` takes a batch in one trip. The arrays are made here because
psycopg's own list adapter costs a Python call for each element, which at eight thousand events a
second is most of the work.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, repeat
from typing import Any, ClassVar

from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
MICROSECOND = timedelta(microseconds=1)
NULL = b"\xff\xff\xff\xff"
LENGTH = struct.Struct(">i").pack


class Column(bytes):
    """A PostgreSQL array, ready for the wire."""

    element: ClassVar[int]  # type OID of one element
    array: ClassVar[int]  # type OID of the array


class Texts(Column):
    element, array = 25, 1009


class Bytes(Column):
    element, array = 17, 1001


class Integers(Column):
    element, array = 20, 1016


class Smalls(Column):
    element, array = 21, 1005


class Booleans(Column):
    element, array = 16, 1000


class Times(Column):
    element, array = 1184, 1185


KINDS = (Texts, Bytes, Integers, Smalls, Booleans, Times)


def texts(values: Sequence[str | None]) -> Texts:
    """text[]. PostgreSQL's text cannot hold a NUL: it is left out, as are lone surrogates."""
    return Texts(joined(Texts, [None if value is None else encoded(value) for value in values]))


def encoded(value: str) -> bytes:
    """UTF-8 that PostgreSQL takes, whatever a sender put into its JSON."""
    data = value.encode(errors="replace")
    return data.replace(b"\0", b"") if b"\0" in data else data


def byteas(values: Sequence[bytes]) -> Bytes:
    """bytea[]."""
    return Bytes(joined(Bytes, values))


def integers(values: Sequence[int | None]) -> Integers:
    """bigint[]."""
    return Integers(fixed(Integers, "q", 8, values))


def smalls(values: Sequence[int | None]) -> Smalls:
    """smallint[]."""
    return Smalls(fixed(Smalls, "h", 2, values))


def booleans(values: Sequence[bool]) -> Booleans:
    """boolean[]."""
    return Booleans(fixed(Booleans, "?", 1, values))


def times(values: Sequence[datetime | None]) -> Times:
    """timestamptz[]."""
    ticks = [None if value is None else (value - EPOCH) // MICROSECOND for value in values]
    return Times(fixed(Times, "q", 8, ticks))


def decimals(values: Iterable[Decimal | None]) -> Texts:
    """text[] of decimals, to be cast with ``::numeric``."""
    return texts([None if value is None else str(value) for value in values])


def header(kind: type[Column], size: int) -> bytes:
    """What precedes the elements: one dimension, nulls allowed, counted from 1."""
    return struct.pack(">iiIii", 1, 1, kind.element, size, 1)


def joined(kind: type[Column], values: Sequence[bytes | None]) -> bytes:
    """An array of values of any length."""
    parts = [header(kind, len(values))]
    for value in values:
        if value is None:
            parts.append(NULL)
        else:
            parts.append(LENGTH(len(value)))
            parts.append(value)
    return b"".join(parts)


def fixed(kind: type[Column], code: str, size: int, values: Sequence[Any]) -> bytes:
    """An array of values of one length; in one go where there is no null."""
    if None in values:
        pack = struct.Struct(f">{code}").pack
        return joined(kind, [None if value is None else pack(value) for value in values])
    pairs = chain.from_iterable(zip(repeat(size), values))
    return header(kind, len(values)) + struct.pack(f">{f'i{code}' * len(values)}", *pairs)


def register(connection: Connection[Any]) -> None:
    """Teach a connection to send columns."""
    for kind, dumper in DUMPERS.items():
        connection.adapters.register_dumper(kind, dumper)


def dumper_of(kind: type[Column]) -> type[Dumper]:
    """The adapter that passes the bytes of a column on as they are."""

    class ColumnDumper(Dumper):
        format = Format.BINARY
        oid = kind.array

        def dump(self, obj: Column) -> bytes:
            return obj

    return ColumnDumper


DUMPERS = {kind: dumper_of(kind) for kind in KINDS}
