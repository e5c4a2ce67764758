"""Until when a buyer may use what he paid for: a pure function of charges and subscriptions.

The same news in any order gives the same answer, so a late or a repeated one never gives access
back to somebody whose money was returned.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from recibo.billing.strength import COLLECTED, RETURNED
from recibo.gateways.facts import DAYS, ChargeStatus, Period, SubscriptionStatus

#: Nothing pays for it.
NOTHING = datetime.min.replace(tzinfo=UTC)
#: For as long as nothing changes.
FOREVER = datetime.max.replace(tzinfo=UTC)
#: A day more than a period's usual length, so that no month's end takes a paid day away.
TOLERANCE = timedelta(days=1)
#: A period nobody told us of is taken for a month.
USUAL_DAYS = 31
#: Late: the gateway still tries to collect.
LATE = frozenset({ChargeStatus.OVERDUE, ChargeStatus.FAILED})
RUNNING = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIAL})


class Term(Struct, frozen=True, kw_only=True):
    """A subscription, as far as it decides on access."""

    status: SubscriptionStatus
    status_at: datetime
    period: Period | None = None
    next_billing_at: datetime | None = None


#: Of a subscription that the gateway never told of.
NO_TERM = Term(status=SubscriptionStatus.ACTIVE, status_at=NOTHING)


class Purchase(Struct, frozen=True, kw_only=True):
    """A charge for what gives the access. ``days``: how long a one-time purchase lasts."""

    status: ChargeStatus
    status_at: datetime
    created_at: datetime
    paid_at: datetime | None = None
    days: int | None = None
    subscription: str = ""  # "" for a one-time purchase
    term: Term | None = None  # none: the gateway never told of the subscription itself


def owed_until(purchases: Sequence[Purchase], *, grace: timedelta) -> datetime:
    """Until when access is owed; NOTHING if nothing pays for it, FOREVER if nothing ends it.

    ``grace``: how long a late payment leaves the access standing.
    """
    subscriptions: dict[str, list[Purchase]] = defaultdict(list)
    ends = [NOTHING]
    for purchase in purchases:
        if purchase.subscription:
            subscriptions[purchase.subscription].append(purchase)
        else:
            ends.append(end_of_purchase(purchase))
    ends += [end_of_subscription(one, grace) for one in subscriptions.values()]
    return max(ends)


def end_of_purchase(purchase: Purchase) -> datetime:
    """Of a one-time purchase: nothing once the money is back."""
    if purchase.status not in COLLECTED:
        return NOTHING
    if purchase.days is None:
        return FOREVER
    return (purchase.paid_at or purchase.status_at) + timedelta(days=purchase.days)


def end_of_subscription(charges: Sequence[Purchase], grace: timedelta) -> datetime:
    """Of a subscription, from all its charges.

    While the gateway keeps it running it has no end. A newest payment that was returned leaves
    only what the earlier ones paid for; so does a cancellation.
    """
    paid = [one for one in charges if one.status in COLLECTED]
    if not paid:
        return NOTHING
    paid_through = max(end_of_period(one) for one in paid)
    term = charges[0].term
    if newest(charges, COLLECTED | RETURNED).status in RETURNED:
        return paid_through
    if term is None:
        return FOREVER
    if term.status in RUNNING | {SubscriptionStatus.PAST_DUE}:
        late_at = late_since(charges, term)
        return FOREVER if late_at is None else max(paid_through, late_at) + grace
    return paid_through


def newest(charges: Iterable[Purchase], statuses: frozenset[ChargeStatus]) -> Purchase:
    """The last of the charges that was settled; at one instant the one that was returned."""
    settled = (one for one in charges if one.status in statuses)
    return max(settled, key=lambda one: (settled_at(one), one.status in RETURNED))


def settled_at(charge: Purchase) -> datetime:
    """When the money came; for what was returned without a date of payment, when it was made."""
    return charge.paid_at or charge.created_at


def end_of_period(charge: Purchase) -> datetime:
    """Until when one payment of a subscription pays."""
    begin = settled_at(charge)
    term = charge.term or NO_TERM
    end = begin + timedelta(days=DAYS[term.period] if term.period else USUAL_DAYS) + TOLERANCE
    next_at = term.next_billing_at or begin
    # A period we have no word for ends when the gateway says so.
    is_told = begin < next_at and (next_at <= end or term.period is None)
    return next_at if is_told else end


def late_since(charges: Sequence[Purchase], term: Term) -> datetime | None:
    """Since when a payment is late: the subscription says so, or a charge after the last paid one.

    None: none is.
    """
    if term.status is SubscriptionStatus.PAST_DUE:
        return term.status_at
    last = settled_at(newest(charges, COLLECTED))
    late = [one.status_at for one in charges if one.status in LATE and one.created_at > last]
    return min(late, default=None)


def why_ended(purchases: Sequence[Purchase]) -> str:
    """Why access is not owed, in a word: refunded, charged_back, past_due, cancelled or expired."""
    last = max(purchases, key=settled_at, default=None)
    if last is None:
        return ""
    if last.status in RETURNED:
        return last.status
    if last.status in LATE or (last.term and last.term.status is SubscriptionStatus.PAST_DUE):
        return "past_due"
    ended = last.term is not None and last.term.status is SubscriptionStatus.CANCELLED
    return "cancelled" if ended else "expired"
