"""Asking about unpaid orders whose time has come. What is learned enters by the same door.

Checks are claimed through the gate of their account (``claiming``): a few of each account at a
time, whatever the number of workers, and none of one whose API is down.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone

from recibo.billing.models import Order, OrderStatus
from recibo.gateways.contract import Api, Gateway, RawRequest
from recibo.gateways.errors import (
    DeniedError,
    GatewayError,
    NotFoundError,
    UnavailableError,
)
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.reconciliation import calls, circuits, claiming, intervals, rules
from recibo.reconciliation.errors import OutOfTurnsError
from recibo.reconciliation.intervals import Look
from recibo.reconciliation.models import PaymentCheck
from recibo.reconciliation.notices import describe
from recibo.reconciliation.payment_checks import (
    ENDS,
    GIVEN_UP,
    GONE,
    LEFT_OUT,
    UNKNOWN,
    End,
    awaited_charges,
    cancelled_by_seller,
    charge_as_it_is,
    ended,
    has_last_look,
    is_searched,
    look_after,
    obstacle,
)
from recibo.work.draining import Kind, drain
from recibo.work.engine import FOLD, nudge

TABLE = PaymentCheck._meta.db_table
#: After an error an order is asked about again within this, however long its waits have become.
SOON = timedelta(minutes=5)
#: Charges of one order that are asked about at a time, the newest.
MOST_CHARGES = 10
STAGE = "poll"

DUE = claiming.Due(TABLE, changes="status = 'processing',", is_open=lambda one: not obstacle(one))


def claim(limit: int) -> list[int]:
    """Take at most ``limit`` due checks, of as many accounts as there are."""
    return claiming.claim(DUE, limit)


def poll_due() -> int:
    """Ask about every order whose time has come, for a while. Gives how many there were."""
    return drain(CHECKS)


def poll(check_id: int, *, by_hand: bool = False) -> None:
    """Ask about one order. Safe to repeat: the same answer again is the same event.

    ``by_hand``: a person wants to know; an API that counts as down is tried.
    """
    check = PaymentCheck.objects.select_related("account").get(pk=check_id)
    orders = Order.objects.select_related("account").prefetch_related("charges")
    if (order := orders.filter(pk=check.order_id).first()) is None:
        finish(check, GONE)
        return
    polling = rules.of(check.account_id, rules.read())
    ask(Subject(check, order, polling, timezone.now(), by_hand))


class Subject(NamedTuple):
    """What is asked about, when, and under which rule."""

    check: PaymentCheck
    order: Order
    polling: rules.Polling
    now: datetime
    by_hand: bool = False

    def next_look(self) -> Look | None:
        """When to look again if this look finds it unpaid; None: this is the last one."""
        if self.order.status != OrderStatus.PENDING:
            return None
        return look_after(self.order, self.check.answered + 1, self.polling, self.now)


def ask(about: Subject) -> None:
    """Ask, unless the answer is known."""
    if how := known_end(about):
        finish(about.check, how)
        return
    answers: list[RawRequest] = []
    try:
        with circuits.watched(about.check.account):
            for found in asked(about):
                answers += found
    except OutOfTurnsError as error:
        put_off(about.check, about.now + error.wait)
    except NotFoundError as error:
        settle(about, answers, note=describe(error))  # an answer too: there is nothing to be paid
    except GatewayError as error:
        fail(about, answers, error)
    else:
        settle(about, answers)


def known_end(about: Subject) -> End | None:
    """How a check ends that nobody needs to ask about any more; None: ask."""
    if about.order.status == OrderStatus.PENDING:
        return None if about.polling.covers(about.order) else LEFT_OUT
    if has_last_look(about.check, about.order) and not cancelled_by_seller([about.order.pk]):
        return None
    return ENDS[f"order.{about.order.status}"]


# Asking


def asked(about: Subject) -> Iterator[list[RawRequest]]:
    """What the gateway answers about an order, one question after the other. Raises GatewayError.

    Its open charges are asked for, where the gateway can; and whatever has the order's reference
    where that is the seller's own, where there is no such charge, and before we give up: a buyer
    may have tried again in another way.
    """
    account, order = about.check.account, about.order
    gateway = GATEWAYS[account.gateway]
    by_hand = about.by_hand
    with calls.api(account, order_id=order.pk, stage=STAGE, by_hand=by_hand) as api:
        is_known = False
        for answers in fetched(gateway, api, order):
            is_known = True
            yield answers
        if not is_known or about.next_look() is None or is_searched(order):
            yield searched(gateway, api, order, is_known=is_known)


def fetched(gateway: Gateway, api: Api, order: Order) -> Iterator[list[RawRequest]]:
    """How each open charge stands; one that the gateway does not know may be found otherwise.

    Raises GatewayError.
    """
    if (fetch_charge := gateway.fetch_charge) is None:
        return
    for charge in awaited_charges(order)[:MOST_CHARGES]:
        try:
            yield charge_as_it_is(fetch_charge, api, charge)
        except NotFoundError:
            if gateway.search_charges is None:
                raise


def searched(gateway: Gateway, api: Api, order: Order, *, is_known: bool) -> list[RawRequest]:
    """Whatever has the order's reference; [] where the gateway has no search that we may use.

    ``is_known``: it has answered about the order already. Raises GatewayError.
    """
    if gateway.search_charges is None:
        return []
    try:
        return gateway.search_charges(api, order.reference)
    except DeniedError as error:
        if error.status or not is_known:
            raise
        return []  # nobody was asked: that needs credentials which we do not have


# Settling


def settle(about: Subject, answers: list[RawRequest], note: str = "") -> None:
    """Put the answers into the inbox and the next look into the row, all or nothing.

    Where this was the last look, the check ends; the fold of the answers may yet find it paid.
    """
    look = about.next_look()
    with transaction.atomic():
        store(about.check.account, answers, Source.POLL)
        if look is None:
            finish(about.check, outcome(about.order, answers), **tried(), last_error=note)
        else:
            seconds = round(look.interval.total_seconds())
            found = {"answered": F("answered") + 1, "interval_seconds": seconds}
            put_off(about.check, look.at, **tried(), **found, last_error=note)
        nudge(FOLD)


def outcome(order: Order, answers: Sequence[RawRequest]) -> End:
    """How a check ends at which the gateway told this last."""
    if order.status != OrderStatus.PENDING:
        return ENDS[f"order.{order.status}"]
    return GIVEN_UP if answers else UNKNOWN


def fail(about: Subject, answers: Sequence[RawRequest], error: GatewayError) -> None:
    """Ask again, before long if that may help: an error never ends a check.

    What was answered before the error is kept.
    """
    wait = intervals.longer(wait_after(about, error), intervals.spread_of(about.order.pk))
    with transaction.atomic():
        store(about.check.account, answers, Source.POLL)
        put_off(about.check, about.now + wait, **tried(), last_error=describe(error))
        if answers:
            nudge(FOLD)


def wait_after(about: Subject, error: GatewayError) -> timedelta:
    """How long to wait after an error.

    What the gateway refuses it will refuse again, so those waits grow. After the end, too: each is
    as long as it has lasted since, up to a day.
    """
    check = about.check
    asked_for = error.retry_after if isinstance(error, UnavailableError) else None
    is_refused = not isinstance(error, UnavailableError | DeniedError)
    refused = max(check.interval, intervals.LADDER.after(check.attempts))
    usual = refused if is_refused else min(check.interval, SOON)
    overdue = min(about.now - check.give_up_at, intervals.LONGEST)
    return max(usual, overdue, asked_for or timedelta(0))


def broke(check_id: int, error: Exception) -> None:
    """A check that broke unforeseen is taken again later, and says so."""
    check = PaymentCheck.objects.get(pk=check_id)
    put_off(check, timezone.now() + SOON, **tried(), last_error=describe(error))


def tried() -> dict[str, Any]:
    """The columns of a check that somebody was asked about."""
    return {"attempts": F("attempts") + 1, "last_check_at": timezone.now()}


def put_off(check: PaymentCheck, at: datetime, **columns: Any) -> None:
    """Take it again then, or sooner if somebody has set a time of his own since it was claimed."""
    unchanged = When(next_attempt_at=check.next_attempt_at, then=Value(at))
    columns["next_attempt_at"] = Case(unchanged, default=F("next_attempt_at"))
    still_open(check).update(status=PaymentCheck.Status.PENDING, claimed_until=None, **columns)


def finish(check: PaymentCheck, how: End, **columns: Any) -> None:
    """End it, unless there is something new to wait for since it was claimed."""
    if (
        not still_open(check)
        .filter(next_attempt_at=check.next_attempt_at)
        .update(**ended(how), **columns)
    ):
        put_off(check, timezone.now(), **columns)


def still_open(check: PaymentCheck) -> QuerySet[PaymentCheck]:
    """The check, if it has not ended since it was claimed."""
    return PaymentCheck.objects.filter(pk=check.pk, status__in=PaymentCheck.OPEN)


CHECKS = Kind(TABLE, poll, broke, claim=claim)
