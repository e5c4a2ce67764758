"""A seventh gateway, whose notices are thin: nothing outside of this folder knows it.

Its API answers by charge, by reference, and in lists whose pages are named by tokens.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http, signatures
from recibo.gateways.contract import (
    ANSWER,
    Api,
    Gateway,
    Identity,
    Listed,
    RawRequest,
    WebhookQueue,
)
from recibo.gateways.errors import ApiError, DeniedError, IgnoredError, PayloadError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    LeadFact,
    Money,
    PaymentMethod,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

TOKEN = b"x-acme-token"
SINCE_LOGIN = 3600.0
WORDS = {
    ChargeStatus.PENDING: EventType.CHARGE_CREATED,
    ChargeStatus.PAID: EventType.CHARGE_PAID,
}


class Charge(Struct):
    id: str
    status: str
    cents: int
    at: datetime
    customer: str = ""
    reference: str = ""
    method: str = ""
    product: str = ""
    created_at: datetime | None = None
    paid_at: datetime | None = None
    expires_at: datetime | None = None


class Subscription(Struct):
    id: str
    status: str
    at: datetime
    email: str
    plan: str = ""
    next_at: datetime | None = None


class Customer(Struct):
    id: str
    email: str
    name: str = ""


class Page(Struct):
    items: list[Raw]
    next: str = ""


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    signatures.require_token(request.headers.get(TOKEN), secrets)


def identify(request: RawRequest) -> Identity:
    name = sha256(request.body).hexdigest()
    kind = request.headers.get(ANSWER)
    if kind == b"charge":
        try:
            told = msgspec.json.decode(request.body, type=Charge)
        except msgspec.DecodeError as error:
            raise PayloadError(f"acme: {error}") from error
        return Identity(name, "charge", EventType(f"charge.{word(told)}"), told.id)
    if kind:
        return Identity(name, kind.decode(), EventType.UNKNOWN)
    charge = msgspec.json.decode(request.body)["charge"]
    return Identity(name, "notice", EventType.UNKNOWN, charge, is_thin=True)


def word(charge: Charge) -> str:
    return "created" if charge.status == "pending" else charge.status


def parse(request: RawRequest) -> list[Fact]:
    kind = request.headers.get(ANSWER)
    if kind == b"customer":
        customer = msgspec.json.decode(request.body, type=Customer)
        told = CustomerFact(email=customer.email, name=customer.name, gateway_id=customer.id)
        return [LeadFact(occurred_at=datetime(2026, 3, 1, tzinfo=UTC), customer=told)]
    if kind == b"subscription":
        return [subscription_fact(msgspec.json.decode(request.body, type=Subscription))]
    if kind != b"charge":
        raise IgnoredError("a thin notice tells nothing")
    try:
        return [charge_fact(msgspec.json.decode(request.body, type=Charge))]
    except msgspec.DecodeError as error:
        raise PayloadError(f"acme: {error}") from error


def charge_fact(charge: Charge) -> ChargeFact:
    return ChargeFact(
        charge_id=charge.id,
        status=ChargeStatus(charge.status),
        occurred_at=charge.at,
        amount=Money.from_cents(charge.cents, "BRL"),
        order_reference=charge.reference or charge.id,
        customer=CustomerFact(gateway_id=charge.customer) if charge.customer else None,
        payment_method=PaymentMethod(charge.method) if charge.method else None,
        product=ProductFact(id=charge.product),
        created_at=charge.created_at,
        paid_at=charge.paid_at,
        expires_at=charge.expires_at,
    )


def subscription_fact(told: Subscription) -> SubscriptionFact:
    return SubscriptionFact(
        code=told.id,
        occurred_at=told.at,
        status=SubscriptionStatus(told.status),
        customer=CustomerFact(email=told.email),
        plan_id=told.plan,
        next_billing_at=told.next_at,
    )


def key(api: Api) -> dict[str, str]:
    return {"authorization": f"Bearer {api.credentials['key']}"}


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    return fetch_charge(api, msgspec.json.decode(notice.body)["charge"])


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    path = f"/charges/{quote(charge_id, safe='')}"
    return [http.answer("charge", http.get(api, path, headers=key(api)))]


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    found = http.get(api, "/search", parameters={"reference": reference}, headers=key(api))
    return [
        http.answer("charge", bytes(one)) for one in msgspec.json.decode(found, type=Page).items
    ]


def login(api: Api) -> str:
    """A token that every process shares."""
    if token := api.tokens.get("api"):
        return token
    token = msgspec.json.decode(http.request(api, "POST", "/token"))["token"]
    api.tokens.put("api", token, SINCE_LOGIN)
    return token


def listed(api: Api, kind: str, since: datetime, until: datetime, cursor: str) -> Listed:
    span = {"since": since.isoformat(), "until": until.isoformat(), "page": cursor}
    try:
        body = page_body(api, kind, span)
    except DeniedError:
        api.tokens.forget("api")
        body = page_body(api, kind, span)
    page = msgspec.json.decode(body, type=Page)
    return Listed([http.answer(kind, bytes(one)) for one in page.items], page.next)


def page_body(api: Api, kind: str, span: dict[str, str]) -> bytes:
    headers = {"authorization": f"Bearer {login(api)}"}
    return http.get(api, f"/{kind}s", parameters=span, headers=headers)


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    return listed(api, "charge", since, until, cursor)


def list_subscriptions(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    return listed(api, "subscription", since, until, cursor)


def changed(api: Api, code: str, change: dict[str, object]) -> list[RawRequest]:
    """How a subscription stands after a change; one that stands so already is left alone."""
    path = f"/subscriptions/{quote(code, safe='')}"
    try:
        body = http.request(api, "PUT", path, json=change, headers=key(api))
    except ApiError as refusal:
        if type(refusal) is not ApiError:
            raise
        raise ApiError(f"{refusal}: {refusal.body.decode()}", status=refusal.status) from refusal
    return [http.answer("subscription", body)]


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    return changed(api, code, {"status": "cancelled"})


def reactivate_subscription(api: Api, code: str) -> list[RawRequest]:
    return changed(api, code, {"status": "active"})


def change_due_day(api: Api, code: str, day: int) -> list[RawRequest]:
    return changed(api, code, {"day": day})


def change_plan(api: Api, code: str, plan_id: str) -> list[RawRequest]:
    return changed(api, code, {"plan": plan_id})


def webhook_queues(api: Api) -> list[WebhookQueue]:
    return msgspec.json.decode(http.get(api, "/webhooks"), type=list[WebhookQueue])


def resume_webhooks(api: Api, queue: WebhookQueue) -> None:
    http.request(api, "POST", f"/webhooks/{queue.id}/resume")


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
    fetch_charge=fetch_charge,
    search_charges=search_charges,
    list_sales=list_sales,
    list_subscriptions=list_subscriptions,
    cancel_subscription=cancel_subscription,
    reactivate_subscription=reactivate_subscription,
    change_due_day=change_due_day,
    change_plan=change_plan,
    webhook_queues=webhook_queues,
    resume_webhooks=resume_webhooks,
)
AMOUNT = Decimal("97.90")
