"""Having Mercado Pago change a subscription: end it, or take up one that is paused.

Source: API reference, "Update subscription", and published measurements: the API answers 200 to
changes that it does not make, so what counts is how the subscription stands afterwards.
"""

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
from recibo.gateways.mercadopago.api import PATHS, authorization, read
from recibo.gateways.mercadopago.values import Code, Number, decode, is_id

#: What is asked for, and how the subscription stands -> why Mercado Pago would refuse.
REFUSALS = {
    ("authorized", "cancelled"): (
        "Mercado Pago takes up no subscription that was cancelled; the buyer has to make a new one"
    ),
    ("authorized", "pending"): "The buyer has not authorized this subscription yet",
}


class Subscription(Struct):
    id: Number = None
    status: Code | None = None


class Refusal(Struct):
    message: Code | None = None


SUBSCRIPTION = msgspec.json.Decoder(Subscription)
REFUSAL = msgspec.json.Decoder(Refusal)


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """Collect no more. One that is cancelled already stays so."""
    return change(api, code, "cancelled")


def reactivate_subscription(api: Api, code: str) -> list[RawRequest]:
    """Collect again, if it is paused. Raises ApiError for one that is cancelled."""
    return change(api, code, "authorized")


def change(api: Api, code: str, wanted: str) -> list[RawRequest]:
    """Give a subscription a status, and tell how it stands then.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    if not is_id(code):
        raise NotFoundError("Not the id of a subscription of Mercado Pago")
    body, told = read(api, "preapproval", code, SUBSCRIPTION)
    if told.status != wanted:
        refuse_impossible(told.status or "", wanted)
        body = changed(api, code, wanted)
    return [http.answer("preapproval", body)]


def refuse_impossible(status: str, wanted: str) -> None:
    """Raise ApiError for what Mercado Pago does not do."""
    if reason := REFUSALS.get((wanted, status)):
        raise ApiError(reason)


def changed(api: Api, code: str, wanted: str) -> bytes:
    """Ask for the change and read what came of it.

    A refusal counts as done if the subscription stands so: somebody else was faster, or what was
    read before came from a replica that lags behind.
    """
    refused = refusal_of(api, code, wanted)
    body, told = read(api, "preapproval", code, SUBSCRIPTION)
    if told.status == wanted:
        return body
    if refused:
        raise refused
    raise UnavailableError(f"The subscription is still {told.status}, though asked to be {wanted}")


def refusal_of(api: Api, code: str, wanted: str) -> ApiError | None:
    """Ask for the change; the reason if it is refused. Repeating it does no harm."""
    path = PATHS["preapproval"] + code
    try:
        http.request(api, "PUT", path, headers=authorization(api), json={"status": wanted})
    except (UnavailableError, NotFoundError, DeniedError):
        raise
    except ApiError as error:
        return ApiError(f"{error}: {reason_in(error.body)}", status=error.status)
    return None


def reason_in(body: bytes) -> str:
    """Why Mercado Pago refuses, in its own words."""
    try:
        return decode(REFUSAL, body).message or "no reason is told"
    except PayloadError:
        return "no reason is told"
