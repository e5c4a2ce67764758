"""The life of one subscription: from what was told of it to what it is worth at each instant.

A subscription is worth its recurring price, normalised to a month, from its first approved
payment until it ends: at the end of what is paid when it was cancelled, ``grace`` after it when
nobody paid, at once when the latest payment went back.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec
from msgspec import Struct

from recibo.analytics.calendar import renewed
from recibo.analytics.definitions import Definitions, cents, half_up
from recibo.analytics.histories import Charge, Return, Subscription
from recibo.gateways.facts import Money, Period, SubscriptionFact
from recibo.gateways.facts import SubscriptionStatus as S

#: What a price of each period is worth a month.
FACTORS = {
    Period.WEEKLY: (52, 12),
    Period.MONTHLY: (1, 1),
    Period.BIMONTHLY: (1, 2),
    Period.QUARTERLY: (1, 3),
    Period.SEMIANNUAL: (1, 6),
    Period.ANNUAL: (1, 12),
}
#: After everything.
NEVER = datetime.max.replace(tzinfo=UTC)
#: Nothing more will be collected; what is paid stays paid.
ENDING = frozenset({S.CANCELLED, S.EXPIRED, S.PAUSED})


class State(StrEnum):
    """What a subscription is at an instant."""

    NONE = ""
    TRIAL = "trial"
    LIVE = "live"
    ENDED = "ended"


class Stand(Struct, frozen=True, gc=False):
    """What a subscription is from ``at`` on."""

    at: datetime
    state: State
    value: int = 0  # hundredths a month, in ``currency``
    net: int = 0  # the seller's share of it
    currency: str = ""
    is_late: bool = False
    is_ending: bool = False  # live, and cancelled already
    is_involuntary: bool = False  # ended because nobody paid, or by a dispute


class Turn(IntEnum):
    """Which of the news of one instant is read first."""

    TOLD = 0
    MISSED = 1
    PAID = 2
    ENDING = 3
    RETURNED = 4


class News(NamedTuple):
    """Something that happened to a subscription."""

    at: datetime
    turn: Turn
    key: str  # makes the order of news of one instant definite
    what: SubscriptionFact | Charge | tuple[Charge, Return] | None


def monthly(price: int, period: Period) -> int:
    """A price per period as hundredths a month, rounded once."""
    times, by = FACTORS[period]
    return price if times == by else half_up(Decimal(price * times) / by)


def stands(
    subscription: Subscription, charges: Sequence[Charge], definitions: Definitions
) -> list[Stand]:
    """What the subscription is from each instant on, for ever; what is to come if nobody pays."""
    life = Life(subscription, definitions)
    for news in sorted(happenings(subscription, charges), key=lambda one: one[:3]):
        life.pass_until(news.at)
        life.learn(news)
        life.say(news.at)
    life.pass_until(NEVER)
    return life.said


def happenings(subscription: Subscription, charges: Iterable[Charge]) -> Iterator[News]:
    """Everything that happened, in no order."""
    for told in subscription.told:
        turn = Turn.ENDING if told.fact.status in ENDING else Turn.TOLD
        yield News(moment_of(told.fact), turn, told.text, told.fact)
    for charge in charges:
        yield from payments(charge)


def moment_of(fact: SubscriptionFact) -> datetime:
    """When it took effect."""
    return (fact.cancelled_at if fact.status is S.CANCELLED else None) or fact.occurred_at


def payments(charge: Charge) -> Iterator[News]:
    """What happened to a charge of the subscription."""
    key = charge.name
    if charge.paid_at and charge.amount:
        yield News(charge.paid_at, Turn.PAID, key, charge)
    for at in charge.missed:
        yield News(at, Turn.MISSED, key, None)
    for returned in charge.returns:
        if returned.is_full:
            yield News(returned.at, Turn.RETURNED, key, (charge, returned))


class Life:
    """A subscription as its news is read in the order of time."""

    def __init__(self, subscription: Subscription, definitions: Definitions) -> None:
        self.definitions = definitions
        facts = [one.fact for one in subscription.told]
        #: What is known of the terms before anything was told: the first that ever is.
        self.price: Money | None = next((fact.price for fact in facts if fact.price), None)
        self.period: Period | None = next((fact.period for fact in facts if fact.period), None)
        self.due_dates = due_dates(subscription)
        self.trials = trials(subscription)
        self.said: list[Stand] = []
        self.state = State.NONE
        self.value = self.net = 0
        self.currency = subscription.currency
        self.charge: Charge | None = None
        self.paid_at = self.paid_through = NEVER
        self.trial_until = NEVER
        self.cancelled_at: datetime | None = None
        self.late_at = NEVER
        self.is_late = self.is_involuntary = False

    def say(self, at: datetime) -> None:
        """Note what it is from now on, if that is news; several changes of one instant are one."""
        is_live = self.state is State.LIVE
        stand = Stand(
            at=at,
            state=self.state,
            value=self.value if is_live else 0,
            net=self.net if is_live else 0,
            currency=self.currency,
            is_late=is_live and self.is_late,
            is_ending=is_live and self.cancelled_at is not None,
            is_involuntary=self.state is State.ENDED and self.is_involuntary,
        )
        if self.said and self.said[-1].at == at:
            self.said.pop()
        if not self.said or msgspec.structs.replace(self.said[-1], at=at) != stand:
            self.said.append(stand)

    # Time that passes

    def pass_until(self, end: datetime) -> None:
        """Let happen what silence brings until ``end``, itself included."""
        if self.state is State.TRIAL and self.trial_until <= end and self.trial_until < NEVER:
            self.finish(self.trial_until)
        if self.state is not State.LIVE:
            return
        ends_at = self.ends_at()
        if not self.is_late and self.late_at <= end and self.late_at < ends_at:
            self.is_late = True
            self.say(self.late_at)
        if ends_at <= end:
            by_grace = ends_at == self.paid_through + self.definitions.grace
            voluntary = self.cancelled_at is not None and self.cancelled_at <= ends_at
            self.finish(ends_at, is_involuntary=by_grace and not voluntary)

    def ends_at(self) -> datetime:
        """When it ends if nothing more is told."""
        over = self.paid_through + self.definitions.grace
        if self.cancelled_at is None:
            return over
        return min(over, max(self.cancelled_at, self.paid_through))

    def finish(self, at: datetime, *, is_involuntary: bool = False) -> None:
        """It is over."""
        self.state = State.ENDED
        self.is_involuntary = is_involuntary
        self.is_late = False
        self.say(at)

    # What is told

    def learn(self, news: News) -> None:
        """Take one piece of news in."""
        if isinstance(news.what, SubscriptionFact):
            self.told(news.at, news.what)
        elif isinstance(news.what, Charge):
            self.paid(news.at, news.what)
        elif isinstance(news.what, tuple):
            self.returned(*news.what)
        else:
            self.missed(news.at)

    def told(self, at: datetime, fact: SubscriptionFact) -> None:
        """The gateway spoke of the subscription itself."""
        self.price = fact.price or self.price
        self.period = fact.period or self.period
        if fact.status in ENDING:
            self.cancelled(at, fact)
        elif fact.status is S.TRIAL:
            self.tried(fact)
        elif fact.status is S.PAST_DUE:
            self.late_at = min(self.late_at, at)
        elif fact.status is S.ACTIVE:
            self.cancelled_at = None
        if self.state is State.LIVE:
            self.settle_terms()
            self.move_due_date(fact)

    def tried(self, fact: SubscriptionFact) -> None:
        """A trial runs, until the date that is told, if nothing was paid before."""
        if self.state in {State.NONE, State.TRIAL}:
            self.state = State.TRIAL
            self.trial_until = fact.next_billing_at or NEVER

    def cancelled(self, at: datetime, fact: SubscriptionFact) -> None:
        """Nothing more will be collected. A trial stays one until its end."""
        if self.state is State.LIVE:
            self.cancelled_at = self.cancelled_at or at
        elif self.state is State.TRIAL and self.trial_until == NEVER:
            self.trial_until = max(at, fact.next_billing_at or at)
            self.pass_until(at)

    def settle_terms(self) -> None:
        """The price and the period in force, a month's worth of them."""
        if self.price and self.period:
            self.value = monthly(cents(self.price.amount), self.period)
            self.currency = self.price.currency
        self.net = self.share()

    def share(self) -> int:
        """The seller's share of the latest recurrence, a month's worth of it."""
        if self.charge is None or not self.period:
            return 0
        kept = self.charge.amount - self.charge.fee if self.charge.net is None else self.charge.net
        return monthly(kept, self.period)

    def move_due_date(self, fact: SubscriptionFact) -> None:
        """The gateway collects on another day: not a whole period away, which is the next cycle."""
        due = fact.next_billing_at
        if due is None or fact.status not in {None, S.ACTIVE} or self.period is None:
            return
        whole = renewed(self.paid_through, self.period) - self.paid_through
        if abs(due - self.paid_through) < whole * 9 // 10 and due > self.paid_at:
            self.run_until(due)

    def missed(self, at: datetime) -> None:
        """An attempt failed: late from then on if the paid period was over."""
        if self.state is State.LIVE and at >= self.paid_through and not self.is_late:
            self.late_at = at
            self.is_late = True

    def paid(self, at: datetime, charge: Charge) -> None:
        """It runs for another period. What is paid in a trial is not yet a recurrence."""
        if charge.paid_by & self.trials:
            return
        self.price = self.price or Money(Decimal(charge.amount).scaleb(-2), charge.currency)
        self.charge, self.paid_at = charge, at
        self.cancelled_at = None
        self.is_late = self.is_involuntary = False
        self.value = 0
        self.settle_terms()
        told = [self.due_dates[one] for one in charge.paid_by if one in self.due_dates]
        self.state = State.LIVE
        self.run_until(max(told, default=renewed(at, self.period) if self.period else at))

    def run_until(self, due: datetime) -> None:
        """What is paid reaches until then."""
        self.paid_through = due
        self.late_at = due + self.definitions.late_after

    def returned(self, charge: Charge, returned: Return) -> None:
        """All of a payment went back: of the latest one, that is the end."""
        if self.state is State.LIVE and self.charge is not None and self.charge.id == charge.id:
            self.state = State.ENDED
            self.is_involuntary = returned.is_chargeback
            self.is_late = False


def due_dates(subscription: Subscription) -> dict[int, datetime]:
    """The next due date that came with the news of a payment, by the event that told both."""
    return {
        told.event_id: told.fact.next_billing_at
        for told in subscription.told
        if told.fact.next_billing_at and told.fact.status is S.ACTIVE
    }


def trials(subscription: Subscription) -> frozenset[int]:
    """The events that told of a trial."""
    return frozenset(told.event_id for told in subscription.told if told.fact.status is S.TRIAL)
