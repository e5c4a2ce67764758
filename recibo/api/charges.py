"""`/api/charges`: attempts to collect."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from recibo.api.errors import ANSWERS
from recibo.api.filters import ChargeFilters
from recibo.api.paging import Page, page
from recibo.api.schemas import ChargeRow
from recibo.billing import queries

router = Router(tags=["charges"])


@router.get("", response={200: Page[ChargeRow], **ANSWERS}, summary="List charges")
def listed(request: HttpRequest, filters: Query[ChargeFilters]) -> dict[str, Any]:
    return page(queries.charges(**filters.conditions()), filters)
