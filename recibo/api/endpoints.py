"""`/api/endpoints`: the seller's applications that are told of changes; `/api/changes`: the same
changes for those who would rather ask.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import ChangeFilters, DeliveryFilters, Filters
from recibo.api.idempotency import calls_out
from recibo.api.paging import Page, page
from recibo.api.schemas import (
    Changes,
    DeliveryDetail,
    DeliveryRow,
    EndpointAnswer,
    EndpointChange,
    EndpointRequest,
    EndpointRow,
    NewSecret,
    Replayed,
    ReplayOfDeliveries,
    RotationRequest,
)
from recibo.outbound import actions, log, queries
from recibo.outbound.actions import EndpointError, Wish
from recibo.outbound.models import Delivery, Endpoint

router = Router(tags=["endpoints"])
changes = Router(tags=["changes"])

Value = TypeVar("Value")


@router.get("", response={200: Page[EndpointRow], **ANSWERS}, summary="List endpoints")
def listed(request: HttpRequest, filters: Query[Filters]) -> dict[str, Any]:
    return page(queries.endpoints(), filters)


@router.post("", response={201: NewSecret, **ANSWERS}, summary="Add an endpoint")
def add(request: HttpRequest, wish: EndpointRequest) -> Any:
    """The answer has the secret that signs its messages, this once."""
    wanted = Wish(**columns(wish.model_dump()))
    endpoint, secret = done(lambda: actions.add(wanted, actor=actor_of(request)))
    return Status(201, {"id": endpoint.pk, "secret": secret})


@router.get(
    "/{int:endpoint_id}", response={200: EndpointRow, **ANSWERS}, summary="Show an endpoint"
)
def detail(request: HttpRequest, endpoint_id: int) -> Endpoint:
    return found(endpoint_id)


@router.patch(
    "/{int:endpoint_id}", response={200: EndpointRow, **ANSWERS}, summary="Change an endpoint"
)
def change(request: HttpRequest, endpoint_id: int, wish: EndpointChange) -> Endpoint:
    """What is left out stays as it is."""
    endpoint = found(endpoint_id)
    given = wish.model_dump(exclude_unset=True)
    # Only of a rate nothing has a meaning: as many as there are.
    fields = {name: value for name, value in given.items() if value is not None}
    fields.update({name: None for name in given if name == "per_second" and given[name] is None})
    return done(lambda: actions.change(endpoint, columns(fields), actor=actor_of(request)))


@router.delete("/{int:endpoint_id}", response={204: None, **ANSWERS}, summary="Remove an endpoint")
def remove(request: HttpRequest, endpoint_id: int) -> Any:
    """With everything that went to it."""
    actions.remove(found(endpoint_id), actor=actor_of(request))
    return Status(204, None)


@router.post(
    "/{int:endpoint_id}/disable", response={200: EndpointRow, **ANSWERS}, summary="Disable it"
)
def disable(request: HttpRequest, endpoint_id: int) -> Endpoint:
    """It is told of nothing more; what is on its way waits."""
    actions.disable(found(endpoint_id), actor=actor_of(request))
    return found(endpoint_id)


@router.post(
    "/{int:endpoint_id}/enable", response={200: EndpointRow, **ANSWERS}, summary="Enable it again"
)
def enable(request: HttpRequest, endpoint_id: int) -> Endpoint:
    """What it missed can be replayed."""
    actions.enable(found(endpoint_id), actor=actor_of(request))
    return found(endpoint_id)


@router.post(
    "/{int:endpoint_id}/rotate", response={200: NewSecret, **ANSWERS}, summary="Make a new secret"
)
def rotate(
    request: HttpRequest, endpoint_id: int, wish: RotationRequest | None = None
) -> dict[str, Any]:
    """The old one signs beside it for a day, unless `keep_hours` says otherwise."""
    endpoint = found(endpoint_id)
    keep = timedelta(hours=(wish or RotationRequest()).keep_hours)
    secret = actions.rotate(endpoint, actor=actor_of(request), keep=keep)
    return {"id": endpoint.pk, "secret": secret}


@router.post(
    "/{int:endpoint_id}/test", response={200: EndpointAnswer, **ANSWERS}, summary="Try it now"
)
@calls_out
def test(request: HttpRequest, endpoint_id: int) -> dict[str, Any]:
    """Sends `endpoint.test`, and gives what came back, within 15 seconds."""
    endpoint = found(endpoint_id)
    answer = done(lambda: actions.test(endpoint))
    return {
        "status_code": answer.status,
        "duration_ms": answer.duration_ms,
        "error": answer.error,
        "answer": answer.text,
    }


@router.get(
    "/{int:endpoint_id}/deliveries",
    response={200: Page[DeliveryRow], **ANSWERS},
    summary="List its deliveries",
)
def deliveries(
    request: HttpRequest, endpoint_id: int, filters: Query[DeliveryFilters]
) -> dict[str, Any]:
    """What went, or is to go, to an endpoint."""
    return page(queries.deliveries(found(endpoint_id), **filters.conditions()), filters)


@router.get(
    "/{int:endpoint_id}/deliveries/{int:delivery_id}",
    response={200: DeliveryDetail, **ANSWERS},
    summary="Show a delivery",
)
def delivery(request: HttpRequest, endpoint_id: int, delivery_id: int) -> Delivery:
    """With its tries, and what it says."""
    return found_delivery(endpoint_id, delivery_id)


@router.post(
    "/{int:endpoint_id}/deliveries/{int:delivery_id}/replay",
    response={202: Replayed, **ANSWERS},
    summary="Deliver one again",
)
def replay_one(request: HttpRequest, endpoint_id: int, delivery_id: int) -> Any:
    """Under the same `webhook-id`; now, if it waits. 0: it is being sent."""
    one = found_delivery(endpoint_id, delivery_id)
    return Status(202, {"count": int(actions.replay(one, actor=actor_of(request)))})


@router.post(
    "/{int:endpoint_id}/replay", response={202: Replayed, **ANSWERS}, summary="Deliver again"
)
def replay(request: HttpRequest, endpoint_id: int, wish: ReplayOfDeliveries) -> Any:
    """All that was given up or waits, or all of a time: also what was missed while disabled."""
    endpoint, actor = found(endpoint_id), actor_of(request)
    if wish.failed is (wish.since is not None):
        raise ApiError(422, _("Say either `failed` or `since`."))
    if wish.since is None:
        count = actions.replay_failed(endpoint, actor=actor)
    else:
        until = wish.until or timezone.now()
        count = actions.replay_time(endpoint, wish.since, until, actor=actor)
    return Status(202, {"count": count})


@changes.get("", response={200: Changes, **ANSWERS}, summary="Walk through the changes")
def walk(request: HttpRequest, asked: Query[ChangeFilters]) -> dict[str, Any]:
    """What endpoints are told, oldest first, for 90 days. Begin without `after`, or with `since`;
    then send back the `cursor` of each answer. 409: the cursor is of changes that are not here, or
    no longer (a backup was restored, or it is too old): begin again with `since`.
    """
    try:
        part = log.walk(after=asked.after or "", since=asked.since, limit=asked.limit)
    except log.UnknownCursorError:
        raise ApiError(
            409, _("This cursor is of changes that are not here: begin again with `since`.")
        ) from None
    return {
        "items": msgspec.to_builtins(part.items),
        "cursor": part.cursor,
        "has_more": part.has_more,
    }


def columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as the action calls them."""
    names = {"ordered": "is_ordered"}
    return {names.get(name, name): value for name, value in fields.items()}


def done(act: Callable[[], Value]) -> Value:
    """What an action gives. Raises ApiError with what it says."""
    try:
        return act()
    except EndpointError as error:
        raise ApiError(422, str(error)) from None


def found(endpoint_id: int) -> Endpoint:
    """The endpoint. Raises ApiError: not found."""
    if (endpoint := queries.endpoints().filter(pk=endpoint_id).first()) is None:
        raise ApiError(404)
    return endpoint


def found_delivery(endpoint_id: int, delivery_id: int) -> Delivery:
    """A delivery of this endpoint. Raises ApiError: not found."""
    if (one := queries.delivery(found(endpoint_id), delivery_id)) is None:
        raise ApiError(404)
    return one
