"""What happened to an order: one list in time order, from the facts and events that are kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from recibo.billing.models import Charge, ChargeNews, Order
from recibo.billing.strength import RETURNED
from recibo.gateways.facts import ChargeFact, ChargeStatus
from recibo.inbox.models import Event

STEP = _("Charge %(charge)s %(status)s: %(currency)s %(amount).2f")
REFUND = _("Charge %(charge)s %(status)s: %(currency)s %(amount).2f given back")

decode = msgspec.json.Decoder(ChargeFact).decode


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened. ``kind``: order.created, event.received or charge.STATUS."""

    at: datetime
    kind: str
    text: str
    charge: str = ""  # the gateway's id of the charge
    event_id: int | None = None
    simulated: bool = False


def timeline(order: Order) -> list[Entry]:
    """The order's whole story, oldest first, in three queries besides its charges."""
    charges = list(order.charges.all())
    news = ChargeNews.objects.filter(charge__in=charges).order_by(
        "occurred_at", "event_id", "position"
    )
    told = list(news)
    own = order.news.values_list("event_id", flat=True)
    events = events_about(order, charges, [*(one.event_id for one in told), *own])
    entries = [created(order), *progress(charges, told), *map(received, events)]
    return sorted(entries, key=lambda entry: entry.at)


def events_about(order: Order, charges: Sequence[Charge], told: Sequence[int]) -> Iterable[Event]:
    """Events that name one of the charges or told something of it. Index: event_by_charge."""
    names = [charge.gateway_charge_id for charge in charges if charge.gateway_charge_id]
    named = Q(account=order.account_id, gateway_charge_id__in=names)
    return Event.objects.filter(named | Q(pk__in=told)).select_related("account").order_by("pk")


def created(order: Order) -> Entry:
    """The buyer ordered."""
    text = gettext("Order %(reference)s: %(product)s, %(currency)s %(amount).2f") % {
        "reference": order.reference,
        "product": order.product or "?",
        "currency": order.currency,
        "amount": order.amount,
    }
    return Entry(at=order.created_at, kind="order.created", text=text, simulated=order.simulated)


def received(event: Event) -> Entry:
    """News of a charge came in."""
    text = gettext("%(gateway)s %(word)s received (%(source)s, %(status)s)") % {
        "gateway": event.account.gateway,
        "word": event.gateway_event,
        "source": event.source,
        "status": event.status,
    }
    return Entry(
        at=event.received_at,
        kind="event.received",
        text=text,
        charge=event.gateway_charge_id,
        event_id=event.pk,
        simulated=event.source == "simulate",
    )


def progress(charges: Sequence[Charge], told: Iterable[ChargeNews]) -> Iterator[Entry]:
    """What each charge went through at the gateway, without facts that repeat the last one."""
    names = {charge.pk: charge.gateway_charge_id for charge in charges}
    last: dict[int, tuple[str, object, str]] = {}
    for one in told:
        fact = decode(one.fact)
        state = (one.status, fact.refunded_amount, fact.refund_id)
        if last.get(one.charge_id) != state:
            last[one.charge_id] = state
            yield happened(names[one.charge_id], one, fact)


def happened(charge: str, news: ChargeNews, fact: ChargeFact) -> Entry:
    """One fact about a charge."""
    status = status_of(fact)
    wording = REFUND if fact.refunded_amount else STEP
    text = str(wording) % {
        "charge": charge,
        "status": status,
        "currency": fact.amount.currency,
        "amount": fact.refunded_amount or fact.amount.amount,
    }
    return Entry(
        at=news.occurred_at,
        kind=f"charge.{status}",
        text=text,
        charge=charge,
        event_id=news.event_id,
        simulated=news.simulated,
    )


def status_of(fact: ChargeFact) -> ChargeStatus:
    """The status a fact tells; a refund may hide behind a charge that is still called paid."""
    if fact.refunded_amount and fact.status not in RETURNED:
        return ChargeStatus.PARTIALLY_REFUNDED
    return fact.status
