"""Pagar.me's API v5: a resource by its id, for polling and for a webhook that proves nothing.

Source: "Introdução à API" and "Webhooks", Pagar.me docs v5. A test account has the same address.
"""

import base64
import re
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.stone import postback
from recibo.gateways.stone.charges import CHARGEBACKS
from recibo.gateways.stone.headline import HEADLINE, Headline
from recibo.gateways.stone.payload import Envelope, decode
from recibo.gateways.stone.webhook import (
    ENVELOPE,
    UNDERSTOOD,
    envelope_of,
    is_thin,
)

URL = "https://api.pagar.me"
VERSION = "/core/v5"
CREDENTIALS = {"secret_key": "STONE_SECRET_KEY"}
#: 200 calls a minute for each kind of resource, and 50 for hooks, which are rarely asked for.
CALLS_PER_SECOND = 3.0

#: What is asked for, by the start of its id: the resource and its path.
RESOURCES = {
    "ch": ("charge", "charges"),
    "or": ("order", "orders"),
    "in": ("invoice", "invoices"),
    "sub": ("subscription", "subscriptions"),
    "cus": ("customer", "customers"),
}

#: The form of an id: it goes into an address.
ID = re.compile(r"[a-z]{2,8}_[A-Za-z0-9]{8,40}")


#: Characters of a refusal that are told.
LONGEST_REASON = 300

T = TypeVar("T")


class Refusal(Struct):
    """What Pagar.me answers to what it does not do. ``errors``: by field."""

    message: str = ""
    errors: dict[str, list[str]] | None = None


REFUSAL = msgspec.json.Decoder(Refusal)


def ping(api: Api) -> None:
    """Prove that the secret key works. Raises DeniedError or UnavailableError."""
    http.get(api, f"{VERSION}/charges", parameters={"size": 1}, headers=authorization(api))


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    """What Pagar.me itself says of the resource that a webhook names; of the webhook only its ids
    are used. [] for news that would not be read anyway.

    Raises PayloadError for ids of another form, and as ``http.get`` does.
    """
    if postback.is_form(notice):
        return []
    envelope = envelope_of(notice)
    if envelope.type not in UNDERSTOOD:
        return []
    if envelope.type in CHARGEBACKS:
        return [chargeback(api, envelope)]
    return [fetch_resource(api, envelope)]


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """A charge as it stands now. One of v4 has another form of id, and this API does not know it.

    Raises UnavailableError, NotFoundError, DeniedError.
    """
    require(charge_id, "charge")
    return [http.answer("charge", read(api, charge_id))]


def fetch_resource(api: Api, envelope: Envelope) -> RawRequest:
    """The resource as it is now; where it cannot be read by itself, as its hook holds it."""
    name = decode(HEADLINE, envelope.data).id or ""
    try:
        return http.answer(resource_of(name), read(api, name))
    except NotFoundError:
        if not envelope.id:
            raise
        return http.answer("hook", read(api, envelope.id))


def chargeback(api: Api, envelope: Envelope) -> RawRequest:
    """A charge that was charged back. That it was only the event says, so the hook has to
    confirm it: the charge's own status is documented for some kinds of account only.
    """
    body = read(api, envelope.id or "")
    hook = decode(ENVELOPE, body)
    headline = decode(HEADLINE, hook.data)
    if hook.event not in CHARGEBACKS:
        raise PayloadError(f"stone: {envelope.id} tells of {hook.event}, not of a chargeback")
    if not is_thin(hook.event or "", headline):
        return http.answer("hook", body)
    charge = read(api, headline.only_charge_id)
    return http.answer("charge", charge, event=hook.event or "", at=hook.created_at or "")


def resource_of(name: str) -> str:
    """What an id is the id of. Raises PayloadError."""
    return place_of(name)[0]


def place_of(name: str) -> tuple[str, str]:
    """The resource that an id names, and where it is. Raises PayloadError."""
    kind = name.partition("_")[0]
    places = {**RESOURCES, "hook": ("hook", "hooks")}
    if kind not in places or not ID.fullmatch(name):
        raise PayloadError(f"stone: {name[:60]!r} is no id of a resource")
    return places[kind]


def require(name: str, resource: str) -> None:
    """Raise NotFoundError unless this can be the id of such a resource."""
    try:
        is_one = resource_of(name) == resource
    except PayloadError:
        is_one = False
    if not is_one:
        raise NotFoundError(f"Not the id of a {resource} of Pagar.me")


def read(api: Api, name: str) -> bytes:
    """A resource by its id. Raises PayloadError, and as ``http.get`` does.

    One that is missing is sometimes answered with 400: nothing else is wrong with such a question.
    """
    path = f"{VERSION}/{place_of(name)[1]}/{name}"
    try:
        body = http.get(api, path, headers=authorization(api))
    except ApiError as error:
        if error.status == 400:
            raise NotFoundError(str(error), status=400) from error
        raise
    if headline_of(body).id != name:
        raise UnavailableError(f"GET {path}: the answer is not {name}", status=200)
    return body


def headline_of(body: bytes) -> Headline:
    """What an answer is about; nothing if it cannot be read."""
    try:
        return HEADLINE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Headline()


def ask(api: Api, method: str, path: str, **more: Any) -> bytes:
    """The body of an answer. Raises as ``http.request``; a refusal says why."""
    try:
        return http.request(api, method, VERSION + path, headers=authorization(api), **more)
    except (UnavailableError, NotFoundError, DeniedError):
        raise
    except ApiError as error:
        raise ApiError(f"{error}{reasons(error)}", status=error.status) from error


def reasons(error: ApiError) -> str:
    """Why Pagar.me refuses, in its own words, as the end of a message; "" where it says nothing."""
    try:
        refusal = decode(REFUSAL, error.body)
    except PayloadError:
        return ""
    fields = [text for texts in (refusal.errors or {}).values() for text in texts]
    told = " ".join(filter(None, [refusal.message, *fields]))
    return f": {told[:LONGEST_REASON]}" if told else ""


def readable(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """An answer, decoded. Raises UnavailableError for anything else."""
    try:
        return decode(decoder, body)
    except PayloadError as error:
        raise UnavailableError("The answer cannot be read") from error


def authorization(api: Api) -> dict[str, str]:
    """Basic, with the secret key for a user and no password."""
    credentials = f"{api.credentials['secret_key']}:".encode()
    return {"authorization": "Basic " + base64.b64encode(credentials).decode()}
