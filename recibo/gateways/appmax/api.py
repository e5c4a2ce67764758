"""Asking AppMax about an order or a subscription that we know of.

Sources: "API v3" and "API v1", docs.appmax.com.br. Either is enough; a notice is asked about where
it came from if both are there. v1 allows 60 calls a minute to each route; v3 documents no limit.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import quote

from recibo.gateways import http
from recibo.gateways.appmax import answers
from recibo.gateways.appmax.calls import (
    access_token,
    ask_v1,
    ask_v3,
    has_v1,
    has_v3,
    no_credentials,
)
from recibo.gateways.appmax.charges import buyer_id
from recibo.gateways.appmax.orders import v1_order
from recibo.gateways.appmax.webhook import Notice, is_thin, notice_of
from recibo.gateways.appmax.words import PAID_ONCE, READ, STATUSES
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, NotFoundError, PayloadError
from recibo.gateways.facts import EventType

CALLS_PER_SECOND = 1.0

ID = re.compile(r"[0-9]{1,18}")
BUYER = re.compile(buyer_id(f"({ID.pattern})"))

#: The news that an order's status does not tell.
TOLD_WITH_ORDER = {event_type for event_type, _ in READ}


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    """The order or the subscription that a notice is about.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    told = notice_of(notice)
    if not is_thin(told):
        return []
    if told.is_about_subscription:
        return [subscription(api, told)]
    notes = {"news": told.event_type.value} if told.event_type in TOLD_WITH_ORDER else {}
    return [order(api, told.order_id, ORDERS, prefer_v1=told.is_app, notes=notes)]


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """The order as it is now: of v3 if that can be asked, which tells more in one call.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    return [order(api, charge_id, ORDERS, prefer_v1=False, notes={})]


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """The order of that number: AppMax keeps no reference of the seller's own.

    Raises UnavailableError, DeniedError.
    """
    try:
        return fetch_charge(api, reference.strip())
    except NotFoundError:
        return []


def fetch_customer(api: Api, gateway_id: str) -> RawRequest:
    """The buyer of an order: AppMax has no call for a buyer alone.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    if not (found := BUYER.fullmatch(gateway_id)):
        raise NotFoundError("AppMax tells of buyers by their orders only")
    return order(api, found[1], BUYERS, prefer_v1=True, notes={"buyer": gateway_id})


def ping(api: Api) -> None:
    """Prove that the credentials work, all that are set. Raises DeniedError, UnavailableError."""
    if not (has_v1(api) or has_v3(api)):
        raise no_credentials()
    if has_v1(api):
        access_token(api)
    if has_v3(api):
        ask_v3(api, "/api/v3/product", {"page": 1})


#: Asks one of the APIs for an order.
Ask = Callable[[Api, str], tuple[bytes, dict[str, str]]]


def order(
    api: Api, order_id: str, resources: Mapping[Ask, str], *, prefer_v1: bool, notes: dict[str, str]
) -> RawRequest:
    """The answer of the first API that knows the order."""
    if not ID.fullmatch(order_id):
        raise NotFoundError("AppMax's orders have numbers")
    missed: ApiError = no_credentials()
    for ask in usable(api, prefer_v1=prefer_v1):
        try:
            body, more = ask(api, order_id)
        except NotFoundError as error:
            missed = error
        else:
            return http.answer(resources[ask], body, **more, **notes)
    raise missed


def usable(api: Api, *, prefer_v1: bool) -> list[Ask]:
    """The APIs for which there are credentials, the preferred one first."""
    found: list[Ask] = []
    if has_v3(api):
        found.append(order_of_v3)
    if has_v1(api):
        found.insert(0 if prefer_v1 else len(found), order_of_v1)
    return found


def order_of_v3(api: Api, order_id: str) -> tuple[bytes, dict[str, str]]:
    """An order of the API v3."""
    return ask_v3(api, f"/api/v3/order/{quote(order_id, safe='')}"), {}


def order_of_v1(api: Api, order_id: str) -> tuple[bytes, dict[str, str]]:
    """An order of the API v1 and, if money moved, what the seller gets of it."""
    body = ask_v1(api, f"/v1/orders/{quote(order_id, safe='')}")
    return body, shares(api, order_id) if is_paid(body) else {}


def is_paid(body: bytes) -> bool:
    """Whether an order of v1 was paid at some time; False if it cannot be read."""
    try:
        return STATUSES.get(v1_order(answers.envelope(body)).status) in PAID_ONCE
    except PayloadError:
        return False


def shares(api: Api, order_id: str) -> dict[str, str]:
    """The seller's share and the fee. A detail: without them the order is told all the same."""
    try:
        body = ask_v1(api, f"/v1/orders/total-liquid/{quote(order_id, safe='')}")
        told = answers.envelope(body)
    except (ApiError, PayloadError):
        return {}
    return {
        ours: str(told[theirs])
        for ours, theirs in (("net", "total_liquid"), ("fee", "processing_fee"))
        if isinstance(told.get(theirs), Decimal | int)
    }


ORDERS: Mapping[Ask, str] = {order_of_v3: answers.ORDER_V3, order_of_v1: answers.ORDER_V1}
BUYERS: Mapping[Ask, str] = {order_of_v3: answers.BUYER_V3, order_of_v1: answers.BUYER_V1}


def subscription(api: Api, notice: Notice) -> RawRequest:
    """The subscription that a notice is about, under the name that it tells."""
    is_late = notice.event_type is EventType.SUBSCRIPTION_PAST_DUE
    notes = {"news": notice.event_type.value} if is_late else {}
    return read_subscription(api, notice.subscription_id, name=quote(name_of(notice)), **notes)


def read_subscription(api: Api, code: str, **notes: str) -> RawRequest:
    """A subscription, which only v1 tells. Raises UnavailableError, NotFoundError, DeniedError."""
    if not ID.fullmatch(code):
        raise NotFoundError("AppMax's subscriptions have numbers")
    if not has_v1(api):
        raise no_credentials("APPMAX_CLIENT_ID and APPMAX_CLIENT_SECRET")
    body = ask_v1(api, f"/v1/subscriptions/{quote(code, safe='')}")
    return http.answer(answers.SUBSCRIPTION, body, **notes)


def name_of(notice: Notice) -> str:
    """What a subscription is called: only its events say so."""
    name = notice.data.get("subscription_name")
    return name[:200] if isinstance(name, str) else ""
