"""Stone's webhooks: bytes in, facts out. Which of its products speaks is told by the shape.

Pagar.me v5 and Stone Connect send an envelope around a resource, which the resource's id tells
apart; Pagar.me v4 sends a form (``postback``); Stone's Banking API sends what only the holder of a
private key can read. Source: "Webhooks" and "Lista de eventos", Pagar.me docs v5; "Webhooks",
Stone Connect and Stone Open Banking.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Raw

from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import GatewayError, IgnoredError, PayloadError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    EventType,
    Fact,
    LeadFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.stone import postback
from recibo.gateways.stone.charges import (
    Notice,
    bought_by,
    charge_fact,
    customer_fact,
    ordered,
)
from recibo.gateways.stone.headline import HEADLINE, Headline
from recibo.gateways.stone.payload import (
    Charge,
    Customer,
    Envelope,
    Invoice,
    Order,
    Subscription,
    clean,
    decode,
    first,
    latest,
    missing,
    moment,
)
from recibo.gateways.stone.subscriptions import invoice_facts, subscription_fact

#: Events of v5, and those of v4 with the status that they lead to.
EVENTS = {
    "charge.created": EventType.CHARGE_CREATED,
    "charge.pending": EventType.CHARGE_CREATED,
    "charge.updated": EventType.CHARGE_UPDATED,
    "charge.processing": EventType.CHARGE_UPDATED,
    "charge.antifraud_approved": EventType.CHARGE_UPDATED,
    "charge.antifraud_manual": EventType.CHARGE_UPDATED,
    "charge.antifraud_pending": EventType.CHARGE_UPDATED,
    "charge.antifraud_reproved": EventType.CHARGE_FAILED,
    "charge.paid": EventType.CHARGE_PAID,
    "charge.overpaid": EventType.CHARGE_PAID,
    "charge.underpaid": EventType.CHARGE_UPDATED,  # too little came: not a sale
    "charge.payment_failed": EventType.CHARGE_FAILED,
    "charge.partial_canceled": EventType.CHARGE_PARTIALLY_REFUNDED,
    "charge.refunded": EventType.CHARGE_REFUNDED,
    "charge.chargedback": EventType.CHARGE_CHARGED_BACK,  # until 30 September 2026
    "chargeback.received": EventType.CHARGE_CHARGED_BACK,  # takes its place
    "order.created": EventType.CHARGE_CREATED,
    "order.updated": EventType.CHARGE_UPDATED,
    "order.paid": EventType.CHARGE_PAID,
    "order.payment_failed": EventType.CHARGE_FAILED,
    "order.canceled": EventType.CHARGE_CANCELLED,  # or refunded, see ``refined``
    "invoice.created": EventType.CHARGE_CREATED,
    "invoice.updated": EventType.CHARGE_UPDATED,
    "invoice.paid": EventType.CHARGE_PAID,
    "invoice.payment_failed": EventType.SUBSCRIPTION_PAST_DUE,
    "invoice.canceled": EventType.CHARGE_CANCELLED,
    "subscription.created": EventType.SUBSCRIPTION_CREATED,
    "subscription.updated": EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    "subscription.canceled": EventType.SUBSCRIPTION_CANCELLED,
    "subscription.deleted": EventType.SUBSCRIPTION_CANCELLED,
    **postback.EVENTS,
}

#: A buyer and nothing else: there is no word of ours for that.
CUSTOMER_EVENTS = {"customer.created", "customer.updated"}
UNDERSTOOD = EVENTS.keys() | CUSTOMER_EVENTS

#: Events and whole families of them (before the dot) that tell nothing we keep account of.
IGNORED = {
    *("order.closed", "customer.deleted", "address", "bank_account", "card", "checkout"),
    *("discount", "increment", "order_item", "payment-link", "plan", "plan_item", "recipient"),
    *("subscription_item", "usage"),
}

#: Where the same word tells of a charge that is only reserved, and where of one given back.
MAY_BE_RESERVED = {"charge.created", "charge.pending", "order.created"}
MAY_BE_REFUNDED = {"order.canceled"}

#: What a charge or a subscription that we asked for is news of.
CHARGE_NEWS = {
    ChargeStatus.PENDING: EventType.CHARGE_CREATED,
    ChargeStatus.AUTHORIZED: EventType.CHARGE_AUTHORIZED,
    ChargeStatus.PAID: EventType.CHARGE_PAID,
    ChargeStatus.FAILED: EventType.CHARGE_FAILED,
    ChargeStatus.CANCELLED: EventType.CHARGE_CANCELLED,
    ChargeStatus.EXPIRED: EventType.CHARGE_EXPIRED,
    ChargeStatus.PARTIALLY_REFUNDED: EventType.CHARGE_PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED: EventType.CHARGE_REFUNDED,
    ChargeStatus.CHARGED_BACK: EventType.CHARGE_CHARGED_BACK,
}
SUBSCRIPTION_NEWS = {
    None: EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    SubscriptionStatus.TRIAL: EventType.SUBSCRIPTION_CREATED,
    SubscriptionStatus.ACTIVE: EventType.SUBSCRIPTION_ACTIVATED,
    SubscriptionStatus.PAST_DUE: EventType.SUBSCRIPTION_PAST_DUE,
    SubscriptionStatus.CANCELLED: EventType.SUBSCRIPTION_CANCELLED,
    SubscriptionStatus.EXPIRED: EventType.SUBSCRIPTION_CANCELLED,
}

PERSONAL_FIELDS = frozenset(
    {
        *("name", "email", "document", "address", "billing_address", "shipping", "phones"),
        *("home_phone", "mobile_phone", "line_1", "line_2", "street", "number", "complement"),
        *("neighborhood", "zip_code", "city", "state", "birthdate", "holder_name"),
        *("holder_document", "payer", "encrypted_body", "target_data"),
        *(f"transaction[customer][{name}]" for name in ("name", "email", "document_number")),
        *(f"transaction[phone][{name}]" for name in ("ddi", "ddd", "number")),
        *(f"transaction[customer][phone][{name}]" for name in ("ddi", "ddd", "number")),
        *(f"subscription[customer][{name}]" for name in ("name", "email", "document_number")),
        *("transaction[card_holder_name]", "subscription[card][holder_name]"),
    }
)

BANKING = (
    "Webhooks of Stone's Banking API are encrypted to a key that Recibo does not have, and are not "
    "read: register the address of Pagar.me's webhooks (dashboard) instead"
)
THIN = "Tells only which charge was charged back: the charge that we ask for is news of its own"

#: The headers of a webhook of the Banking API.
BANKING_ID = b"x-stone-webhook-event-id"
BANKING_TYPE = b"x-stone-webhook-event-type"

#: What is noted with an answer: the event, if it counts more than the resource, and its time.
NOTES = (b"x-recibo-event", b"x-recibo-at")
#: The answer that is an envelope, as webhooks are; all others are resources.
HOOK = b"hook"


ENVELOPE = msgspec.json.Decoder(Envelope)
CHARGE = msgspec.json.Decoder(Charge)
ORDER = msgspec.json.Decoder(Order)
INVOICE = msgspec.json.Decoder(Invoice)
SUBSCRIPTION = msgspec.json.Decoder(Subscription)
CUSTOMER = msgspec.json.Decoder(Customer)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    if ANSWER in request.headers:
        return answer_identity(request)
    if postback.is_form(request):
        return postback.identify(request)
    envelope = envelope_of(request)
    if is_banking(envelope):
        return banking_identity(request)
    event = envelope.type or missing("type")
    headline = decode(HEADLINE, envelope.data)
    return Identity(
        event_id=envelope.id or fingerprint(request.body),
        gateway_event=event,
        event_type=refined(event, headline),
        charge_id=headline.only_charge_id,
        is_thin=is_thin(event, headline),
    )


def envelope_of(request: RawRequest) -> Envelope:
    """The envelope of a webhook, or one around a resource that we asked for."""
    body = clean(request.body)
    if not is_resource(request):
        return decode(ENVELOPE, body)
    event, created_at = (request.headers.get(note, b"").decode("latin-1") for note in NOTES)
    return Envelope(event=event, created_at=created_at, data=Raw(body))


def is_resource(request: RawRequest) -> bool:
    """Whether this is a resource that we asked for, without the envelope of a webhook."""
    return request.headers.get(ANSWER, HOOK) != HOOK


def is_banking(envelope: Envelope) -> bool:
    """Whether this is of the Banking API: encrypted or, which it never should be, in the clear."""
    is_claims = envelope.type is None and envelope.event_type is not None
    return envelope.encrypted_body is not None or is_claims


def banking_identity(request: RawRequest) -> Identity:
    """The id that Stone gives in a header: the body cannot be read."""
    names = (BANKING_ID, BANKING_TYPE)
    event_id, word = (request.headers.get(name, b"").decode("latin-1")[:200] for name in names)
    return Identity(
        event_id=f"banking/{event_id}" if event_id else fingerprint(request.body),
        gateway_event=f"banking/{word or 'encrypted'}",
        event_type=EventType.UNKNOWN,
    )


def refined(event: str, headline: Headline) -> EventType:
    """What an event is about, where its word alone does not say."""
    charges = headline.told_charges
    if event in MAY_BE_RESERVED and any(charge.is_reserved for charge in charges):
        return EventType.CHARGE_AUTHORIZED
    if event in MAY_BE_REFUNDED and any(charge.was_paid for charge in charges):
        return EventType.CHARGE_REFUNDED
    return EVENTS.get(event, EventType.UNKNOWN)


def is_thin(event: str, headline: Headline) -> bool:
    """Whether this is a chargeback that names its charge and tells nothing of it."""
    return event == "chargeback.received" and headline.kind != "ch"


def fingerprint(body: bytes) -> str:
    """An id for news that has none: the same bytes are the same news."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def answer_identity(request: RawRequest) -> Identity:
    """A state that we read is news if it says something else than the last time.

    Answers also hold what changes by itself, such as the attempts of a hook: only the facts count.
    """
    envelope = envelope_of(request)
    headline = decode(HEADLINE, envelope.data)
    resource = request.headers[ANSWER].decode("latin-1")
    try:
        facts = parse(request)
        state = fingerprint(msgspec.json.encode(facts))
    except GatewayError:
        facts, state = [], fingerprint(request.body)
    return Identity(
        event_id=f"{resource}/{headline.id}/{headline.status}/{state}",
        gateway_event=f"{resource}/{envelope.event or headline.status}",
        event_type=news_of(facts),
        charge_id=headline.only_charge_id,
    )


def news_of(facts: Sequence[Fact]) -> EventType:
    """What facts are about; where they tell of more than one thing, of the most urgent."""
    types = [
        CHARGE_NEWS[fact.status] if isinstance(fact, ChargeFact) else SUBSCRIPTION_NEWS[fact.status]
        for fact in facts
        if isinstance(fact, ChargeFact | SubscriptionFact)
    ]
    return max(types, key=lambda one: one.is_critical, default=EventType.UNKNOWN)


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if ANSWER not in request.headers and postback.is_form(request):
        return postback.parse(request)
    envelope = envelope_of(request)
    if is_banking(envelope):
        raise IgnoredError(BANKING)
    notice = notice_of(envelope, is_asked_for=is_resource(request))
    headline = decode(HEADLINE, envelope.data)
    if is_thin(notice.event, headline):
        raise IgnoredError(THIN)
    if (read := READERS.get(headline.kind)) is None:
        raise PayloadError(f"stone: {notice.event} tells of {headline.id!r}, which is no resource")
    return read(envelope.data, notice)


def notice_of(envelope: Envelope, *, is_asked_for: bool) -> Notice:
    """The event and its time. Raises IgnoredError for an event that has nothing to tell us."""
    event = first(envelope.type, envelope.event)
    created_at = moment(envelope.created_at, "created_at")
    if is_asked_for or event in UNDERSTOOD:
        return Notice(event=event, created_at=created_at)
    if not event:
        missing("type")
    if event in IGNORED or event.partition(".")[0] in IGNORED:
        raise IgnoredError(f"Pagar.me event {event} moves no money; it is kept")
    raise IgnoredError(f"Pagar.me event {event} is not known to this version; it is kept")


def charge_facts(data: Raw, notice: Notice) -> list[Fact]:
    """One charge, which names its order or its invoice."""
    charge = decode(CHARGE, data)
    return [charge_fact(charge, bought_by(charge), notice)]


def order_facts(data: Raw, notice: Notice) -> list[Fact]:
    """All charges of an order, each by its own status: that of the order is not theirs.

    An order that stays open at a card machine is pending while its charges are paid.
    """
    order = decode(ORDER, data)
    charges = order.charges or ()
    if not charges and notice.event == "order.paid":
        missing("order.charges")
    if not charges:
        raise IgnoredError(f"Order {order.code or order.id} has no charge yet")
    return [charge_fact(charge, ordered(order), notice) for charge in charges]


def invoice_of(data: Raw, notice: Notice) -> list[Fact]:
    """An invoice: its charge, and its subscription."""
    return invoice_facts(decode(INVOICE, data), notice)


def subscription_facts(data: Raw, notice: Notice) -> list[Fact]:
    """A subscription."""
    return [subscription_fact(decode(SUBSCRIPTION, data), notice)]


def customer_facts(data: Raw, notice: Notice) -> list[Fact]:
    """A buyer. Raises IgnoredError for one who left no e-mail: we know people by that."""
    customer = decode(CUSTOMER, data)
    fact = customer_fact(customer)
    if fact is None or not fact.email:
        raise IgnoredError(f"Customer {customer.id} has no e-mail")
    seen_at = latest(customer, "created_at", "updated_at") or notice.created_at
    return [LeadFact(occurred_at=seen_at or missing("updated_at"), customer=fact)]


#: What reads each kind of resource, by the start of its id.
READERS: Mapping[str, Callable[[Raw, Notice], list[Fact]]] = {
    "ch": charge_facts,
    "or": order_facts,
    "in": invoice_of,
    "sub": subscription_facts,
    "cus": customer_facts,
}
