"""``recibo import``: history from elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, session

if TYPE_CHECKING:
    from recibo.analytics.importing import Imported, LineError

#: Bad lines that are told one by one.
MOST = 20

FileArgument = Annotated[
    Path, typer.Argument(help="History as CSV, see docs/metrics.md.", exists=True, dir_okay=False)
]
RatesOption = Annotated[
    Path | None,
    typer.Option("--rates", help="Rates as CSV: month,currency,rate_to_brl.", exists=True),
]


def import_history(
    file: FileArgument,
    rates: RatesOption = None,
    is_json: JsonOption = False,
) -> None:
    """Bring history in from elsewhere, as events. The same file again changes nothing.

    Bad rows are reported by line, and the rest go in; exit code 1 if there are any.
    """
    with session():
        of_rates = read_rates(rates) if rates else None
        found = read_rows(file)
        apply()
        keep_audit(file, found)
    told = [(file, _("Rows: %(rows)s, of which new: %(new)s"), found)]
    if rates and of_rates:
        told.append((rates, _("Rates: %(rows)s, of which new: %(new)s"), of_rates))
    if is_json:
        show_json(found, of_rates)
    else:
        for source, sentence, outcome in told:
            output.say(sentence % {"rows": outcome.rows, "new": outcome.new})
            tell(outcome.errors, source)
    if any(outcome.errors for _source, _sentence, outcome in told):
        raise typer.Exit(1)


def read_rates(file: Path) -> "Imported":
    """Keep the rates of a file. Raises CommandError."""
    from recibo.analytics import importing

    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return importing.import_rates(lines)
    except importing.FileError as error:
        raise CommandError(str(error)) from error


def read_rows(file: Path) -> "Imported":
    """Put the rows of a file into the inbox. Raises CommandError."""
    from recibo.analytics import importing

    try:
        with (
            file.open(newline="", encoding="utf-8-sig") as lines,
            output.progress(_("Importing"), lines_of(file)) as advance,
        ):
            return importing.import_rows(lines, progress=advance)
    except importing.FileError as error:
        raise CommandError(str(error)) from error


def apply() -> None:
    """Process what came in, and count it."""
    from recibo.analytics import rollups
    from recibo.processing.drain import process_due

    with output.progress(_("Processing"), None) as advance:
        while count := process_due():
            advance(count)
    with output.progress(_("Counting"), None) as advance:
        rollups.drain(progress=advance)


def keep_audit(file: Path, found: "Imported") -> None:
    """Keep who brought what in."""
    from django.db import transaction

    from recibo.journal.actions import audit

    with transaction.atomic():
        audit(actor(), "history.import", f"file:{file.name}", after={"new": found.new})


def show_json(found: "Imported", of_rates: "Imported | None") -> None:
    """What was done, for scripts."""
    from msgspec import to_builtins

    output.as_json({**to_builtins(found), "rates": to_builtins(of_rates)})


def lines_of(file: Path) -> int:
    """About how many rows a file has."""
    with file.open("rb") as content:
        return max(0, sum(1 for _line in content) - 1)


def tell(errors: "list[LineError]", file: Path | None) -> None:
    """The first bad lines, and how many there are."""
    for error in errors[:MOST]:
        output.complain(f"{file}:{error.line}: {error.error}")
    if errors:
        output.complain(_("%s rows were left out") % len(errors))
