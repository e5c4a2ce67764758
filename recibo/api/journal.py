"""`/api/integration-calls`, `/api/alerts` and `/api/audit`: what we did, what a person should know,
and who did what.
"""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from recibo.api.errors import ANSWERS
from recibo.api.filters import AlertFilters, AuditFilters, CallFilters, order_id
from recibo.api.paging import Page, page
from recibo.api.schemas import AlertRow, AuditRow, CallRow
from recibo.billing.models import Order
from recibo.journal import queries
from recibo.journal.models import IntegrationCall

router = Router(tags=["journal"])


@router.get(
    "/integration-calls",
    response={200: Page[CallRow], **ANSWERS},
    summary="List calls to the outside",
)
def calls(request: HttpRequest, filters: Query[CallFilters]) -> dict[str, Any]:
    """Every call to gateways, applications, mail servers and services, with its outcome."""
    found = page(queries.calls(**order_id(filters.conditions())), filters)
    return {**found, "items": ordered(found["items"])}


class Call:
    """A call with the order that it was about; all else is the call's own."""

    def __init__(self, call: IntegrationCall, order: Order | None) -> None:
        self.call = call
        self.order = order

    def __getattr__(self, name: str) -> Any:
        return getattr(self.call, name)


def ordered(calls: Sequence[IntegrationCall]) -> list[Call]:
    """The calls with their orders, in one query for all of them."""
    orders = Order.objects.in_bulk({call.order_id for call in calls if call.order_id})
    return [Call(call, orders.get(call.order_id or 0)) for call in calls]


@router.get("/alerts", response={200: Page[AlertRow], **ANSWERS}, summary="List alerts")
def alerts(request: HttpRequest, filters: Query[AlertFilters]) -> dict[str, Any]:
    """Conditions that a person should know of; `open_only` leaves out those that are over."""
    return page(queries.alerts(**filters.conditions()), filters)


@router.get("/audit", response={200: Page[AuditRow], **ANSWERS}, summary="List operators' acts")
def audits(request: HttpRequest, filters: Query[AuditFilters]) -> dict[str, Any]:
    """Everything that a person or a token changed: who, what, before and after."""
    return page(queries.audits(**filters.conditions()), filters)
