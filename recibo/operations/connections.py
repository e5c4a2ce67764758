"""How it stands with each account: can its webhooks prove themselves, do its credentials work."""

from collections.abc import Callable, Iterator, Mapping

import httpx
from django.utils.translation import gettext as _

from recibo.accounts import queries
from recibo.accounts.encryption import SealedError
from recibo.accounts.models import Account
from recibo.gateways.contract import Api, Gateway
from recibo.gateways.errors import ApiError, DeniedError
from recibo.gateways.registry import GATEWAYS
from recibo.operations.checks import Check, State

#: Seconds that a gateway may take to answer.
PATIENCE = 5.0


def checks(*, has_tables: bool) -> Iterator[Check]:
    """How every account stands; without tables those that the environment configures."""
    defaults = [Account(gateway=slug) for slug in GATEWAYS]
    accounts = queries.listed() if has_tables else defaults
    found = [one for account in accounts for one in looked_at(account)]
    yield from found
    if all(one.state is State.UNUSED for one in found):
        setting = queries.secret_settings(next(iter(GATEWAYS.values())))
        sentence = _("No gateway is configured. Set what proves the one you use, such as %s.")
        yield Check("gateways", State.WARNING, sentence % setting)


def looked_at(account: Account) -> Iterator[Check]:
    """How one account stands."""
    gateway = GATEWAYS[account.gateway]
    if account.disabled_at:
        yield Check(f"gateway {label(account)}", State.UNUSED, _("The account is disabled."))
        return
    try:
        secrets, credentials = queries.secrets_of(account), queries.credentials_of(account)
    except SealedError as error:
        yield unreadable(account, error)
        return
    is_used = bool(secrets or credentials) or not is_default(account)
    yield proof(account, gateway, len(secrets), is_used=is_used)
    if gateway.credentials and is_used:
        yield access(account, gateway, credentials)


def unreadable(account: Account, error: SealedError) -> Check:
    """What is kept for an account cannot be opened."""
    sentence = _(
        "Its secrets cannot be opened (%(error)s). Use the RECIBO_SECRET_KEY that they were kept "
        "with, or enter them all again: `%(command)s --forget-old`."
    )
    facts = {"error": error, "command": rotate_command(account)}
    return Check(f"gateway {label(account)}", State.BROKEN, sentence % facts)


def proof(account: Account, gateway: Gateway, count: int, *, is_used: bool) -> Check:
    """Whether the account's webhooks can prove themselves."""
    name = f"gateway {label(account)}"
    if count:
        return Check(name, State.OK, _("Webhook secrets in force: %s.") % count)
    if not gateway.secret_settings:
        sentence = _("Its webhooks carry no proof: the gateway is asked whether they are true.")
        return Check(name, State.OK if is_used else State.UNUSED, sentence)
    sentence = _("%(remedy)s: until then webhooks of %(gateway)s are refused.")
    remedy = entered(account, queries.secret_settings(gateway))
    state = State.WARNING if is_used else State.UNUSED
    return Check(name, state, sentence % {"remedy": remedy, "gateway": gateway.name})


def access(account: Account, gateway: Gateway, credentials: Mapping[str, str]) -> Check:
    """Whether the account may ask its gateway's API; tries it."""
    name = f"credentials {label(account)}"
    if not credentials:
        sentence = _("%(remedy)s: until then %(gateway)s cannot be asked what webhooks leave out.")
        remedy = entered(account, wanted(gateway))
        return Check(name, State.WARNING, sentence % {"remedy": remedy, "gateway": gateway.name})
    if gateway.ping is None:
        return Check(name, State.OK, _("Set; %s has no way to try them.") % gateway.name)
    url = queries.api_url_of(account)
    state, reason = answered(gateway.ping, url, credentials)
    facts = {"gateway": gateway.name, "url": url, "reason": reason}
    return Check(name, state, sentences()[state] % {**facts, "source": source(account, gateway)})


def wanted(gateway: Gateway) -> str:
    """The settings of its credentials; where they are to be sent has its usual place."""
    return ", ".join(name for name in gateway.credentials.values() if not name.endswith("_URL"))


def sentences() -> dict[State, str]:
    """What a gateway's answer to our credentials means."""
    return {
        State.OK: _("%(gateway)s accepts them."),
        State.WARNING: _("%(gateway)s could not be asked at %(url)s (%(reason)s)."),
        State.BROKEN: _(
            "The gateway refuses these credentials (%(reason)s): check %(source)s, and that they "
            "are for %(url)s."
        ),
    }


def answered(
    ping: Callable[[Api], None], url: str, credentials: Mapping[str, str]
) -> tuple[State, str]:
    """Whether the credentials work, and why they do not."""
    try:
        with httpx.Client(timeout=PATIENCE) as client:
            ping(Api(client, url, credentials))
    except DeniedError as error:
        return State.BROKEN, str(error)
    except UnicodeError:  # its own message repeats the credentials
        return State.BROKEN, _("they have letters that no header can hold")
    except (ApiError, httpx.InvalidURL) as error:
        return State.WARNING, str(error)
    return State.OK, ""


def is_default(account: Account) -> bool:
    """Whether the environment has a say in it."""
    return account.name == Account.DEFAULT


def label(account: Account) -> str:
    """``hotmart`` for the account ``default``, ``hotmart/name`` for others."""
    return account.gateway if is_default(account) else str(account)


def entered(account: Account, names: str) -> str:
    """How an account gets what it lacks: the settings, or for others than ``default`` a command."""
    if is_default(account):
        return _("Set %s") % names
    return _("Run `%(command)s` (%(names)s)") % {
        "command": rotate_command(account),
        "names": names,
    }


def source(account: Account, gateway: Gateway) -> str:
    """Where an account's credentials are from."""
    settings = ", ".join(gateway.credentials.values())
    return f"`{rotate_command(account)}`" if account.sealed_credentials else settings


def rotate_command(account: Account) -> str:
    """The command that enters secrets and credentials."""
    return f"recibo accounts rotate {account.gateway} {account.name}"
