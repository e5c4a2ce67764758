"""Which unpaid orders are followed: opened and ended by what changes, whichever way the news came.

The functions that take changes run in the fold's transaction, with a constant number of
statements for a batch. What ends a check is always a decision, and its reason is kept.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from recibo.accounts.models import Account
from recibo.billing.changes import Change
from recibo.billing.models import Charge, Order, OrderNews, OrderStatus
from recibo.gateways.contract import Api, FetchCharge, RawRequest
from recibo.gateways.errors import NotFoundError
from recibo.gateways.facts import ChargeStatus, OrderStatement
from recibo.gateways.registry import GATEWAYS
from recibo.reconciliation import circuits, intervals, rules
from recibo.reconciliation.intervals import Look, Waiting
from recibo.reconciliation.models import PaymentCheck
from recibo.reconciliation.obstacles import closed
from recibo.work.engine import nudge
from recibo.work.sql import Row, document, execute

#: The task that asks.
POLL = "reconciliation.payment_checks"
#: How often a person, or a buyer who opens the page of an order, has the gateway asked.
ASKED_LATELY = timedelta(minutes=1)

#: Somebody may still pay it.
AWAITED = frozenset({ChargeStatus.PENDING, ChargeStatus.AUTHORIZED, ChargeStatus.OVERDUE})

#: One that is being asked about gets a new time all the same: whoever asks sees by that that there
#: is something new to wait for, and leaves the time alone.
OPEN = """
    insert into reconciliation_paymentcheck as p
        (order_id, account_id, status, attempts, answered, next_attempt_at, interval_seconds,
         last_error, reason, give_up_at, created_at)
    select order_id, account_id, 'pending', 0, 0, at, seconds, '', '', give_up_at, now()
    from json_to_recordset(%s::json) as r(
        order_id bigint, account_id bigint, at timestamptz, seconds int, give_up_at timestamptz)
    order by order_id
    on conflict (order_id) do update set
        status = case when p.status = 'processing' then 'processing' else 'pending' end,
        answered = 0, next_attempt_at = case when p.status = 'processing'
            then excluded.next_attempt_at
            else least(p.next_attempt_at, excluded.next_attempt_at) end,
        interval_seconds = excluded.interval_seconds, give_up_at = excluded.give_up_at,
        reason = '', ended_at = null
"""


class End(NamedTuple):
    """How a check ends, and why."""

    status: PaymentCheck.Status
    reason: str


#: What becomes of an order, and what that means for its check. Kept in English, as results are.
ENDS: Mapping[str, End] = {
    "order.paid": End(PaymentCheck.Status.PAID, "The order is paid."),
    "order.active": End(PaymentCheck.Status.PAID, "The order is paid."),
    "order.refunded": End(PaymentCheck.Status.PAID, "The order was paid and refunded."),
    "order.charged_back": End(PaymentCheck.Status.PAID, "The order was paid and charged back."),
    "order.cancelled": End(PaymentCheck.Status.CANCELLED, "The order is cancelled."),
    "order.expired": End(PaymentCheck.Status.EXPIRED, "The order's charges expired."),
}
GONE = End(PaymentCheck.Status.CANCELLED, "The order is no longer known.")
LEFT_OUT = End(PaymentCheck.Status.CANCELLED, "The polling rule leaves this order out.")
GIVEN_UP = End(PaymentCheck.Status.EXPIRED, "Not paid when it ended, says the gateway.")
UNKNOWN = End(PaymentCheck.Status.EXPIRED, "When it ended, the gateway knew no charge of it.")
#: A buyer may have paid in another way than by the charges that ended.
LAST_LOOK = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})


# Following what changes


def watch_orders(changes: Sequence[Change]) -> None:
    """Follow orders that await payment. For ``order.pending``."""
    watch(Q(pk__in=[change.id for change in changes]))


def watch_charges(changes: Sequence[Change]) -> None:
    """Follow orders that can be paid in a new way. For ``charge.pending``, ``.authorized``."""
    charges = Charge.objects.filter(pk__in=[change.id for change in changes])
    watch(Q(pk__in=charges.values("order_id")))


def end_checks(changes: Sequence[Change]) -> None:
    """Follow orders no longer, some after a last look. For each kind of ``ENDS``."""
    if not changes:
        return
    ids, how = {change.id for change in changes}, ENDS[changes[0].kind]
    if how.status is not PaymentCheck.Status.PAID:
        ids -= looked_at_once_more(ids)
    end(sorted(ids), how)


def looked_at_once_more(order_ids: Collection[int]) -> set[int]:
    """Have those of these orders asked about now that deserve a last look. Gives them."""
    checks = PaymentCheck.objects.filter(order__in=order_ids, status__in=PaymentCheck.OPEN)
    found = checks.select_related("order__account").prefetch_related("order__charges")
    cancelled = cancelled_by_seller(order_ids)
    last = {one.order_id for one in found if has_last_look(one, one.order)} - cancelled
    if last:
        checks.filter(order__in=last).update(next_attempt_at=timezone.now())
        nudge(POLL)
    return last


def has_last_look(check: PaymentCheck, order: Order) -> bool:
    """Whether an order whose charges ended may have been paid by one that we do not know."""
    if order.status not in LAST_LOOK or not is_searched(order):
        return False
    lately = timezone.now() - ASKED_LATELY
    is_fresh = check.last_check_at is not None and check.last_check_at > lately
    return not is_fresh or bool(check.last_error)


def is_searched(order: Order) -> bool:
    """Whether an order may have charges that nobody told us of: its reference is the seller's."""
    gateway = GATEWAYS.get(order.account.gateway)
    if gateway is None or gateway.search_charges is None:
        return False
    ids = {charge.gateway_charge_id for charge in order.charges.all()}
    return order.registered or order.reference not in ids


def cancelled_by_seller(order_ids: Collection[int]) -> set[int]:
    """Those of these orders that the seller's own systems cancelled."""
    news = OrderNews.objects.filter(order__in=order_ids, status=OrderStatement.CANCELLED)
    return set(news.values_list("order_id", flat=True))


def watch(which: Q) -> None:
    """Open a check for each of the orders that is worth one."""
    orders = Order.objects.filter(which, status=OrderStatus.PENDING, simulated=False)
    if rows := list(opened(orders.select_related("account").prefetch_related("charges"))):
        circuits.ensure([row["account_id"] for row in rows])
        execute(OPEN, document(rows))


def opened(orders: Iterable[Order]) -> Iterator[Row]:
    """The rows of the checks to open."""
    now, decided = timezone.now(), rules.read()
    for order in orders:
        polling = rules.of(order.account_id, decided)
        if not polling.covers(order):
            continue
        awaited = awaited_of(order)
        spread = intervals.spread_of(order.pk)
        if look := intervals.first_look(awaited, polling.rule, now=now, spread=spread):
            yield {
                "order_id": order.pk,
                "account_id": order.account_id,
                "at": look.at,
                "seconds": round(look.interval.total_seconds()),
                "give_up_at": max(intervals.end_of(one, polling.rule) for one in awaited),
            }


def end(order_ids: Sequence[int], how: End) -> None:
    """End the checks of these orders: the open ones, and where we gave up too early, all.

    One statement.
    """
    standing = Q(status__in=PaymentCheck.OPEN)
    if how.status is PaymentCheck.Status.PAID:
        standing = ~Q(status=PaymentCheck.Status.PAID)
    PaymentCheck.objects.filter(standing, order__in=order_ids).update(**ended(how))


def ended(how: End) -> dict[str, object]:
    """The columns of a check that has ended."""
    return {
        "status": how.status,
        "reason": how.reason,
        "next_attempt_at": None,
        "claimed_until": None,
        "ended_at": timezone.now(),
    }


# What is awaited


def awaited_charges(order: Order) -> list[Charge]:
    """The charges that may still be paid, newest first."""
    found = [charge for charge in order.charges.all() if charge.status in AWAITED]
    return sorted(found, key=lambda charge: charge.pk, reverse=True)


def awaited_of(order: Order) -> list[Waiting]:
    """What an order awaits: its open charges; another attempt after the last one; or any."""
    if found := awaited_charges(order):
        return [waiting_of(charge) for charge in found]
    last = max(order.charges.all(), key=lambda charge: charge.pk, default=None)
    if last is None:
        return [Waiting(order.created_at)]
    return [Waiting(last.created_at, last.payment_method)]


def waiting_of(charge: Charge) -> Waiting:
    """What one charge awaits."""
    return Waiting(charge.created_at, charge.payment_method, charge.expires_at)


def look_after(order: Order, looks: int, polling: rules.Polling, now: datetime) -> Look | None:
    """When to look again at an order that was not paid after so many looks; None: never."""
    spread = intervals.spread_of(order.pk)
    return intervals.next_look(awaited_of(order), polling.rule, looks=looks, now=now, spread=spread)


# Who can be asked


def obstacle(account: Account) -> str:
    """Why an account's orders are not polled, in a sentence; "" where they are."""
    gateway = GATEWAYS.get(account.gateway)
    if gateway is None or (gateway.fetch_charge is None and gateway.search_charges is None):
        return _("The gateway cannot be asked about charges.")
    return closed(account)


def charge_as_it_is(fetch_charge: FetchCharge, api: Api, charge: Charge) -> list[RawRequest]:
    """What the gateway answers about a charge; of one that cannot be asked for by its id (a Pix of
    PagBank's before it is paid), about the gateway's order that it belongs to.

    Raises GatewayError.
    """
    try:
        return fetch_charge(api, charge.gateway_charge_id)
    except NotFoundError:
        if not (order_id := charge.metadata.get("order_id")):
            raise
    return fetch_charge(api, order_id)


# Asking at once


def ask_soon(check: PaymentCheck) -> bool:
    """Have the gateway asked now; not where it was within a minute. Gives whether it will be.

    Meant for a buyer who opens the page of an order, and for a person who wants to know.
    """
    now = timezone.now()
    fresh = Q(last_check_at__gt=now - ASKED_LATELY)
    with transaction.atomic():
        mine = PaymentCheck.objects.filter(pk=check.pk, status__in=PaymentCheck.OPEN)
        if is_due := bool(mine.exclude(fresh).update(next_attempt_at=now)):
            nudge(POLL)
    return is_due


def ask_about_order(order_id: int) -> bool:
    """The same for an order by its id; nothing where it is not followed."""
    check = PaymentCheck.objects.filter(order=order_id, status__in=PaymentCheck.OPEN).first()
    return check is not None and ask_soon(check)
