"""What Pagar.me says of subscriptions and of the invoices of their cycles.

Source: "Assinaturas" and "Faturas", Pagar.me docs v5. No word of theirs says that a cycle is
unpaid: the subscription stays "active", and only its invoice fails.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from recibo.gateways.errors import IgnoredError, UnknownStatusError
from recibo.gateways.facts import (
    Fact,
    Money,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.stone.charges import (
    Bought,
    Notice,
    charge_fact,
    customer_fact,
    product_fact,
)
from recibo.gateways.stone.payload import (
    Adjustment,
    Invoice,
    Plan,
    Subscription,
    SubscriptionItem,
    first,
    latest,
    missing,
    moment,
)

#: Status of a subscription.
STATUSES = {
    "active": SubscriptionStatus.ACTIVE,
    "future": SubscriptionStatus.TRIAL,  # starts later: nothing is paid yet
    "canceled": SubscriptionStatus.CANCELLED,
    "failed": SubscriptionStatus.EXPIRED,  # its first payment never came
}
#: Events that end a subscription, whatever its word.
CANCELLATIONS = {"subscription.canceled", "subscription.deleted"}
ENDED = {SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED}

#: Status of an invoice -> what it says of its subscription. None: nothing.
INVOICE_STATUSES = {
    "pending": None,
    "scheduled": None,
    "canceled": None,
    "paid": SubscriptionStatus.ACTIVE,
    "failed": SubscriptionStatus.PAST_DUE,
}
#: The same by event: an invoice that will be tried again need not say "failed".
INVOICE_EVENTS = {
    "invoice.paid": SubscriptionStatus.ACTIVE,
    "invoice.payment_failed": SubscriptionStatus.PAST_DUE,
}

PERIODS = {
    ("day", 7): Period.WEEKLY,
    ("day", 30): Period.MONTHLY,
    ("week", 1): Period.WEEKLY,
    ("month", 1): Period.MONTHLY,
    ("month", 2): Period.BIMONTHLY,
    ("month", 3): Period.QUARTERLY,
    ("month", 6): Period.SEMIANNUAL,
    ("month", 12): Period.ANNUAL,
    ("year", 1): Period.ANNUAL,
}

#: Items and adjustments that do not count: what was taken out stays listed.
GONE = {"deleted", "inactive", "canceled"}

NO_PLAN = Plan()


def subscription_fact(subscription: Subscription, notice: Notice) -> SubscriptionFact:
    """One subscription. Raises UnknownStatusError."""
    status = status_of(subscription, notice)
    is_ended = status in ENDED
    plan = subscription.plan or NO_PLAN
    product = product_of(subscription)
    return SubscriptionFact(
        code=subscription.id or missing("subscription.id"),
        occurred_at=occurred_at(subscription, status, notice),
        status=status,
        customer=customer_fact(subscription.customer),
        product=product,
        plan=first(plan.name, product.name),
        plan_id=plan.id or "",
        price=price(subscription),
        period=period(subscription),
        next_billing_at=None if is_ended else next_billing_at(subscription),
        started_at=moment(subscription.start_at, "start_at"),
        cancelled_at=moment(subscription.canceled_at, "canceled_at"),
    )


def status_of(subscription: Subscription, notice: Notice) -> SubscriptionStatus | None:
    """The status; None where "active" need not mean that the cycle is paid.

    Only a new subscription starts by being active. Later that word stands beside unpaid invoices.
    """
    if notice.event in CANCELLATIONS:
        return SubscriptionStatus.CANCELLED
    status = known_status(subscription)
    says_little = status is SubscriptionStatus.ACTIVE and notice.event != "subscription.created"
    return None if says_little else status


def known_status(subscription: Subscription) -> SubscriptionStatus:
    """What the word stands for. Raises UnknownStatusError."""
    if (status := STATUSES.get(subscription.status)) is None:
        raise UnknownStatusError("stone", subscription.status)
    return status


def occurred_at(
    subscription: Subscription, status: SubscriptionStatus | None, notice: Notice
) -> datetime:
    """When it happened: a cancellation at its own time, all else at the latest change.

    One that we had changed was read afterwards, whatever the time of its latest change.
    """
    changed_at = latest(subscription, "created_at", "updated_at")
    if changed_at and notice.is_act and notice.created_at:
        changed_at = max(changed_at, notice.created_at)
    if status is SubscriptionStatus.CANCELLED:
        cancelled_at = moment(subscription.canceled_at, "canceled_at")
        changed_at = cancelled_at or notice.created_at or changed_at
    return changed_at or notice.created_at or missing("updated_at")


def product_of(subscription: Subscription) -> ProductFact:
    """What is subscribed to. Items have ids of this one subscription, so only names tell."""
    items = subscription.items or ()
    return product_fact([item for item in items if item.status not in GONE])


def next_billing_at(subscription: Subscription) -> datetime | None:
    """When the next cycle is collected."""
    return moment(subscription.next_billing_at, "next_billing_at")


def period(subscription: Subscription) -> Period | None:
    """How often it collects; None for a rhythm that has no name."""
    key = (subscription.interval or "", subscription.interval_count or 1)
    return PERIODS.get(key)


def price(subscription: Subscription) -> Money | None:
    """Items less discounts plus increments; None where an item is priced by brackets."""
    items = [item for item in subscription.items or () if item.status not in GONE]
    prices = [item_price(item) for item in items]
    known = [cents for cents in prices if cents is not None]
    if not known or len(known) < len(prices):
        return None
    cents = Decimal(sum(known))
    discount = adjustment(cents, subscription.discounts or ())
    increment = adjustment(cents, subscription.increments or ())
    final = max(cents - discount + increment, Decimal(0)).to_integral_value(ROUND_HALF_UP)
    return Money.from_cents(int(final), subscription.currency or "BRL")


def item_price(item: SubscriptionItem) -> int | None:
    """Cents of one item per period."""
    if item.pricing_scheme is None or item.pricing_scheme.price is None:
        return None
    return item.pricing_scheme.price * (1 if item.quantity is None else item.quantity)


def adjustment(cents: Decimal, adjustments: Iterable[Adjustment]) -> Decimal:
    """The sum of discounts, or of increments, on ``cents``."""
    total = Decimal(0)
    for one in adjustments:
        if one.status not in GONE:
            is_percentage = "percentage" in (one.discount_type, one.increment_type)
            value = Decimal(str(one.value))
            total += cents * value / 100 if is_percentage else value
    return total


def invoice_facts(invoice: Invoice, notice: Notice) -> list[Fact]:
    """The charge of a cycle, and whether the subscription is paid for it.

    Raises IgnoredError where there is neither, UnknownStatusError.
    """
    facts: list[Fact] = []
    if invoice.charge:
        facts.append(charge_fact(invoice.charge, invoiced(invoice), notice))
    if cycle := cycle_fact(invoice, notice):
        facts.append(cycle)
    if not facts:
        raise IgnoredError(f"Invoice {invoice.id} ({invoice.status}) has no charge to tell of")
    return facts


def invoiced(invoice: Invoice) -> Bought:
    """What the charge of an invoice collects for."""
    return Bought(
        reference=invoice.code or invoice.id,
        customer=invoice.customer,
        product=product_fact(invoice.items),
        subscription_code=invoice.subscription.id if invoice.subscription else "",
        cycle=invoice.cycle.cycle if invoice.cycle else None,
        metadata=invoice.metadata,
    )


def cycle_fact(invoice: Invoice, notice: Notice) -> SubscriptionFact | None:
    """That a cycle is paid, or is not. None where the invoice says neither."""
    if invoice.status not in INVOICE_STATUSES:
        raise UnknownStatusError("stone", invoice.status)
    status = INVOICE_EVENTS.get(notice.event, INVOICE_STATUSES[invoice.status])
    subscription = invoice.subscription
    if status is None or subscription is None or known_status(subscription) in ENDED:
        return None  # paying an old invoice does not bring a cancelled subscription back
    return SubscriptionFact(
        code=subscription.id or missing("subscription.id"),
        occurred_at=collected_at(invoice, status, notice),
        status=status,
        customer=customer_fact(invoice.customer or subscription.customer),
        product=product_fact(invoice.items),
        period=period(subscription),
        next_billing_at=next_billing_at(subscription),
    )


def collected_at(invoice: Invoice, status: SubscriptionStatus, notice: Notice) -> datetime:
    """When a cycle was paid, or could not be."""
    charge = invoice.charge
    if status is SubscriptionStatus.ACTIVE and charge and charge.paid_at:
        return moment(charge.paid_at, "paid_at") or missing("paid_at")
    times = [
        latest(invoice, "created_at", "updated_at"),
        latest(charge, "updated_at") if charge else None,
    ]
    told = max((time for time in times if time), default=None)
    return told or notice.created_at or missing("created_at")
