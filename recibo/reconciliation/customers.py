"""Buyers of whom only an id or an e-mail is known: their gateway is asked who they are."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from recibo.billing.changes import Change
from recibo.billing.people import join_late
from recibo.gateways.errors import GatewayError
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.reconciliation import calls, circuits, claiming
from recibo.reconciliation.asking import later
from recibo.reconciliation.models import CustomerLookup
from recibo.reconciliation.notices import LATER, describe
from recibo.work.draining import Kind, drain
from recibo.work.engine import FOLD, nudge
from recibo.work.sql import document, execute

TABLE = CustomerLookup._meta.db_table
#: Ask for a buyer; one whom the gateway could not tell before is asked for again.
ASK_AGAIN = """
    insert into reconciliation_customerlookup as l
        (account_id, gateway_id, status, attempts, next_attempt_at, error)
    select distinct account_id, gateway_id, 'pending', 0, statement_timestamp(), ''
    from json_to_recordset(%s::json) as r(account_id bigint, gateway_id text)
    on conflict (gateway_id, account_id) do update
    set status = 'pending', attempts = 0, next_attempt_at = statement_timestamp()
    where l.status = 'failed'
"""
#: Ask for the buyers of orders of whom only an e-mail is known, once each.
ASK_BY_EMAIL = """
    insert into reconciliation_customerlookup
        (account_id, gateway_id, status, attempts, next_attempt_at, error)
    select distinct o.account_id, c.email, 'pending', 0, statement_timestamp(), ''
    from billing_order o
    join billing_customer c on c.id = o.customer_id
    join accounts_account a on a.id = o.account_id
    where o.id = any(%s) and c.name = '' and a.gateway = any(%s)
    on conflict (gateway_id, account_id) do nothing
    returning id
"""
#: One of an account at a time: a first sync brings thousands, and payments are asked for too.
DUE = claiming.Due(TABLE, most=1)
#: The task that asks.
LOOK_UP = "reconciliation.customers"


def look_up(changes: Sequence[Change]) -> None:
    """Have buyers looked up, each once for all that he bought."""
    rows = [{"account_id": change.id, "gateway_id": change.name} for change in changes]
    execute(ASK_AGAIN, document(rows))
    nudge(LOOK_UP)


def look_up_nameless(changes: Sequence[Change]) -> None:
    """Have the buyers of orders completed of whom only an e-mail is known, where that helps."""
    able = [slug for slug, gateway in GATEWAYS.items() if gateway.finds_buyers_by_email]
    if able and execute(ASK_BY_EMAIL, [change.id for change in changes], able):
        nudge(LOOK_UP)


def look_up_all() -> int:
    """Ask for every buyer whose time has come. Gives how many there were."""
    join_late()
    circuits.ensure_all()
    return drain(CUSTOMERS)


def ask(lookup_id: int) -> None:
    """Ask for one buyer. Safe to repeat."""
    lookup = CustomerLookup.objects.select_related("account").get(pk=lookup_id)
    fetch_customer = GATEWAYS[lookup.account.gateway].fetch_customer
    if fetch_customer is None:
        settle(lookup, error="This gateway cannot be asked who a buyer is.")
        return
    try:
        with circuits.watched(lookup.account), calls.api(lookup.account) as api:
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
    if (again := later(error, lookup.attempts, lookup.account_id)) is None:
        settle(lookup, error=describe(error))
        return
    CustomerLookup.objects.filter(pk=lookup.pk).update(
        attempts=again.attempts,
        error=describe(error),
        next_attempt_at=timezone.now() + again.wait,
        claimed_until=None,
    )


def broke(lookup_id: int, error: Exception) -> None:
    """A buyer whose question broke unforeseen waits longer each time, then for a person."""
    postpone(CustomerLookup.objects.get(pk=lookup_id), error)


CUSTOMERS = Kind(TABLE, ask, broke, claim=partial(claiming.claim, DUE))
