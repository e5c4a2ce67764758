"""The tables of billing: inserting and updating a batch of rows in one statement each."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from recibo.work.sql import Row, document, execute, recordset


class Table(Struct, frozen=True):
    """A table with its columns and their types; ``key`` is what the outside knows a row by."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]

    @property
    def insert_sql(self) -> str:
        """Insert a batch in key order, so that two workers cannot wait for each other."""
        names = ", ".join(self.columns)
        return (
            f"insert into {self.name} ({names}) select {names} from {recordset(self.columns)}"  # noqa: S608
            f" order by {', '.join(self.key)} returning id, {', '.join(self.key)}"
        )

    @property
    def update_sql(self) -> str:
        """Update a batch by id."""
        names = [name for name in self.columns if name not in self.key]
        return (
            f"update {self.name} t set ({', '.join(names)}) ="  # noqa: S608
            f" row({', '.join(f'r.{name}' for name in names)})"
            f" from {recordset({'id': 'bigint', **self.columns})} where t.id = r.id"
        )


def insert(table: Table, rows: Sequence[Row]) -> dict[Any, int]:
    """Insert the rows and give the id of each by its key (a tuple, or the one value)."""
    if not rows:
        return {}
    found = execute(table.insert_sql, document(rows))
    if len(table.key) == 1:
        return {row[table.key[0]]: row["id"] for row in found}
    return {tuple(row[name] for name in table.key): row["id"] for row in found}


def update(table: Table, rows: Sequence[Row]) -> None:
    """Update the rows, which carry their ``id``."""
    if rows:
        execute(table.update_sql, document(rows))


def delete(table: Table, ids: Sequence[int]) -> None:
    """Delete the rows with these ids."""
    execute(f"delete from {table.name} where id = any(%s)", list(ids))  # noqa: S608
