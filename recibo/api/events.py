"""`/api/events`: what gateways told us."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import EventFilters, StatsFilters
from recibo.api.paging import Page, page
from recibo.api.schemas import EventDetail, EventRow, EventStats, Queued, ReplayRequest
from recibo.inbox import queries
from recibo.inbox.models import Event
from recibo.inbox.models import Status as EventStatus
from recibo.processing import actions

router = Router(tags=["events"])


@router.get("", response={200: Page[EventRow], **ANSWERS}, summary="List events")
def listed(request: HttpRequest, filters: Query[EventFilters]) -> dict[str, Any]:
    return page(queries.listed(**filters.conditions()), filters)


@router.get("/stats", response={200: EventStats, **ANSWERS}, summary="Count events by status")
def stats(request: HttpRequest, filters: Query[StatsFilters]) -> dict[str, int]:
    return queries.stats(gateway=filters.gateway)


@router.get("/{int:event_id}", response={200: EventDetail, **ANSWERS}, summary="Show an event")
def detail(request: HttpRequest, event_id: int) -> Event:
    """With the bytes that came and the facts that they told."""
    if (event := queries.with_body(event_id)) is None:
        raise ApiError(404)
    return event


@router.post(
    "/{int:event_id}/replay", response={202: Queued, **ANSWERS}, summary="Process an event again"
)
def replay(request: HttpRequest, event_id: int, wish: ReplayRequest | None = None) -> Status[Any]:
    """From its stored bytes. Buyers hear of it only ``with_messages``."""
    if (is_archived := queries.is_archived(event_id)) is None:
        raise ApiError(404)
    if is_archived:
        raise ApiError(
            409, _("The body was archived: bring it back with `recibo events restore DIR`.")
        )
    wish = wish or ReplayRequest()
    actions.replay([event_id], with_messages=wish.with_messages, actor=actor_of(request))
    return Status(202, {"id": event_id, "status": EventStatus.PENDING})
