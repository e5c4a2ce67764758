"""`/api/refusals`: requests that were turned away, and why."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from recibo.api.errors import ANSWERS
from recibo.api.filters import RefusalFilters
from recibo.api.paging import Page, page
from recibo.api.schemas import RefusalRow
from recibo.inbox import queries

router = Router(tags=["refusals"])


@router.get("", response={200: Page[RefusalRow], **ANSWERS}, summary="List refused requests")
def listed(request: HttpRequest, filters: Query[RefusalFilters]) -> dict[str, Any]:
    """Kept for seven days; those of one reason and address within an hour are one row."""
    return page(queries.refusals(**filters.conditions()), filters)
