"""`/api/{gateway}/customers`: people who bought, subscribed or showed up."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import CustomerFilters, GatewayPart
from recibo.api.paging import Page, Paging, page
from recibo.api.schemas import ChargeRow, CustomerRow, CustomerStats, EventRow
from recibo.billing import queries
from recibo.billing.models import Customer

router = Router(tags=["customers"])


class Valued:
    """A customer with what was paid and not given back; all else is the customer's own."""

    def __init__(self, customer: Customer, values: Mapping[str, Decimal]) -> None:
        self.customer = customer
        self.lifetime_values = values
        self.lifetime_value = next(iter(values.values()), Decimal(0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.customer, name)


@router.get("", response={200: Page[CustomerRow], **ANSWERS}, summary="List customers")
def listed(
    request: HttpRequest, gateway: Path[GatewayPart], filters: Query[CustomerFilters]
) -> dict[str, Any]:
    rows = queries.customers(gateway=gateway, **filters.conditions())
    found = page(rows, filters)
    return {**found, "items": valued(found["items"])}


@router.get("/stats", response={200: CustomerStats, **ANSWERS}, summary="Count customers")
def stats(request: HttpRequest, gateway: Path[GatewayPart]) -> dict[str, int]:
    return queries.customer_stats(gateway=gateway)


@router.get("/{int:customer_id}", response={200: CustomerRow, **ANSWERS}, summary="Show a customer")
def detail(request: HttpRequest, gateway: Path[GatewayPart], customer_id: int) -> Valued:
    [customer] = valued([existing(gateway, customer_id)])
    return customer


@router.get(
    "/{int:customer_id}/events",
    response={200: Page[EventRow], **ANSWERS},
    summary="List a customer's events",
)
def events(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, paging: Query[Paging]
) -> dict[str, Any]:
    """News of the customer's charges and subscriptions."""
    existing(gateway, customer_id)
    return page(queries.events_of_customer(customer_id, gateway=gateway), paging)


@router.get(
    "/{int:customer_id}/transactions",
    response={200: Page[ChargeRow], **ANSWERS},
    summary="List a customer's charges",
)
def transactions(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, paging: Query[Paging]
) -> dict[str, Any]:
    existing(gateway, customer_id)
    rows = queries.charges(gateway=gateway).filter(customer=customer_id)
    return page(rows, paging)


def existing(gateway: str, customer_id: int) -> Customer:
    """The customer of an address. Raises ApiError: not found."""
    found = queries.customers(gateway=gateway).filter(pk=customer_id).first()
    if found is None:
        raise ApiError(404)
    return found


def valued(customers: Sequence[Customer]) -> list[Valued]:
    """Customers with what they are worth, in one query for all of them."""
    values = queries.lifetime_values([customer.pk for customer in customers])
    return [Valued(customer, values.get(customer.pk, {})) for customer in customers]
