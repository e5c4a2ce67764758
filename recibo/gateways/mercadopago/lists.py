"""Asking Mercado Pago for many: the payments of an order, what changed lately, subscriptions.

Source: API reference of ``payments/search`` and ``preapproval/search``, guide "Subscription
management", and published measurements of both searches.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import NotFoundError, PayloadError, UnavailableError
from recibo.gateways.mercadopago.api import (
    SEARCH,
    authorization,
    payment_told,
    preapproval,
    resource_id,
)
from recibo.gateways.mercadopago.values import decode, moment

SEARCH_SUBSCRIPTIONS = "/preapproval/search"

#: Payments of a page: some 600 KB.
PAYMENTS = 100
#: Subscriptions of a page. Fewer, because each of them is read by its id as well.
SUBSCRIPTIONS = 20
#: Nobody tries to pay one order more often; more means that the search ignores the reference.
MOST_TRIES = 1000

#: A search knows of a change minutes after it happened. So a list begins that much earlier: what
#: the last one came too early for is in this one, and what both show is one event.
LAG = timedelta(minutes=15)


class Found(Struct):
    """What was found, as far as we look at it here. Whoever parses it is stricter."""

    id: Any = None
    status: Any = None
    external_reference: Any = None
    date_last_updated: Any = None  # of a payment
    last_modified: Any = None  # of a subscription


class Paging(Struct):
    total: int | None = None


class Page(Struct):
    results: list[Raw]
    paging: Paging | None = None


class Place(NamedTuple):
    """Where a list goes on: from this change, without the first so many."""

    since: datetime
    offset: int


PAGE = msgspec.json.Decoder(Page)
FOUND = msgspec.json.Decoder(Found)
NO_PAGING = Paging()


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """Every payment that was tried for an order. Raises UnavailableError, DeniedError."""
    if not (wanted := reference.strip()):
        return []
    rows = every_payment(api, {"external_reference": wanted})
    return [
        payment_told(api, bytes(row))
        for row in rows
        if str(found(row).external_reference or "").strip() == wanted
    ]


def every_payment(api: Api, wanted: Mapping[str, str]) -> Iterator[Raw]:
    """The payments that a search finds, page by page, oldest first."""
    order = {"sort": "date_created", "criteria": "asc", "limit": PAYMENTS}
    offset = 0
    while offset < MOST_TRIES:
        page = search(api, SEARCH, {**wanted, **order, "offset": offset})
        yield from page.results
        if is_last(page, offset):
            return
        offset += len(page.results)


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The payments that changed in a span of time, in the order of their change.

    The next page begins at the last change of this one and not at a number of results: a payment
    that changes meanwhile leaves its place, and those behind it would be passed over. How far a
    number of results may go is not documented either.
    """
    place = place_of(cursor) if cursor else Place(since - LAG, 0)
    wanted = {
        "range": "date_last_updated",
        "begin_date": stamp(place.since),
        "end_date": stamp(until),
        "sort": "date_last_updated",
        "criteria": "asc",
        "limit": PAYMENTS,
        "offset": place.offset,
    }
    page = search(api, SEARCH, wanted)
    answers = [payment_told(api, bytes(row)) for row in page.results]
    return Listed(answers, next_place(page, place))


def list_subscriptions(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The subscriptions that changed in a span of time: a search through all there are.

    It knows no times. It does know a status, but finds a part of the cancelled ones only
    (measured), so it is not asked for one. Of each subscription it leaves out the next payment and
    the sum of the payments, so each that changed is read by its id.
    """
    offset = int(cursor or 0)
    wanted = {"sort": "date_created:asc", "limit": SUBSCRIPTIONS, "offset": offset}
    page = search(api, SEARCH_SUBSCRIPTIONS, wanted)
    rows = [found(row) for row in page.results]
    codes = [row.id for row in rows if is_of_concern(row, since - LAG, until)]
    following = "" if is_last(page, offset) else str(offset + len(rows))
    return Listed(readable(api, codes), following)


def is_of_concern(row: Found, since: datetime, until: datetime) -> bool:
    """Whether a subscription was authorized, and changed in that span. Yes if it does not say."""
    if row.status == "pending":
        return False
    changed_at = time_of(row.last_modified)
    return changed_at is None or since <= changed_at < until


def readable(api: Api, codes: list[Any]) -> list[RawRequest]:
    """The subscriptions that can be read by their id."""
    answers = []
    for code in codes:
        try:
            answers += preapproval(api, resource_id(code))
        except NotFoundError:  # the search shows what is not there any more, or not yet
            continue
    return answers


def search(api: Api, path: str, wanted: Mapping[str, Any]) -> Page:
    """A page of results. Raises UnavailableError, DeniedError, ApiError."""
    body = http.get(api, path, parameters=wanted, headers=authorization(api))
    try:
        return decode(PAGE, body)
    except PayloadError as error:
        raise UnavailableError(f"GET {path}: the answer cannot be read", status=200) from error


def found(row: Raw) -> Found:
    """One result. Raises UnavailableError for what is no object."""
    try:
        return decode(FOUND, bytes(row))
    except PayloadError as error:
        raise UnavailableError("A search found what cannot be read", status=200) from error


def is_last(page: Page, offset: int) -> bool:
    """Whether nothing follows this page."""
    total = (page.paging or NO_PAGING).total
    return not page.results or (total is not None and offset + len(page.results) >= total)


def next_place(page: Page, place: Place) -> str:
    """The cursor of the next page; "" after the last one.

    It goes by time as long as the results are in order and time goes on. Of many changes at one
    instant it passes over those that were shown.
    """
    if is_last(page, place.offset):
        return ""
    newest = newest_change(page)
    if newest and newest > place.since:
        return f"{stamp(newest)}|0"
    return f"{stamp(place.since)}|{place.offset + len(page.results)}"


def newest_change(page: Page) -> datetime | None:
    """The last change of a page; None where its results are not in the order of their change."""
    told = [time_of(found(row).date_last_updated) for row in page.results]
    times = [time for time in told if time]
    in_order = len(times) == len(told) and times == sorted(times)
    return times[-1] if in_order else None


def place_of(cursor: str) -> Place:
    """Read a cursor of ours."""
    since, _, offset = cursor.partition("|")
    return Place(datetime.fromisoformat(since), int(offset))


def time_of(value: Any) -> datetime | None:
    """UTC time; None where there is none that can be read."""
    try:
        return moment(value, "time") if isinstance(value, str) else None
    except PayloadError:
        return None


def stamp(time: datetime) -> str:
    """A time as the search wants it, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
