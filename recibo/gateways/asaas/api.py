"""Asking Asaas's API, version 3. Source: docs.asaas.com, "Autenticação", "Rate limits"."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recibo.gateways import http
from recibo.gateways.asaas import customers
from recibo.gateways.asaas.payloads import CUSTOMER, whole
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, PayloadError, UnavailableError

#: Accounts made since June 2024 are refused without a name of the asker.
USER_AGENT = "Recibo"

CUSTOMER_ID = re.compile(r"cus_[0-9A-Za-z]{1,60}")

LOST_DOLLAR = (
    "a key of Asaas begins with $, and this one does not: shells, .env files and Docker Compose"
    " expand it unless ASAAS_API_KEY is quoted"
)
WRONG_KEY = "the key is wrong, or of the other environment: sandbox and production have their own"


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
    if customer_id(body) != gateway_id:
        raise UnavailableError("The answer is about another customer")
    return http.answer(customers.RESOURCE, body, at=datetime.now(UTC).isoformat())


def customer_id(body: bytes) -> str:
    """Of whom an answer tells. Raises UnavailableError for what is no customer."""
    try:
        return whole(CUSTOMER, body).id
    except PayloadError as error:
        raise UnavailableError("The answer cannot be read") from error


def ask(api: Api, path: str, parameters: Mapping[str, Any] | None = None) -> bytes:
    """The body of an answer. Raises as ``http.get``; a refusal says what to look at."""
    key = api.credentials.get("api_key", "").strip()
    advice = WRONG_KEY if key.startswith("$") else LOST_DOLLAR
    if not key.isascii():
        raise DeniedError("A key of Asaas has no letters with accents")
    headers = {"access_token": key, "user-agent": USER_AGENT}
    try:
        return http.get(api, path, parameters=parameters, headers=headers)
    except DeniedError as error:
        raise DeniedError(f"{error}: {advice}", status=error.status) from error
