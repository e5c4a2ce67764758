"""Why nobody can ask for an account."""

from django.utils.translation import gettext as _

from recibo.accounts.encryption import SealedError
from recibo.accounts.models import Account
from recibo.accounts.queries import credentials_of
from recibo.gateways.registry import GATEWAYS


def closed(account: Account) -> str:
    """Why an account of a gateway that we speak cannot be asked for, in a sentence; "" where one
    can.
    """
    if account.disabled_at:
        return _("The account is disabled: `recibo accounts enable %(gateway)s %(name)s`.") % {
            "gateway": account.gateway,
            "name": account.name,
        }
    try:
        has_credentials = bool(credentials_of(account))
    except SealedError:
        return _("The account's credentials cannot be opened: see `recibo check`.")
    return "" if has_credentials else _("The account has no credentials: %s") % mending(account)


def mending(account: Account) -> str:
    """Where an account's credentials are set."""
    settings = ", ".join(GATEWAYS[account.gateway].credentials.values())
    if account.name == Account.DEFAULT:
        return settings
    return f"{settings} (`recibo accounts rotate {account.gateway} {account.name}`)"
