"""`/api/{gateway}/customers`: people who bought, subscribed or showed up."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Status

from recibo.access.queries import access_of_customers
from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import CustomerFilters, GatewayPart
from recibo.api.paging import Page, Paging, page
from recibo.api.schemas import (
    ChargeRow,
    CorrectionRequest,
    CustomerRow,
    CustomerStats,
    EventRow,
    NoteRequest,
    NoteRow,
    TagRequest,
    Tags,
)
from recibo.billing import actions, queries
from recibo.billing.models import Customer, Note

router = Router(tags=["customers"])


class Valued:
    """A customer as the seller sees him: with what was paid and not given back, and with the
    access it gives. All else is the customer's own.
    """

    def __init__(
        self, customer: Customer, values: Mapping[str, Decimal], access: tuple[str, str]
    ) -> None:
        self.customer = customer
        self.lifetime_values = values
        self.lifetime_value = next(iter(values.values()), Decimal(0))
        self.access, self.user_id = access[0], access[1] or None
        self.email, self.name, self.phone, self.document = customer.person

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


@router.put(
    "/{int:customer_id}", response={200: CustomerRow, **ANSWERS}, summary="Correct a customer"
)
def correct(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, wish: CorrectionRequest
) -> Valued:
    """What the seller knows better stands above what gateways told, and above what they tell from
    then on. `null` takes a correction back; what is left out stays as it is.
    """
    existing(gateway, customer_id)
    actions.correct(customer_id, wish.dict(exclude_unset=True), actor=actor_of(request))
    return detail(request, gateway, customer_id)


@router.post("/{int:customer_id}/notes", response={201: NoteRow, **ANSWERS}, summary="Write a note")
def annotate(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, wish: NoteRequest
) -> Status[Note]:
    existing(gateway, customer_id)
    return Status(201, actions.annotate(customer_id, wish.text, actor=actor_of(request)))


@router.post("/{int:customer_id}/tags", response={200: Tags, **ANSWERS}, summary="Put a tag on")
def tag(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, wish: TagRequest
) -> dict[str, list[str]]:
    """A tag that is there already changes nothing."""
    existing(gateway, customer_id)
    return {"tags": actions.tag(customer_id, wish.tag, actor=actor_of(request))}


@router.delete("/{int:customer_id}/tags", response={200: Tags, **ANSWERS}, summary="Take a tag off")
def untag(
    request: HttpRequest, gateway: Path[GatewayPart], customer_id: int, wish: TagRequest
) -> dict[str, list[str]]:
    """A tag that is not there changes nothing."""
    existing(gateway, customer_id)
    return {"tags": actions.untag(customer_id, wish.tag, actor=actor_of(request))}


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
    """Customers with what they are worth and may use, in three queries for all of them."""
    ids = [customer.pk for customer in customers]
    values, access = queries.lifetime_values(ids), access_of_customers(ids)
    return [Valued(one, values.get(one.pk, {}), access[one.pk]) for one in customers]
