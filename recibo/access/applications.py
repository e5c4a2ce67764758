"""The seller's applications, as their providers see them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from msgspec import Struct

from recibo.access.errors import DeniedError
from recibo.access.models import Application
from recibo.access.providers import client
from recibo.access.providers.contract import Credentials, Provider, Target
from recibo.access.providers.registry import PROVIDERS
from recibo.accounts.encryption import SealedError, opened
from recibo.journal.actions import About


class Known(Struct, frozen=True):
    """An application: who speaks to it, where, with which secret."""

    provider: Provider
    url: str
    secret: str
    credentials: Credentials
    login_url: str = ""

    def __repr__(self) -> str:
        return f"Known({self.provider.slug}, {self.url})"  # never the secret


def application_named(name: str) -> Known:
    """The application of that name. Raises DeniedError: a person has to set it up."""
    default = settings.RECIBO_APPLICATION
    if name == Application.DEFAULT and default is not None:
        provider = PROVIDERS[default.provider]
        credentials = Credentials(default.credentials or provider.credentials)
        return Known(provider, default.url, default.secret, credentials, default.login_url)
    if (kept := Application.objects.filter(name=name).first()) is None:
        raise DeniedError(f"There is no application {name!r}: set ACCESS_PROVIDER, or add it.")
    provider = PROVIDERS[kept.provider]
    credentials = Credentials(kept.credentials or provider.credentials)
    return Known(provider, kept.url, secret_of(kept), credentials, kept.login_url)


def secret_of(application: Application) -> str:
    """Its secret. Raises DeniedError where it cannot be opened."""
    try:
        return opened(bytes(application.sealed_secret), str)
    except SealedError as error:
        raise DeniedError(f"The secret of {application.name} cannot be opened: {error}") from error


@contextmanager
def reached(known: Known, *, order_id: int | None = None, stage: str = "") -> Iterator[Target]:
    """The application, ready to be called; every call leaves a row."""
    about = About(f"access/{known.provider.slug}", order_id=order_id, stage=stage)
    with client.target(about, known.url, known.secret, known.login_url) as target:
        yield target
