"""Reads of accounts."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings

from recibo.accounts.models import Account
from recibo.gateways.registry import GATEWAYS


@dataclass(frozen=True, slots=True)
class Door:
    """What the receiver needs of an account to judge a request."""

    account_id: int
    secrets: tuple[bytes, ...]


def doors() -> dict[tuple[str, str], Door]:
    """Every open account by (gateway, name)."""
    return {
        (account.gateway, account.name): Door(account.pk, secrets_of(account))
        for account in Account.objects.filter(disabled_at=None)
    }


def secrets_of(account: Account) -> tuple[bytes, ...]:
    """The secrets that may sign this account's webhooks; several while one is being rotated."""
    if account.name != Account.DEFAULT:
        return ()
    secret = settings.RECIBO_WEBHOOK_SECRETS.get(account.gateway)
    return (secret,) if secret else ()


def simulation_secret(gateway: str) -> bytes:
    """What signs simulated webhooks where no real secret is set.

    Derived from this installation's own key, and accepted only on requests that say that they
    are simulations: it opens no door to real money.
    """
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"simulation:{gateway}".encode(), hashlib.sha256).hexdigest().encode()


def configured() -> list[str]:
    """Slugs of the gateways whose webhook secret is set, in the registry's order."""
    return [slug for slug in GATEWAYS if slug in settings.RECIBO_WEBHOOK_SECRETS]
