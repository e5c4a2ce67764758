"""Is it well? Whether this process can work, and what is missing or wrong with the installation."""

import functools
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateWorker

from recibo.accounts.models import Account
from recibo.gateways.registry import GATEWAYS
from recibo.inbox import queries as inbox
from recibo.operations import connections, outlets
from recibo.operations.checks import Check as Check
from recibo.operations.checks import State as State
from recibo.operations.checks import is_well as is_well

#: A worker that has not beaten for so long is not at work.
SILENCE = timedelta(seconds=30)


def ready() -> list[Check]:
    """What must be right to serve: database, migrations, worker; up to what blocks the rest."""
    found: list[Check] = []
    for look in (database, migrations, worker):
        found.append(looked(look))
        if not is_well(found):
            break
    return found


def check() -> list[Check]:
    """Everything an operator should know, for ``recibo check``; asks the gateways too."""
    needed = ready()
    has_tables = needed[-1].name == "worker"  # looked for last
    rest = [accounts(), events()] if has_tables else []
    return [
        *needed,
        *connections.checks(has_tables=has_tables),
        *outlets.checks(has_tables=has_tables),
        public_url(),
        *rest,
    ]


def looked(look: Callable[[], Check]) -> Check:
    """What ``look`` found, or that the database went away."""
    try:
        return look()
    except DatabaseError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Check(
            "database",
            State.BROKEN,
            _("The database does not answer (%s). Check DATABASE_URL and that PostgreSQL runs.")
            % reason,
        )


def database() -> Check:
    """Whether the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version_num')::int / 10000")
        version = cursor.fetchone()[0]
    return Check("database", State.OK, _("PostgreSQL %s answers.") % version)


def migrations() -> Check:
    """Whether the tables are those of this version."""
    applied = MigrationRecorder(connection).applied_migrations()
    if missing := sorted(f"{app}.{name}" for app, name in newest() if (app, name) not in applied):
        return Check(
            "migrations",
            State.BROKEN,
            _("Run `recibo migrate`: the database lacks %s.") % ", ".join(missing),
        )
    return Check("migrations", State.OK, _("All migrations are applied."))


@functools.cache
def newest() -> frozenset[tuple[str, str]]:
    """The last migration of every part of this version."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def worker() -> Check:
    """Whether a worker is at work."""
    beat = ProcrastinateWorker.objects.order_by("-last_heartbeat").first()
    if beat is None or beat.last_heartbeat < timezone.now() - SILENCE:
        return Check(
            "worker",
            State.BROKEN,
            _("No worker is alive: events are received but not processed. Start `recibo worker`."),
        )
    return Check("worker", State.OK, _("A worker is alive."))


def public_url() -> Check:
    """Whether addresses in messages and panels can be written in full."""
    if settings.RECIBO_PUBLIC_URL:
        return Check("public address", State.OK, settings.RECIBO_PUBLIC_URL)
    return Check(
        "public address",
        State.WARNING,
        _("Set RECIBO_PUBLIC_URL to the https:// address at which gateways reach this server."),
    )


def accounts() -> Check:
    """Whether every gateway has its account."""
    known = set(Account.objects.filter(name=Account.DEFAULT).values_list("gateway", flat=True))
    if missing := sorted(GATEWAYS.keys() - known):
        sentence = _("Run `recibo migrate`: these gateways have no account: %s.")
        return Check("accounts", State.BROKEN, sentence % ", ".join(missing))
    return Check("accounts", State.OK, _("Every gateway has its account."))


def events() -> Check:
    """Whether events wait for a person."""
    if failed := inbox.listed(status="failed").count():
        return Check(
            "events",
            State.WARNING,
            _("%s failed. See `recibo events list --status failed`.") % failed,
        )
    return Check("events", State.OK, _("No event has failed."))
