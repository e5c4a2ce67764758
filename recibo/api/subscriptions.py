"""`/api/{gateway}/subscriptions`: agreements to collect again and again."""

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import GatewayPart, SubscriptionFilters, Text
from recibo.api.paging import Page, page
from recibo.api.schemas import SubscriptionRow
from recibo.billing import queries
from recibo.billing.models import Subscription

router = Router(tags=["subscriptions"])


@router.get("", response={200: Page[SubscriptionRow], **ANSWERS}, summary="List subscriptions")
def listed(
    request: HttpRequest, gateway: Path[GatewayPart], filters: Query[SubscriptionFilters]
) -> dict[str, Any]:
    rows = queries.subscriptions(gateway=gateway, **filters.conditions())
    return page(rows, filters)


@router.get(
    "/{subscriber_code}", response={200: SubscriptionRow, **ANSWERS}, summary="Show a subscription"
)
def detail(
    request: HttpRequest, gateway: Path[GatewayPart], subscriber_code: Path[Text]
) -> Subscription:
    """The newest one of this code, should several accounts have one."""
    rows = queries.subscriptions(gateway=gateway, code=subscriber_code)
    if (subscription := rows.first()) is None:
        raise ApiError(404)
    return subscription
