"""Asking Asaas's API, version 3. Source: docs.asaas.com, "Autenticação", "Rate limits"."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.asaas import answers, customers
from recibo.gateways.asaas.payloads import CUSTOMER, PAGE, PAYMENT, Page, whole
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)

#: Accounts made since June 2024 are refused without a name of the asker.
USER_AGENT = "Recibo"

CUSTOMER_ID = re.compile(r"cus_[0-9A-Za-z]{1,60}")
PAYMENT_ID = re.compile(r"pay_[0-9A-Za-z]{1,60}")

LOST_DOLLAR = (
    "a key of Asaas begins with $, and this one does not: shells, .env files and Docker Compose"
    " expand it unless ASAAS_API_KEY is quoted"
)
WRONG_KEY = "the key is wrong, or of the other environment: sandbox and production have their own"
NOT_ALLOWED = "the key may not do this: give it the permission in Asaas, or make another"

#: The most things on a page.
LARGEST_PAGE = 100
#: Pages of one reference that are read: no order is paid by as many charges.
MOST_PAGES = 10
#: Characters of a refusal that are told.
LONGEST_REASON = 300


class Reason(Struct):
    description: str = ""


class Refusal(Struct):
    """What Asaas answers to what it does not do."""

    errors: list[Reason]


REFUSAL = msgspec.json.Decoder(Refusal)

T = TypeVar("T")


def ping(api: Api) -> None:
    """Prove that the key works for what we ask. Raises DeniedError or UnavailableError."""
    ask(api, "/v3/customers", {"limit": 1})


def fetch_customer(api: Api, gateway_id: str) -> RawRequest:
    """The buyer, as an answer that ``parse`` reads.

    Raises UnavailableError, NotFoundError, DeniedError, and ApiError for what is no id.
    """
    if not CUSTOMER_ID.fullmatch(gateway_id):
        raise ApiError("Not the id of a customer of Asaas")
    body = ask(api, f"/v3/customers/{gateway_id}")
    if readable(CUSTOMER, body).id != gateway_id:
        raise UnavailableError("The answer is about another customer")
    return http.answer(customers.RESOURCE, body, at=now())


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    """A payment as it stands now. Raises UnavailableError, NotFoundError, DeniedError."""
    if not PAYMENT_ID.fullmatch(charge_id):
        raise NotFoundError("Not the id of a payment of Asaas")
    at = now()
    body = ask(api, f"/v3/payments/{charge_id}")
    if readable(PAYMENT, body).id != charge_id:
        raise UnavailableError("The answer is about another payment")
    return [http.answer(answers.PAYMENT_RESOURCE, body, at=at)]


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """The payments with this ``externalReference``; those of an instalment plan are several.

    Removed ones are not among them. Raises UnavailableError, DeniedError.
    """
    found: list[RawRequest] = []
    if not reference:
        return found  # it would ask for every payment of the account
    for number in range(MOST_PAGES):
        parameters = {"externalReference": reference, "offset": number * LARGEST_PAGE}
        at, page = ask_page(api, "/v3/payments", parameters)
        found += answers_of(answers.PAYMENT_RESOURCE, page, at)
        if not (page.has_more and page.data):
            break
    return found


def ask_page(api: Api, path: str, parameters: Mapping[str, Any]) -> tuple[str, Page]:
    """A page of a list, as large as can be, and when it was asked for."""
    at = now()
    return at, readable(PAGE, ask(api, path, {**parameters, "limit": LARGEST_PAGE}))


def answers_of(resource: str, page: Page, at: str) -> list[RawRequest]:
    """An answer for each thing on a page, with the bytes that came."""
    return [http.answer(resource, bytes(one), at=at) for one in page.data]


def readable(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """An answer, decoded. Raises UnavailableError for anything else."""
    try:
        return whole(decoder, body)
    except PayloadError as error:
        raise UnavailableError("The answer cannot be read") from error


def now() -> str:
    """The time before a question: whatever happens from then on is newer than its answer."""
    return datetime.now(UTC).isoformat()


def ask(
    api: Api,
    path: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    method: str = "GET",
    **more: Any,
) -> bytes:
    """The body of an answer. Raises as ``http.request``; a refusal says what to look at."""
    key = api.credentials.get("api_key", "").strip()
    if not key.isascii():
        raise DeniedError("A key of Asaas has no letters with accents")
    headers = {"access_token": key, "user-agent": USER_AGENT}
    try:
        return http.request(api, method, path, parameters=parameters, headers=headers, **more)
    except DeniedError as error:
        raise DeniedError(f"{error}: {advice(key, error)}", status=error.status) from error
    except (UnavailableError, NotFoundError):
        raise
    except ApiError as error:
        raise ApiError(f"{error}{reasons(error)}", status=error.status) from error


def advice(key: str, error: DeniedError) -> str:
    """What to look at when we were not let in."""
    if not key.startswith("$"):
        return LOST_DOLLAR
    return NOT_ALLOWED if error.status == 403 else WRONG_KEY


def reasons(error: ApiError) -> str:
    """Why Asaas refuses, in its own words, as the end of a message; "" where it says nothing."""
    try:
        refusal = whole(REFUSAL, error.body)
    except PayloadError:
        return ""
    told = " ".join(one.description for one in refusal.errors if one.description)
    return f": {told[:LONGEST_REASON]}" if told else ""
