"""Many rows in one statement: a batch travels as one JSON document and is unfolded by PostgreSQL.

Measured against arrays and COPY, this costs the least of Python's time and stays readable
(docs/decisions/0003-batches-as-json.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import connection
from psycopg import Cursor
from psycopg.rows import dict_row

Row = dict[str, Any]


def recordset(columns: Mapping[str, str]) -> str:
    """The rows of the statement's one parameter."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(%s::json) as r({typed})"


def execute(sql: str, *parameters: Any) -> list[Row]:
    """Run a statement on Django's connection and give its rows by column name."""
    connection.ensure_connection()
    # Django's own cursors bind on the client and leave JSON as text; binary results are JSON.
    with Cursor(connection.connection, row_factory=dict_row) as cursor:
        cursor.execute(sql, parameters, binary=True)
        return cursor.fetchall() if cursor.description else []


def document(rows: Sequence[Any]) -> str:
    """The rows as JSON. PostgreSQL's text cannot hold a NUL: it is left out."""
    encoded = msgspec.json.encode(rows)
    if b"\\u0000" in encoded:
        encoded = msgspec.json.encode(without_nul(msgspec.json.decode(encoded)))
    return encoded.decode()


def without_nul(value: Any) -> Any:
    """The same value, with NUL characters left out of all its texts."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {name: without_nul(item) for name, item in value.items()}
    return value
