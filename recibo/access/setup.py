"""What a person sets up: applications, and which product gives which access. Every act audited."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from recibo.access import rules
from recibo.access.models import AccessRule, Application
from recibo.access.providers.contract import Credentials
from recibo.access.providers.registry import PROVIDERS
from recibo.accounts.actions import is_private
from recibo.accounts.encryption import sealed
from recibo.gateways.registry import GATEWAYS
from recibo.journal.actions import audit

NAME = re.compile(r"[a-z0-9-]{1,32}")


class SetupError(Exception):
    """That cannot be set up like this. The message says why, and tells no secret."""


@transaction.atomic
def add_application(
    name: str,
    *,
    provider: str,
    url: str,
    secret: str,
    credentials: str = "",
    login_url: str = "",
    actor: str,
) -> Application:
    """A further application. Raises SetupError."""
    if not NAME.fullmatch(name) or name == Application.DEFAULT:
        raise SetupError("A name has 1 to 32 small letters, digits and hyphens, as in curso-2.")
    if provider not in PROVIDERS:
        raise SetupError(f"There is no provider {provider!r}. There are: {', '.join(PROVIDERS)}.")
    if credentials and credentials not in set(Credentials):
        raise SetupError(f"Credentials are one of: {', '.join(Credentials)}.")
    if not secret.strip():
        raise SetupError("An application needs a secret.")
    application = Application(
        name=name,
        provider=provider,
        url=known_address(url),
        sealed_secret=sealed(secret.strip()),
        credentials=credentials,
        login_url=known_address(login_url) if login_url else "",
    )
    try:
        with transaction.atomic():
            application.save(force_insert=True)
    except IntegrityError:
        raise SetupError(f"There is an application {name!r} already.") from None
    audit(actor, "application.add", f"application:{name}", after={"url": application.url})
    return application


def known_address(url: str) -> str:
    """An address that calls may be sent to. Raises SetupError."""
    url = url.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SetupError(f"An address begins with https://, not {url!r}.")
    if not settings.RECIBO_ALLOW_PRIVATE_ADDRESSES and is_private(url):
        raise SetupError(
            f"{url} is of this machine or its own network: nothing is sent there unless"
            " RECIBO_ALLOW_PRIVATE_ADDRESSES=true."
        )
    return url


@transaction.atomic
def remove_application(name: str, *, actor: str) -> None:
    """Forget an application; what was given there stays given. Raises SetupError."""
    if AccessRule.objects.filter(application=name).exists():
        raise SetupError(f"Rules name the application {name!r}: remove them first.")
    removed, _ = Application.objects.filter(name=name).delete()
    if not removed:
        raise SetupError(f"There is no application {name!r}.")
    audit(actor, "application.remove", f"application:{name}")


@transaction.atomic
def add_rule(
    *,
    gateway: str = "",
    product_id: str = "",
    offer: str = "",
    application: str = Application.DEFAULT,
    plan: str = "",
    days: int | None = None,
    actor: str,
) -> AccessRule:
    """Say which access a product gives; what was said of it before is replaced. Raises SetupError.

    ``application`` "" : none at all.
    """
    if gateway and gateway not in GATEWAYS:
        raise SetupError(f"There is no gateway {gateway!r}. There are: {', '.join(GATEWAYS)}.")
    if application and application not in rules.names():
        raise SetupError(f"There is no application {application!r}.")
    given = {"application": application, "plan": plan, "days": days}
    rule, _ = AccessRule.objects.update_or_create(
        gateway=gateway, product_id=product_id, offer=offer, defaults=given
    )
    audit(actor, "access_rule.set", f"access_rule:{rule.pk}", after={"rule": str(rule), **given})
    return rule


@transaction.atomic
def remove_rule(rule_id: int, *, actor: str) -> None:
    """Forget a rule; what was given by it stays given. Raises SetupError."""
    if (rule := AccessRule.objects.filter(pk=rule_id).first()) is None:
        raise SetupError(f"There is no rule {rule_id}.")
    audit(actor, "access_rule.remove", f"access_rule:{rule.pk}", before={"rule": str(rule)})
    rule.delete()
