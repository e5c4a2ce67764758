"""Asking AppMax: the API v3 of a store (a static token) and v1 of an application (OAuth).

Sources: "API v3" and "API v1", docs.appmax.com.br. Either is enough; a notice is asked about where
it came from if both are there. v1 allows 60 calls a minute to each route; v3 documents no limit.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from recibo.gateways import http
from recibo.gateways.appmax import answers
from recibo.gateways.appmax.charges import buyer_id
from recibo.gateways.appmax.orders import v1_order
from recibo.gateways.appmax.reading import document, text
from recibo.gateways.appmax.webhook import Notice, is_thin, notice_of
from recibo.gateways.appmax.words import PAID_ONCE, READ, STATUSES
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.facts import EventType

V1_URL = "https://api.appmax.com.br"
V3_URL = "https://admin.appmax.com.br"
AUTH_URL = "https://auth.appmax.com.br"
CALLS_PER_SECOND = 1.0

ID = re.compile(r"[0-9]{1,18}")
BUYER = re.compile(buyer_id(f"({ID.pattern})"))

#: Seconds by which a token is given up before it lapses: a call on its way must not outlive it.
MARGIN = 60.0
#: Seconds that a token is good for where the answer does not say.
LIFETIME = 3600.0

#: The news that an order's status does not tell.
TOLD_WITH_ORDER = {event_type for event_type, _ in READ}

#: The status within an answer of v3 -> the error; all others tell that there is no such thing.
FAILURES_OF_V3: Mapping[int, type[DeniedError | NotFoundError | UnavailableError]] = {
    401: DeniedError,
    403: DeniedError,
    429: UnavailableError,
    500: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
}

Parameters = Mapping[str, str | int]


class Token(msgspec.Struct):
    access_token: str
    expires_in: float = LIFETIME


TOKEN = msgspec.json.Decoder(Token, strict=False)

#: Whose (the hash of address and credentials) -> the token, and when it lapses by this machine's
#: monotonic clock. Lost with the process, and asked for anew.
TOKENS: dict[str, tuple[str, float]] = {}


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
    """A subscription: only v1 tells of them."""
    if not ID.fullmatch(notice.subscription_id):
        raise NotFoundError("AppMax's subscriptions have numbers")
    if not has_v1(api):
        raise no_credentials("APPMAX_CLIENT_ID and APPMAX_CLIENT_SECRET")
    body = ask_v1(api, f"/v1/subscriptions/{quote(notice.subscription_id, safe='')}")
    is_late = notice.event_type is EventType.SUBSCRIPTION_PAST_DUE
    notes = {"news": notice.event_type.value} if is_late else {}
    return http.answer(answers.SUBSCRIPTION, body, name=quote(name_of(notice)), **notes)


def name_of(notice: Notice) -> str:
    """What a subscription is called: only its events say so."""
    name = notice.data.get("subscription_name")
    return name[:200] if isinstance(name, str) else ""


def has_v1(api: Api) -> bool:
    """Whether an application's credentials are set."""
    return bool(api.credentials.get("client_id") and api.credentials.get("client_secret"))


def has_v3(api: Api) -> bool:
    """Whether a store's token is set."""
    return bool(api.credentials.get("access_token"))


def no_credentials(
    settings: str = "APPMAX_ACCESS_TOKEN, or APPMAX_CLIENT_ID and APPMAX_CLIENT_SECRET",
) -> DeniedError:
    """Nothing proves us."""
    return DeniedError(f"AppMax cannot be asked: set {settings}")


def ask_v3(api: Api, path: str, parameters: Parameters | None = None) -> bytes:
    """The body of an answer of v3, which answers 200 to nearly everything."""
    base_url = V3_URL if api.base_url == V1_URL else api.base_url
    proof = {"access-token": api.credentials["access_token"]}
    body = http.get(api, path, parameters={**(parameters or {}), **proof}, base_url=base_url)
    told = answered(body, path)
    if told.get("success") is True:
        return body
    raise failure_of_v3(told, path)


def failure_of_v3(told: Mapping[str, Any], path: str) -> ApiError:
    """The error in an envelope: the status within, for that of HTTP is 200."""
    status = told.get("status")
    code = status if isinstance(status, int) else 404
    kind = FAILURES_OF_V3.get(code, NotFoundError)
    return kind(f"GET {path}: {text(told.get('text'))}"[:300], status=code)


def ask_v1(api: Api, path: str) -> bytes:
    """The body of an answer of v1. A token that is refused is given up, and one more asked for."""
    was_kept = owner(api) in TOKENS
    try:
        body = call_v1(api, path)
    except DeniedError:
        TOKENS.pop(owner(api), None)
        if not was_kept:
            raise
        body = call_v1(api, path)
    if not isinstance(answered(body, path).get("data"), dict):  # [] in error cases
        raise UnavailableError(f"GET {path}: no data", status=200)
    return body


def call_v1(api: Api, path: str) -> bytes:
    """One call."""
    return http.get(api, path, headers={"authorization": f"Bearer {access_token(api)}"})


def access_token(api: Api) -> str:
    """A token that is good for a while yet."""
    token, lapses_at = TOKENS.get(owner(api), ("", 0.0))
    if token and time.monotonic() < lapses_at:
        return token
    fresh = new_token(api)
    TOKENS[owner(api)] = (fresh.access_token, time.monotonic() + fresh.expires_in - MARGIN)
    return fresh.access_token


def new_token(api: Api) -> Token:
    """Ask for a token. Raises DeniedError for wrong credentials, UnavailableError."""
    form = {
        "grant_type": "client_credentials",
        "client_id": api.credentials["client_id"],
        "client_secret": api.credentials["client_secret"],
    }
    try:
        body = http.request(api, "POST", "/oauth2/token", base_url=auth_url(api), data=form)
        return TOKEN.decode(body)
    except msgspec.MsgspecError as error:
        raise UnavailableError("POST /oauth2/token: no token", status=200) from error
    except ApiError as error:
        raise (DeniedError(str(error), status=400) if error.status == 400 else error) from error


def auth_url(api: Api) -> str:
    """Where tokens are asked for."""
    return api.credentials.get("auth_url") or AUTH_URL


def owner(api: Api) -> str:
    """Whose token it is: changed credentials must not live on another's token."""
    parts = (auth_url(api), api.credentials["client_id"], api.credentials["client_secret"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answered(body: bytes, path: str) -> Mapping[str, Any]:
    """An answer's envelope. One that cannot be read may be readable later."""
    try:
        return document(body)
    except PayloadError as error:
        raise UnavailableError(f"GET {path}: not an answer of AppMax", status=200) from error
