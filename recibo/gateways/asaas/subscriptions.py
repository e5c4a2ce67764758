"""From one of Asaas's subscriptions to facts."""

from datetime import datetime

from recibo.gateways.asaas.dates import by_then, moment
from recibo.gateways.asaas.payloads import SUBSCRIPTION, Notice, Subscription, amount, decode
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    CustomerFact,
    EventType,
    Fact,
    Money,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

STATUSES = {
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "INACTIVE": SubscriptionStatus.PAUSED,  # it can be made ACTIVE again; a deleted one cannot
    "EXPIRED": SubscriptionStatus.EXPIRED,
}

#: ``cycle``. BIWEEKLY is told as no period, for we have no word for two weeks.
PERIODS = {
    "WEEKLY": Period.WEEKLY,
    "MONTHLY": Period.MONTHLY,
    "BIMONTHLY": Period.BIMONTHLY,
    "QUARTERLY": Period.QUARTERLY,
    "SEMIANNUALLY": Period.SEMIANNUAL,
    "YEARLY": Period.ANNUAL,
}


def subscription_facts(notice: Notice, event_type: EventType, told_at: datetime) -> list[Fact]:
    """The one fact of a SUBSCRIPTION event."""
    subscription = decode(SUBSCRIPTION, notice.subscription, "subscription")
    status = subscription_status(subscription, notice.event, event_type)
    return [subscription_fact(subscription, status, told_at, told_at)]


def subscription_fact(
    subscription: Subscription,
    status: SubscriptionStatus | None,
    occurred_at: datetime,
    told_at: datetime,
) -> SubscriptionFact:
    """What a subscription says of itself, told of at ``told_at``."""
    name, customer = subscription.description or "", subscription.customer
    return SubscriptionFact(
        code=subscription.id,
        occurred_at=occurred_at,
        status=status,
        customer=CustomerFact(gateway_id=customer) if customer else None,
        product=ProductFact(name=name),
        plan=name,
        price=Money(amount(subscription.value, "value"), "BRL"),
        period=PERIODS.get(subscription.cycle or ""),
        next_billing_at=moment(subscription.next_due_date, "nextDueDate"),
        started_at=by_then(subscription.date_created, "dateCreated", told_at),
        cancelled_at=occurred_at if status is SubscriptionStatus.CANCELLED else None,
    )


def subscription_status(
    subscription: Subscription, event: str, event_type: EventType
) -> SubscriptionStatus:
    """Raises UnknownStatusError, or PayloadError where status and event contradict."""
    status = known_status(subscription)
    if status is SubscriptionStatus.CANCELLED or event == "SUBSCRIPTION_DELETED":
        return SubscriptionStatus.CANCELLED
    if event_type is EventType.SUBSCRIPTION_CANCELLED and status is SubscriptionStatus.ACTIVE:
        raise PayloadError(f"asaas: status {subscription.status} contradicts {event}")
    return status


def known_status(subscription: Subscription) -> SubscriptionStatus:
    """What the subscription says of itself. Raises UnknownStatusError."""
    if (status := STATUSES.get(subscription.status)) is None:
        raise UnknownStatusError("asaas", subscription.status)
    return SubscriptionStatus.CANCELLED if subscription.deleted else status
