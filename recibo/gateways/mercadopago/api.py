"""Asking Mercado Pago what a notice is about, and how a payment stands.

Source: API reference, Mercado Pago developers.
"""

import re
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import DeniedError, NotFoundError, PayloadError, UnavailableError
from recibo.gateways.mercadopago import notices
from recibo.gateways.mercadopago.values import Number, decode, id_text, is_id

PATHS = {
    "payment": "/v1/payments/",
    "preapproval": "/preapproval/",
    "authorized_payment": "/authorized_payments/",
    "chargeback": "/v1/chargebacks/",
    "merchant_order": "/merchant_orders/",
}

SEARCH = "/v1/payments/search"

#: An access token ends in the number of the account that it belongs to.
TOKEN = re.compile(r"[A-Z_]+-\d+-\d{6}-[0-9a-f]{32}-(\d{1,20})", re.ASCII)


class Identified(Protocol):
    """Any resource."""

    id: Number


class Named(Struct):
    """Any resource, as far as we look at it here."""

    id: Number = None


class Invoice(Struct):
    """An authorized payment: one collection of a subscription."""

    id: Number = None
    payment: Named | None = None


class Chargeback(Struct):
    """``coverage_applied``: Mercado Pago pays, so the seller keeps the money."""

    id: Number = None
    payments: list[int | str] | None = None
    coverage_applied: bool | None = None


class MerchantOrder(Struct):
    id: Number = None
    payments: list[Named] | None = None


R = TypeVar("R", bound=Identified)

NAMED = msgspec.json.Decoder(Named)
INVOICE = msgspec.json.Decoder(Invoice)
CHARGEBACK = msgspec.json.Decoder(Chargeback)
MERCHANT_ORDER = msgspec.json.Decoder(MerchantOrder)


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    """The state of what a notice is about; [] for a notice about nothing that can be read.

    Raises NotFoundError also for what is not there *yet*: a replica may lag behind the notice.
    """
    about = notices.subject(notice)
    if not about.is_thin:
        return []
    return QUESTIONS[notices.RESOURCES[about.topic]](api, about.id)


def payment(api: Api, code: str) -> list[RawRequest]:
    """The payment."""
    return [payment_answer(api, code)]


def preapproval(api: Api, code: str) -> list[RawRequest]:
    """The subscription."""
    body, _ = read(api, "preapproval", code, NAMED)
    return [http.answer("preapproval", body)]


def authorized_payment(api: Api, code: str) -> list[RawRequest]:
    """The invoice and the payment of its last try.

    Some payments of subscriptions cannot be read by their id; the invoice tells the most of them.
    """
    body, invoice = read(api, "authorized_payment", code, INVOICE)
    answers = [http.answer("authorized_payment", body)]
    if invoice.payment is None:
        return answers
    return answers + readable(api, [invoice.payment.id])[0]


def chargeback(api: Api, code: str) -> list[RawRequest]:
    """The payments that a case is about."""
    _, case = read(api, "chargeback", code, CHARGEBACK)
    notes = {"coverage": "applied"} if case.coverage_applied else {}
    return all_or_some(api, case.payments or (), **notes)


def merchant_order(api: Api, code: str) -> list[RawRequest]:
    """The payments of an order of Checkout Pro; none before the buyer tries to pay."""
    _, order = read(api, "merchant_order", code, MERCHANT_ORDER)
    return all_or_some(api, [one.id for one in order.payments or ()])


#: By resource.
QUESTIONS: dict[str, Callable[[Api, str], list[RawRequest]]] = {
    "payment": payment,
    "preapproval": preapproval,
    "authorized_payment": authorized_payment,
    "chargeback": chargeback,
    "merchant_order": merchant_order,
}


def all_or_some(api: Api, codes: Iterable[Number], **notes: str) -> list[RawRequest]:
    """The payments that can be read. Raises NotFoundError where there are some and none can."""
    answers, unread = readable(api, codes, **notes)
    if unread and not answers:
        raise unread
    return answers


def readable(
    api: Api, codes: Iterable[Number], **notes: str
) -> tuple[list[RawRequest], NotFoundError | None]:
    """The payments that can be read, and the reason why one cannot."""
    answers, unread = [], None
    for code in codes:
        try:
            answers.append(payment_answer(api, resource_id(code), **notes))
        except NotFoundError as error:
            unread = error
    return answers, unread


def resource_id(code: Number) -> str:
    """An id that an answer names. Raises UnavailableError for one that is none."""
    try:
        return id_text(code, "payment")
    except PayloadError as error:
        raise UnavailableError(str(error)) from error


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """The payment as it is now. Raises UnavailableError, NotFoundError, DeniedError."""
    if not is_id(charge_id):
        raise NotFoundError("Not the id of a payment of Mercado Pago")
    return payment(api, charge_id)


def payment_answer(api: Api, code: str, **notes: str) -> RawRequest:
    """A payment that is read by its id."""
    body, _ = read(api, "payment", code, NAMED)
    return payment_told(api, body, **notes)


def payment_told(api: Api, body: bytes, **notes: str) -> RawRequest:
    """A payment, with the number of the account that asked."""
    if own := TOKEN.fullmatch(token(api)):
        notes = {**notes, "collector": own[1]}
    return http.answer("payment", body, **notes)


def read(api: Api, resource: str, code: str, decoder: msgspec.json.Decoder[R]) -> tuple[bytes, R]:
    """A resource's bytes, and the little that we look at.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    path = PATHS[resource] + quote(code, safe="")
    body = http.get(api, path, headers=authorization(api))
    try:
        told = decode(decoder, body)
    except PayloadError as error:
        raise UnavailableError(f"GET {path}: the answer cannot be read") from error
    if str(told.id) != code:
        raise UnavailableError(f"GET {path}: the answer is about another resource")
    return body, told


def ping(api: Api) -> None:
    """Prove that the access token works. Raises DeniedError or UnavailableError."""
    newest = {"sort": "date_created", "criteria": "desc", "limit": "1"}
    http.get(api, SEARCH, parameters=newest, headers=authorization(api))


def authorization(api: Api) -> dict[str, str]:
    """Raises DeniedError without a token that can travel in a header."""
    if not (secret := token(api)) or not secret.isascii() or not secret.isprintable():
        raise DeniedError("No access token of Mercado Pago is set")
    return {"Authorization": f"Bearer {secret}"}


def token(api: Api) -> str:
    """The access token; "" where none is set."""
    return api.credentials.get("access_token", "").strip()
