"""When an unpaid order is looked at next: pure functions of what is awaited, and of the time.

Where the seller set waits, those hold. Else the method decides, because each is paid in its own
way: a Pix within minutes and never after its expiry, a boleto overnight and up to three business
days after it was due, a card at once or not at all. Where the method is not known, ``LADDER``.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import inf
from zoneinfo import ZoneInfo

from msgspec import Struct

from recibo.reconciliation.banking import business_day
from recibo.work.durations import duration

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST = DAY

#: Without a rule: how long an order is awaited whose charges name no end of their own.
GIVE_UP = timedelta(days=30)
#: What lapses is looked at so long after, so that a payment in its last second is seen.
AFTERWARDS = MINUTE
#: What ended less than this before we heard of it is looked at once all the same.
STILL_WORTH = timedelta(days=7)
#: Waits are longer by up to this share, always the same for one order: so the orders of a launch
#: do not fall due together.
JITTER = 0.1


class Listed(Struct, frozen=True):
    """One wait after the other; the last one repeats."""

    waits: tuple[timedelta, ...]

    def after(self, looks: int) -> timedelta:
        """The wait after so many looks."""
        return self.waits[min(looks, len(self.waits) - 1)]


class Linear(Struct, frozen=True):
    """Longer by one step each time."""

    step: timedelta
    longest: timedelta

    def after(self, looks: int) -> timedelta:
        """The wait after so many looks."""
        return min(self.step * (looks + 1), self.longest)


class Exponential(Struct, frozen=True):
    """Twice as long each time."""

    first: timedelta
    longest: timedelta

    def after(self, looks: int) -> timedelta:
        """The wait after so many looks."""
        seconds = self.first.total_seconds() * 2.0 ** min(looks, 60)
        return timedelta(seconds=min(seconds, self.longest.total_seconds()))


Waits = Listed | Linear | Exponential

LADDER = Listed((15 * MINUTE, 30 * MINUTE, *(n * HOUR for n in (1, 2, 4, 8, 16, 24))))


def parse(text: str) -> Waits:
    """Waits as they are written: ``15m,30m,1h``, ``linear:30m`` or ``exponential:15m..24h``.

    ``linear`` and ``exponential`` take what they grow to after two dots; else it is 24 hours.
    Raises ValueError.
    """
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        return Listed(tuple(positive(word) for word in text.split(",")))
    if kind not in GROWING:
        raise ValueError(f"must be a list, linear:… or exponential:…, not {text!r}")
    first, dots, longest = rest.partition("..")
    return GROWING[kind](positive(first), positive(longest) if dots else LONGEST)


def positive(text: str) -> timedelta:
    """A wait. Raises ValueError for none at all."""
    if not (wait := duration(text)):
        raise ValueError(f"must be waits of a second or more, not {text!r}")
    return wait


GROWING: dict[str, type[Linear] | type[Exponential]] = {
    "linear": Linear,
    "exponential": Exponential,
}


class Rule(Struct, frozen=True):
    """What the seller decided. ``waits`` None: by the method. ``give_up`` None: ``GIVE_UP``,
    unless a charge has an end of its own, earlier or later.
    """

    waits: Waits | None = None
    give_up: timedelta | None = None
    min_age: timedelta = 10 * MINUTE


class Waiting(Struct, frozen=True):
    """What is awaited: one charge, or an order that has none yet."""

    created_at: datetime
    method: str = ""
    expires_at: datetime | None = None


class Look(Struct, frozen=True):
    """When to look, and the wait that led there, without its jitter."""

    at: datetime
    interval: timedelta


# Ends

BANKS = ZoneInfo("America/Sao_Paulo")
#: What banks cleared overnight is told in the morning. Hours of the day in ``BANKS``.
MORNING = 8
MORNINGS_END = 11
NOON = time(12)
DAYS_AFTER_DUE = 3
#: A Pix without an expiry is taken to live as long as they usually may.
PIX_LIFE = DAY
#: Risk analysis takes two days at the most, captures follow within a day or two.
CARD_LIFE = 4 * DAY


def end_of(waiting: Waiting, rule: Rule) -> datetime:
    """When the last look is: nobody will pay after what the charge or the seller says."""
    lapses = lapses_at(waiting, rule)
    if rule.give_up is None:
        return lapses or waiting.created_at + GIVE_UP
    given_up = waiting.created_at + rule.give_up
    return min(lapses, given_up) if lapses else given_up


def lapses_at(waiting: Waiting, rule: Rule) -> datetime | None:
    """Just after the charge itself cannot be paid any more; None where nothing tells."""
    if waiting.method == "boleto" and waiting.expires_at:
        return clears_at(waiting.expires_at) + AFTERWARDS
    if waiting.expires_at:
        return waiting.expires_at + AFTERWARDS
    life = LIVES.get(waiting.method) if rule.waits is None else None
    return waiting.created_at + life + AFTERWARDS if life else None


LIVES = {"pix": PIX_LIFE, "card": CARD_LIFE}


def clears_at(due: datetime) -> datetime:
    """When a boleto that was paid on its last day must have been told."""
    return at_banks(business_day(due.astimezone(BANKS).date(), DAYS_AFTER_DUE), NOON)


def at_banks(day: date, at: time) -> datetime:
    """A time of the day where the banks are."""
    return datetime.combine(day, at, BANKS).astimezone(UTC)


# Looks


def first_look(
    awaited: Sequence[Waiting], rule: Rule, *, now: datetime, spread: float
) -> Look | None:
    """When to look for the first time; None where nobody would pay any more."""
    if look := next_look(awaited, rule, looks=0, now=now, spread=spread):
        return look
    if now - max(end_of(one, rule) for one in awaited) >= STILL_WORTH:
        return None
    interval = (rule.waits or LADDER).after(0)
    return Look(now + longer(interval, spread), interval)


def next_look(
    awaited: Sequence[Waiting], rule: Rule, *, looks: int, now: datetime, spread: float
) -> Look | None:
    """When to look after so many ``looks``: the earliest that any of them asks for.

    None: every one has ended, and was looked at since. ``spread``: see ``spread_of``.
    """
    found = [one_look(one, rule, looks, now, spread) for one in awaited]
    return min((look for look in found if look), key=lambda look: look.at, default=None)


def one_look(waiting: Waiting, rule: Rule, looks: int, now: datetime, spread: float) -> Look | None:
    """When to look for one charge."""
    end = end_of(waiting, rule)
    if now >= end:
        return None
    plan = PLANS.get(waiting.method, by_ladder)
    look = (
        waited(rule.waits.after(looks), now, spread)
        if rule.waits
        else plan(waiting, looks, now, spread)
    )
    made = min(waiting.created_at, now)  # some gateways know the day only
    at = max(look.at, made + rule.min_age)
    return Look(min(at, end), look.interval)


def waited(interval: timedelta, now: datetime, spread: float) -> Look:
    """A look after a wait."""
    return Look(now + longer(interval, spread), interval)


def longer(wait: timedelta, spread: float) -> timedelta:
    """A wait with its jitter."""
    return wait * (1 + JITTER * spread)


def spread_of(order_id: int) -> float:
    """Where an order stands among all, from 0 up to 1: evenly, and always the same."""
    return (order_id * 2_654_435_761 % 2**32) / 2**32  # Knuth's multiplicative hash


Plan = Callable[[Waiting, int, datetime, float], Look]
CARD = Listed((10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY))
#: Up to which age in hours a Pix is looked at how often.
PIX = ((1.0, 2 * MINUTE), (6.0, 10 * MINUTE), (inf, HOUR))


def by_ladder(_: Waiting, looks: int, now: datetime, spread: float) -> Look:
    """Less and less often."""
    return waited(LADDER.after(looks), now, spread)


def by_card(_: Waiting, looks: int, now: datetime, spread: float) -> Look:
    """A few times: whether a card pays is known soon."""
    return waited(CARD.after(looks), now, spread)


def by_pix(waiting: Waiting, _: int, now: datetime, spread: float) -> Look:
    """Densely: most are paid within minutes."""
    age = (now - waiting.created_at) / HOUR
    return waited(next(wait for limit, wait in PIX if age < limit), now, spread)


def by_boleto(waiting: Waiting, _: int, now: datetime, spread: float) -> Look:
    """Each bank morning after the day on which it was made."""
    made = waiting.created_at.astimezone(BANKS).date()
    day = business_day(max(now.astimezone(BANKS).date(), made + DAY), 0)
    at = morning(day, spread)
    while at <= now:
        day = business_day(day + DAY, 0)
        at = morning(day, spread)
    return Look(at, at - now)


def morning(day: date, spread: float) -> datetime:
    """The moment of a bank's morning that is an order's own."""
    return at_banks(day, time(MORNING)) + (MORNINGS_END - MORNING) * HOUR * spread


PLANS: dict[str, Plan] = {"pix": by_pix, "boleto": by_boleto, "card": by_card}
