"""`/api/{gateway}/subscriptions`: agreements to collect again and again."""

import math
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Status

from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError, ErrorAnswer
from recibo.api.filters import AccountChoice, GatewayPart, SubscriptionFilters, Text
from recibo.api.idempotency import calls_out
from recibo.api.paging import Page, page
from recibo.api.schemas import DueDay, PlanName, SubscriptionRow
from recibo.billing import queries
from recibo.billing.models import Subscription
from recibo.processing.actions import change_subscription
from recibo.reconciliation import subscriptions
from recibo.reconciliation.change_errors import ChangeError, LaterError

router = Router(tags=["subscriptions"])

#: What a change may answer. 202: the gateway answered, and the answer is still being worked on.
CHANGED = {200: SubscriptionRow, 202: SubscriptionRow, 503: ErrorAnswer, **ANSWERS}


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


@router.post(
    "/{subscriber_code}/cancel", response=CHANGED, summary="Have the gateway cancel a subscription"
)
@calls_out
def cancel(
    request: HttpRequest,
    gateway: Path[GatewayPart],
    subscriber_code: Path[Text],
    choice: Query[AccountChoice],
) -> Any:
    """The gateway is asked now, and the subscription is as the gateway then says.

    409: the gateway cannot or will not, and `message` says why. 503: it gave no answer; repeating
    is safe.
    """
    subscription = chosen(gateway, subscriber_code, choice)
    return changed(request, subscription, subscriptions.CANCEL)


@router.post(
    "/{subscriber_code}/reactivate",
    response=CHANGED,
    summary="Have the gateway take up a subscription again",
)
@calls_out
def reactivate(
    request: HttpRequest,
    gateway: Path[GatewayPart],
    subscriber_code: Path[Text],
    choice: Query[AccountChoice],
) -> Any:
    """Answers as `cancel`. Where the buyer has to agree first, it stays cancelled until then."""
    subscription = chosen(gateway, subscriber_code, choice)
    return changed(request, subscription, subscriptions.REACTIVATE)


@router.post(
    "/{subscriber_code}/due-day", response=CHANGED, summary="Have the gateway collect another day"
)
@calls_out
def due_day(
    request: HttpRequest,
    gateway: Path[GatewayPart],
    subscriber_code: Path[Text],
    choice: Query[AccountChoice],
    wish: DueDay,
) -> Any:
    """Answers as `cancel`."""
    subscription = chosen(gateway, subscriber_code, choice)
    return changed(request, subscription, subscriptions.due_day(wish.day))


@router.post(
    "/{subscriber_code}/plan",
    response=CHANGED,
    summary="Have the gateway move a subscription to another plan",
)
@calls_out
def plan(
    request: HttpRequest,
    gateway: Path[GatewayPart],
    subscriber_code: Path[Text],
    choice: Query[AccountChoice],
    wish: PlanName,
) -> Any:
    """Answers as `cancel`."""
    subscription = chosen(gateway, subscriber_code, choice)
    return changed(request, subscription, subscriptions.plan(wish.plan_id))


def chosen(gateway: str, code: str, choice: AccountChoice) -> Subscription:
    """The one that is meant. Raises ApiError: there is none, or it may be one of several."""
    rows = queries.subscriptions(gateway=gateway, code=code)
    if choice.account:
        rows = rows.filter(account__name=choice.account)
    found = list(rows[:2])
    if not found:
        raise ApiError(404)
    if len(found) > 1:
        raise ApiError(409, _("Several accounts have this subscription: name one as `account`."))
    return found[0]


def changed(request: HttpRequest, subscription: Subscription, wish: subscriptions.Wish) -> Any:
    """The subscription as it stands after a change. Raises ApiError."""
    try:
        is_folded = change_subscription(subscription, wish, actor=actor_of(request))
    except LaterError as error:
        seconds = math.ceil(error.retry_after.total_seconds())
        raise ApiError(503, str(error), headers={"Retry-After": str(seconds)}) from None
    except ChangeError as error:
        raise ApiError(409, str(error)) from None
    return Status(200 if is_folded else 202, queries.subscriptions().get(pk=subscription.pk))
