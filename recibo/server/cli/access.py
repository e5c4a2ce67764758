"""``recibo access``: which product gives access to which application."""

import sys
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
    help="Say which product gives access to which application.",
)

RULE_FIELDS = ("id", "gateway", "product_id", "offer", "application", "plan", "days")
APPLICATION_FIELDS = ("name", "provider", "url", "credentials", "login_url")


@app.command()
def rules(is_json: JsonOption = False) -> None:
    """List the rules. The most particular one counts; without any, every product gives access."""
    with session():
        from recibo.access.models import AccessRule

        rows = list(AccessRule.objects.order_by("pk").values(*RULE_FIELDS))
    if is_json:
        output.as_json(rows)
        return
    titles = (
        "Id",
        _("Gateway"),
        _("Product"),
        _("Offer"),
        _("Application"),
        _("Plan"),
        _("Days"),
    )
    output.table(titles, [[shown(value) for value in row.values()] for row in rows])


def shown(value: object) -> object:
    """A value as a person reads it: an empty one is any."""
    return "*" if value == "" else value


@app.command()
def add_rule(
    gateway: Annotated[str, typer.Option(help="Of this gateway; else of any.")] = "",
    product: Annotated[str, typer.Option(help="The gateway's id of the product.")] = "",
    offer: Annotated[str, typer.Option(help="The gateway's code of the offer.")] = "",
    application: Annotated[
        str, typer.Option(help="Which application; `none`: it gives no access.")
    ] = "default",
    plan: Annotated[str, typer.Option(help="What the application calls it.")] = "",
    days: Annotated[
        int | None, typer.Option(min=1, help="Days that one purchase lasts; else for ever.")
    ] = None,
) -> None:
    """Say which access a product gives, instead of what was said of it before."""
    with session():
        from recibo.access import setup

        try:
            rule = setup.add_rule(
                gateway=gateway,
                product_id=product,
                offer=offer,
                application="" if application == "none" else application,
                plan=plan,
                days=days,
                actor=actor(),
            )
        except setup.SetupError as error:
            raise CommandError(str(error)) from None
        output.say(f"{rule.pk}: {rule}")


@app.command()
def remove_rule(rule: Annotated[int, typer.Argument(help="Its id, see `rules`.")]) -> None:
    """Forget a rule. Access that was given by it stays."""
    with session():
        from recibo.access import setup

        try:
            setup.remove_rule(rule, actor=actor())
        except setup.SetupError as error:
            raise CommandError(str(error)) from None


@app.command()
def applications(is_json: JsonOption = False) -> None:
    """List the applications besides `default`, which the settings give (ACCESS_PROVIDER)."""
    with session():
        from recibo.access.models import Application

        rows = list(Application.objects.order_by("name").values(*APPLICATION_FIELDS))
    if is_json:
        output.as_json(rows)
        return
    titles = (_("Name"), _("Provider"), _("Address"), _("Credentials"), _("Log-in"))
    output.table(titles, [list(row.values()) for row in rows])


@app.command()
def add_application(
    name: Annotated[str, typer.Argument(help="What you call it: curso-2 …")],
    url: Annotated[str, typer.Option(help="Its address, https://…")],
    provider: Annotated[str, typer.Option(help="http or supabase.")] = "http",
    credentials: Annotated[
        str, typer.Option(help="password or link; else as the provider does by itself.")
    ] = "",
    login_url: Annotated[str, typer.Option(help="Where buyers log in.")] = "",
) -> None:
    """Add an application. Its secret is read from standard input, or asked for."""
    with session():
        from recibo.access import setup

        try:
            setup.add_application(
                name,
                provider=provider,
                url=url,
                secret=secret(),
                credentials=credentials,
                login_url=login_url,
                actor=actor(),
            )
        except setup.SetupError as error:
            raise CommandError(str(error)) from None
    output.say(_("Application %s is there.") % name)


def secret() -> str:
    """The secret, without showing it."""
    if sys.stdin.isatty():
        return str(typer.prompt(_("Secret"), hide_input=True))
    return sys.stdin.readline().strip()


@app.command()
def remove_application(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Forget an application that no rule names."""
    with session():
        from recibo.access import setup

        try:
            setup.remove_application(name, actor=actor())
        except setup.SetupError as error:
            raise CommandError(str(error)) from None
