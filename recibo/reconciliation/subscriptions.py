"""Changing subscriptions: the gateway is asked at once, for somebody waits for the answer.

What the gateway answers enters the inbox like any other news, and nothing else changes state.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _
from msgspec import to_builtins

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.gateways.contract import Api, Gateway, RawRequest
from recibo.gateways.errors import GatewayError
from recibo.gateways.facts import SubscriptionFact
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.journal.actions import audit
from recibo.reconciliation import calls, circuits
from recibo.reconciliation.advice import instead_of
from recibo.reconciliation.change_errors import (
    BusyError,
    NotSupportedError,
    meaning,
)
from recibo.reconciliation.errors import RestingError
from recibo.reconciliation.models import SubscriptionTurn
from recibo.reconciliation.obstacles import closed
from recibo.work import lease
from recibo.work.engine import FOLD, nudge

#: What of a subscription a change may change: kept in the audit, before and after.
COLUMNS = ("status", "plan", "plan_id", "price", "next_billing_at", "cancelled_at")

#: Has the gateway change the subscription of a code, and gives what it answers.
Way = Callable[[Api, str], list[RawRequest]]


class Wish(NamedTuple):
    """A change that somebody wants."""

    verb: str  # as the audit and the journal call it
    way: Callable[[Gateway], Way | None]  # None: the gateway has no such thing
    asked: Mapping[str, int | str] = {}


CANCEL = Wish("cancel", lambda gateway: gateway.cancel_subscription)
REACTIVATE = Wish("reactivate", lambda gateway: gateway.reactivate_subscription)


def due_day(day: int) -> Wish:
    """To be collected on another day of the month, 1 to 28."""

    def way(gateway: Gateway) -> Way | None:
        if (change := gateway.change_due_day) is None:
            return None
        return lambda api, code: change(api, code, day)

    return Wish("due_day", way, {"day": day})


def plan(plan_id: str) -> Wish:
    """To be moved to another plan, by the gateway's id of it."""

    def way(gateway: Gateway) -> Way | None:
        if (change := gateway.change_plan) is None:
            return None
        return lambda api, code: change(api, code, plan_id)

    return Wish("plan", way, {"plan_id": plan_id})


# Asking


def change(subscription: Subscription, wish: Wish, *, actor: str) -> list[int]:
    """Have the gateway make a change and keep what it answers, for the fold. Gives the events.

    Call it outside of a transaction. Raises ChangeError. Safe to repeat.
    """
    way = possible(subscription, wish)
    with alone(subscription):
        subscription.refresh_from_db()
        try:
            answers = asked(subscription, wish, way)
        except GatewayError as error:
            note(subscription, wish, actor, {"error": type(error).__name__})
            raise meaning(error, subscription.account) from error
        return accept(subscription, wish, actor, answers)


def possible(subscription: Subscription, wish: Wish) -> Way:
    """What has the gateway make the change. Raises NotSupportedError, LaterError."""
    gateway = GATEWAYS.get(subscription.account.gateway)
    way = wish.way(gateway) if gateway else None
    if gateway is None or way is None:
        raise NotSupportedError(instead_of(subscription.account.gateway, wish.verb))
    if subscription.simulated:
        raise NotSupportedError(_("A simulated subscription: the gateway knows nothing of it."))
    if reason := closed(subscription.account):
        raise NotSupportedError(reason)
    require_no_rest(subscription.account)
    return way


def require_no_rest(account: Account) -> None:
    """Raise LaterError where the gateway told us to wait. One that is down may be tried by hand."""
    try:
        circuits.require_no_rest(account, by_hand=True)
    except RestingError as error:
        raise meaning(error, account) from error


def asked(subscription: Subscription, wish: Wish, way: Way) -> list[RawRequest]:
    """What the gateway answers. Raises GatewayError."""
    account = subscription.account
    with (
        circuits.watched(account),
        calls.api(account, stage=stage_of(wish), by_hand=True) as api,
    ):
        return way(api, subscription.code)


def stage_of(wish: Wish) -> str:
    """What the journal calls the change, and the audit too."""
    return f"subscription.{wish.verb}"


@contextmanager
def alone(subscription: Subscription) -> Iterator[None]:
    """Keep everybody else from changing this subscription. Raises BusyError.

    A lease: whoever dies lets it go after a while, and no connection has to last.
    """
    turn = SubscriptionTurn(subscription=subscription)
    SubscriptionTurn.objects.bulk_create([turn], ignore_conflicts=True)
    turn = SubscriptionTurn.objects.get(subscription=subscription)
    with ExitStack() as held:
        try:
            held.enter_context(lease.alone(SubscriptionTurn._meta.db_table, turn.pk))
        except lease.BusyError:
            sentence = _("Somebody else is changing this subscription: look again in a moment.")
            raise BusyError(sentence) from None
        yield


# Keeping what came of it


def accept(
    subscription: Subscription, wish: Wish, actor: str, answers: Sequence[RawRequest]
) -> list[int]:
    """Put the answers into the inbox and the act into the audit, all or nothing."""
    with transaction.atomic():
        ids = store(subscription.account, answers, Source.FETCH)
        note(subscription, wish, actor, told_by(subscription, answers))
        nudge(FOLD)
    return ids


def note(subscription: Subscription, wish: Wish, actor: str, after: Mapping[str, Any]) -> None:
    """Keep who asked for what, how the subscription stood, and what the gateway said."""
    before = {name: getattr(subscription, name) for name in COLUMNS}
    subject = f"subscription:{subscription.account}/{subscription.code}"
    told = {**wish.asked, **after}
    audit(actor, stage_of(wish), subject[:200], before=plain(before), after=plain(told))


def told_by(subscription: Subscription, answers: Iterable[RawRequest]) -> dict[str, Any]:
    """How the subscription stands now, says the gateway: what it names, and no more."""
    told: dict[str, Any] = {}
    for fact in facts_of(subscription.account, answers):
        if isinstance(fact, SubscriptionFact) and fact.code == subscription.code:
            told |= {name: value for name in COLUMNS if (value := getattr(fact, name))}
    return told | ({"price": told["price"].amount} if "price" in told else {})


def facts_of(account: Account, answers: Iterable[RawRequest]) -> Iterator[object]:
    """What answers tell; the fold says what is wrong with one that cannot be read."""
    for answer in answers:
        with suppress(Exception):  # not even a parser's bug may lose what the gateway did
            yield from GATEWAYS[account.gateway].parse(answer)


def plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as JSON has them, without those that say nothing."""
    kept = {name: value for name, value in columns.items() if value not in {None, ""}}
    told: dict[str, Any] = to_builtins(kept)
    return told
