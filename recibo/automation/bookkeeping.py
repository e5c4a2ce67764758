"""What is kept up to date by what changed, whether or not anybody is told of it.

Unlike a reaction, this also follows from news that is too old to act upon, or is processed again
in silence: an order that a late poll finds paid is not to be polled any more, and a refund that is
found late takes access away all the same. Only simulations are left out.
"""

from collections.abc import Iterable

from recibo.access.actions import review
from recibo.automation.reactions import Reaction, by_kind
from recibo.billing.changes import Change
from recibo.reconciliation.customers import look_up_nameless
from recibo.reconciliation.payment_checks import ENDS, end_checks, watch_charges, watch_orders

#: What may change who is owed access, and until when.
DECIDES_ACCESS = (
    "charge.paid",
    "charge.overdue",
    "charge.failed",
    "charge.refunded",
    "charge.charged_back",
    "subscription.active",
    "subscription.trial",
    "subscription.past_due",
    "subscription.paused",
    "subscription.cancelled",
    "subscription.expired",
)

#: By the kind of change.
BOOKKEEPING: dict[str, tuple[Reaction, ...]] = {
    "order.pending": (watch_orders, look_up_nameless),
    "charge.pending": (watch_charges,),
    "charge.authorized": (watch_charges,),
    "charge.extended": (watch_charges,),
    **dict.fromkeys(ENDS, (end_checks,)),
    "order.paid": (end_checks, look_up_nameless),
    **dict.fromkeys(DECIDES_ACCESS, (review,)),
}


def keep(changes: Iterable[Change]) -> None:
    """Bring up to date what the changes concern. In the transaction of the changes."""
    for kind, alike in by_kind(changes).items():
        for follow in BOOKKEEPING.get(kind, ()):
            follow(alike)
