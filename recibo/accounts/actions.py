"""Writes of accounts, audited by the names of what changed and never by its content."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from recibo.accounts import queries
from recibo.accounts.encryption import sealed
from recibo.accounts.models import Account
from recibo.accounts.queries import Secret
from recibo.gateways.contract import Gateway
from recibo.gateways.registry import GATEWAYS
from recibo.journal.actions import audit

NAME = re.compile(r"[a-z0-9-]{1,32}")
#: Characters of a secret; the longest known is a document with public keys.
LONGEST_SECRET = 10_000
LONGEST_URL = 200
#: Secrets of one account at a time: each is tried on each webhook.
MOST_SECRETS = 10


class AccountError(Exception):
    """That cannot be done with an account. The message says why, and tells no secret."""


def ensure_defaults() -> None:
    """Every gateway has its account ``default``, connected as soon as anything is set for it.

    Safe to repeat.
    """
    Account.objects.bulk_create([Account(gateway=slug) for slug in GATEWAYS], ignore_conflicts=True)
    waiting = Account.objects.filter(name=Account.DEFAULT, connected_at=None)
    known = [one.pk for one in waiting if queries.secrets_set(one) or queries.credentials_set(one)]
    Account.objects.filter(pk__in=known).update(connected_at=timezone.now())


@transaction.atomic
def add(
    gateway: str,
    name: str,
    *,
    secrets: Sequence[str] = (),
    credentials: Mapping[str, str] | None = None,
    api_url: str = "",
    actor: str,
) -> Account:
    """A further account of a gateway. Secrets may follow later: until then nothing is believed.

    Raises AccountError.
    """
    account = Account(gateway=known_gateway(gateway).slug, name=known_name(name))
    now = timezone.now()
    keep(account, [], secrets, now)
    keep_credentials(account, credentials or {}, now)
    account.api_url = known_url(api_url)
    insert(account)
    after = {"secrets": len(secrets), "credentials": sorted(credentials or ())}
    audit(actor, "account.add", subject(account), after={**after, "api_url": account.api_url})
    return account


def insert(account: Account) -> None:
    """Write a new account. Raises AccountError if there is one of that name."""
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise AccountError(
            f"There is an account {account.name!r} of {account.gateway} already."
        ) from None


@transaction.atomic
def rotate(
    account: Account, new_secrets: Sequence[str], *, actor: str, keep_old: bool = True
) -> Account:
    """Accept new webhook secrets; the old ones stay valid until ``forget_old``, or end at once.

    Raises AccountError, SealedError (not if the old ones end).
    """
    if not new_secrets:
        raise AccountError("There is no new secret.")
    account = locked(account)
    old = queries.kept_secrets(account) if keep_old else []
    keep(account, old, new_secrets, timezone.now())
    account.save()
    after = {"secrets": len(old) + len(new_secrets), "kept_old": keep_old}
    audit(actor, "account.rotate", subject(account), after=after)
    return account


@transaction.atomic
def forget_old(account: Account, *, actor: str) -> int:
    """Forget the secrets that were kept when the last ones were added; how many that were.

    Raises SealedError.
    """
    account = locked(account)
    kept = queries.kept_secrets(account)
    newest = [one for one in kept if one.added_at == kept[-1].added_at]
    if forgotten := len(kept) - len(newest):
        account.sealed_secrets = sealed(newest)
        account.save()
        after = {"secrets": len(newest)}
        audit(actor, "account.forget", subject(account), before={"secrets": len(kept)}, after=after)
    return forgotten


@transaction.atomic
def change(
    account: Account,
    *,
    credentials: Mapping[str, str] | None = None,
    api_url: str | None = None,
    actor: str,
) -> Account:
    """Replace those credentials that are given, and where the API is; the others stay.

    Raises AccountError, SealedError (not if all credentials are given).
    """
    account = locked(account)
    before = {"api_url": account.api_url}
    keep_credentials(account, credentials or {}, timezone.now())
    account.api_url = account.api_url if api_url is None else known_url(api_url)
    account.save()
    after = {"api_url": account.api_url, "replaced": sorted(credentials or ())}
    audit(actor, "account.change", subject(account), before=before, after=after)
    return account


def disable(account: Account, *, actor: str) -> None:
    """Take no more webhooks for it, within seconds. Safe to repeat."""
    close(account, timezone.now(), "account.disable", actor)


def enable(account: Account, *, actor: str) -> None:
    """Take its webhooks again. Safe to repeat."""
    close(account, None, "account.enable", actor)


@transaction.atomic
def close(account: Account, disabled_at: datetime | None, action: str, actor: str) -> None:
    """Set since when it is closed; nothing changes where it stands like that already."""
    stands_otherwise = Q(disabled_at__isnull=disabled_at is not None)
    changed = Account.objects.filter(stands_otherwise, pk=account.pk)
    if changed.update(disabled_at=disabled_at):
        audit(actor, action, subject(account))


def locked(account: Account) -> Account:
    """The account as it is now, and nobody else's until the end of the transaction."""
    return Account.objects.select_for_update().get(pk=account.pk)


def keep(
    account: Account, old: Iterable[Secret], new_secrets: Sequence[str], now: datetime
) -> None:
    """Seal the old secrets and the new ones; one that is known already counts as new.

    Raises AccountError.
    """
    values = list(dict.fromkeys(known_secret("webhook secret", one) for one in new_secrets))
    kept = [one for one in old if one.value not in values]
    kept += [Secret(value, now) for value in values]
    if len(kept) > MOST_SECRETS:
        raise AccountError(
            f"{account} would have {len(kept)} secrets, and {MOST_SECRETS} is the most: forget "
            f"the old ones first (`recibo accounts forget {account.gateway} {account.name}`)."
        )
    if values:
        account.sealed_secrets = sealed(kept)
        account.connected_at = account.connected_at or now


def keep_credentials(account: Account, given: Mapping[str, str], now: datetime) -> None:
    """Seal the credentials that are given beside those that are kept.

    Raises AccountError, SealedError.
    """
    wanted = GATEWAYS[account.gateway].credentials
    if unknown := sorted(given.keys() - wanted.keys()):
        raise AccountError(
            f"{account.gateway} takes no {', '.join(unknown)}. {credentials_taken(account.gateway)}"
        )
    checked = {name: known_secret(name, value) for name, value in given.items()}
    if checked:
        # Given all anew, it does not matter whether the old ones can still be opened.
        others = {} if checked.keys() == wanted.keys() else queries.kept_credentials(account)
        account.sealed_credentials = sealed({**others, **checked})
        account.connected_at = account.connected_at or now


def credentials_taken(gateway: str) -> str:
    """The credentials of a gateway, in a sentence."""
    names = ", ".join(GATEWAYS[gateway].credentials)
    return f"It takes: {names}." if names else "It takes none."


def known_gateway(slug: str) -> Gateway:
    """The gateway with that slug. Raises AccountError."""
    if (found := GATEWAYS.get(slug)) is None:
        raise AccountError(f"There is no gateway {slug!r}. There are: {', '.join(GATEWAYS)}.")
    return found


def known_name(name: str) -> str:
    """A name that can stand in an address. Raises AccountError."""
    if not NAME.fullmatch(name):
        raise AccountError(
            f"The name of an account has 1 to 32 letters from a to z, digits and hyphens, "
            f"as in loja-2; not {name!r}."
        )
    return name


def known_secret(what: str, value: str) -> str:
    """A secret without the white space around it. Raises AccountError, which does not tell it."""
    value = value.strip()
    if not value or not value.isprintable() or len(value) > LONGEST_SECRET:
        raise AccountError(
            f"The {what} must be one line of printable characters, {LONGEST_SECRET:,} at most."
        )
    return value


def known_url(url: str) -> str:
    """Scheme, host and port, or "". Raises AccountError."""
    url = url.strip().rstrip("/")
    if url and not is_base(url):
        raise AccountError(
            "The address of an API is a scheme, a host and perhaps a port, as in "
            "https://sandbox.example.com; nothing more."
        )
    if url and not settings.RECIBO_ALLOW_PRIVATE_ADDRESSES and is_private(url):
        raise AccountError(
            f"{url} is of this machine or its own network: credentials are not sent there unless"
            " RECIBO_ALLOW_PRIVATE_ADDRESSES=true."
        )
    return url


def is_private(url: str) -> bool:
    """Whether an address leads to this machine or its network, as far as names can be resolved."""
    host = urlsplit(url).hostname or ""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False  # it leads nowhere
    return not all(ipaddress.ip_address(address).is_global for address in found)


def is_base(url: str) -> bool:
    """Whether an address ends after its host or port."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # of the port
        return False
    bare = f"{parts.scheme}://{parts.hostname}{port}"
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_web and bare == url.lower() and len(url) <= LONGEST_URL


def subject(account: Account) -> str:
    """The account, as the audit calls it."""
    return f"account:{account}"
