"""What a sync found, and what it mended."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from msgspec import Struct

from recibo.accounts.models import Account
from recibo.billing.models import Customer
from recibo.reconciliation.coverage import sql
from recibo.reconciliation.models import Sync
from recibo.work.sql import execute


class Report(Struct, frozen=True):
    """The last run of an account: over both lists, while it runs and after."""

    gateway: str
    account: str
    started_at: datetime | None
    finished_at: datetime | None
    found: int  # sales and subscriptions that the gateway listed
    new: int  # of those, in a state that nobody had told us
    changed: int  # events that changed something here
    charges: int  # new to us
    subscriptions: int  # new to us
    customers: int  # new to us since it began
    paid: int  # orders that we did not know to be paid
    failed: int  # what could not be read: a person has to look
    waiting: int  # stored, to be processed in a moment
    errors: tuple[str, ...]


def report(account: Account, syncs: Sequence[Sync]) -> Report:
    """What an account's last run came to. ``syncs``: of that account."""
    begun = [sync.started_at for sync in syncs if sync.started_at]
    finished = [sync.finished_at for sync in syncs]
    return Report(
        gateway=account.gateway,
        account=account.name,
        started_at=min(begun, default=None),
        finished_at=None if None in finished else max(filter(None, finished), default=None),
        found=sum(sync.found for sync in syncs),
        new=sum(sync.new for sync in syncs),
        customers=new_customers(account, syncs),
        errors=tuple(sync.error for sync in syncs if sync.error),
        **outcome(account, begun),
    )


def outcome(account: Account, begun: Sequence[datetime]) -> dict[str, int]:
    """What the events of a run came to, by the names of ``Report``."""
    names = ("waiting", "failed", "changed", "charges", "subscriptions", "paid")
    if not begun:
        return dict.fromkeys(names, 0)
    [row] = execute(sql("sync_report"), account.pk, min(begun))
    return row


def new_customers(account: Account, syncs: Sequence[Sync]) -> int:
    """Customers of the account who were not here when the run began."""
    before = min((sync.customers_before for sync in syncs), default=0)
    bought = Q(charges__account=account) | Q(subscriptions__account=account)
    return Customer.objects.filter(bought, pk__gt=before).distinct().count()
