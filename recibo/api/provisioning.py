"""`/api/provisioning`: how far giving access has come; `/api/messages`: what buyers were told."""

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Status

from recibo.access import actions, stages
from recibo.access import queries as access
from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import MessageFilters, ProvisioningFilters, Text, order_id
from recibo.api.idempotency import calls_out
from recibo.api.orders import meant
from recibo.api.paging import Page, page
from recibo.api.schemas import (
    Advanced,
    MessageRow,
    ProvisioningRow,
    ProvisioningStats,
    Resynced,
    ResyncRequest,
)
from recibo.automation.reactions import react
from recibo.journal.actions import audit
from recibo.messaging import queries as messaging

router = Router(tags=["access"])


@router.get(
    "/provisioning",
    response={200: Page[ProvisioningRow], **ANSWERS},
    summary="List provisionings",
)
def listed(request: HttpRequest, filters: Query[ProvisioningFilters]) -> dict[str, Any]:
    """How far giving access has come, for each product of each paid order."""
    return page(access.provisionings(**order_id(filters.conditions())), filters)


@router.get(
    "/provisioning/stats",
    response={200: ProvisioningStats, **ANSWERS},
    summary="Count provisionings by stage",
)
def stats(request: HttpRequest) -> dict[str, int]:
    return access.stats()


@router.post(
    "/provisioning/{order}/resync",
    response={202: Resynced, **ANSWERS},
    summary="Give access again where it stopped",
)
def resync(request: HttpRequest, order: Path[Text], wish: ResyncRequest | None = None) -> Any:
    """By the order's id or reference. With `new_credentials` the buyer gets new ones."""
    if (found := meant(order)) is None:
        raise ApiError(404)
    start = actions.renew if wish and wish.new_credentials else actions.resync
    try:
        count = start(found, actor=actor_of(request))
    except actions.NothingToDoError as error:
        raise ApiError(409, str(error)) from None
    return Status(202, {"order": found, "started": count})


@router.post(
    "/admin/process-provisioning",
    response={200: Advanced, **ANSWERS},
    summary="Advance what is due now",
)
@calls_out
def process(request: HttpRequest) -> dict[str, int]:
    """Provisionings whose time has come are taken as far as they go, in this request."""
    advanced = stages.advance_all(react)
    audit(actor_of(request), "provisioning.process", "provisioning", after={"advanced": advanced})
    return {"advanced": advanced}


@router.get(
    "/messages", response={200: Page[MessageRow], **ANSWERS}, summary="List messages to buyers"
)
def messages(request: HttpRequest, filters: Query[MessageFilters]) -> dict[str, Any]:
    """What buyers were told, by which channel, and whether it arrived."""
    return page(messaging.messages(**order_id(filters.conditions())), filters)
