"""Charges that somebody named without proof: the gateway is asked how they stand.

A refused notice moves nothing, but it may be a true one under a wrong secret. So a charge of ours
that it names is looked at, once a minute at the most, and only what the gateway answers counts.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recibo.billing.models import Charge
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import GatewayError, NotFoundError
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.reconciliation import calls, circuits, claiming
from recibo.reconciliation.asking import later
from recibo.reconciliation.models import ChargeLookup
from recibo.reconciliation.notices import LATER, describe
from recibo.reconciliation.payment_checks import charge_as_it_is, obstacle
from recibo.work.draining import Kind, drain
from recibo.work.engine import FOLD, nudge
from recibo.work.sql import document, execute

TABLE = ChargeLookup._meta.db_table
DUE = claiming.Due(TABLE)
#: The task that asks.
LOOK = "reconciliation.lookups"
#: How long a row is kept: it is what the limit of once a minute rests on.
KEPT = timedelta(hours=1)

#: Only charges that we know: nobody can make us ask for what he invents.
NAMED = """
    insert into reconciliation_chargelookup as l
        (account_id, gateway_charge_id, named_at, attempts, next_attempt_at, error)
    select distinct c.account_id, c.gateway_charge_id, now(), 0, now(), ''
    from json_to_recordset(%s::json) as r(account_id bigint, charge_id text)
    join billing_charge c on c.account_id = r.account_id and c.gateway_charge_id = r.charge_id
    where not c.simulated
    order by 1, 2
    on conflict (gateway_charge_id, account_id) do update
    set named_at = now(), attempts = 0, next_attempt_at = now(), error = ''
    where l.named_at < now() - interval '1 minute'
    returning id
"""
#: That there was such a request at all, be the charge known or not.
RECOGNISED = """
    insert into reconciliation_circuit as c (account_id, failures, slowed, error, named_at)
    select distinct unnest(%s::bigint[]), 0, 0, '', now() order by 1
    on conflict (account_id) do update set named_at = now()
"""


def named(charges: Sequence[tuple[int, str]]) -> int:
    """Have these charges, by account and the gateway's id, looked at. Gives how many will be."""
    rows = [{"account_id": account, "charge_id": charge} for account, charge in charges]
    with transaction.atomic():
        execute(RECOGNISED, [account for account, _ in charges])
        if found := execute(NAMED, document(rows)):
            nudge(LOOK)
    return len(found)


def look_at_all() -> int:
    """Ask about every named charge. Gives how many there were."""
    old = ChargeLookup.objects.filter(next_attempt_at=None, named_at__lt=timezone.now() - KEPT)
    old.delete()
    circuits.ensure_all()
    return drain(LOOKUPS)


def look(lookup_id: int) -> None:
    """Ask about one charge. Safe to repeat."""
    lookup = ChargeLookup.objects.select_related("account").get(pk=lookup_id)
    if reason := obstacle(lookup.account):
        settle(lookup, error=reason)
        return
    try:
        with circuits.watched(lookup.account):
            answers = asked(lookup)
    except LATER as error:
        postpone(lookup, error)
    except GatewayError as error:
        settle(lookup, error=describe(error))
    else:
        with transaction.atomic():
            store(lookup.account, answers, Source.POLL)
            settle(lookup)
            nudge(FOLD)


def asked(lookup: ChargeLookup) -> list[RawRequest]:
    """What the gateway answers. Raises GatewayError."""
    gateway = GATEWAYS[lookup.account.gateway]
    charge = Charge.objects.select_related("order").filter(
        account=lookup.account, gateway_charge_id=lookup.gateway_charge_id
    )
    if (known := charge.first()) is None:
        raise NotFoundError("The charge is no longer known.")
    with calls.api(lookup.account, order_id=known.order_id, stage="refused") as api:
        if gateway.fetch_charge is not None:
            return charge_as_it_is(gateway.fetch_charge, api, known)
        if gateway.search_charges is not None:
            return gateway.search_charges(api, known.order.reference)
    return []


def settle(lookup: ChargeLookup, *, error: str = "") -> None:
    """Write how it ended."""
    ended = {"attempts": lookup.attempts + 1, "error": error, "next_attempt_at": None}
    unchanged(lookup).update(**ended)
    let_go(lookup)


def postpone(lookup: ChargeLookup, error: Exception) -> None:
    """Ask again later, or give up: the daily sync comes by."""
    if (again := later(error, lookup.attempts, lookup.account_id)) is None:
        settle(lookup, error=describe(error))
        return
    at = timezone.now() + again.wait
    unchanged(lookup).update(attempts=again.attempts, error=describe(error), next_attempt_at=at)
    let_go(lookup)


def unchanged(lookup: ChargeLookup) -> QuerySet[ChargeLookup]:
    """The row, unless the charge was named again since it was claimed: then it is due anew."""
    return ChargeLookup.objects.filter(pk=lookup.pk, named_at=lookup.named_at)


def let_go(lookup: ChargeLookup) -> None:
    """Let others take it when it is due."""
    ChargeLookup.objects.filter(pk=lookup.pk).update(claimed_until=None)


def broke(lookup_id: int, error: Exception) -> None:
    """One that broke unforeseen waits longer each time."""
    postpone(ChargeLookup.objects.get(pk=lookup_id), error)


LOOKUPS = Kind(TABLE, look, broke, claim=partial(claiming.claim, DUE))
