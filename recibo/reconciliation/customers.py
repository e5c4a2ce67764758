"""Buyers whom a gateway names by id only: it is asked who they are."""

from django.db import transaction
from django.utils import timezone

from recibo.billing.changes import Change
from recibo.billing.people import join_late
from recibo.gateways.errors import GatewayError
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.reconciliation import calls
from recibo.reconciliation.asking import Kind, ask_all, attempts_after, wait_after
from recibo.reconciliation.models import CustomerLookup
from recibo.reconciliation.notices import LATER, describe
from recibo.work.engine import FOLD, nudge
from recibo.work.sql import execute

TABLE = CustomerLookup._meta.db_table
#: Ask for a buyer; one whom the gateway could not tell before is asked for again.
ASK_AGAIN = """
    insert into reconciliation_customerlookup as l
        (account_id, gateway_id, status, attempts, next_attempt_at, error)
    values (%s, %s, 'pending', 0, statement_timestamp(), '')
    on conflict (gateway_id, account_id) do update
    set status = 'pending', attempts = 0, next_attempt_at = statement_timestamp()
    where l.status = 'failed'
"""
#: The task that asks.
LOOK_UP = "reconciliation.customers"


def look_up(change: Change) -> None:
    """Have a buyer looked up, once for all that he bought."""
    execute(ASK_AGAIN, change.id, change.name)
    nudge(LOOK_UP)


def look_up_all() -> int:
    """Ask for every buyer whose time has come. Gives how many there were."""
    join_late()
    return ask_all(CUSTOMERS)


def ask(lookup_id: int) -> None:
    """Ask for one buyer. Safe to repeat."""
    lookup = CustomerLookup.objects.select_related("account").get(pk=lookup_id)
    fetch_customer = GATEWAYS[lookup.account.gateway].fetch_customer
    if fetch_customer is None:
        settle(lookup, error="This gateway cannot be asked who a buyer is.")
        return
    try:
        with calls.api(lookup.account) as api:
            answer = fetch_customer(api, lookup.gateway_id)
    except LATER as error:
        postpone(lookup, error)
    except GatewayError as error:
        settle(lookup, error=describe(error))
    else:
        with transaction.atomic():
            store(lookup.account, [answer], Source.FETCH)
            settle(lookup)
            nudge(FOLD)


def settle(lookup: CustomerLookup, *, error: str = "") -> None:
    """Write how the question ended."""
    CustomerLookup.objects.filter(pk=lookup.pk).update(
        status=CustomerLookup.Status.FAILED if error else CustomerLookup.Status.FOUND,
        attempts=lookup.attempts + 1,
        error=error,
        next_attempt_at=None,
        claimed_until=None,
    )


def postpone(lookup: CustomerLookup, error: Exception) -> None:
    """Ask again later, or give up with the error for a person to see."""
    if (wait := wait_after(error, lookup.attempts)) is None:
        settle(lookup, error=describe(error))
        return
    CustomerLookup.objects.filter(pk=lookup.pk).update(
        attempts=attempts_after(error, lookup.attempts),
        error=describe(error),
        next_attempt_at=timezone.now() + wait,
        claimed_until=None,
    )


def broke(lookup_id: int, error: Exception) -> None:
    """A buyer whose question broke unforeseen waits longer each time, then for a person."""
    postpone(CustomerLookup.objects.get(pk=lookup_id), error)


CUSTOMERS = Kind(TABLE, ask, broke)
