"""What rows look like from outside. Fields are added, never renamed or taken away."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints

from recibo.access.models import AccessState, Provisioning
from recibo.accounts.models import Account
from recibo.api.errors import ApiError
from recibo.api.filters import Moment
from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.billing.queries import facts_of_event
from recibo.billing.timeline import Entry
from recibo.gateways.facts import CustomerFact, ProductFact
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Refusal
from recibo.inbox.queries import body_of, headers_of
from recibo.inbox.refusals import REASONS
from recibo.operations.exports import Style, is_over, style
from recibo.operations.models import Export
from recibo.operations.story import story
from recibo.outbound.actions import MOST_CONCURRENCY, MOST_WORDS
from recibo.outbound.models import Attempt, Delivery, Endpoint
from recibo.outbound.queries import state as state_of_endpoint
from recibo.outbound.telling import key_of, messages_of
from recibo.reconciliation.models import PaymentCheck, Sync
from recibo.reconciliation.payment_checks import obstacle

#: A decimal string with two places: "1500.00".
Amount = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]
#: PostgreSQL's text cannot hold a NUL.
NO_NUL = r"^[^\x00]*$"
ShortText = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
EmailText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
]


def gateway_slug(name: str) -> str:
    """A gateway's name. Raises ValueError."""
    if name not in GATEWAYS:
        message = _("must be one of: %s")
        raise ValueError(message % ", ".join(GATEWAYS))
    return name


Slug = Annotated[ShortText, AfterValidator(gateway_slug)]
ShortUrl = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
#: A filter of an endpoint.
Words = Annotated[list[ShortText], Field(max_length=MOST_WORDS)]
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

    @staticmethod
    def resolve_email(customer: Customer) -> str:
        return customer.person.email

    @staticmethod
    def resolve_name(customer: Customer) -> str:
        return customer.person.name


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


class Buyer(Schema):
    """Who is to pay."""

    email: EmailText
    name: ShortText = ""
    phone: ShortText = ""
    document: ShortText = ""

    def fact(self) -> CustomerFact:
        """As a fact: addresses are in lower case."""
        return CustomerFact(
            email=self.email.lower(), name=self.name, phone=self.phone, document=self.document
        )


class OrderRequest(Schema):
    """An order that awaits payment. ``reference`` is what the gateway was told to call it."""

    gateway: Slug
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
    amount: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "BRL"
    account: ShortText = Account.DEFAULT
    customer: Buyer | None = None
    product: ShortText = ""
    product_id: ShortText = ""

    def product_fact(self) -> ProductFact:
        """What is sold."""
        return ProductFact(id=self.product_id, name=self.product)


class Awaited(Schema):
    """The order will be there in a moment."""

    reference: str
    status: str


class TimelineEntry(Schema):
    """One thing that happened to an order.

    ``kind``: ``order.created``, ``event.received``, ``charge.`` and a status, ``access.`` and a
    stage, ``message.`` and a status, or ``call``.
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
        return story(order)


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


class DueDay(Schema):
    """The day of the month on which it is to be collected."""

    day: Annotated[int, Field(ge=1, le=28)]


class PlanName(Schema):
    """The plan to move to, by the gateway's id of it."""

    plan_id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]


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
    ``lifetime_values``: the same in every currency. ``told``: what gateways say instead, where the
    seller corrected ``email``, ``name``, ``phone`` or ``document``.
    """

    id: int
    email: str
    name: str
    phone: str
    document: str
    told: dict[str, str]
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
    def resolve_told(customer: Customer) -> dict[str, str]:
        return {name: getattr(customer.told, name) for name in customer.corrections}

    @staticmethod
    def resolve_tags(customer: Customer) -> list[str]:
        return [tag.tag for tag in customer.tags.all()]


class CorrectionRequest(Schema, extra="forbid"):
    """What the seller knows better. ``null``: what gateways tell is right after all."""

    email: Annotated[EmailText, AfterValidator(str.lower)] | None = None
    name: ShortText | None = None
    phone: ShortText | None = None
    document: ShortText | None = None


class NoteRequest(Schema):
    """What to remember of a customer."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=NO_NUL)]


class TagRequest(Schema):
    """A word to find customers by."""

    tag: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_NUL)
    ]


class Tags(Schema):
    """Every tag of a customer, by the alphabet."""

    tags: list[str]


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


class ProvisioningRow(Schema):
    """Giving access for one product of an order."""

    id: int
    order: OrderName
    product: str
    stage: str
    attempts: int
    next_attempt_at: datetime | None
    error: str
    access: str
    created_at: datetime
    stage_at: datetime

    @staticmethod
    def resolve_access(provisioning: Provisioning) -> str:
        return provisioning.access.state if provisioning.access else AccessState.NONE


class ProvisioningStats(Schema):
    """How many provisionings there are, by stage."""

    total: int
    queued: int
    creating_user: int
    sending_credentials: int
    completed: int
    failed_at_user: int
    failed_at_email: int
    failed_permanent: int


class ResyncRequest(Schema):
    """``new_credentials``: have them made anew and sent, though the buyer has some already."""

    new_credentials: bool = False


class Resynced(Schema):
    """It will be done in a moment."""

    order: OrderName
    started: int


class Advanced(Schema):
    """How many provisionings were taken as far as they go."""

    advanced: int


class MessageRow(Schema):
    """One message to one person by one channel. What it said is not kept."""

    id: int
    order: OrderName | None
    channel: str
    kind: str
    to: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    error: str
    message_id: str
    provider_id: str
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None


class CallRow(Schema):
    """One call to the outside."""

    id: int
    account: str
    event_id: int | None
    order: OrderName | None
    stage: str
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


class AuditRow(Schema):
    """One act of an operator. ``actor``: token:NAME, user:NAME or cli:SYSTEM-USER; ``before`` and
    ``after``: what it changed.
    """

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Json
    after: Json


class ExportRequest(Schema, extra="forbid"):
    """Which rows, and how they are written.

    ``separator``, ``decimal`` and ``bom`` are of CSV: spreadsheets set to Portuguese want ``;``,
    ``,`` and true. ``decimal`` is a comma with the separator ``;``, unless it is said.
    ``as_job``: have it written by a worker though it may be small.
    """

    kind: Export.Kind
    format: Export.Format
    bom: bool = False
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] | None = None
    as_job: bool = False

    def style(self) -> Style:
        """As it is written. Raises ApiError."""
        try:
            return style(
                self.format, separator=self.separator, decimal=self.decimal or "", bom=self.bom
            )
        except ValueError as error:
            raise ApiError(422, fields={"decimal": str(error)}) from None


class ExportRow(Schema):
    """A file that a worker writes. ``file`` is its address while it can be fetched."""

    id: int
    kind: str
    format: str
    status: str
    rows: int
    size: int
    error: str
    file: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None

    @staticmethod
    def resolve_status(export: Export) -> str:
        return Export.Status.EXPIRED if is_over(export) else export.status

    @staticmethod
    def resolve_file(export: Export) -> str | None:
        is_there = export.status == Export.Status.DONE and not is_over(export)
        return f"/api/exports/{export.pk}/file" if is_there else None


class PaymentCheckRow(Schema):
    """An order that awaits payment. ``reason``: why it ended, or why nobody asks."""

    id: int
    order: OrderName
    gateway: str
    account: str
    status: str
    attempts: int
    last_check_at: datetime | None
    next_check_at: datetime | None
    interval_seconds: int
    last_error: str
    reason: str
    give_up_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_gateway(check: PaymentCheck) -> str:
        return check.account.gateway

    @staticmethod
    def resolve_account(check: PaymentCheck) -> str:
        return check.account.name

    @staticmethod
    def resolve_next_check_at(check: PaymentCheck) -> datetime | None:
        return check.next_attempt_at

    @staticmethod
    def resolve_reason(check: PaymentCheck) -> str:
        is_open = check.status in PaymentCheck.OPEN
        return obstacle(check.account) if is_open else check.reason


class SyncRequest(Schema):
    """``since``: read what is of that time or later."""

    since: Moment | None = None


class SyncRow(Schema):
    """How far one list of an account was read. ``watermark``: what is before it is all here."""

    id: int
    gateway: str
    account: str
    kind: str
    watermark: datetime | None
    since: datetime | None
    until: datetime | None
    pages: int
    found: int
    new: int
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    error: str

    @staticmethod
    def resolve_gateway(sync: Sync) -> str:
        return sync.account.gateway

    @staticmethod
    def resolve_account(sync: Sync) -> str:
        return sync.account.name


class Syncing(Schema):
    """The lists that are being read now."""

    syncs: list[SyncRow]


class CoverageRow(Schema):
    """How the payments of one day, of one account, were learned first: counts by way."""

    gateway: str
    account: str
    day: date
    ways: dict[str, int]
    total: int
    by_webhook: float


class EndpointRequest(Schema):
    """An application that is to be told of changes. An empty filter takes everything.

    ``events``: types of the catalogue, or ``order.*``. ``accounts``: gateway/name. ``products``:
    the gateways' ids. ``ordered``: what is told of one charge goes one after the other.
    ``concurrency``: deliveries at the same time. ``per_second``: at most so many.
    """

    url: ShortUrl
    description: ShortText = ""
    events: Words = []
    gateways: Words = []
    accounts: Words = []
    products: Words = []
    ordered: bool = False
    concurrency: Annotated[int, Field(ge=1, le=MOST_CONCURRENCY)] = 4
    per_second: Annotated[float, Field(gt=0, le=1000)] | None = None


class EndpointChange(Schema):
    """What is to change about an endpoint; what is left out stays as it is."""

    url: ShortUrl | None = None
    description: ShortText | None = None
    events: Words | None = None
    gateways: Words | None = None
    accounts: Words | None = None
    products: Words | None = None
    ordered: bool | None = None
    concurrency: Annotated[int, Field(ge=1, le=MOST_CONCURRENCY)] | None = None
    per_second: Annotated[float, Field(gt=0, le=1000)] | None = None


class EndpointRow(Schema):
    """An application that is told of changes. ``state``: active, failing or disabled.

    ``disabled_reason``: operator, gone (it answered 410) or failing (for five days).
    """

    id: int
    url: str
    description: str
    events: list[str]
    gateways: list[str]
    accounts: list[str]
    products: list[str]
    ordered: bool
    concurrency: int
    per_second: float | None
    state: str
    disabled_reason: str
    disabled_at: datetime | None
    failing_since: datetime | None
    error: str
    created_at: datetime

    @staticmethod
    def resolve_ordered(endpoint: Endpoint) -> bool:
        return endpoint.is_ordered

    @staticmethod
    def resolve_state(endpoint: Endpoint) -> str:
        return state_of_endpoint(endpoint)


class RotationRequest(Schema):
    """``keep_hours``: for how long the old secret signs beside the new one; 0: it ends at once."""

    keep_hours: Annotated[float, Field(ge=0, le=720)] = 24


class NewSecret(Schema):
    """The secret that signs from now on, shown this once."""

    id: int
    secret: str


class EndpointAnswer(Schema):
    """What came back. ``status_code`` null: nobody answered. ``answer``: its first KiB."""

    status_code: int | None
    duration_ms: int
    error: str
    answer: str


class ReplayOfDeliveries(Schema):
    """All that was given up or waits (``failed``), or everything of a time, ``until`` excluded:
    also what was missed.
    """

    failed: bool = False
    since: Moment | None = None
    until: Moment | None = None


class Replayed(Schema):
    """How many deliveries are on their way."""

    count: int


class DeliveryRow(Schema):
    """A change on its way to an endpoint. ``status``: pending, delivered or failed.

    ``message_id``: what the receiver knows it by, the header ``webhook-id``.
    """

    id: int
    message_id: str
    type: str
    status: str
    attempts: int
    status_code: int | None
    error: str
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None

    @staticmethod
    def resolve_message_id(delivery: Delivery) -> str:
        return key_of(delivery.change)

    @staticmethod
    def resolve_type(delivery: Delivery) -> str:
        return delivery.change.type


class DeliveryTry(EndpointAnswer):
    """One try of a delivery."""

    at: datetime


class DeliveryDetail(DeliveryRow):
    """A delivery with its tries, oldest first, and what it says."""

    tries: list[DeliveryTry]
    message: Json | None

    @staticmethod
    def resolve_tries(delivery: Delivery) -> list[Attempt]:
        return sorted(delivery.tries.all(), key=lambda one: one.pk)

    @staticmethod
    def resolve_message(delivery: Delivery) -> Any:
        found = messages_of([delivery.change])  # none: what it is about is no longer there
        return msgspec.to_builtins(found[0]) if found else None


class Changes(Schema):
    """Changes in their order, as `docs/events.md` describes them. ``cursor``: send it as ``after``
    next time. ``has_more``: ask again at once.
    """

    items: list[Json]
    cursor: str
    has_more: bool
