"""PagBank's recurring payments: subscriptions, as webhooks and answers of the API tell them.

Source: "Webhooks de assinaturas", PagBank developers. No webhook of it says that a cycle was
paid: ``recurrence`` only that it was billed.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from recibo.gateways.contract import Identity
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    CustomerFact,
    EventType,
    Fact,
    Money,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.pagseguro.reading import Cents, Id, Text, decode, missing, moment, normal

#: A subscription's status -> what an answer that shows it is news of, and what it becomes.
STATUSES: Mapping[str, tuple[EventType, SubscriptionStatus]] = {
    "ACTIVE": (EventType.SUBSCRIPTION_ACTIVATED, SubscriptionStatus.ACTIVE),
    "TRIAL": (EventType.SUBSCRIPTION_ACTIVATED, SubscriptionStatus.TRIAL),
    "OVERDUE": (EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAST_DUE),
    "PENDING_ACTION": (EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAST_DUE),
    "SUSPENDED": (EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAUSED),
    "EXPIRED": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.EXPIRED),
    "CANCELED": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
}

#: Events of webhooks.
WEBHOOKS = {
    "subscription.initial": EventType.SUBSCRIPTION_CREATED,
    "subscription.updated": EventType.SUBSCRIPTION_PLAN_CHANGED,
    "subscription.activated": EventType.SUBSCRIPTION_ACTIVATED,
    "subscription.suspended": EventType.SUBSCRIPTION_PAST_DUE,
    "subscription.recurrence": EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    "subscription.expired": EventType.SUBSCRIPTION_CANCELLED,
    "subscription.canceled": EventType.SUBSCRIPTION_CANCELLED,
    "subscription.migrated": EventType.SUBSCRIPTION_PLAN_CHANGED,
}

EVENTS = {
    **WEBHOOKS,
    **{f"subscription/{word}": event_type for word, (event_type, _) in STATUSES.items()},
}

#: Events of the same envelope about things that are neither sold nor paid.
NO_NEWS = ("plan.", "coupon.", "customer.")
#: Their bodies are published nowhere.
REFUNDS = "payment.refund."


class Amount(Struct):
    value: Cents
    currency: str = "BRL"


class Plan(Struct):
    id: Text = ""
    name: Text | None = None


class Customer(Struct):
    id: Text = ""
    name: Text | None = None
    email: Text | None = None


class Subscription(Struct):
    id: Id
    status: Id
    amount: Amount | None = None
    plan: Plan | None = None
    customer: Customer | None = None
    created_at: Text | None = None
    updated_at: Text | None = None
    next_invoice_at: Text | None = None  # a day
    exp_at: Text | None = None  # the last day of what is paid


class Envelope(Struct):
    """A webhook. ``resource`` is what the API answers when it is asked for the subscription."""

    event: Id
    date: Text | None = None
    resource: Raw = Raw(b"{}")


SUBSCRIPTION = msgspec.json.Decoder(Subscription)
ENVELOPE = msgspec.json.Decoder(Envelope)
NO_PLAN, NO_CUSTOMER = Plan(), Customer()


def envelope_identity(body: bytes) -> Identity:
    """Named by its event; the caller knows it by its bytes."""
    word = decode(ENVELOPE, body).event
    return Identity(event_id="", gateway_event=word, event_type=EVENTS.get(word, EventType.UNKNOWN))


def envelope_facts(body: bytes, _at: datetime | None) -> list[Fact]:
    """The one subscription. Raises PayloadError, UnknownStatusError or IgnoredError."""
    envelope = decode(ENVELOPE, body)
    event = envelope.event
    if event.startswith(REFUNDS):
        raise PayloadError(f"pagseguro: {event} is published without its form: see the panel")
    if event.startswith(NO_NEWS):
        raise IgnoredError(f"PagBank event {event}: nothing is sold or paid by it")
    if event not in WEBHOOKS:
        raise IgnoredError(f"PagBank event {event} is not known to this version; it is kept")
    return [subscription_fact(decode(SUBSCRIPTION, envelope.resource), envelope.date)]


def subscription_identity(body: bytes) -> Identity:
    """An answer, known by its state."""
    subscription = decode(SUBSCRIPTION, body)
    state = (subscription.status, subscription.updated_at, subscription.next_invoice_at)
    word = f"subscription/{subscription.status}"
    return Identity(
        event_id=":".join(["subscription", subscription.id, *(part or "" for part in state)]),
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
    )


def subscription_facts(body: bytes, _at: datetime | None) -> list[Fact]:
    """The subscription in an answer. Raises PayloadError, UnknownStatusError."""
    return [subscription_fact(decode(SUBSCRIPTION, body), None)]


def subscription_fact(subscription: Subscription, date: str | None) -> SubscriptionFact:
    """A subscription as it is since ``date``, or since its last change. Periods are not told."""
    date = date or subscription.updated_at or subscription.created_at
    at = moment(date or missing("updated_at"), "date")
    status, plan = subscription_status(subscription.status), subscription.plan or NO_PLAN
    next_billing_at = subscription.next_invoice_at or subscription.exp_at
    created_at, amount = subscription.created_at, subscription.amount
    return SubscriptionFact(
        code=subscription.id,
        occurred_at=at,
        status=status,
        customer=customer_fact(subscription.customer or NO_CUSTOMER),
        product=ProductFact(id=plan.id, name=plan.name or ""),
        plan=plan.name or "",
        plan_id=plan.id,
        price=Money.from_cents(amount.value, amount.currency) if amount else None,
        next_billing_at=moment(next_billing_at, "next_invoice_at") if next_billing_at else None,
        started_at=moment(created_at, "created_at") if created_at else None,
        cancelled_at=at if status is SubscriptionStatus.CANCELLED else None,
    )


def subscription_status(word: str) -> SubscriptionStatus:
    """Raises UnknownStatusError."""
    if word not in STATUSES:
        raise UnknownStatusError("pagseguro", word)
    return STATUSES[word][1]


def customer_fact(customer: Customer) -> CustomerFact | None:
    """Who subscribed; None without an e-mail."""
    if not (email := normal(customer.email)):
        return None
    return CustomerFact(email=email, name=customer.name or "", gateway_id=customer.id)
