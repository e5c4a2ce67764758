"""``recibo doctor``: do the gateways still send us webhooks, and what to do where they do not."""

from typing import TYPE_CHECKING, Annotated

import typer

from recibo.server.cli import output
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, session

if TYPE_CHECKING:
    from recibo.operations.doctor import Diagnosis, Queue


def doctor(
    mend: Annotated[
        bool, typer.Option("--mend", help="Have gateways send again, and read what was missed.")
    ] = False,
    is_json: JsonOption = False,
) -> None:
    """Ask each gateway how its webhooks to us stand, and say what to do.

    Exit code 1 if something is left for a person to do.
    """
    with session():
        from msgspec import to_builtins

        from recibo.operations import doctor as practice

        found = list(practice.rounds(mend=mend, actor=actor()))
    if is_json:
        output.as_json([to_builtins(one) for one in found])
    else:
        tell(found)
    if not all(one.is_well for one in found):
        raise typer.Exit(1)


def tell(found: "list[Diagnosis]") -> None:
    """What was found, and what a person has to do."""
    if not found:
        output.say(_("No account is in use: see `recibo check`."))
        return
    titles = (_("Account"), _("Refused in a day"), _("Webhooks"), _("Reading the gap"))
    output.table(titles, [row(one) for one in found])
    for one in found:
        for sentence in one.advice:
            output.say(f"{one.account}: {sentence}")


def row(one: "Diagnosis") -> tuple[str, int, str, str]:
    """An account as a person reads it."""
    ours = [standing(queue) for queue in one.queues if queue.is_ours]
    webhooks = ", ".join(ours) or _("the gateway cannot be asked")
    return one.account, one.refused, webhooks, _("yes") if one.is_syncing else _("no")


def standing(queue: "Queue") -> str:
    """How an address stands, in words."""
    if queue.was_resumed:
        return _("switched on again")
    return _("sending") if queue.is_sending else _("stopped")
