"""``recibo accounts``: several accounts of a gateway, their secrets and credentials."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import actor, gateway_named, session

if TYPE_CHECKING:
    from recibo.accounts.models import Account
    from recibo.gateways.contract import Gateway

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Several accounts of a gateway: added, rotated, disabled.",
)

GatewayArgument = Annotated[str, typer.Argument(metavar="GATEWAY", help="hotmart …")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What you call it: loja-2 …")]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret-from-env",
        metavar="VARIABLE",
        help="Take a webhook secret from this environment variable; nothing is asked.",
    ),
]
CredentialOption = Annotated[
    list[str] | None,
    typer.Option(
        "--credential-from-env",
        metavar="NAME=VARIABLE",
        help="Take a credential of the API from this environment variable; nothing is asked.",
    ),
]
ApiUrlOption = Annotated[
    str | None, typer.Option("--api-url", help="Where the API is, for a sandbox: https://host.")
]


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody told us of an account."""

    secrets: tuple[str, ...] = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)


# Looking


@app.command(name="list")
def list_accounts(is_json: JsonOption = False) -> None:
    """List the accounts: where their webhooks go, how many secrets and which credentials they have.

    Secrets themselves are never shown.
    """
    with session():
        from recibo.accounts import queries

        rows = [fields_of(account) for account in queries.listed()]
    if is_json:
        output.as_json(rows)
        return
    titles = {
        "gateway": _("Gateway"),
        "name": _("Name"),
        "address": _("Webhooks"),
        "secrets": _("Secrets"),
        "credentials": _("Credentials"),
        "connected_at": _("Connected"),
        "disabled_at": _("Disabled"),
    }
    told = [[readable(row[name]) for name in titles] for row in rows]
    output.table(list(titles.values()), told)


def fields_of(account: "Account") -> dict[str, Any]:
    """An account as it is told. ``secrets`` None: they cannot be opened (see `recibo check`)."""
    from recibo.accounts import queries
    from recibo.accounts.encryption import SealedError

    fields: dict[str, Any] = {
        "gateway": account.gateway,
        "name": account.name,
        "address": queries.address_of(account),
        "secrets": None,
        "credentials": None,
        "api_url": queries.api_url_of(account),
        "created_at": account.created_at,
        "connected_at": account.connected_at,
        "disabled_at": account.disabled_at,
    }
    try:
        secrets, credentials = queries.secrets_of(account), queries.credentials_of(account)
    except SealedError:
        return fields
    return {**fields, "secrets": len(secrets), "credentials": sorted(credentials)}


def readable(value: Any) -> Any:
    """A list in words."""
    return (", ".join(value) or None) if isinstance(value, list) else value


# Changing


@app.command()
def add(
    gateway: GatewayArgument,
    name: NameArgument,
    secret_from_env: SecretOption = None,
    credential_from_env: CredentialOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Add an account and print the address to paste at the gateway.

    Secrets are asked for, hidden. Where nobody can be asked they are read from standard input:
    lines `SETTING=value`, named as in the environment; any other line is a webhook secret.
    """
    chosen = gateway_named(gateway)
    with mending_mistakes():
        from recibo.accounts import actions

        actions.known_name(name)  # before anybody types a secret
        entered = asked(chosen, secret_from_env, credential_from_env)
        account = actions.add(
            chosen.slug,
            name,
            secrets=entered.secrets,
            credentials=entered.credentials,
            api_url=api_url or "",
            actor=actor(),
        )
        introduce(chosen, account)


@app.command()
def rotate(
    gateway: GatewayArgument,
    name: NameArgument,
    secret_from_env: SecretOption = None,
    credential_from_env: CredentialOption = None,
    api_url: ApiUrlOption = None,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="The webhook secrets so far end at once.")
    ] = False,
) -> None:
    """Give an account new secrets or credentials; what is left empty stays as it is.

    Old webhook secrets stay valid until `recibo accounts forget`. Credentials are replaced.
    """
    chosen = gateway_named(gateway)
    with mending_mistakes():
        from django.db import transaction

        account = account_named(chosen, name)
        entered = asked(chosen, secret_from_env, credential_from_env)
        if not entered.secrets and not entered.credentials and api_url is None:
            raise CommandError(_("Nothing was entered, and nothing is changed."))
        with transaction.atomic():
            renew(account, entered, api_url, keep_old=not forget_old)
        report(account_named(chosen, name))


def renew(account: "Account", entered: Entered, api_url: str | None, *, keep_old: bool) -> None:
    """Take over what was entered. Raises AccountError, SealedError."""
    from recibo.accounts import actions

    if entered.secrets:
        actions.rotate(account, entered.secrets, actor=actor(), keep_old=keep_old)
    if entered.credentials or api_url is not None:
        actions.change(account, credentials=entered.credentials, api_url=api_url, actor=actor())


@app.command()
def forget(gateway: GatewayArgument, name: NameArgument) -> None:
    """Forget the webhook secrets from before the last rotation."""
    chosen = gateway_named(gateway)
    with mending_mistakes():
        from recibo.accounts import actions

        forgotten = actions.forget_old(account_named(chosen, name), actor=actor())
        output.say(_("Forgotten: %s webhook secrets.") % forgotten)
        report(account_named(chosen, name))


@app.command()
def disable(gateway: GatewayArgument, name: NameArgument) -> None:
    """Refuse an account's webhooks, within seconds. Nothing is deleted."""
    chosen = gateway_named(gateway)
    with mending_mistakes():
        from recibo.accounts import actions

        actions.disable(account_named(chosen, name), actor=actor())
    output.say(_("%s is disabled.") % f"{chosen.slug}/{name}")


@app.command()
def enable(gateway: GatewayArgument, name: NameArgument) -> None:
    """Take an account's webhooks again."""
    chosen = gateway_named(gateway)
    with mending_mistakes():
        from recibo.accounts import actions

        actions.enable(account_named(chosen, name), actor=actor())
    output.say(_("%s is enabled.") % f"{chosen.slug}/{name}")


@contextmanager
def mending_mistakes() -> Iterator[None]:
    """A session in which what cannot be done with an account is one sentence."""
    with session():
        from recibo.accounts.actions import AccountError
        from recibo.accounts.encryption import SealedError

        try:
            yield
        except AccountError as error:
            raise CommandError(str(error)) from None
        except SealedError as error:
            sentence = _(
                "What is kept cannot be opened (%s). Use the same RECIBO_HOME or "
                "RECIBO_SECRET_KEY as the server, or enter all secrets anew with --forget-old."
            )
            raise CommandError(sentence % error) from None


def account_named(gateway: "Gateway", name: str) -> "Account":
    """The account of that name. Raises CommandError."""
    from recibo.accounts import queries

    if (found := queries.find(gateway.slug, name)) is None:
        sentence = _(
            "%(gateway)s has no account %(name)r; see `recibo accounts list`, or "
            "`recibo accounts add %(slug)s NAME`."
        )
        facts = {"gateway": gateway.name, "slug": gateway.slug, "name": name}
        raise CommandError(sentence % facts)
    return found


# Telling


def introduce(gateway: "Gateway", account: "Account") -> None:
    """Say where the account's webhooks go, and what it still lacks."""
    from django.conf import settings

    from recibo.accounts import queries

    facts = {"gateway": gateway.name, "account": account.name}
    output.say(_("Webhooks of %(gateway)s for %(account)s go to:") % facts)
    output.say(f"{queries.address_of(account)}{parameter(gateway)}")
    if not settings.RECIBO_PUBLIC_URL:
        output.complain(_("Set RECIBO_PUBLIC_URL to have this address in full."))
    report(account)


def parameter(gateway: "Gateway") -> str:
    """The end of an address that carries the secret; where it goes, not the secret itself."""
    names = sorted(name.decode() for name in gateway.secret_parameters)
    return f"?{names[0]}=WEBHOOK-SECRET" if names else ""


def report(account: "Account") -> None:
    """Say how many secrets there are now, and what is missing."""
    from recibo.accounts import queries
    from recibo.gateways.registry import GATEWAYS

    count, credentials = len(queries.secrets_of(account)), queries.credentials_of(account)
    wanted = GATEWAYS[account.gateway].credentials
    output.say(_("Webhook secrets in force: %s") % count)
    if wanted:
        facts = {"there": words(sorted(credentials)) or _("none"), "wanted": words(wanted)}
        output.say(_("Credentials: %(there)s, of %(wanted)s") % facts)
    if not count and GATEWAYS[account.gateway].secret_settings:
        sentence = _("Without a secret its webhooks are refused: `%s`.")
        output.complain(sentence % f"recibo accounts rotate {account.gateway} {account.name}")


def words(names: Iterable[str]) -> str:
    """Names in a row."""
    return ", ".join(names)


# Asking


def asked(
    gateway: "Gateway", secrets_from: Sequence[str] | None, credentials_from: Sequence[str] | None
) -> Entered:
    """Secrets and credentials: from variables if those are named, else asked for or read.

    Never from the arguments: every user of a machine sees those. Raises CommandError.
    """
    if secrets_from or credentials_from:
        named = dict(map(pair, credentials_from or ()))
        credentials = {name: variable(one) for name, one in named.items()}
        return Entered(tuple(variable(one) for one in secrets_from or ()), credentials)
    answers, bare = (typed(gateway), []) if is_terminal() else piped(gateway)
    return understood(gateway, answers, bare)


def pair(text: str) -> tuple[str, str]:
    """NAME=VARIABLE. Raises CommandError."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        sentence = _("--credential-from-env must read like access_token=MY_VARIABLE.")
        raise CommandError(sentence)
    return name, value


def variable(name: str) -> str:
    """A variable of the environment. Raises CommandError, which does not repeat what is there."""
    if not (value := os.environ.get(name, "").strip()):
        raise CommandError(_("The environment variable %s is not set.") % name)
    return value


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def settings_of(gateway: "Gateway") -> list[str]:
    """The settings that would configure the account ``default``, each once."""
    secrets = [name for setting in gateway.secret_settings for name in setting.split(":")]
    return list(dict.fromkeys((*secrets, *gateway.credentials.values())))


def typed(gateway: "Gateway") -> dict[str, str]:
    """Ask for each setting, hidden."""
    facts = {"gateway": gateway.name, "settings": words(settings_of(gateway))}
    output.complain(_("%(gateway)s takes %(settings)s; leave empty what is not.") % facts)
    return {name: hidden(name) for name in settings_of(gateway)}


def hidden(name: str) -> str:
    """What is typed without being seen; "" for nothing."""
    answer: str = typer.prompt(name, default="", hide_input=True, show_default=False, err=True)
    return answer


def piped(gateway: "Gateway") -> tuple[dict[str, str], list[str]]:
    """Settings from standard input, and the lines that name none: webhook secrets."""
    lines = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    names = "|".join(map(re.escape, settings_of(gateway)))
    found = [re.fullmatch(rf"({names})\s*=\s*(.*)", line) for line in lines]
    answers = {match[1]: match[2] for match in found if match}
    bare = [line for line, match in zip(lines, found, strict=True) if not match]
    return answers, bare


def understood(gateway: "Gateway", answers: Mapping[str, str], bare: Sequence[str]) -> Entered:
    """The settings as the environment would be understood."""
    from recibo.server import environment

    secrets = [secret.decode() for secret in environment.webhook_secrets(gateway, answers)]
    return Entered((*secrets, *bare), environment.credentials(gateway, answers))
