"""Asking AppMax for many: the orders of a store (API v3), the subscriptions of an application (v1).

Sources: "API v3" and "API v1", docs.appmax.com.br. Neither list can be asked for a span of time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http
from recibo.gateways.appmax import answers
from recibo.gateways.appmax.api import read_subscription
from recibo.gateways.appmax.calls import ask_v3, call_v1, has_v1, has_v3, no_credentials
from recibo.gateways.appmax.reading import moment
from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import NotFoundError, PayloadError, UnavailableError

ORDERS, SUBSCRIPTIONS = "/api/v3/order", "/v1/subscriptions"

#: In which order a list shows things. It is not documented, so the first page is looked at.
NEWEST_FIRST, OLDEST_FIRST, UNORDERED = "newest-first", "oldest-first", "unordered"


class Paged(Struct):
    data: list[Raw] = []
    last_page: int | None = None


class Last(Struct):
    last_page: int | None = None


class Envelope(Struct):
    data: Raw = Raw(b"[]")
    meta: Last | None = None


class Found(Struct):
    """What was found, as far as we look at it here."""

    id: Any = None
    created_at: Any = None
    canceled_at: Any = None
    charges: Any = None


class Place(NamedTuple):
    """Where a list goes on. ``order`` is "" as long as no page was seen."""

    order: str
    page: int


START = Place("", 1)

ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)
PAGED = msgspec.json.Decoder(Paged, strict=False)
ROWS = msgspec.json.Decoder(list[Raw])
FOUND = msgspec.json.Decoder(Found)
NOT_TOLD = Last()


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The orders made in a span of time, as they are now: read from the newest on.

    AppMax tells no time of a change. Raises UnavailableError, DeniedError.
    """
    if not has_v3(api):
        raise no_credentials("APPMAX_ACCESS_TOKEN, for only a store's API lists orders")
    place = place_of(cursor)
    page = paged(ask_v3(api, ORDERS, {"page": place.page}), ORDERS)
    times = [time_of(found(row).created_at) for row in page.data]
    told = [
        order_answer(row)
        for row, time in zip(page.data, times, strict=True)
        if time is None or since <= time < until
    ]
    return Listed(told, next_place(place, page, times, since))


def order_answer(row: Raw) -> RawRequest:
    """An order of a list, as it is when it is read by its number."""
    return http.answer(answers.ORDER_V3, b'{"success":true,"data":' + bytes(row) + b"}")


def next_place(place: Place, page: Paged, times: Sequence[datetime | None], since: datetime) -> str:
    """The cursor of the next page; "" when all that are new enough were seen."""
    order = agreed(place.order, order_of(times))
    is_past = order != UNORDERED and all(time and time < since for time in times)
    if is_past and not (order == OLDEST_FIRST and place == START):
        return ""
    number = following(place, order, page.last_page or 1)
    return f"{order}|{number}" if 1 < number <= (page.last_page or 1) else ""


def following(place: Place, order: str, last_page: int) -> int:
    """The page to read next. Orders that are made meanwhile push none of those out of sight."""
    if order == OLDEST_FIRST:
        return last_page if place == START else place.page - 1
    is_new_start = order == UNORDERED and place.order == OLDEST_FIRST
    return 2 if is_new_start else place.page + 1


def order_of(times: Sequence[datetime | None]) -> str:
    """In which order a page shows things; "" where it could be either."""
    told = [time for time in times if time]
    rises, falls = told == sorted(told), told == sorted(told, reverse=True)
    if len(told) < len(times) or not (rises or falls):
        return UNORDERED
    if rises and falls:
        return ""
    return OLDEST_FIRST if rises else NEWEST_FIRST


def agreed(order: str, seen: str) -> str:
    """The order that all pages until now have; one that is not sure is none."""
    if not order:
        return seen or UNORDERED
    return order if seen in {"", order} else UNORDERED


def list_subscriptions(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The subscriptions that may have changed in a span of time: those that ran within it.

    AppMax tells no time of a change. [] where only a store's token is set: v3 has no
    subscriptions, and those of the panel's webhooks are known otherwise. Raises UnavailableError,
    DeniedError.
    """
    if not has_v1(api):
        return nothing(api)
    number, _, last_first = (cursor or "1|").partition("|")
    page = paged(call_v1(api, "GET", SUBSCRIPTIONS, {"page": int(number)}), SUBSCRIPTIONS)
    first = str(found(page.data[0]).id) if page.data else ""
    if first in {"", last_first}:  # nothing, or the same page again
        return Listed([])
    running = [row for row in page.data if ran_within(found(row), since, until)]
    told = [answer for row in running for answer in subscription_answers(api, row)]
    is_last = int(number) == page.last_page
    return Listed(told, "" if is_last else f"{int(number) + 1}|{first}")


def nothing(api: Api) -> Listed:
    """An empty list. Raises DeniedError where nothing at all could be asked."""
    if not has_v3(api):
        raise no_credentials()
    return Listed([])


def ran_within(seen: Found, since: datetime, until: datetime) -> bool:
    """Whether a subscription was made before the end and not cancelled before the beginning."""
    made_at, ended_at = time_of(seen.created_at), time_of(seen.canceled_at)
    return not ((made_at and made_at >= until) or (ended_at and ended_at < since))


def subscription_answers(api: Api, row: Raw) -> list[RawRequest]:
    """A subscription of a list. Where it does not tell what was collected, it is read by its id."""
    seen = found(row)
    if isinstance(seen.charges, list):
        return [http.answer(answers.SUBSCRIPTION, b'{"data":' + bytes(row) + b"}")]
    try:
        return [read_subscription(api, str(seen.id))]
    except NotFoundError:  # the list shows what is not there any more, or not yet
        return []


def paged(body: bytes, path: str) -> Paged:
    """A page, whether it is said beside the things or around them. Raises UnavailableError."""
    try:
        envelope = ENVELOPE.decode(body)
        if bytes(envelope.data).startswith(b"{"):
            return PAGED.decode(envelope.data)
        return Paged(ROWS.decode(envelope.data), (envelope.meta or NOT_TOLD).last_page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnavailableError(f"GET {path}: not a list of AppMax", status=200) from error


def found(row: Raw) -> Found:
    """One thing of a list. Raises UnavailableError for what is none."""
    try:
        return FOUND.decode(row)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnavailableError("A list of AppMax shows what cannot be read", status=200) from error


def place_of(cursor: str) -> Place:
    """Read a cursor of ours."""
    order, _, page = cursor.partition("|")
    return Place(order, int(page)) if cursor else START


def time_of(value: Any) -> datetime | None:
    """UTC time; None where there is none that can be read."""
    try:
        return moment(value) if isinstance(value, str) else None
    except PayloadError:
        return None
