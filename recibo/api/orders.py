"""`/api/orders`: what buyers bought."""

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import OrderFilters, Text
from recibo.api.paging import Page, page
from recibo.api.schemas import OrderDetail, OrderRow
from recibo.billing import queries
from recibo.billing.models import Order

router = Router(tags=["orders"])


@router.get("", response={200: Page[OrderRow], **ANSWERS}, summary="List orders")
def listed(request: HttpRequest, filters: Query[OrderFilters]) -> dict[str, Any]:
    return page(queries.orders(**filters.conditions()), filters)


@router.get("/{name}", response={200: OrderDetail, **ANSWERS}, summary="Show an order")
def detail(request: HttpRequest, name: Path[Text]) -> Order:
    """By id, else by reference, else by a charge's id; with its charges and its whole timeline."""
    if (order := queries.order_named(name)) is None:
        raise ApiError(404)
    return order
