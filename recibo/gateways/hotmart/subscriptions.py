"""Subscriptions: what a purchase says of its own, and the events that are about one."""

from datetime import datetime

from recibo.gateways.errors import UnknownStatusError
from recibo.gateways.facts import (
    DAYS,
    ChargeFact,
    ChargeStatus,
    Fact,
    Period,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.hotmart.panel import refuse_panel_test
from recibo.gateways.hotmart.payload import (
    CANCELLATION,
    CHARGE_DATE,
    NO_OFFER,
    NO_PLAN,
    SWITCH,
    Notice,
    Plan,
    PurchaseData,
)
from recibo.gateways.hotmart.subjects import customer_fact, product_fact, subscriber_fact
from recibo.gateways.hotmart.values import decode, missing, moment
from recibo.gateways.hotmart.words import SUBSCRIPTION_STATUSES

#: Days from a payment to the next charge -> the period whose usual length that is, give or take
#: 15 percent.
PERIODS = {
    days: period
    for period, usual in DAYS.items()
    for days in range(round(usual * 0.85), round(usual * 1.15) + 1)
}


def subscription_fact(data: PurchaseData, charge: ChargeFact) -> SubscriptionFact | None:
    """What a purchase says of its subscription: that it runs, or that a renewal is late.

    A refusal, an expiry, a refund or a chargeback does not end it: SUBSCRIPTION_CANCELLATION does.
    """
    if data.subscription is None or not charge.subscription_code:
        return None
    plan = data.subscription.plan or NO_PLAN
    if charge.status is ChargeStatus.OVERDUE:
        return late_subscription(plan, charge)
    if charge.status is ChargeStatus.PAID and data.purchase.approved_date:
        next_billing_at = moment(data.purchase.date_next_charge, "purchase.date_next_charge")
        return running_subscription(plan, charge, next_billing_at)
    return None


def late_subscription(plan: Plan, charge: ChargeFact) -> SubscriptionFact:
    """A renewal that was not paid. Its date of next charge is that of the cycle after it."""
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=charge.occurred_at,
        status=SubscriptionStatus.PAST_DUE,
        customer=charge.customer,
        product=charge.product,
        plan=plan.name or "",
        plan_id=plan.code,
    )


def running_subscription(
    plan: Plan, charge: ChargeFact, next_billing_at: datetime | None
) -> SubscriptionFact:
    """A cycle that is paid, or free because it is the first one.

    Dated at the approval, even by COMPLETE: its notice comes a week later, when the
    subscription may long be cancelled.
    """
    is_first, is_free = charge.cycle == 1, not charge.amount.amount
    is_trial = is_first and is_free
    approved_at = charge.paid_at or charge.occurred_at
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=approved_at,
        status=SubscriptionStatus.TRIAL if is_trial else SubscriptionStatus.ACTIVE,
        customer=charge.customer,
        product=charge.product,
        plan=plan.name or "",
        plan_id=plan.code,
        price=None if is_free else charge.amount,
        period=None if is_trial else period(approved_at, next_billing_at),
        next_billing_at=next_billing_at,
        started_at=approved_at if is_first else None,
    )


def period(paid_at: datetime, next_billing_at: datetime | None) -> Period | None:
    """How often the subscription collects, if the two dates tell.

    They do not when a renewal is paid late or ahead: 20 days to the next due date are no period,
    and None leaves what is known.
    """
    if next_billing_at is None:
        return None
    return PERIODS.get((next_billing_at - paid_at).days)


def cancellation_facts(notice: Notice) -> list[Fact]:
    """No more charges. What is paid lasts until the date of the charge that will not come."""
    data = decode(CANCELLATION, notice.data)
    refuse_panel_test(data.product, data.subscriber.email)
    cancelled_at = moment(data.cancellation_date, "cancellation_date") or notice.created_at
    plan = (data.subscription and data.subscription.plan) or NO_PLAN
    return [
        SubscriptionFact(
            code=data.subscriber.code,
            occurred_at=cancelled_at,
            status=SubscriptionStatus.CANCELLED,
            customer=subscriber_fact(data.subscriber),
            product=product_fact(data.product),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=moment(data.date_next_charge, "date_next_charge"),
            cancelled_at=cancelled_at,
        )
    ]


def switch_facts(notice: Notice) -> list[Fact]:
    """Another plan. Prices are not told; the next purchase does."""
    data = decode(SWITCH, notice.data)
    subscription = data.subscription
    refuse_panel_test(subscription.product, subscription.user.email)
    plan = next((plan for plan in data.plans if plan.current), None) or missing("plans.current")
    return [
        SubscriptionFact(
            code=subscription.subscriber_code,
            occurred_at=moment(data.switch_plan_date, "switch_plan_date") or notice.created_at,
            status=subscription_status(subscription.status),
            customer=customer_fact(subscription.user),
            product=product_fact(subscription.product, (plan.offer or NO_OFFER).key),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=moment(subscription.date_next_charge, "date_next_charge"),
        )
    ]


def subscription_status(word: str) -> SubscriptionStatus | None:
    """Raises UnknownStatusError."""
    if word not in SUBSCRIPTION_STATUSES:
        raise UnknownStatusError("hotmart", word)
    return SUBSCRIPTION_STATUSES[word]


def charge_date_facts(notice: Notice) -> list[Fact]:
    """Another due day. Only the date is news: the status is as it was."""
    data = decode(CHARGE_DATE, notice.data)
    product, plan = data.subscription.product, data.plan or NO_PLAN
    refuse_panel_test(product, data.subscriber.email)
    next_billing_at = moment(data.subscription.date_next_charge, "date_next_charge")
    return [
        SubscriptionFact(
            code=data.subscriber.code,
            occurred_at=notice.created_at,
            customer=subscriber_fact(data.subscriber),
            product=product_fact(product, (plan.offer or NO_OFFER).code),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=next_billing_at or missing("subscription.date_next_charge"),
        )
    ]
