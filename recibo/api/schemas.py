"""What rows look like from outside. Fields are added, never renamed or taken away."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Schema
from pydantic import PlainSerializer

from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.billing.queries import facts_of_event
from recibo.billing.timeline import Entry, timeline
from recibo.inbox.models import Event, Refusal
from recibo.inbox.queries import body_of, headers_of
from recibo.inbox.refusals import REASONS

#: A decimal string with two places: "1500.00".
Amount = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]
#: A JSON object whose fields are not ours to say.
Json = dict[str, Any]


class OrderName(Schema):
    """The order that a row belongs to."""

    id: int
    reference: str


class CustomerName(Schema):
    """The customer that a row belongs to."""

    id: int
    email: str
    name: str


class EventRow(Schema):
    """One piece of news from a gateway."""

    id: int
    gateway_event_id: str
    gateway_charge_id: str
    gateway: str
    account: str
    source: str
    event_type: str
    gateway_event: str
    status: str
    attempts: int
    duplicates: int
    received_at: datetime
    processed_at: datetime | None
    next_attempt_at: datetime | None
    error: str
    result: str

    @staticmethod
    def resolve_gateway(event: Event) -> str:
        return event.account.gateway

    @staticmethod
    def resolve_account(event: Event) -> str:
        return event.account.name


class EventDetail(EventRow):
    """An event with what came over the wire and what it told.

    ``headers``, ``query`` and ``body`` are null once the body is archived.
    """

    headers: dict[str, str] | None
    query: str | None
    body: str | None
    facts: list[Json]

    @staticmethod
    def resolve_headers(event: Event) -> dict[str, str] | None:
        return headers_of(kept) if (kept := body_of(event)) else None

    @staticmethod
    def resolve_query(event: Event) -> str | None:
        return bytes(kept.query).decode(errors="replace") if (kept := body_of(event)) else None

    @staticmethod
    def resolve_body(event: Event) -> str | None:
        return bytes(kept.body).decode(errors="replace") if (kept := body_of(event)) else None

    @staticmethod
    def resolve_facts(event: Event) -> list[Json]:
        return facts_of_event(event.pk)


class EventStats(Schema):
    """How many events there are, by status."""

    total: int
    pending: int
    processing: int
    processed: int
    failed: int
    ignored: int


class ChargeRow(Schema):
    """One attempt to collect money."""

    id: int
    gateway: str
    account: str
    gateway_charge_id: str
    status: str
    amount: Amount
    currency: str
    fee: Amount | None
    net: Amount | None
    refunded_amount: Amount
    payment_method: str | None
    installments: int | None
    product: str
    subscription_code: str | None
    refusal_reason: str
    commissions: list[Json]
    metadata: Json
    simulated: bool
    created_at: datetime
    paid_at: datetime | None
    expires_at: datetime | None
    order: OrderName
    customer: CustomerName | None

    @staticmethod
    def resolve_gateway(charge: Charge) -> str:
        return charge.account.gateway

    @staticmethod
    def resolve_account(charge: Charge) -> str:
        return charge.account.name

    @staticmethod
    def resolve_payment_method(charge: Charge) -> str | None:
        return charge.payment_method or None

    @staticmethod
    def resolve_subscription_code(charge: Charge) -> str | None:
        return charge.subscription_code or None

    @staticmethod
    def resolve_commissions(charge: Charge) -> list[Json]:
        """Amounts as everywhere: they are kept with as many places as the gateway sent."""
        return [
            {**one, "amount": f"{Decimal(str(one['amount'])):.2f}"} for one in charge.commissions
        ]


class OrderRow(Schema):
    """What a buyer bought."""

    id: int
    gateway: str
    account: str
    reference: str
    status: str
    amount: Amount
    currency: str
    paid_amount: Amount
    product: str
    payment_url: str | None
    simulated: bool
    customer: CustomerName | None
    charges: list[ChargeRow]
    created_at: datetime
    paid_at: datetime | None

    @staticmethod
    def resolve_gateway(order: Order) -> str:
        return order.account.gateway

    @staticmethod
    def resolve_account(order: Order) -> str:
        return order.account.name

    @staticmethod
    def resolve_payment_url(order: Order) -> str | None:
        return order.payment_url or None


class TimelineEntry(Schema):
    """One thing that happened to an order.

    ``kind``: ``order.created``, ``event.received``, or ``charge.`` and a status.
    """

    at: datetime
    kind: str
    text: str
    charge: str
    event_id: int | None
    simulated: bool


class OrderDetail(OrderRow):
    """An order with its whole story, oldest first."""

    timeline: list[TimelineEntry]

    @staticmethod
    def resolve_timeline(order: Order) -> list[Entry]:
        return timeline(order)


class SubscriptionRow(Schema):
    """An agreement to collect again and again."""

    id: int
    subscriber_code: str
    gateway: str
    account: str
    status: str
    plan: str
    product: str
    price: Amount | None
    currency: str | None
    period: str | None
    next_billing_at: datetime | None
    started_at: datetime | None
    cancelled_at: datetime | None
    simulated: bool
    customer: CustomerName | None

    @staticmethod
    def resolve_subscriber_code(subscription: Subscription) -> str:
        return subscription.code

    @staticmethod
    def resolve_gateway(subscription: Subscription) -> str:
        return subscription.account.gateway

    @staticmethod
    def resolve_account(subscription: Subscription) -> str:
        return subscription.account.name

    @staticmethod
    def resolve_currency(subscription: Subscription) -> str | None:
        return subscription.currency or None

    @staticmethod
    def resolve_period(subscription: Subscription) -> str | None:
        return subscription.period or None


class SubscriptionName(Schema):
    """A subscription as its customer's row shows it."""

    subscriber_code: str
    gateway: str
    status: str
    plan: str
    next_billing_at: datetime | None

    @staticmethod
    def resolve_subscriber_code(subscription: Subscription) -> str:
        return subscription.code

    @staticmethod
    def resolve_gateway(subscription: Subscription) -> str:
        return subscription.account.gateway


class NoteRow(Schema):
    """What the seller wrote about a customer."""

    id: int
    at: datetime
    author: str
    text: str


class CustomerRow(Schema):
    """One person, known by e-mail.

    ``lifetime_value``: paid and not given back, in the currency of most of the person's charges;
    ``lifetime_values``: the same in every currency.
    """

    id: int
    email: str
    name: str
    phone: str
    document: str
    segment: str
    access: str = "none"
    user_id: str | None = None
    tags: list[str]
    notes: list[NoteRow]
    subscriptions: list[SubscriptionName]
    lifetime_value: Amount
    lifetime_values: dict[str, Amount]
    created_at: datetime

    @staticmethod
    def resolve_tags(customer: Customer) -> list[str]:
        return [tag.tag for tag in customer.tags.all()]


class CustomerStats(Schema):
    """How many customers there are, by segment."""

    total: int
    active: int
    at_risk: int
    trial: int
    cancelled: int
    buyer: int
    lead: int


class RefusalRow(Schema):
    """Requests refused for one reason, from one address, within one hour."""

    id: int
    gateway: str
    account: str
    reason: str
    explanation: str
    remote_address: str
    times: int
    first_at: datetime
    last_at: datetime
    excerpt: str

    @staticmethod
    def resolve_explanation(refusal: Refusal) -> str:
        return next((str(text) for reason, text in REASONS.items() if reason == refusal.reason), "")

    @staticmethod
    def resolve_excerpt(refusal: Refusal) -> str:
        return bytes(refusal.excerpt).decode(errors="replace")


class ReplayRequest(Schema):
    """``with_messages``: also tell buyers and grant access, as if the event were new."""

    with_messages: bool = False


class Queued(Schema):
    """It will be done in a moment."""

    id: int
    status: str


class CallRow(Schema):
    """One call to the outside."""

    id: int
    account: str
    event_id: int | None
    host: str
    operation: str
    status_code: int | None
    duration_ms: int
    error: str
    created_at: datetime


class AlertRow(Schema):
    """A condition that a person should know of."""

    id: int
    kind: str
    text: str
    opened_at: datetime
    seen_at: datetime
    resolved_at: datetime | None
