"""What the API answered about payments and subscriptions: which news it is, and its facts.

Asaas says of neither when it changed last. So an answer is known by the state that it tells: the
same state read twice is one event. Its facts are dated by the days that the state itself names,
and by the time of the reading only where it names none, which is said of them.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from recibo.gateways.asaas import customers
from recibo.gateways.asaas.dates import by_then, moment
from recibo.gateways.asaas.payloads import (
    PAYMENT,
    REMOVAL,
    SUBSCRIPTION,
    Payment,
    Subscription,
    whole,
)
from recibo.gateways.asaas.payments import charge_fact, charge_status, confirmed_at, facts_of
from recibo.gateways.asaas.subscriptions import known_status, subscription_fact
from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    EventType,
    Fact,
    SubscriptionFact,
    SubscriptionStatus,
)

#: What an answer is about.
PAYMENT_RESOURCE = "payment"
SUBSCRIPTION_RESOURCE = "subscription"
REMOVAL_RESOURCE = "removed-subscription"

#: What was done to a subscription before it was read. Such an answer is news of its own: without
#: the act, "active" after a pause would be the same news as "active" before it.
ACT = b"x-recibo-act"

CHARGE_NEWS = {
    ChargeStatus.PENDING: EventType.CHARGE_CREATED,
    ChargeStatus.AUTHORIZED: EventType.CHARGE_AUTHORIZED,
    ChargeStatus.PAID: EventType.CHARGE_PAID,
    ChargeStatus.OVERDUE: EventType.CHARGE_OVERDUE,
    ChargeStatus.CANCELLED: EventType.CHARGE_CANCELLED,
    ChargeStatus.DISPUTED: EventType.CHARGE_DISPUTED,
    ChargeStatus.REFUNDED: EventType.CHARGE_REFUNDED,
    ChargeStatus.CHARGED_BACK: EventType.CHARGE_CHARGED_BACK,
}
SUBSCRIPTION_NEWS = {
    None: EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    SubscriptionStatus.ACTIVE: EventType.SUBSCRIPTION_ACTIVATED,
    SubscriptionStatus.PAUSED: EventType.SUBSCRIPTION_CANCELLED,
    SubscriptionStatus.CANCELLED: EventType.SUBSCRIPTION_CANCELLED,
    SubscriptionStatus.EXPIRED: EventType.SUBSCRIPTION_CANCELLED,
}


def payment_identity(answer: RawRequest) -> Identity:
    """The same state is the same news. Raises PayloadError."""
    payment = whole(PAYMENT, answer.body)
    return Identity(
        event_id=f"{PAYMENT_RESOURCE}/{payment.id}/{payment.status}/{digest(payment)}",
        gateway_event=f"{PAYMENT_RESOURCE}/{payment.status}",
        event_type=payment_news(payment),
        charge_id=payment.id,
    )


def payment_news(payment: Payment) -> EventType:
    """What the state is about; where it is not understood, parsing it says so."""
    try:
        status = charge_status(payment, EventType.CHARGE_UPDATED)
    except UnknownStatusError:
        return EventType.UNKNOWN
    refunds = payment.refunds or ()
    if status is ChargeStatus.PAID and any(refund.status == "DONE" for refund in refunds):
        return EventType.CHARGE_PARTIALLY_REFUNDED
    return CHARGE_NEWS[status]


def subscription_identity(answer: RawRequest) -> Identity:
    """The same state is the same news, but after an act. Raises PayloadError."""
    subscription = whole(SUBSCRIPTION, answer.body)
    state = f"{SUBSCRIPTION_RESOURCE}/{subscription.id}/{subscription.status}"
    act = f"/{read_at(answer).isoformat()}" if ACT in answer.headers else ""
    return Identity(
        event_id=f"{state}/{digest(subscription)}{act}",
        gateway_event=f"{SUBSCRIPTION_RESOURCE}/{subscription.status}",
        event_type=subscription_news(answer, subscription),
    )


def subscription_news(answer: RawRequest, subscription: Subscription) -> EventType:
    """Likewise for a subscription."""
    try:
        return SUBSCRIPTION_NEWS[decisive_status(answer, subscription)]
    except UnknownStatusError:
        return EventType.UNKNOWN


def removal_identity(answer: RawRequest) -> Identity:
    """A subscription is removed once. Raises PayloadError."""
    return Identity(
        event_id=f"{REMOVAL_RESOURCE}/{whole(REMOVAL, answer.body).id}",
        gateway_event=REMOVAL_RESOURCE,
        event_type=EventType.SUBSCRIPTION_CANCELLED,
    )


def digest(state: Payment | Subscription) -> str:
    """Tells apart all that is read of a state, and shows none of it."""
    return hashlib.sha256(msgspec.json.encode(state)).hexdigest()[:32]


def payment_answer_facts(answer: RawRequest) -> list[Fact]:
    """The charge as it stands, its refunds, and what they say of a subscription."""
    payment, told_at = whole(PAYMENT, answer.body), read_at(answer)
    charge = charge_fact(payment, EventType.CHARGE_UPDATED, told_at)
    at = happened_at(payment, charge, told_at)
    dated = msgspec.structs.replace(
        charge, occurred_at=min(at or told_at, told_at), is_dated_by_us=at is None
    )
    return facts_of(payment, dated, told_at)


def happened_at(payment: Payment, charge: ChargeFact, told_at: datetime) -> datetime | None:
    """When a charge came to stand as it was read; None where nothing tells."""
    dated_by = DATED_BY.get(charge.status)
    return dated_by(payment, told_at) if dated_by else None


def waits_since(payment: Payment, _told_at: datetime) -> datetime | None:
    """The day on which an open charge was made, unless it was given another due date since.

    From the day's beginning: that a charge still waits undoes nothing of what happened to it, a
    refused card for instance.
    """
    if payment.original_due_date and payment.original_due_date != payment.due_date:
        return None
    return moment(payment.date_created, "dateCreated")


def reserved_at(payment: Payment, told_at: datetime) -> datetime | None:
    """When it was made: the card was asked at once."""
    return by_then(payment.date_created, "dateCreated", told_at)


def late_since(payment: Payment, told_at: datetime) -> datetime | None:
    """The end of the due day."""
    return by_then(payment.due_date, "dueDate", told_at)


def settled_at(payment: Payment, told_at: datetime) -> datetime | None:
    """When it was paid; None for one that is paid again, after a dispute."""
    return None if payment.chargeback else confirmed_at(payment, told_at)


def disputed_at(payment: Payment, told_at: datetime) -> datetime | None:
    """When the dispute began: of its end Asaas tells no day."""
    started = payment.chargeback.dispute_start_date if payment.chargeback else None
    return by_then(started, "chargeback.disputeStartDate", told_at)


#: By status, what dates a charge that was read.
DATED_BY: Mapping[ChargeStatus, Callable[[Payment, datetime], datetime | None]] = {
    ChargeStatus.PENDING: waits_since,
    ChargeStatus.AUTHORIZED: reserved_at,
    ChargeStatus.OVERDUE: late_since,
    ChargeStatus.PAID: settled_at,
    ChargeStatus.DISPUTED: disputed_at,
    ChargeStatus.CHARGED_BACK: disputed_at,
}


def subscription_answer_facts(answer: RawRequest) -> list[Fact]:
    """The subscription as it stands. One that ended did so by the day of its next charge.

    After an act of ours it stands so since then; else only the reading tells since when.
    """
    subscription, told_at = whole(SUBSCRIPTION, answer.body), read_at(answer)
    status = decisive_status(answer, subscription)
    is_found = ACT not in answer.headers
    at = told_at
    if status is not None and is_found:
        at = by_then(subscription.next_due_date, "nextDueDate", told_at) or told_at
    fact = subscription_fact(subscription, status, at, told_at)
    return [msgspec.structs.replace(fact, is_dated_by_us=is_found)]


def decisive_status(answer: RawRequest, subscription: Subscription) -> SubscriptionStatus | None:
    """The status; None for one that is merely found active, as it also is while a charge is late.

    Raises UnknownStatusError.
    """
    status = known_status(subscription)
    says_little = status is SubscriptionStatus.ACTIVE and answer.headers.get(ACT) != b"reactivate"
    return None if says_little else status


def removal_facts(answer: RawRequest) -> list[Fact]:
    """That a subscription was removed. Raises PayloadError."""
    removal, at = whole(REMOVAL, answer.body), read_at(answer)
    if not removal.deleted:
        raise PayloadError("asaas: a removal that was none")
    cancelled = SubscriptionStatus.CANCELLED
    return [SubscriptionFact(code=removal.id, occurred_at=at, status=cancelled, cancelled_at=at)]


def read_at(answer: RawRequest) -> datetime:
    """When we asked. Raises PayloadError."""
    noted = answer.headers.get(customers.READ_AT, b"").decode("latin-1")
    if (at := moment(noted, "at")) is None:
        raise PayloadError("asaas: the answer does not say when it was read")
    return at


#: By the resource that an answer is.
IDENTITIES: Mapping[str, Callable[[RawRequest], Identity]] = {
    customers.RESOURCE: customers.customer_identity,
    PAYMENT_RESOURCE: payment_identity,
    SUBSCRIPTION_RESOURCE: subscription_identity,
    REMOVAL_RESOURCE: removal_identity,
}
FACTS: Mapping[str, Callable[[RawRequest], list[Fact]]] = {
    customers.RESOURCE: customers.customer_facts,
    PAYMENT_RESOURCE: payment_answer_facts,
    SUBSCRIPTION_RESOURCE: subscription_answer_facts,
    REMOVAL_RESOURCE: removal_facts,
}
