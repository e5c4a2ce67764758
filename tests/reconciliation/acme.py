"""A seventh gateway, whose notices are thin: nothing outside of this file knows it."""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from urllib.parse import quote

import msgspec
from msgspec import Struct

from recibo.gateways import http, signatures
from recibo.gateways.contract import ANSWER, Api, Gateway, Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    LeadFact,
    Money,
)

TOKEN = b"x-acme-token"


class Charge(Struct):
    id: str
    status: str
    cents: int
    at: datetime
    customer: str


class Customer(Struct):
    id: str
    email: str


def verify(request: RawRequest, secrets: list[bytes]) -> None:
    signatures.require_token(request.headers.get(TOKEN), secrets)


def identify(request: RawRequest) -> Identity:
    name = sha256(request.body).hexdigest()
    if ANSWER in request.headers:
        return Identity(name, "charge", EventType.CHARGE_PAID)
    return Identity(name, "notice", EventType.UNKNOWN, is_thin=True)


def parse(request: RawRequest) -> list[Fact]:
    kind = request.headers.get(ANSWER)
    if kind == b"customer":
        customer = msgspec.json.decode(request.body, type=Customer)
        told = CustomerFact(email=customer.email, gateway_id=customer.id)
        return [LeadFact(occurred_at=datetime(2026, 3, 1, tzinfo=UTC), customer=told)]
    if kind != b"charge":
        raise IgnoredError("a thin notice tells nothing")
    try:
        charge = msgspec.json.decode(request.body, type=Charge)
    except msgspec.DecodeError as error:
        raise PayloadError(f"acme: {error}") from error
    return [
        ChargeFact(
            charge_id=charge.id,
            status=ChargeStatus(charge.status),
            occurred_at=charge.at,
            amount=Money.from_cents(charge.cents, "BRL"),
            order_reference=charge.id,
            customer=CustomerFact(gateway_id=charge.customer),
        )
    ]


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    charge = quote(msgspec.json.decode(notice.body)["charge"], safe="")
    headers = {"authorization": f"Bearer {api.credentials['key']}"}
    return [http.answer("charge", http.get(api, f"/charges/{charge}", headers=headers))]


def fetch_customer(api: Api, gateway_id: str) -> RawRequest:
    return http.answer("customer", http.get(api, f"/customers/{quote(gateway_id, safe='')}"))


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    return RawRequest({**request.headers, TOKEN: secret}, request.body, request.query)


ACME = Gateway(
    slug="acme",
    name="Acme Pagamentos",
    verify=verify,
    identify=identify,
    parse=parse,
    sign=sign,
    events={},
    personal_fields=frozenset({"email"}),
    samples={},
    secret_settings=("ACME_TOKEN",),
    secret_headers=frozenset({TOKEN}),
    credentials={"key": "ACME_KEY"},
    api_url="https://api.acme.example",
    api_url_setting="ACME_API_URL",
    calls_per_second=1000.0,
    fetch=fetch,
    fetch_customer=fetch_customer,
)
AMOUNT = Decimal("97.90")
