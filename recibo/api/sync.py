"""`/api/{gateway}/sync`: bringing over what the gateways list; `/api/coverage`: how we learn."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Status

from recibo.accounts.models import Account
from recibo.accounts.queries import listed as accounts
from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import CoverageFilters, GatewayPart
from recibo.api.paging import Page, Paging, page
from recibo.api.schemas import CoverageRow, Syncing, SyncRequest, SyncRow
from recibo.journal.actions import audit
from recibo.reconciliation import coverage, queries, syncing

router = Router(tags=["sync"])
#: Days that coverage goes back, unless it is told.
USUAL = timedelta(days=30)


@router.post(
    "/{gateway}/sync", response={202: Syncing, **ANSWERS}, summary="Read the gateway's lists"
)
def start(
    request: HttpRequest, gateway: Path[GatewayPart], wish: SyncRequest | None = None
) -> Status[Any]:
    """Sales and subscriptions, of every account. What is being read already goes on.

    `since`: from then on; else from where the last run ended, and for the first time two years.
    """
    found = [one for one in accounts() if one.gateway == (gateway or one.gateway)]
    ready = [one for one in found if not syncing.obstacle(one)]
    if not ready:
        raise ApiError(409, reason(found))
    since = wish.since if wish else None
    begun = [sync for account in ready for sync in syncing.start(account, since=since)]
    audit(actor_of(request), "sync.start", f"gateway:{gateway or 'all'}")
    return Status(202, {"syncs": begun})


def reason(found: list[Account]) -> str:
    """Why none of the accounts can be read."""
    return next((why for account in found if (why := syncing.obstacle(account))), "")


@router.get(
    "/{gateway}/sync", response={200: Page[SyncRow], **ANSWERS}, summary="How far lists were read"
)
def listed(
    request: HttpRequest, gateway: Path[GatewayPart], paging: Query[Paging]
) -> dict[str, Any]:
    """For each list of each account what its last run found, and up to when all is here."""
    return page(queries.syncs(gateway=gateway), paging)


@router.get(
    "/coverage", response={200: list[CoverageRow], **ANSWERS}, summary="How payments are learned"
)
def covered(request: HttpRequest, filters: Query[CoverageFilters]) -> list[coverage.Coverage]:
    """By account and day of payment, how many were first told by webhook, poll, sync, import or a
    person. The last 30 days, unless `since` and `until` say otherwise.
    """
    until = filters.until or timezone.now()
    since = filters.since or until - USUAL
    return coverage.coverage(since, until, gateway=filters.gateway)
