"""Reading an account's sales and subscriptions from its gateway's lists, page by page.

Each page is stored in the transaction that moves the cursor, so whoever dies in between loses and
repeats nothing. When all are read, the watermark moves. What is found enters by the same door, so a
second run changes nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from recibo.accounts.models import Account
from recibo.billing.models import Customer
from recibo.gateways.contract import List, Listed
from recibo.gateways.errors import ApiError, DeniedError, GatewayError, UnavailableError
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source
from recibo.reconciliation import calls, circuits
from recibo.reconciliation.errors import OutOfTurnsError
from recibo.reconciliation.models import Sync
from recibo.reconciliation.notices import describe
from recibo.reconciliation.obstacles import closed
from recibo.work.draining import Kind, drain
from recibo.work.engine import FOLD, nudge

TABLE = Sync._meta.db_table
#: The task that reads.
SYNC = "reconciliation.sync"
#: Lists may lag behind: what is before the watermark is read anew from so long before it.
OVERLAP = timedelta(days=1)
#: How far back the first run goes, unless it is told.
FIRST: Mapping[str, timedelta] = {
    Sync.Kind.SALES: timedelta(days=730),
    Sync.Kind.SUBSCRIPTIONS: timedelta(days=3650),  # one that still runs may be old
}
#: Pages that a job reads before others have their turn.
PAGES = 10
#: How often a run is begun anew whose page was refused.
MOST_RESTARTS = 3
#: Until the next try, doubling; as long as it fails.
WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
#: When the daily run begins, in this installation's zone.
DAILY = time(2)


def can_be_listed(account: Account) -> bool:
    """Whether an account's gateway has any list that we could read."""
    return any(list_of(account, kind) for kind in Sync.Kind)


def obstacle(account: Account) -> str:
    """Why an account cannot be synchronised, in a sentence; "" where it can."""
    if not can_be_listed(account):
        return _("The gateway gives no list of sales or subscriptions.")
    return closed(account)


def list_of(account: Account, kind: str) -> List | None:
    """What asks for this list of an account's."""
    if (gateway := GATEWAYS.get(account.gateway)) is None:
        return None
    return gateway.list_sales if kind == Sync.Kind.SALES else gateway.list_subscriptions


# Beginning


def start(account: Account, *, since: datetime | None = None) -> list[Sync]:
    """Begin to read every list of an account, or go on with those that are being read.

    ``since``: from then on; else from the watermark, and for the first time from ``FIRST`` ago.
    """
    kinds = [kind for kind in Sync.Kind if list_of(account, kind)]
    with transaction.atomic():
        found = [begin(account, kind, since) for kind in kinds]
        nudge(SYNC)
    return found


def start_gap(account: Account, since: datetime) -> bool:
    """Begin to read an account's sales since then. Gives whether they are read.

    Not where they never were: a stranger could make us read years.
    """
    known = Sync.objects.filter(account=account, kind=Sync.Kind.SALES)
    was_read = known.filter(Q(watermark__isnull=False) | Q(until__isnull=False))
    if list_of(account, Sync.Kind.SALES) is None or not was_read.exists():
        return False
    with transaction.atomic():
        begin(account, Sync.Kind.SALES, since - OVERLAP)
        nudge(SYNC)
    return True


def begin(account: Account, kind: Sync.Kind, since: datetime | None) -> Sync:
    """Begin to read one list. A run that stands still goes on where it stood."""
    now = timezone.now()
    Sync.objects.bulk_create([Sync(account=account, kind=kind)], ignore_conflicts=True)
    sync = Sync.objects.select_for_update().get(account=account, kind=kind)
    sync.next_attempt_at, sync.attempts, sync.begun_at = now, 0, now
    if sync.until is None or (since and sync.since and since < sync.since):
        sync.since = since or beginning(sync, now)
        sync.until, sync.cursor = now, ""
        sync.pages = sync.found = sync.new = sync.restarts = 0
        sync.started_at, sync.finished_at, sync.error = now, None, ""
        sync.customers_before = newest_customer()
    sync.save()
    return sync


def newest_customer() -> int:
    """The id of the newest customer; 0 if there is none."""
    return Customer.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def beginning(sync: Sync, now: datetime) -> datetime:
    """Where a run begins that is not told."""
    if sync.watermark is None:
        return now - FIRST[sync.kind]
    return sync.watermark - max(OVERLAP, change_for(sync))


def change_for(sync: Sync) -> timedelta:
    """How long what is listed may change without its list telling so."""
    gateway = GATEWAYS[sync.account.gateway]
    is_sales = sync.kind == Sync.Kind.SALES
    return gateway.sales_change_for if is_sales else gateway.subscriptions_change_for


def start_daily(now: datetime) -> list[Sync]:
    """Begin the day's run of every account that can be read and has not begun since 2 o'clock.

    One that was connected after that has its first run the next night, unless it is asked for.
    """
    due = last_daily(now)
    begun = Sync.objects.filter(begun_at__gte=due).values("account")
    standing = Sync.objects.filter(until__isnull=False, next_attempt_at__isnull=False)
    in_use = Account.objects.filter(disabled_at=None, connected_at__lt=due)
    waiting = in_use.exclude(pk__in=begun)
    accounts = waiting.exclude(pk__in=standing.values("account"))
    return [sync for one in accounts if not obstacle(one) for sync in start(one)]


def last_daily(now: datetime) -> datetime:
    """When the day's run was to begin, last."""
    zone = ZoneInfo(settings.TIME_ZONE)
    today = datetime.combine(now.astimezone(zone).date(), DAILY, zone)
    last = today if today <= now else today - timedelta(days=1)
    return last.astimezone(UTC)


# Reading


def sync_due() -> int:
    """Read the lists that are being read, for a while. Gives how many there were."""
    return drain(SYNCS)


def go_on(sync_id: int) -> None:
    """Read some pages of a list; the rest is due at once again."""
    for _page in range(PAGES):
        sync = Sync.objects.select_related("account").get(pk=sync_id)
        if reason := obstacle(sync.account):
            rest(sync, None, error=reason)
            return
        if not read_page(sync):
            return
    Sync.objects.filter(pk=sync_id).update(claimed_until=None)


def read_page(sync: Sync) -> bool:
    """Read the next page. Gives whether there is more to read now."""
    list_page = list_of(sync.account, sync.kind)
    if list_page is None or sync.since is None or sync.until is None:
        rest(sync, None)
        return False
    try:
        listed = page_of(sync, list_page, sync.since, sync.until)
    except OutOfTurnsError as error:
        rest(sync, error.wait)
    except GatewayError as error:
        return fail(sync, error)
    else:
        return accept(sync, listed)
    return False


def page_of(sync: Sync, list_page: List, since: datetime, until: datetime) -> Listed:
    """What the gateway has at the cursor. Raises GatewayError."""
    with (
        circuits.watched(sync.account),
        calls.api(sync.account, stage=f"sync.{sync.kind}") as api,
    ):
        listed = list_page(api, since, until, sync.cursor)
    if listed.cursor and listed.cursor == sync.cursor:
        raise ApiError("The list does not go on: its next page is the same one")
    return listed


def accept(sync: Sync, listed: Listed) -> bool:
    """Put a page into the inbox and move on, all or nothing. Gives whether there is more.

    Where somebody else has moved on since (our lease ran out), nothing is done.
    """
    with transaction.atomic():
        if not moved(sync, listed):
            return False
        ids = store(sync.account, listed.answers, Source.SYNC)
        fresh = Event.objects.filter(pk__in=ids, source=Source.SYNC, duplicates=0).count()
        Sync.objects.filter(pk=sync.pk).update(new=F("new") + fresh)
        nudge(FOLD)
    return bool(listed.cursor)


def moved(sync: Sync, listed: Listed) -> bool:
    """Move the cursor, if it stands where we read it."""
    stood = Sync.objects.filter(
        pk=sync.pk, since=sync.since, until=sync.until, cursor=sync.cursor, pages=sync.pages
    )
    found = F("found") + len(listed.answers)
    told = {"found": found, "pages": F("pages") + 1, "attempts": 0, "error": ""}
    columns = {"cursor": listed.cursor} if listed.cursor else ended(sync)
    return bool(stood.update(**told, **columns))


def ended(sync: Sync) -> dict[str, Any]:
    """The columns of a run that has read everything."""
    return {
        "watermark": sync.watermark if has_gap(sync) else sync.until,
        "since": None,
        "until": None,
        "cursor": "",
        "finished_at": timezone.now(),
        "next_attempt_at": None,
        "claimed_until": None,
    }


def has_gap(sync: Sync) -> bool:
    """Whether a run left something before it unread: then the watermark stays."""
    if sync.since is None or sync.until is None:
        return True
    return sync.since > (sync.watermark or sync.until - FIRST[sync.kind])


# Trouble


def fail(sync: Sync, error: GatewayError) -> bool:
    """Try again later; begin the run anew where its page was refused; else wait for a person.

    Gives whether there is more to read now.
    """
    if isinstance(error, UnavailableError):
        wait = min(WAIT * 2 ** min(sync.attempts, 10), LONGEST_WAIT)
        rest(sync, max(wait, error.retry_after or wait), error=describe(error))
        return False
    if isinstance(error, DeniedError) or not sync.cursor or sync.restarts >= MOST_RESTARTS:
        rest(sync, None, error=describe(error))
        return False
    standing = Sync.objects.filter(pk=sync.pk, cursor=sync.cursor)
    restarted = {"cursor": "", "restarts": F("restarts") + 1, "error": describe(error)}
    return bool(standing.update(**restarted))


def rest(sync: Sync, wait: timedelta | None, *, error: str = "") -> None:
    """Go on after a while; None: with the next run."""
    told: dict[str, Any] = {"error": error, "attempts": F("attempts") + 1} if error else {}
    at = timezone.now() + wait if wait is not None else None
    Sync.objects.filter(pk=sync.pk).update(next_attempt_at=at, claimed_until=None, **told)


def broke(sync_id: int, error: Exception) -> None:
    """A list that broke unforeseen is tried again later, and says so."""
    rest(Sync.objects.get(pk=sync_id), LONGEST_WAIT, error=describe(error))


def standing_since(before: datetime) -> QuerySet[Sync]:
    """Runs that began before that and have not come to their ends, because of an error."""
    standing = Sync.objects.filter(until__isnull=False, started_at__lt=before)
    return standing.exclude(error="").select_related("account").order_by("pk")


def under_way(syncs: Iterable[Sync]) -> bool:
    """Whether any of these lists is being read, or is to be read again by itself."""
    ids = [sync.pk for sync in syncs]
    return Sync.objects.filter(Q(pk__in=ids), next_attempt_at__isnull=False).exists()


SYNCS = Kind(TABLE, go_on, broke)
