"""Starting the parts, and looking whether all is well."""

import contextlib
import errno
import os
import socket
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins
from rich.text import Text

from recibo.server import supervisor
from recibo.server.cli import output
from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _
from recibo.server.cli.output import JsonOption
from recibo.server.cli.session import Terminated, ensure_migrated, is_embedded, session, set_up

if TYPE_CHECKING:
    from recibo.operations.health import Check

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", min=1, max=64, help="Jobs that run at the same time.")
]

#: Seconds that the web server may take to come up.
START_PATIENCE = 15.0
HOST, PORT = "127.0.0.1", 8000
#: Addresses to listen on that nobody can type into a browser.
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def up(host: HostOption = HOST, port: PortOption = PORT) -> None:
    """Start everything: database, migrations, web server and worker. Ctrl-C stops it all.

    Without DATABASE_URL an embedded PostgreSQL keeps the data below RECIBO_HOME. The first run
    prints the user and the password of the console, once.
    """
    refuse_taken(host, port)
    with session(lasting=True, checked=False):
        from django.db import connections

        from recibo.operations import first_run, installation

        installation.migrate()
        introduce(first_run.ensure_user())
        places = addresses(host, port)
        connections.close_all()  # what follows may go on for months
        lead_here(host, port)
        runner = supervisor.Supervisor(programs(host, port))
        runner.run(on_ready=lambda: announce_ready(runner, host, port, places))


def lead_here(host: str, port: int) -> None:
    """Links in messages lead to this machine while no public address is set."""
    from recibo.server.environment import environment

    if not environment().public_url:
        os.environ["RECIBO_PUBLIC_URL"] = local_url(host, port)


def local_url(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    return f"http://{bracketed(ANYWHERE.get(host, host))}:{port}"


def programs(host: str, port: int) -> list[supervisor.Program]:
    """What ``up`` keeps running: this same installation of Recibo, part by part."""
    recibo = [sys.executable, "-m", "recibo"]
    return [
        supervisor.Program("web", [*recibo, "web", "--host", host, "--port", str(port)]),
        supervisor.Program("worker", [*recibo, "worker"]),
    ]


def introduce(user: "tuple[str, str] | None") -> None:
    """Show the first user. The password cannot be shown again."""
    if user is not None:
        name, password = user
        sentence = _("Console user %(name)s, password %(password)s (shown only this once)")
        output.say(sentence % {"name": name, "password": password} + "\n")


def announce_ready(
    runner: supervisor.Supervisor, host: str, port: int, places: Iterable[str]
) -> None:
    """Say where everything is as soon as the web server answers, or takes too long to."""
    deadline = time.monotonic() + START_PATIENCE
    while not answers(host, port) and not runner.signals and time.monotonic() < deadline:
        time.sleep(0.1)
    if not runner.signals:
        announce(places)


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError):
        socket.create_connection((ANYWHERE.get(host, host), port), timeout=1).close()
        return True
    return False


def announce(places: Iterable[str]) -> None:
    """Say where everything is."""
    for place in places:
        output.say(place)
    output.say(_("Ctrl-C stops it all."))
    sys.stdout.flush()


def addresses(host: str, port: int) -> list[str]:
    """Where everything is, a line each."""
    from django.conf import settings

    from recibo.accounts import queries
    from recibo.gateways.registry import GATEWAYS

    here = local_url(host, port)
    public = settings.RECIBO_PUBLIC_URL or here
    named = [("Recibo", here), (_("Console"), f"{here}/console/"), ("API", f"{here}/doc")]
    ready = queries.configured()
    for slug, gateway in GATEWAYS.items():
        missing = _("  (for real ones set %s)") % queries.secret_settings(gateway)
        needs_secret = slug not in ready and gateway.secret_settings
        named.append((gateway.name, f"{public}/api/webhooks/{slug}{missing * bool(needs_secret)}"))
    width = max(len(line[0]) for line in named) + 2
    return [f"{name:{width}}{place}" for name, place in named]


def bracketed(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def refuse_taken(host: str, port: int) -> None:
    """Raise CommandError unless one can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        remedy = _("Choose others with --host and --port.")
        raise CommandError(f"{obstacle(error, host, port)} {remedy}") from None


def obstacle(error: OSError, host: str, port: int) -> str:
    """Why one cannot listen there."""
    known = {
        errno.EADDRINUSE: _("Port %(port)s of %(host)s is in use, by another Recibo perhaps."),
        errno.EACCES: _(
            "This user may not listen on port %(port)s; those from 1024 up are open to all."
        ),
    }
    sentence = known.get(error.errno or 0, _("Cannot listen on %(host)s, port %(port)s: %(why)s."))
    return sentence % {"host": host, "port": port, "why": error.strerror}


def web(host: HostOption = HOST, port: PortOption = PORT) -> None:
    """Run the web server: webhooks, API, console. Any number of them can share a database."""
    supervisor.stop_with_parent()
    refuse_taken(host, port)
    with session(lasting=True, checked=False):
        from django.db import OperationalError

        from recibo.server.web import serve

        with contextlib.suppress(OperationalError):  # it answers 503 until the database is back
            ensure_migrated()
        # The server raises them again when it has answered all that it took.
        with contextlib.suppress(KeyboardInterrupt, Terminated):
            serve(host, port)


def worker(concurrency: ConcurrencyOption = 10) -> None:
    """Run a worker: it processes events. Any number of them share the work.

    Ends with 1 when its database goes away for long: whoever started it starts it again.
    """
    supervisor.stop_with_parent()
    with session(lasting=True):
        from recibo.work.engine import WorkerEndedError, run_worker

        try:
            run_worker(concurrency=concurrency)
        except WorkerEndedError as error:
            output.complain(str(error))
            raise typer.Exit(1) from None


def migrate() -> None:
    """Bring the database to this version. Safe to repeat."""
    with session(checked=False):
        from recibo.operations import installation

        installation.migrate()
    output.say(_("The database is up to date."))


def check(is_json: JsonOption = False) -> None:
    """Say what is configured, what is missing and how to mend it.

    Exit code 1 if anything is broken.
    """
    with contextlib.ExitStack() as stack:
        enter_if_possible(stack)
        from recibo.operations import health

        found = [*health.check(), *data_directory()]
    if is_json:
        output.as_json([to_builtins(one) for one in found])
    else:
        output.table((_("What"), _("State"), ""), [row(one) for one in found])
    if not health.is_well(found):
        raise typer.Exit(1)


def row(check: "Check") -> tuple[str, Text, str]:
    """A check as a person reads it; scripts read its own words."""
    state = output.coloured(states()[check.state], check.state)
    return subject(check.name), state, check.sentence


def states() -> dict[str, str]:
    """How things can stand, in words."""
    return {"ok": _("ok"), "warning": _("warning"), "broken": _("broken"), "unused": _("unused")}


def subject(name: str) -> str:
    """What was looked at: ``database``, or ``credentials`` and whose."""
    known = {
        "access": _("access"),
        "accounts": _("accounts"),
        "credentials": _("credentials"),
        "data directory": _("data directory"),
        "database": _("database"),
        "events": _("events"),
        "mail": _("mail"),
        "migrations": _("migrations"),
        "public address": _("public address"),
    }
    kind, space, whose = name.partition(" ")
    return known.get(name) or f"{known.get(kind, kind)}{space}{whose}"


def data_directory() -> "list[Check]":
    """Where the embedded database keeps its data; nothing where another one is used."""
    from recibo.operations.health import Check, State
    from recibo.server import embedded
    from recibo.server.environment import environment

    if not is_embedded():
        return []
    place = embedded.location((environment().home / "postgres").resolve())
    sentence = _("The embedded PostgreSQL keeps its data in %s.") % place
    return [Check("data directory", State.OK, sentence)]


def enter_if_possible(stack: contextlib.ExitStack) -> None:
    """Enter a session; where the embedded PostgreSQL does not start, say why and go on without."""
    from recibo.server.embedded import EmbeddedError

    try:
        stack.enter_context(session(checked=False))
    except EmbeddedError as error:
        output.complain(str(error))
        set_up()
