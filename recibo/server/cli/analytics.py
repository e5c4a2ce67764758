"""``recibo analytics``: revenue by month, by week, by cohort; counting it anew."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import session
from recibo.server.cli.times import moment

if TYPE_CHECKING:
    from recibo.analytics.queries import Span

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Revenue that reconciles to the cent: report it, count it anew, see who is at risk.",
)

Row = dict[str, Any]


class Format(StrEnum):
    """How a table is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


FromOption = Annotated[str, typer.Option("--from", help="The first month: 2026-01.")]
ToOption = Annotated[str, typer.Option("--to", help="The last month; else the current one.")]
CurrencyOption = Annotated[
    str, typer.Option(help="The report's own, or another one: its sales, unconverted.")
]
PartOption = Annotated[str, typer.Option(help="Only a part: gateway:hotmart, plan:mensal …")]
AsOfOption = Annotated[str, typer.Option("--as-of", help="As it was known then: 2026-04-01.")]


@app.command()
def report(
    first: FromOption = "",
    last: ToOption = "",
    currency: CurrencyOption = "",
    part: PartOption = "",
    as_of: AsOfOption = "",
    written: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    weekly: Annotated[bool, typer.Option("--weekly", help="By ISO week.")] = False,
    cohorts: Annotated[bool, typer.Option("--cohorts", help="By month of joining.")] = False,
    customers: Annotated[bool, typer.Option("--customers", help="MRR of each customer.")] = False,
    is_json: JsonOption = False,
) -> None:
    """The report by month, or one other table of it; the last twelve months unless told."""
    if weekly + cohorts + customers > 1:
        raise CommandError(_("Choose one of --weekly, --cohorts and --customers."))
    which = "weeks" if weekly else "cohorts" if cohorts else "customers" if customers else "months"
    known_at = moment("--as-of", as_of)
    with session():
        from recibo.analytics import queries, rollups

        rollups.drain()
        try:
            scope = queries.scope_of(currency=currency, part=part)
            asked = queries.span(
                month("--from", first), month("--to", last), scope=scope, as_of=known_at
            )
        except queries.RangeError as error:
            raise CommandError(f"{error}.") from error
        rows = rows_of(which, asked)
    show(which, rows, asked, currency, Format.JSON if is_json else written)


def rows_of(which: str, asked: "Span") -> list[Row]:
    """The rows of one table."""
    from recibo.analytics import queries

    if which == "customers":
        return queries.customers_by_month(asked)
    return queries.report(asked, (which,))[which]


def show(which: str, rows: list[Row], asked: "Span", currency: str, written: Format) -> None:
    """Write a table."""
    names = columns(which, rows)
    if written is Format.JSON:
        about = {
            "currency": currency.upper() or own_currency(),
            "from": f"{asked.first:%Y-%m}",
            "to": f"{asked.last:%Y-%m}",
            "as_of": asked.as_of,
        }
        output.as_json({**about, "items": rows, "count": len(rows)})
    elif written is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([[row[name] for name in names] for row in rows])
    elif which == "months":
        turned(rows, names)
    else:
        output.table(names, [[row[name] for name in names] for row in rows])


def own_currency() -> str:
    """The currency of consolidated figures."""
    from recibo.analytics.configuration import definitions

    return definitions().currency


def columns(which: str, rows: Sequence[Row]) -> Sequence[str]:
    """The columns of a table, as scripts read them."""
    from recibo.analytics import figures

    if which == "customers":
        return list(rows[0]) if rows else ["customer_id"]
    known = {"months": figures.MONTHLY, "weeks": figures.WEEKLY, "cohorts": figures.COHORTS}
    return known[which]


def turned(rows: Sequence[Row], names: Sequence[str]) -> None:
    """A line for each figure, a column for each month: fifty columns fit no terminal."""
    head = ("", *(row["month"] for row in rows))
    output.table(head, [[name, *(row[name] for row in rows)] for name in names[1:]])


def month(option: str, text: str) -> date | None:
    """``2026-01``; None for "". Raises CommandError."""
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        sentence = _("%(option)s must be a month like 2026-01, not %(text)r.")
        raise CommandError(sentence % {"option": option, "text": text}) from None


@app.command()
def rebuild(is_json: JsonOption = False) -> None:
    """Count everybody anew from the facts, mend what differs, and say how much did.

    Exit code 1 if anything differed: then figures had not been what the facts say.
    """
    with session():
        from msgspec import to_builtins

        from recibo.analytics import rollups

        rollups.drain()
        with output.progress(_("Counting"), everybody()) as advance:
            rebuilt = rollups.rebuild(progress=advance)
        done = to_builtins(rebuilt)
    if is_json:
        output.as_json(done)
    else:
        output.say(
            _(
                "Counted: %(subjects)s in %(seconds).1f s. Not as kept: %(differing)s customers,"
                " %(cells_amiss)s figures."
            )
            % done
        )
    if rebuilt.differing or rebuilt.cells_amiss:
        raise typer.Exit(1)


def everybody() -> int:
    """About how many are counted."""
    from recibo.billing.models import Customer

    return Customer.objects.count()


@app.command()
def churn(is_json: JsonOption = False) -> None:
    """This week's churn and who is at risk: what the seller is sent on Sundays at 3."""
    with session():
        from django.utils import timezone
        from msgspec import to_builtins

        from recibo.analytics import churn as analysis
        from recibo.analytics import rollups

        rollups.drain()
        found = analysis.analyse(timezone.now())
        lines, told = analysis.lines_of(found), to_builtins(found)
    if is_json:
        output.as_json(told)
        return
    for line in lines:
        output.say(output.printable(line))
