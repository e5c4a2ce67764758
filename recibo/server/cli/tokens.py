"""``recibo token``: who may use the API."""

from datetime import UTC, datetime
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
    help="Tokens for the API: made, listed, revoked.",
)

NameArgument = Annotated[str, typer.Argument(help="What you call it: erp, dashboard …")]
#: What is told of a token.
FIELDS = ("name", "hint", "read_only", "created_at", "expires_at", "last_used_at")


@app.command()
def create(
    name: NameArgument,
    read_only: Annotated[bool, typer.Option("--read-only", help="It may only look.")] = False,
    expires: Annotated[str, typer.Option(help="Ends after: 90d, 12h. Else never.")] = "",
) -> None:
    """Make a token and print it, and only it. It cannot be shown again."""
    with session():
        from django.db import transaction

        from recibo.api import tokens
        from recibo.journal.actions import audit

        try:
            with transaction.atomic():
                token = tokens.create(name, read_only=read_only, expires=end_of(expires))
                audit(actor(), "token.create", f"token:{name}", after={"read_only": read_only})
        except tokens.NameTakenError:
            sentence = _(
                "There is a token %(name)r already; `recibo token revoke %(name)s` ends it."
            )
            raise CommandError(sentence % {"name": name}) from None
    output.say(token)


def end_of(expires: str) -> datetime | None:
    """When a token ends that is good for so long. Raises SettingError."""
    from recibo.server.values import duration

    return datetime.now(UTC) + duration("--expires", expires) if expires else None


@app.command(name="list")
def list_tokens(is_json: JsonOption = False) -> None:
    """List the tokens in force, by name: only how they begin, for nobody has the rest."""
    with session():
        from recibo.api import tokens

        rows = list(tokens.listed().values(*FIELDS))
    if is_json:
        output.as_json(rows)
    else:
        output.table(
            (_("Name"), _("Begins with"), _("Read only"), _("Made"), _("Ends"), _("Last used")),
            [[answer(value) for value in row.values()] for row in rows],
        )


def answer(value: object) -> object:
    """Yes and no in words."""
    return {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else value


@app.command()
def revoke(name: NameArgument) -> None:
    """End a token at once."""
    with session():
        from django.db import transaction

        from recibo.api import tokens
        from recibo.journal.actions import audit

        with transaction.atomic():
            if not tokens.revoke(name):
                sentence = _("There is no token %r in force; see `recibo token list`.")
                raise CommandError(sentence % name)
            audit(actor(), "token.revoke", f"token:{name}")
    output.say(_("Token %s is revoked.") % name)
