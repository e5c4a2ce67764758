"""What one buyer's subscriptions are worth together, and which movement every change of it is.

Movements are classified by the buyer's total before and after: all changes of one instant are
one. Amounts are hundredths of the reporting currency at the rate of the month in which they
happen; a new rate of a month is a movement of its own kind, so that opening + movements = closing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

from msgspec import Struct

from recibo.analytics.calendar import Calendar
from recibo.analytics.rates import Rates
from recibo.analytics.terms import Stand, State


class Kind(StrEnum):
    """What a change of the buyer's MRR is called."""

    NEW = "new"
    REACTIVATION = "reactivation"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"
    FX = "fx"
    NONE = ""  # something else changed: late, cancelled for later, on trial


class Segment(StrEnum):
    """What kind of customer, by the subscriptions; the first that applies, in this order."""

    AT_RISK = "at_risk"
    ACTIVE = "active"
    TRIAL = "trial"
    CANCELLED = "cancelled"
    NONE = ""


class Stretch(Struct, frozen=True, gc=False):
    """What a buyer is from ``since`` until the next stretch, and the movement that began it."""

    since: datetime
    kind: Kind = Kind.NONE
    amount: int = 0  # never negative but for FX; the sign is in the kind
    is_involuntary: bool = False
    mrr: int = 0
    net: int = 0
    at_risk: int = 0
    scheduled: int = 0  # of subscriptions that are cancelled and still run
    segment: Segment = Segment.NONE
    is_paying: bool = False
    holdings: tuple[Stand, ...] = ()


#: Before anything was told.
NOTHING = Stretch(since=datetime.min.replace(tzinfo=UTC))


def stretches(
    lives: Sequence[Sequence[Stand]], rates: Rates, calendar: Calendar, now: datetime
) -> list[Stretch]:
    """The buyer's stretches until ``now``, oldest first."""
    found: list[Stretch] = []
    before, has_paid = NOTHING, False
    for at, holdings, is_rate in steps(lives, rates, calendar, now):
        after = worth(at, holdings, rates, calendar)
        kind = Kind.FX if is_rate else kind_of(before, after, has_paid=has_paid)
        if is_rate and after.mrr == before.mrr and after.net == before.net:
            continue
        change = after.mrr - before.mrr
        before = Stretch(
            since=at,
            kind=kind,
            amount=change if is_rate else abs(change) if kind else 0,
            is_involuntary=kind is Kind.CHURN
            and any(one.is_involuntary and one.at == at for one in holdings),
            mrr=after.mrr,
            net=after.net,
            at_risk=after.at_risk,
            scheduled=after.scheduled,
            segment=after.segment,
            is_paying=after.is_paying,
            holdings=holdings,
        )
        has_paid = has_paid or after.is_paying
        found.append(before)
    return found


def steps(
    lives: Sequence[Sequence[Stand]], rates: Rates, calendar: Calendar, now: datetime
) -> Iterator[tuple[datetime, tuple[Stand, ...], bool]]:
    """Each instant until ``now`` with what all subscriptions are from then on.

    A new rate takes effect at the start of its month, before whatever happens at that instant.
    """
    current: list[Stand | None] = [None] * len(lives)
    for at, is_news, changed in instants(lives, rates, calendar):
        if at > now:
            return
        if not is_news and not any(one and one.value for one in current):
            continue
        for place, stand in changed:
            current[place] = stand
        yield at, tuple(one for one in current if one is not None), not is_news


def instants(
    lives: Sequence[Sequence[Stand]], rates: Rates, calendar: Calendar
) -> list[tuple[datetime, bool, list[tuple[int, Stand]]]]:
    """Every instant of a change, in order: of rates (False), of subscriptions (True)."""
    changes: dict[datetime, list[tuple[int, Stand]]] = {}
    for place, life in enumerate(lives):
        for stand in life:
            changes.setdefault(stand.at, []).append((place, stand))
    found = [(at, True, changed) for at, changed in changes.items()]
    months = {
        month
        for currency in {stand.currency for life in lives for stand in life}
        for month in rates.changes(currency)
    }
    found += [(calendar.start(month), False, []) for month in months]
    return sorted(found, key=lambda one: one[:2])


def worth(at: datetime, holdings: Sequence[Stand], rates: Rates, calendar: Calendar) -> Stretch:
    """What subscriptions are worth together, at the rates of the month."""
    month = calendar.month(at)
    total = net = at_risk = scheduled = 0
    for one in holdings:
        if not one.value:
            continue
        value = rates.convert(one.value, one.currency, month) or 0
        total += value
        net += rates.convert(one.net, one.currency, month) or 0
        at_risk += value if one.is_late else 0
        scheduled += value if one.is_ending else 0
    return Stretch(
        since=at,
        mrr=total,
        net=net,
        at_risk=at_risk,
        scheduled=scheduled,
        segment=segment_of(holdings),
        is_paying=any(one.value for one in holdings),
    )


def segment_of(holdings: Iterable[Stand]) -> Segment:
    """The segment by the state of all subscriptions."""
    states = {(one.state, one.is_late) for one in holdings}
    if (State.LIVE, True) in states:
        return Segment.AT_RISK
    if (State.LIVE, False) in states:
        return Segment.ACTIVE
    if (State.TRIAL, False) in states:
        return Segment.TRIAL
    return Segment.CANCELLED if (State.ENDED, False) in states else Segment.NONE


def kind_of(before: Stretch, after: Stretch, *, has_paid: bool) -> Kind:
    """What the change from one stretch to the next is called."""
    if not before.is_paying and not after.is_paying:
        return Kind.NONE
    if not before.is_paying:
        return Kind.REACTIVATION if has_paid else Kind.NEW
    if not after.is_paying:
        return Kind.CHURN
    if after.mrr == before.mrr:
        return Kind.NONE
    return Kind.EXPANSION if after.mrr > before.mrr else Kind.CONTRACTION


def value_in(stretch: Stretch, rates: Rates, month: date) -> int:
    """What a stretch is worth at the rates of another month."""
    return sum(
        rates.convert(one.value, one.currency, month) or 0 for one in stretch.holdings if one.value
    )
