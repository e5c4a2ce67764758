"""Making an installation ready: migrations, and what must be there before the first event."""

from django.core.management import call_command
from django.utils import timezone

from recibo.accounts.actions import ensure_defaults
from recibo.inbox import partitions


def migrate() -> None:
    """Bring the database to this version. Safe to repeat, and to run while others work."""
    call_command("migrate", verbosity=0)
    prepare()


def prepare() -> None:
    """An account for every gateway, and room for this month's bodies. Safe to repeat."""
    ensure_defaults()
    partitions.ensure(timezone.now())
