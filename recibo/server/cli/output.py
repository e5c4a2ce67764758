"""Where words go: results to standard output, progress and complaints to standard error."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

JsonOption = Annotated[bool, typer.Option("--json", help="For scripts: JSON, and nothing else.")]

#: Columns where standard output is no terminal: whoever reads a file wants whole words.
WIDE = 1_000
#: Colours of words that stand for a state.
COLOURS = {
    "ok": "green",
    "processed": "green",
    "warning": "yellow",
    "failed": "red",
    "broken": "red",
}


def say(text: str = "") -> None:
    """Print a line of the result."""
    typer.echo(text)


def complain(text: str) -> None:
    """Print a sentence that is not the result."""
    typer.echo(text, err=True)


def as_json(value: Any) -> None:
    """Print a value for scripts, and nothing else."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=written))


def written(value: Any) -> Any:
    """A value that JSON does not know."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers to the right."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[place], int) for row in rows)
        grid.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        grid.add_row(*[cell(value) for value in row])
    console().print(grid)


def cell(value: Any) -> Text:
    """A value as a person reads it. Strangers' texts cannot steer the terminal."""
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("-")
    if isinstance(value, datetime):
        return Text(f"{value.astimezone():%Y-%m-%d %H:%M:%S}")
    return coloured(printable(str(value)), str(value))


def coloured(text: str, state: str) -> Text:
    """A text in the colour of a state."""
    return Text(text, style=COLOURS.get(state, ""))


def printable(text: str) -> str:
    """The text with a sign in place of each character that is none."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def console() -> Console:
    """Standard output as it is now."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error if that is a terminal; gives what moves it on.

    ``total`` None: nobody knows how far it is.
    """
    shown = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=shown, disable=not shown.is_terminal) as bars:
        bar = bars.add_task(description, total=total)

        def advance(steps: int = 1) -> None:
            bars.advance(bar, steps)

        yield advance
