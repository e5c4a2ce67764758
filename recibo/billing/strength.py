"""What outlives what: the strongest fact about a charge decides its status.

A maximum over a total order, so that neither the order nor the number of deliveries can matter.
"""

from datetime import datetime

from recibo.gateways.facts import ChargeStatus as C
from recibo.gateways.facts import SubscriptionStatus as S

#: A lower line wins whatever the times: money given back stays given back, and a late "expired"
#: cannot undo a payment. Within a line the newer fact wins; at one instant, the one further right.
OUTLIVES = (
    (C.PENDING, C.AUTHORIZED, C.OVERDUE, C.FAILED, C.EXPIRED, C.CANCELLED),
    (C.PAID, C.PARTIALLY_REFUNDED, C.DISPUTED),  # a dispute that is won is PAID again
    (C.REFUNDED, C.CHARGED_BACK),
)
RANKS = {s: (line, place) for line, row in enumerate(OUTLIVES) for place, s in enumerate(row)}

#: Money was collected and is still here, though perhaps not all of it.
COLLECTED = frozenset(OUTLIVES[1])
#: Money was collected and given back.
RETURNED = frozenset(OUTLIVES[2])
#: Nobody paid, and nobody will be asked to any more.
ENDED = frozenset({C.CANCELLED, C.EXPIRED})

#: Subscriptions have one line, the newest fact wins; at one instant, the one further right.
SUBSCRIPTION_PLACES = {
    status: place
    for place, status in enumerate(
        (S.TRIAL, S.PAST_DUE, S.ACTIVE, S.PAUSED, S.EXPIRED, S.CANCELLED)
    )
}


def strength(status: C, at: datetime) -> tuple[int, datetime, int]:
    """Order the facts about one charge; it keeps the strongest. ``at``: the gateway's clock."""
    line, place = RANKS[status]
    return line, at, place
