"""What a command stands on: Django set up, a database that runs and is up to date."""

import getpass
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING

from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _

if TYPE_CHECKING:
    from recibo.gateways.contract import Gateway

#: The exit code of a program that ends because of SIGTERM.
TERMINATED = 128 + signal.SIGTERM


class Terminated(SystemExit):
    """Somebody asked this process to end."""


def set_up() -> None:
    """Set Django up; no connection is made. Raises SettingError."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recibo.server.settings")
    django.setup()


@contextmanager
def session(*, lasting: bool = False, checked: bool = True) -> Iterator[None]:
    """Set Django up on a database that runs.

    ``lasting``: keep the embedded PostgreSQL alive for as long as this goes on. ``checked``:
    insist on all migrations. Raises SettingError, EmbeddedError, CommandError.
    """
    with unwinding_on_terminate(), database(lasting=lasting):
        set_up()
        if checked:
            ensure_migrated()
        yield


def database(*, lasting: bool) -> AbstractContextManager[object]:
    """The embedded PostgreSQL, unless the seller has one of his own."""
    from recibo.server import embedded
    from recibo.server.environment import environment

    if not is_embedded():
        return nullcontext()
    server = embedded.attach(environment().home / "postgres")
    if lasting:
        server.watch()
    return server


def is_embedded() -> bool:
    """Whether the database is the embedded one."""
    from recibo.server.environment import environment

    return not environment().database_url


def ensure_migrated() -> None:
    """Migrate the embedded database; raise CommandError if another one needs it."""
    from recibo.operations import health, installation

    if health.migrations().state is health.State.OK:
        return
    if not is_embedded():
        sentence = _("The database is not that of this version: run `recibo migrate`.")
        raise CommandError(sentence)
    installation.migrate()


@contextmanager
def unwinding_on_terminate() -> Iterator[None]:
    """Leave in an orderly way on SIGTERM, as on Ctrl-C: the embedded PostgreSQL is let go."""
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def leave(_signal: int, _frame: FrameType | None) -> None:
    """End this process, unwinding."""
    raise Terminated(TERMINATED)


def actor() -> str:
    """Who runs the command, as the audit calls him."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, ImportError, OSError):  # a container's user need not have a name
        return f"cli:{os.getuid()}"


def gateway_named(name: str) -> "Gateway":
    """The gateway with that slug. Raises CommandError."""
    from recibo.gateways.registry import GATEWAYS

    if (found := GATEWAYS.get(name.strip().lower())) is None:
        sentence = _("There is no gateway %(name)r. There are: %(known)s.")
        raise CommandError(sentence % {"name": name, "known": ", ".join(GATEWAYS)})
    return found
