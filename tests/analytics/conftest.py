"""The worked example, imported."""

import io
import random
from collections.abc import Sequence
from datetime import date, datetime

import pytest

from recibo.analytics import importing, queries, rollups
from recibo.analytics.counting import ALL
from recibo.processing.drain import drain
from tests.analytics import worked_example

FIRST, LAST = date(2026, 1, 1), date(2026, 6, 1)


def as_csv(rows: Sequence[dict[str, str]]) -> io.StringIO:
    """Rows as a file."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows]
    return io.StringIO("\n".join([",".join(columns), *lines]) + "\n")


def bring_in(rows: Sequence[dict[str, str]]) -> importing.Imported:
    """Import rows, fold them, count them."""
    found = importing.import_rows(as_csv(rows))
    drain()
    rollups.drain()
    return found


@pytest.fixture
def rates(db: None) -> None:
    with worked_example.path("fx").open() as file:
        importing.import_rates(file)


@pytest.fixture
def example(rates: None) -> None:
    """The whole example in the order of arrival."""
    bring_in(worked_example.rows("events"))


def span(
    first: date = FIRST, last: date = LAST, *, scope: str = ALL, as_of: datetime | None = None
) -> queries.Span:
    return queries.Span(first, last, scope, as_of)


def written(value: object) -> str:
    """A figure as the files of the example write it."""
    return "" if value is None else str(value)


def shuffled(rows: Sequence[dict[str, str]], seed: int) -> list[dict[str, str]]:
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)
    return mixed
