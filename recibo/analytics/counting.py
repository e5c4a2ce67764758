"""What one buyer adds to every figure: flows by month, levels as their changes, shares as pairs.

A *figure* is known by its name, the month or week it belongs to, and for cohorts the month in
which the buyer joined. Everything is a sum over buyers, so what is told of one changes nothing of
another. Amounts are hundredths; levels are kept as changes: their value at the end of a month is
the sum of all changes until then.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from itertools import groupby, pairwise
from typing import NamedTuple

from recibo.analytics.calendar import Calendar
from recibo.analytics.definitions import Definitions
from recibo.analytics.histories import Cart, Charge, History, Subscription
from recibo.analytics.movements import (
    NOTHING,
    Kind,
    Segment,
    Stretch,
    stretches,
    value_in,
)
from recibo.analytics.rates import Rates, native
from recibo.analytics.terms import NEVER, Stand, State, stands
from recibo.gateways.facts import PaymentMethod

#: What a share of the whole is named: everything, or "gateway:hotmart".
ALL = "all"
#: What a week's figures begin with.
WEEK = "week_"
COUNTS = {
    Kind.NEW: "customers_new",
    Kind.REACTIVATION: "customers_reactivated",
    Kind.CHURN: "customers_churn_events",
}


class Figure(NamedTuple):
    """Which figure. ``cohort`` is ``period`` itself for what is no cohort's."""

    name: str
    period: date
    cohort: date


Figures = dict[Figure, int]
Item = Charge | Subscription | Cart


class Ground(NamedTuple):
    """What figures stand on besides the facts."""

    definitions: Definitions
    calendar: Calendar
    rates: Rates
    now: datetime


class Part(NamedTuple):
    """The figures of some of a buyer's charges and subscriptions, and whose they are."""

    scopes: tuple[str, ...]
    figures: Figures


class Account(NamedTuple):
    """What was found of one buyer."""

    parts: list[Part]
    stretches: list[Stretch]
    #: When time alone changes a figure; None: never.
    again_at: datetime | None


def counted(history: History, ground: Ground) -> Account:
    """Everything that one buyer adds, by scope, with the stretches of the whole."""
    tally = Tally(history, ground)
    scopes = [ALL]
    parts = []
    for scope, part in shares(history):
        if is_foreign(scope, ground):
            currency = scope.partition(":")[2]
            own = ground._replace(rates=native(currency))
            parts.append(Part((scope,), Tally(part, own).figures))
        elif part is history:
            scopes.append(scope)
        else:
            parts.append(Part((scope,), Tally(part, ground).figures))
    whole = Part(tuple(scopes), tally.figures)
    return Account([whole, *parts], tally.stretches, tally.again_at)


def is_foreign(scope: str, ground: Ground) -> bool:
    """Whether a scope is a currency that the report would convert: it stands in its own."""
    return scope.startswith("currency:") and scope != f"currency:{ground.definitions.currency}"


def shares(history: History) -> Iterable[tuple[str, History]]:
    """The parts of a history by gateway, account, product, plan, period and currency.

    By plan and by period: of subscriptions only, each by the latest that is known of it. A part
    that is everything is ``history`` itself.
    """
    by_code = {(one.account_id, one.code): one for one in history.subscriptions}
    everything: list[Item] = [*history.charges, *history.subscriptions, *history.carts]
    labels = [(one, labels_of(one, by_code)) for one in everything]
    found = {label for _, known in labels for label in known.items() if label[1]}
    for name, value in sorted(found):
        mine = {id(one) for one, known in labels if known.get(name) == value}
        if len(mine) == len(labels):
            yield f"{name}:{value}", history
        else:
            yield f"{name}:{value}", only(history, mine)


def labels_of(what: Item, by_code: Mapping[tuple[int, str], Subscription]) -> dict[str, str]:
    """To which parts something belongs. What subscriptions say goes before what charges do."""
    labels = {"gateway": what.gateway, "account": str(what.account_id), "product": what.product}
    if isinstance(what, Cart):
        return labels
    code = what.subscription_code if isinstance(what, Charge) else what.code
    agreement = by_code.get((what.account_id, code)) if code else None
    labels["currency"] = what.currency
    if agreement is not None:
        labels["product"] = agreement.product or what.product
        labels["currency"] = what.currency or agreement.currency
        labels |= {"plan": agreement.plan, "period": agreement.period}
    return labels


def only(history: History, mine: AbstractSet[int]) -> History:
    """The part of a history that has these things in it, by their identity."""
    return History(
        charges=[one for one in history.charges if id(one) in mine],
        subscriptions=[one for one in history.subscriptions if id(one) in mine],
        carts=[one for one in history.carts if id(one) in mine],
    )


class Tally:
    """The figures of one history."""

    def __init__(self, history: History, ground: Ground) -> None:
        self.history = history
        self.ground = ground
        self.calendar = ground.calendar
        self.figures: Figures = defaultdict(int)
        self.due: list[datetime] = []
        self.by_code: dict[tuple[int, str], list[Charge]] = defaultdict(list)
        for charge in history.charges:
            self.by_code[charge.account_id, charge.subscription_code].append(charge)
        lives = [
            stands(one, self.by_code.get((one.account_id, one.code), []), ground.definitions)
            for one in history.subscriptions
        ]
        self.stretches = stretches(lives, ground.rates, self.calendar, ground.now)
        self.wait(stand.at for life in lives for stand in life)
        self.wait(self.new_rates({stand.currency for life in lives for stand in life}))
        self.count_stretches()
        self.count_trials(lives)
        for charge in history.charges:
            self.count_charge(charge)
        self.count_first_payment()
        self.count_carts()
        self.figures = {figure: value for figure, value in self.figures.items() if value}

    @property
    def again_at(self) -> datetime | None:
        """When time alone changes something."""
        return min((at for at in self.due if at < NEVER), default=None)

    def wait(self, times: Iterable[datetime]) -> None:
        """Remember what is still to come."""
        self.due += [at for at in times if at > self.ground.now]

    def new_rates(self, currencies: Iterable[str]) -> Iterable[datetime]:
        """From when on these currencies have other rates."""
        for currency in currencies:
            yield from map(self.calendar.start, self.ground.rates.changes(currency))

    def add(self, name: str, period: date, value: int = 1, cohort: date | None = None) -> None:
        """Add to a figure."""
        if value:
            self.figures[Figure(name, period, cohort or period)] += value

    def money(self, name: str, at: datetime, amount: int, currency: str) -> None:
        """Add an amount at the rate of its month, if there is one."""
        month = self.calendar.month(at)
        converted = self.ground.rates.convert(amount, currency, month)
        if converted is not None:
            self.add(name, month, converted)

    def is_priced(self, charge: Charge, at: datetime) -> bool:
        """Whether there is a rate for a charge at that time."""
        return self.ground.rates.rate(charge.currency, self.calendar.month(at)) is not None

    # Recurring revenue

    def count_stretches(self) -> None:
        """Movements, levels, lost customers and cohorts."""
        for before, after in pairwise((NOTHING, *self.stretches)):
            self.count_movement(after)
            self.count_levels(before, after)
        self.count_losses(self.calendar.month, "")
        self.count_losses(self.calendar.week, WEEK)
        self.count_cohort()

    def count_movement(self, stretch: Stretch) -> None:
        """The movement that began a stretch."""
        month = self.calendar.month(stretch.since)
        if stretch.kind is Kind.FX:
            self.add("fx_adjustment", month, stretch.amount)
        elif stretch.kind:
            self.add(f"{stretch.kind}_mrr", month, stretch.amount)
            if stretch.kind in COUNTS:
                self.add(COUNTS[stretch.kind], month)
        if stretch.is_involuntary:
            self.add("churn_involuntary_mrr", month, stretch.amount)
            self.add("customers_churn_involuntary", month)

    def count_levels(self, before: Stretch, after: Stretch) -> None:
        """What changed of what stands."""
        month, week = self.calendar.month(after.since), self.calendar.week(after.since)
        self.add("mrr", month, after.mrr - before.mrr)
        self.add("net_mrr", month, after.net - before.net)
        self.add("at_risk_mrr", month, after.at_risk - before.at_risk)
        self.add("scheduled_churn_mrr", month, after.scheduled - before.scheduled)
        change = after.is_paying - before.is_paying
        self.add("customers", month, change)
        self.add(f"{WEEK}customers", week, change)
        self.add(f"{WEEK}mrr", week, after.mrr - before.mrr)
        if before.segment is not after.segment:
            self.count_segment(before.segment, month, -1)
            self.count_segment(after.segment, month, 1)

    def count_segment(self, segment: Segment, month: date, change: int) -> None:
        """A customer came into a segment, or left it."""
        if segment:
            self.add(f"seg_{segment}", month, change)

    def count_losses(self, period_of: Callable[[datetime], date], prefix: str) -> None:
        """What those who paid at a period's start paid less at its end, at the same rates."""
        before = NOTHING
        for period, group in groupby(self.stretches, lambda one: period_of(one.since)):
            *_, after = group
            if before.is_paying:
                month = period.replace(day=1)
                lost = value_in(before, self.ground.rates, month)
                lost -= value_in(after, self.ground.rates, month)
                self.add(f"{prefix}customers_lost", period, not after.is_paying)
                self.add(f"{prefix}lost_gross", period, max(0, lost))
                self.add(f"{prefix}lost_net", period, lost)
            before = after

    def count_cohort(self) -> None:
        """Who joined when, who is still there, at the rates of the month of joining."""
        first = next((one for one in self.stretches if one.kind is Kind.NEW), None)
        if first is None:
            return
        cohort, rates = self.calendar.month(first.since), self.ground.rates
        self.add("cohort_joined", cohort)
        self.add("cohort_joined_mrr", cohort, value_in(first, rates, cohort))
        for before, after in pairwise((NOTHING, *self.stretches)):
            month = self.calendar.month(after.since)
            self.add("cohort_customers", month, after.is_paying - before.is_paying, cohort)
            change = value_in(after, rates, cohort) - value_in(before, rates, cohort)
            self.add("cohort_mrr", month, change, cohort)

    def count_trials(self, lives: Sequence[Sequence[Stand]]) -> None:
        """Trials by the month of their start, and those that ever paid."""
        for life in lives:
            trial = next((one for one in life if one.state is State.TRIAL), None)
            if trial is None or trial.at > self.ground.now:
                continue
            month = self.calendar.month(trial.at)
            self.add("trials_started", month)
            paid = next((one.at for one in life if one.state is State.LIVE), NEVER)
            self.add("trials_converted", month, paid <= self.ground.now)
            self.add("trials_running", month, life[-1].at > self.ground.now and paid == NEVER)

    # Cash

    def count_charge(self, charge: Charge) -> None:
        """What a charge brought, what went back, how it was tried."""
        if charge.paid_at and charge.amount:
            self.count_payment(charge, charge.paid_at)
        self.count_returns(charge)
        self.count_attempts(charge)
        if charge.missed and self.is_renewal(charge, charge.missed[0]):
            self.count_recovery(charge)

    def count_payment(self, charge: Charge, at: datetime) -> None:
        """An approved payment, with what it cost."""
        month = self.calendar.month(at)
        if not self.is_priced(charge, at):
            self.add("payments_unconverted", month)
            return
        self.add("payments_count", month)
        self.add(f"payments:{charge.method}", month)
        self.money("cash_gross", at, charge.amount, charge.currency)
        if not charge.subscription_code:
            self.money("cash_one_off", at, charge.amount, charge.currency)
        self.money("fees", at, charge.fee, charge.currency)
        if charge.net is not None:
            self.money("settled_net", at, charge.net, charge.currency)
        for source, name, currency, amount in charge.commissions:
            self.money(f"commission:{source}:{name}", at, amount, currency)

    def count_returns(self, charge: Charge) -> None:
        """Refunds and chargebacks, in the month they happen."""
        for one in charge.returns:
            if self.is_priced(charge, one.at):
                kind = "chargebacks" if one.is_chargeback else "refunds"
                self.add(f"{kind}_count", self.calendar.month(one.at))
                self.money(f"{kind}_value", one.at, one.amount, charge.currency)
                if one.is_chargeback and charge.method == PaymentMethod.CARD:
                    self.add("chargebacks_card", self.calendar.month(one.at))

    def count_attempts(self, charge: Charge) -> None:
        """By the month of its creation: tried by each method, approved at last by one."""
        if not self.is_ripe(charge):
            return
        month = self.calendar.month(charge.created_at)
        when = charge.paid_at or charge.created_at
        share = "renewal" if self.is_renewal(charge, when) else "first"
        for method in charge.methods:
            self.add(f"tried:{method}:{share}", month)
        if charge.paid_at and charge.method:
            self.add(f"approved:{charge.method}:{share}", month)

    def is_ripe(self, charge: Charge) -> bool:
        """Whether it is known how an attempt ended: a slip may be paid until it lapses."""
        if charge.paid_at or charge.missed or charge.is_over:
            return True
        if charge.expires_at is None:
            return False
        is_boleto = charge.method == PaymentMethod.BOLETO
        ripe_at = charge.expires_at
        if is_boleto:
            ripe_at += self.ground.definitions.clearing
        self.wait([ripe_at])
        return ripe_at <= self.ground.now

    def is_renewal(self, charge: Charge, at: datetime) -> bool:
        """Whether its subscription was paid before."""
        return bool(charge.subscription_code) and any(
            other.paid_at and other.amount and other.paid_at < at and other.id != charge.id
            for other in self.by_code[charge.account_id, charge.subscription_code]
        )

    def count_recovery(self, charge: Charge) -> None:
        """A renewal that failed first, and whether it was paid within the window."""
        failed_at = charge.missed[0]
        if charge.paid_at and charge.paid_at < failed_at:
            return
        month = self.calendar.month(failed_at)
        self.money("recovery_failed_value", failed_at, charge.amount, charge.currency)
        until = failed_at + self.ground.definitions.recovery_window
        if any(failed_at <= at <= until for at in self.paid_times(charge)):
            self.add("recovered_count", month)
            self.money("recovery_recovered_value", failed_at, charge.amount, charge.currency)

    def paid_times(self, charge: Charge) -> Iterable[datetime]:
        """When the charge, or another one of the same cycle, was paid."""
        for other in self.by_code[charge.account_id, charge.subscription_code]:
            is_same = charge.cycle is not None and other.cycle == charge.cycle
            if other.paid_at and (other.id == charge.id or is_same):
                yield other.paid_at

    def count_first_payment(self) -> None:
        """When the buyer paid for the first time, whatever it was for."""
        times = (
            one.paid_at
            for one in self.history.charges
            if one.paid_at and one.amount and self.is_priced(one, one.paid_at)
        )
        if (first := min(times, default=None)) is not None:
            self.add("customers_first_paid", self.calendar.month(first))

    def count_carts(self) -> None:
        """Abandoned carts: repeats are one; recovered by a payment for the product in time."""
        window = self.ground.definitions.cart_window
        begun: dict[str, datetime] = {}
        for cart in sorted(self.history.carts, key=lambda one: one.at):
            if cart.product in begun and cart.at - begun[cart.product] < window:
                continue
            begun[cart.product] = cart.at
            month = self.calendar.month(cart.at)
            self.add("carts_abandoned", month)
            self.add("carts_recovered", month, self.is_bought(cart.product, cart.at))

    def is_bought(self, product: str, at: datetime) -> bool:
        """Whether the product was paid for within the window."""
        until = at + self.ground.definitions.cart_window
        return any(
            one.paid_at and at <= one.paid_at <= until and one.product == product
            for one in self.history.charges
        )
