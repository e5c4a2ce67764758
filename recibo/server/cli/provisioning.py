"""``recibo provisioning``: giving access to who paid."""

from typing import Annotated

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, session

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Give access to who paid: look how far it has come, go on, start again.",
)


@app.command()
def process(is_json: JsonOption = False) -> None:
    """Advance everything that is due now, in this process."""
    with session():
        from recibo.access import stages
        from recibo.access.models import Provisioning
        from recibo.automation.reactions import react

        due = Provisioning.objects.filter(next_attempt_at__isnull=False).count()
        total = 0
        with output.progress(_("Giving access"), due) as advance:
            while taken := stages.advance_all(react):
                total += taken
                advance(taken)
    if is_json:
        output.as_json({"advanced": total})
    else:
        output.say(_("%s advanced") % total)


@app.command()
def resync(
    order: Annotated[str, typer.Argument(help="The order: its id or its reference.")],
    new_credentials: Annotated[
        bool,
        typer.Option("--new-credentials", help="Make new ones and send them, whatever was sent."),
    ] = False,
) -> None:
    """Start giving access again where it stopped. The worker does it in a moment."""
    with session():
        from recibo.access import actions
        from recibo.billing.queries import AmbiguousError, order_meant

        try:
            found = order_meant(order)
        except AmbiguousError:
            sentence = _(
                "%(name)s is the id of one order and the reference of another: say id:%(name)s,"
                " or the id of the other."
            )
            raise CommandError(sentence % {"name": order}) from None
        if found is None:
            raise CommandError(_("There is no order %r.") % order)
        start = actions.renew if new_credentials else actions.resync
        try:
            count = start(found, actor=actor())
        except actions.NothingToDoError as error:
            raise CommandError(str(error)) from None
    sentence = _("Order %(order)s: %(count)s started.")
    output.say(sentence % {"order": found.reference, "count": count})


@app.command()
def stats(is_json: JsonOption = False) -> None:
    """Count provisionings by stage."""
    with session():
        from recibo.access import queries

        counts = queries.stats()
    if is_json:
        output.as_json(counts)
    else:
        output.table((_("Stage"), _("Orders")), list(counts.items()))
