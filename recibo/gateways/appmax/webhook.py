"""AppMax's webhooks, the panel's ("Apphooks") and those of applications: bytes in, facts out.

Sources: guide "Webhooks", docs.appmax.com.br, and the test events that the panel sends (2026). What
is assumed where they are silent is said in docs/gateways/appmax.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct, structs

from recibo.gateways import signatures
from recibo.gateways.appmax import answers, subscriptions
from recibo.gateways.appmax.charges import told_by_event
from recibo.gateways.appmax.orders import (
    Bundle,
    Customer,
    Order,
    app_order,
    customer_fact,
    panel_order,
    product_fact,
)
from recibo.gateways.appmax.reading import Code, Json, document, fingerprint, missing, moment, read
from recibo.gateways.appmax.reading import text as text_of
from recibo.gateways.appmax.words import CUSTOMER_EVENTS, EVENTS, SUBSCRIPTION_EVENTS
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import GatewayError, IgnoredError, PayloadError
from recibo.gateways.facts import ChargeFact, CustomerFact, EventType, Fact, LeadFact

#: The parameter of the address that holds the secret. The name is ours: AppMax signs nothing.
TOKEN_PARAMETER = b"token"


class TooLittleError(PayloadError):
    """The notice does not tell enough, or belies itself: AppMax has to be asked."""

    def __init__(self) -> None:
        super().__init__("appmax: the notice tells too little; the API is asked for the rest")


@dataclass(frozen=True, slots=True)
class Notice:
    """A delivery. ``word`` is the event without the reason that may follow behind a bar."""

    word: str
    reason: str
    is_app: bool  # an application's: amounts in cents
    data: Json
    content: Json

    @property
    def event_type(self) -> EventType:
        """Our word."""
        return EVENTS.get(self.word, EventType.UNKNOWN)

    @property
    def is_about_subscription(self) -> bool:
        """Whether ``data`` is a subscription, or a customer with one, and not an order."""
        return self.word in SUBSCRIPTION_EVENTS and (self.is_app or "subscription" in self.data)

    @property
    def order_id(self) -> str:
        """The order; "" where ``data.id`` is a customer's id. The event decides, not the id."""
        if self.word in CUSTOMER_EVENTS or self.is_about_subscription:
            return ""
        return scalar(self.data.get("order_id", self.data.get("id")))

    @property
    def subscription_id(self) -> str:
        """An application's subscription; "" in the panel's events."""
        return scalar(self.data.get("subscription_id"))


class AppCustomer(Struct, frozen=True):
    customer_id: Code = None
    customer_data: Customer = Customer()
    created_at: str | None = None
    updated_at: str | None = None


class PanelCustomer(Customer, frozen=True):
    created_at: str | None = None
    interested_bundle: list[Bundle] = []


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless the address holds the account's token.

    The address is all that AppMax lets the seller choose.
    """
    signatures.require_token(token(request.query), secrets)


def token(query: bytes) -> bytes | None:
    """The secret in the address. A plus is a plus: nobody puts a space into a secret."""
    pairs = (pair.partition(b"=") for pair in query.split(b"&"))
    return {name: unquote_to_bytes(value) for name, _, value in pairs}.get(TOKEN_PARAMETER)


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as it comes to the address with the token."""
    headers = {**request.headers, b"content-type": b"application/json"}
    query = TOKEN_PARAMETER + b"=" + quote(secret, safe="").encode()
    return replace(request, headers=headers, query=query)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    if ANSWER in request.headers:
        return answers.identify(request)
    notice = notice_of(request)
    return Identity(
        event_id=event_id(notice, request),
        gateway_event=notice.word,
        event_type=notice.event_type,
        charge_id=notice.order_id,
        is_thin=is_thin(notice),
    )


def event_id(notice: Notice, request: RawRequest) -> str:
    """AppMax numbers nothing: the same content is the same news, in whatever order it is written.

    An application's subscription tells the same every month, so there the day counts too: the
    last retry comes within seven hours, and one more question does no harm.
    """
    content = fingerprint(notice.content)
    if notice.is_app and notice.is_about_subscription and request.received_at:
        return f"{content}/{request.received_at:%Y-%m-%d}"
    return content


def is_thin(notice: Notice) -> bool:
    """Whether AppMax has to be asked. What cannot be read at all is not: a person has to look."""
    try:
        facts_of(notice)
    except TooLittleError:
        return True
    except GatewayError:
        return False
    return False


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if ANSWER in request.headers:
        return answers.parse(request)
    return facts_of(notice_of(request))


def notice_of(request: RawRequest) -> Notice:
    """Read the envelope. Raises PayloadError."""
    content = document(request.body)
    event = content.get("event")
    word, _, reason = event.partition("|") if isinstance(event, str) else ("", "", "")
    data = content.get("data")
    return Notice(
        word=word.strip()[:200] or missing("event"),
        reason=reason.strip().removeprefix("Reason:").strip(),
        is_app="app_id" in content or "site_id" in content,
        data=data if isinstance(data, dict) else {},
        content=content,
    )


def scalar(value: Any) -> str:
    """An id as text; "" for anything else."""
    is_id = isinstance(value, int | str) and not isinstance(value, bool)
    return text_of(value)[:200] if is_id else ""


def facts_of(notice: Notice) -> list[Fact]:
    """What a notice says. Raises TooLittleError, PayloadError, UnknownStatusError, IgnoredError."""
    if notice.word in CUSTOMER_EVENTS:
        return [lead_fact(notice)]
    if notice.event_type is EventType.UNKNOWN:
        raise IgnoredError(f"AppMax event {notice.word} is not known to this version; it is kept")
    if notice.is_about_subscription:
        return subscription_facts(notice)
    order = order_of(notice)
    if notice.word in SUBSCRIPTION_EVENTS:
        return subscription_facts_with_order(notice, order)
    return [charge_fact(notice, order)]


def order_of(notice: Notice) -> Order:
    """The order in a notice. Raises PayloadError."""
    order = app_order(notice.data) if notice.is_app else panel_order(notice.data)
    return structs.replace(order, refusal_reason=order.refusal_reason or notice.reason)


def charge_fact(notice: Notice, order: Order) -> ChargeFact:
    """What the notice says of its order. Raises TooLittleError, UnknownStatusError."""
    fact = told_by_event(order, notice.word)
    if fact is None:
        raise TooLittleError
    return fact


def subscription_facts(notice: Notice) -> list[Fact]:
    """An application tells neither the order nor the time of what happened."""
    if notice.is_app:
        raise TooLittleError
    return subscriptions.panel_facts(notice.word, notice.data)


def subscription_facts_with_order(notice: Notice, order: Order) -> list[Fact]:
    """A success moves money, so its order has to bear it out; others only come with an order."""
    charge = told_by_event(order, notice.word)
    if charge is None and notice.event_type is EventType.CHARGE_PAID:
        raise TooLittleError
    return subscriptions.with_order(notice.word, order, charge)


def lead_fact(notice: Notice) -> LeadFact:
    """Somebody who showed up. Raises PayloadError without an e-mail."""
    if notice.is_app:
        told = read(notice.data, AppCustomer)
        customer = customer_fact(told.customer_data, told.customer_id)
        fact = lead(customer, told.updated_at or told.created_at)
    else:
        shown = read(notice.data, PanelCustomer)
        fact = lead(customer_fact(shown), shown.created_at, shown.interested_bundle)
    return structs.replace(fact, left_cart=notice.event_type is EventType.CART_ABANDONED)


def lead(customer: CustomerFact, at: str | None, bundles: Sequence[Bundle] = ()) -> LeadFact:
    """The fact; ``at`` as AppMax writes it."""
    if not customer.email:
        missing("email")
    return LeadFact(
        occurred_at=moment(at) or missing("created_at"),
        customer=customer,
        product=product_fact(list(bundles), []),
    )
