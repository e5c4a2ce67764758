"""From a subscription as the API tells it to facts: the same ones that webhooks give."""

from datetime import datetime, timedelta

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError
from recibo.gateways.facts import (
    CustomerFact,
    EventType,
    Fact,
    Money,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.hotmart.answers import digest, read_at
from recibo.gateways.hotmart.records import CANCELLED, NO_PLAN, SUBSCRIPTION, Subscription
from recibo.gateways.hotmart.subjects import normal, product_fact
from recibo.gateways.hotmart.subscriptions import PERIODS, subscription_status
from recibo.gateways.hotmart.values import amount, missing, moment, whole
from recibo.gateways.hotmart.words import SUBSCRIPTION_STATUSES

RESOURCE = "subscription"
CANCELLATION = "cancellation"

EVENT_TYPES = {
    SubscriptionStatus.ACTIVE: EventType.SUBSCRIPTION_ACTIVATED,
    SubscriptionStatus.PAST_DUE: EventType.SUBSCRIPTION_PAST_DUE,
    SubscriptionStatus.CANCELLED: EventType.SUBSCRIPTION_CANCELLED,
    SubscriptionStatus.EXPIRED: EventType.SUBSCRIPTION_CANCELLED,
}

NEVER_PAID = "the first payment of this Hotmart subscription never came: it has not begun"

#: How far a nominal period (30, 360 days) may fall short of a real one.
SLACK = timedelta(days=5)


def subscription_identity(answer: RawRequest) -> Identity:
    """The subscription in the state that was read. Raises PayloadError."""
    told = whole(SUBSCRIPTION, answer.body)
    status = SUBSCRIPTION_STATUSES.get(told.status)
    return Identity(
        event_id=f"subscription/{told.subscriber_code}/{told.status}/{digest(told)}",
        gateway_event=f"subscription/{told.status}",
        event_type=EVENT_TYPES[status] if status else EventType.UNKNOWN,
    )


def subscription_facts(answer: RawRequest) -> list[Fact]:
    """The subscription. Raises PayloadError, UnknownStatusError; IgnoredError for one that
    never began.
    """
    told = whole(SUBSCRIPTION, answer.body)
    if (word := subscription_status(told.status)) is None:
        raise IgnoredError(NEVER_PAID)
    begun_at = moment(told.accession_date, "accession_date")
    next_at = moment(told.date_next_charge, "date_next_charge")
    is_trial = word is SubscriptionStatus.ACTIVE and is_first_entry(told, begun_at, next_at)
    plan = told.plan or NO_PLAN
    return [
        SubscriptionFact(
            code=told.subscriber_code,
            occurred_at=dated(told, word, read_at(answer)),
            status=SubscriptionStatus.TRIAL if is_trial else word,
            customer=customer(told),
            product=product_fact(told.product),
            plan=plan.name or "",
            plan_id="" if plan.id is None else str(plan.id),
            price=price(told),
            period=PERIODS.get(plan.recurrency_period or 0),
            next_billing_at=next_at,
            started_at=begun_at,
            cancelled_at=cancelled_at(told, word),
            is_dated_by_us=cancelled_at(told, word) is None,
        )
    ]


def dated(told: Subscription, status: SubscriptionStatus, at: datetime | None) -> datetime:
    """When it came into this status: a cancellation has its date, all else was so when read.

    Raises PayloadError without any date.
    """
    begun_at = moment(told.accession_date, "accession_date")
    return cancelled_at(told, status) or at or begun_at or missing("accession_date")


def cancelled_at(told: Subscription, status: SubscriptionStatus) -> datetime | None:
    """When the end was asked for; None for one that runs, whatever its dates say."""
    if status is not SubscriptionStatus.CANCELLED:
        return None
    return moment(told.end_accession_date, "end_accession_date")


def is_first_entry(told: Subscription, begun_at: datetime | None, next_at: datetime | None) -> bool:
    """Whether nothing but the free entry has passed: one period has not gone by since the start.

    ``trial`` alone does not say so, for it stays true when the trial is over.
    """
    days = (told.plan or NO_PLAN).recurrency_period
    if not told.trial or not days or begun_at is None or next_at is None:
        return False
    return next_at - begun_at < timedelta(days=days) + SLACK


def customer(told: Subscription) -> CustomerFact | None:
    """Who subscribed; None without an e-mail."""
    if told.subscriber is None or not (email := normal(told.subscriber.email or "")):
        return None
    return CustomerFact(email=email, name=told.subscriber.name or "")


def price(told: Subscription) -> Money | None:
    """What a period costs; None for nothing, which is the price of an entry."""
    if told.price is None or not amount(told.price.value, "price"):
        return None
    return Money(told.price.value, told.price.currency_code)


def cancellation_identity(answer: RawRequest) -> Identity:
    """Each cancellation that Hotmart carries out is news of its own. Raises PayloadError."""
    told = whole(CANCELLED, answer.body)
    at = read_at(answer) or missing("at")
    return Identity(
        event_id=f"cancellation/{told.subscriber_code}/{at.isoformat()}",
        gateway_event=CANCELLATION,
        event_type=EventType.SUBSCRIPTION_CANCELLED,
    )


def cancellation_facts(answer: RawRequest) -> list[Fact]:
    """No more charges, from the moment at which Hotmart said so. Raises PayloadError."""
    told = whole(CANCELLED, answer.body)
    at = read_at(answer) or missing("at")
    return [
        SubscriptionFact(
            code=told.subscriber_code,
            occurred_at=at,
            status=SubscriptionStatus.CANCELLED,
            next_billing_at=moment(told.date_next_charge, "date_next_charge"),
            cancelled_at=at,
        )
    ]
