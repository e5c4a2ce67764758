"""Where an order stands, as its buyer sees it: pure, from the rows of the order."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from recibo.access.models import AccessState, Provisioning, Stage
from recibo.billing.models import Charge, Order, OrderStatus
from recibo.billing.strength import COLLECTED, RETURNED
from recibo.gateways.facts import ChargeStatus


class Situation(StrEnum):
    """What the page says first."""

    AWAITING = "awaiting"  # to be paid
    REVIEWING = "reviewing"  # the money is reserved, not yet taken
    REFUSED = "refused"  # the last attempt to pay failed
    CREATING = "creating"
    SENDING = "sending"
    READY = "ready"
    CONFIRMED = "confirmed"  # paid, and no access follows from it
    DELAYED = "delayed"  # somebody of the seller's has to look
    BLOCKED = "blocked"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = Situation

BY_ORDER = {
    OrderStatus.REFUNDED: S.REFUNDED,
    OrderStatus.CHARGED_BACK: S.CHARGED_BACK,
    OrderStatus.CANCELLED: S.CANCELLED,
    OrderStatus.EXPIRED: S.EXPIRED,
}
#: Of an order that awaits payment, by its newest charge; others await.
BY_CHARGE = {ChargeStatus.AUTHORIZED: S.REVIEWING, ChargeStatus.FAILED: S.REFUSED}
#: Of an order that is paid. A failure that is tried again by itself is no news to the buyer.
BY_STAGE = {
    Stage.QUEUED: S.CREATING,
    Stage.CREATING_USER: S.CREATING,
    Stage.FAILED_AT_USER: S.CREATING,
    Stage.SENDING_CREDENTIALS: S.SENDING,
    Stage.FAILED_AT_EMAIL: S.SENDING,
    Stage.COMPLETED: S.READY,
    Stage.FAILED_PERMANENT: S.DELAYED,
}
#: Of several products the one that is furthest behind is told.
FURTHEST_BEHIND = (S.DELAYED, S.CREATING, S.SENDING, S.BLOCKED, S.READY, S.CONFIRMED)

DONE, NOW, LATER, STUCK = "done", "now", "later", "stuck"
#: Paid, creating the access, sending, ready. Other situations are no step on this way.
STEPS: Mapping[Situation, Sequence[str]] = {
    S.AWAITING: (NOW, LATER, LATER, LATER),
    S.REVIEWING: (NOW, LATER, LATER, LATER),
    S.REFUSED: (STUCK, LATER, LATER, LATER),
    S.CREATING: (DONE, NOW, LATER, LATER),
    S.SENDING: (DONE, DONE, NOW, LATER),
    S.READY: (DONE, DONE, DONE, DONE),
    S.DELAYED: (DONE, STUCK, LATER, LATER),
}
#: Seconds after which the page looks again, while something is under way by itself.
RELOADS = {S.AWAITING: 20, S.REVIEWING: 30, S.CREATING: 10, S.SENDING: 10, S.DELAYED: 60}
#: Somebody may still pay.
PAYABLE = frozenset({S.AWAITING, S.REFUSED})


def situation(
    order: Order, charge: Charge | None, provisionings: Iterable[Provisioning]
) -> Situation:
    """Where it stands. ``charge``: the one that counts (``telling``)."""
    status = OrderStatus(order.status)
    if status in BY_ORDER:
        return BY_ORDER[status]
    if status is OrderStatus.PENDING:
        return BY_CHARGE.get(ChargeStatus(charge.status), S.AWAITING) if charge else S.AWAITING
    found = {given(one) for one in provisionings} | {S.CONFIRMED}
    return next(one for one in FURTHEST_BEHIND if one in found)


def given(provisioning: Provisioning) -> Situation:
    """Where the access for one product stands."""
    reached = BY_STAGE[Stage(provisioning.stage)]
    if reached is not S.READY:
        return reached
    if provisioning.access is None:
        return S.CONFIRMED
    return S.BLOCKED if provisioning.access.state == AccessState.BLOCKED else S.READY


def telling(charges: Sequence[Charge]) -> Charge | None:
    """The charge that the page tells of: the one that was paid, else the newest attempt."""
    paid = [charge for charge in charges if charge.status in COLLECTED | RETURNED]
    return max(paid or charges, key=lambda charge: charge.pk, default=None)
