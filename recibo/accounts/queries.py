"""Reads of accounts."""

import functools
import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from msgspec import Struct

from recibo.accounts.encryption import SealedError, opened
from recibo.accounts.models import Account
from recibo.gateways.contract import Gateway
from recibo.gateways.registry import GATEWAYS

logger = logging.getLogger(__name__)


class Secret(Struct, frozen=True):
    """What may prove a webhook, and since when it is known."""

    value: str
    added_at: datetime

    def __repr__(self) -> str:
        return f"Secret(added_at={self.added_at:%Y-%m-%d %H:%M})"  # never the value


@dataclass(frozen=True, slots=True)
class Door:
    """What the receiver needs of an account to judge a request."""

    account_id: int
    secrets: tuple[bytes, ...] = field(repr=False)
    #: Whether the gateway can be asked about what nothing else proves.
    has_credentials: bool = False


def doors() -> dict[tuple[str, str], Door]:
    """Every open account by (gateway, name)."""
    return {
        (account.gateway, account.name): door_of(account)
        for account in Account.objects.filter(disabled_at=None)
    }


def door_of(account: Account) -> Door:
    """An account's door. What cannot be opened is left out: it must not close other doors."""
    try:
        return Door(account.pk, secrets_of(account), bool(credentials_of(account)))
    except SealedError:
        complain(str(account))
        return Door(account.pk, secrets_set(account), bool(credentials_set(account)))


@functools.cache
def complain(account: str) -> None:
    """Say once in the life of a process that an account's webhooks cannot be proven."""
    logger.error(
        "The secrets of %s cannot be opened: RECIBO_SECRET_KEY is not the one they were kept with",
        account,
    )


def secrets_of(account: Account) -> tuple[bytes, ...]:
    """The secrets that may sign this account's webhooks, several while one is being rotated.

    Raises SealedError.
    """
    kept = (secret.value.encode() for secret in kept_secrets(account))
    return tuple(dict.fromkeys((*secrets_set(account), *kept)))


def secrets_set(account: Account) -> tuple[bytes, ...]:
    """The secrets in the environment."""
    if account.name != Account.DEFAULT:
        return ()
    found: tuple[bytes, ...] = settings.RECIBO_WEBHOOK_SECRETS.get(account.gateway, ())
    return found


def kept_secrets(account: Account) -> list[Secret]:
    """The secrets in the database, oldest first. Raises SealedError."""
    return opened(bytes(account.sealed_secrets), list[Secret])


def credentials_of(account: Account) -> Mapping[str, str]:
    """What the API wants of us, by the names of ``Gateway.credentials``.

    What is kept for ``default`` goes before what the environment says. Raises SealedError.
    """
    return {**credentials_set(account), **kept_credentials(account)}


def credentials_set(account: Account) -> Mapping[str, str]:
    """The credentials in the environment."""
    if account.name != Account.DEFAULT:
        return {}
    found: Mapping[str, str] = settings.RECIBO_CREDENTIALS.get(account.gateway, {})
    return found


def kept_credentials(account: Account) -> dict[str, str]:
    """The credentials in the database. Raises SealedError."""
    return opened(bytes(account.sealed_credentials), dict[str, str])


def api_url_of(account: Account) -> str:
    """Where the API is: the account's own, else the environment's, else the gateway's.

    The environment's (``ASAAS_API_URL``) is for every account: no sandbox's secrets go to the
    real gateway because one forgot it.
    """
    set_for_all: str = settings.RECIBO_API_URLS.get(account.gateway, "")
    return account.api_url or set_for_all or GATEWAYS[account.gateway].api_url


def address_of(account: Account) -> str:
    """Where the gateway sends this account's webhooks; a path while RECIBO_PUBLIC_URL is unset."""
    path = f"/api/webhooks/{account.gateway}"
    named = path if account.name == Account.DEFAULT else f"{path}/{account.name}"
    return f"{settings.RECIBO_PUBLIC_URL}{named}"


def paths_of(gateway: Gateway, name: str) -> list[str]:
    """Where an account's webhooks come in; ``default`` has the short addresses too."""
    short = f"/api/webhooks/{gateway.slug}"
    if name != Account.DEFAULT:
        return [f"{short}/{name}"]
    return [f"{short}/{name}", short, *(f"/api/{alias}" for alias in gateway.aliases)]


def find(gateway: str, name: str) -> Account | None:
    """The account of that name."""
    return Account.objects.filter(gateway=gateway, name=name).first()


def listed() -> list[Account]:
    """Every account of a gateway that we speak: by gateway in the registry's order, by name."""
    order = {slug: place for place, slug in enumerate(GATEWAYS)}
    known = Account.objects.filter(gateway__in=order)
    return sorted(known, key=lambda one: (order[one.gateway], one.name != one.DEFAULT, one.name))


def secret_settings(gateway: Gateway) -> str:
    """The settings that hold the webhook secrets, in words: "USER with PASSWORD, or SECRET"."""
    return ", or ".join(one.replace(":", " with ") for one in gateway.secret_settings)


def simulation_secret(gateway: str) -> bytes:
    """What signs simulated webhooks where no real secret is set.

    Derived from this installation's own key, and accepted only on requests that say that they
    are simulations: it opens no door to real money.
    """
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"simulation:{gateway}".encode(), hashlib.sha256).hexdigest().encode()


def configured() -> list[str]:
    """Slugs of the gateways one of whose open accounts has a secret, in the registry's order."""
    found = {gateway for (gateway, _), door in doors().items() if door.secrets}
    return [slug for slug in GATEWAYS if slug in found]
