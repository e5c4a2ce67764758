"""``recibo export``: rows as a file, on standard output."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.session import actor, gateway_named, session


class Kind(StrEnum):
    """Which rows."""

    CUSTOMERS = "customers"
    CHARGES = "charges"
    SUBSCRIPTIONS = "subscriptions"
    EVENTS = "events"


class Format(StrEnum):
    """How they are written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    kind: Annotated[Kind, typer.Argument(help="Which rows.")],
    form: Annotated[Format, typer.Option("--format", help="How they are written.")] = Format.CSV,
    gateway: Annotated[str, typer.Option(help="Only of this gateway: hotmart …")] = "",
    separator: Annotated[
        str, typer.Option(help="Between the cells of CSV; spreadsheets in Portuguese want ;")
    ] = ",",
    decimal: Annotated[
        str, typer.Option(help="Within amounts in CSV. Else a comma where ; separates.")
    ] = "",
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin with the mark by which Excel knows UTF-8.")
    ] = False,
) -> None:
    """Write customers, charges, subscriptions or events to standard output, newest first.

    `recibo export charges --separator ';' --bom > vendas.csv` opens in a Brazilian spreadsheet.
    """
    slug = gateway_named(gateway).slug if gateway else ""
    with session():
        from recibo.operations import exports

        try:
            style = exports.style(form, separator=separator, decimal=decimal, bom=bom)
        except ValueError as error:
            raise CommandError(str(error)) from None
        exports.tell(kind, slug, actor=actor())
        with output.progress(_("Exporting"), exports.count(kind, slug)) as advance:
            for piece in exports.pieces(kind, slug, style, advance=advance):
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
