"""`/api/integration-calls` and `/api/alerts`: what we did, and what a person should know."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from recibo.api.errors import ANSWERS
from recibo.api.filters import AlertFilters, CallFilters
from recibo.api.paging import Page, page
from recibo.api.schemas import AlertRow, CallRow
from recibo.journal import queries

router = Router(tags=["journal"])


@router.get(
    "/integration-calls",
    response={200: Page[CallRow], **ANSWERS},
    summary="List calls to the outside",
)
def calls(request: HttpRequest, filters: Query[CallFilters]) -> dict[str, Any]:
    """Every request that was made to a gateway's API, with its outcome and duration."""
    return page(queries.calls(**filters.conditions()), filters)


@router.get("/alerts", response={200: Page[AlertRow], **ANSWERS}, summary="List alerts")
def alerts(request: HttpRequest, filters: Query[AlertFilters]) -> dict[str, Any]:
    """Conditions that a person should know of; `open_only` leaves out those that are over."""
    return page(queries.alerts(**filters.conditions()), filters)
