"""Histories of a buyer, made by hand or at random."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from recibo.analytics.calendar import Calendar
from recibo.analytics.counting import Ground
from recibo.analytics.definitions import Definitions
from recibo.analytics.histories import History, Told, charge_of, subscription_of
from recibo.analytics.rates import Rates
from recibo.gateways.contract import RawRequest
from recibo.gateways.facts import ChargeFact, SubscriptionFact
from recibo.inbox import imported
from recibo.inbox.imported import Row, RowType

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOW = datetime(2026, 9, 10, tzinfo=UTC)
ACCOUNT = 1
DEFINITIONS = Definitions()
CALENDAR = Calendar(DEFINITIONS.time_zone)
RATES = Rates(
    "BRL",
    [
        (date(2026, month, 1), "USD", Decimal(rate))
        for month, rate in enumerate(("5.4321", "5.5", "5.61", "5.49", "5.4", "5.55"), 1)
    ],
)
GROUND = Ground(DEFINITIONS, CALENDAR, RATES, NOW)


def at(days: float) -> datetime:
    """So many days after the start."""
    return START + timedelta(days=days)


def row(what: str, days: float, /, **told) -> Row:
    """A row of history, so many days after the start."""
    number = f"{what}-{days}-{told.get('subscription_id', '')}-{told.get('charge_id', '')}"
    usual = {"customer_id": "C1", "product": "clube", "received_at": at(days)}
    return Row(
        **{"event_id": number, "type": RowType(what), "occurred_at": at(days)} | usual | told
    )


def paid(days: float, *, until: float | None = None, price: str = "100.00", **told) -> Row:
    """A payment of a monthly subscription."""
    subscription = told.setdefault("subscription_id", "S1")
    return row(
        "payment_approved",
        days,
        **{
            "charge_id": f"{subscription}-{days}",
            "kind": "subscription",
            "interval": "monthly",
            "amount": Decimal(price),
            "recurring_price": Decimal(price),
            "method": "card",
            "paid_through": at(days + 30 if until is None else until),
        }
        | told,
    )


def history(rows: list[Row]) -> History:
    """What rows add up to, as if they had been imported."""
    charges: dict[str, list[Told[ChargeFact]]] = {}
    agreements: dict[str, list[Told[SubscriptionFact]]] = {}
    for number, one in enumerate(rows):
        body = imported.request_of(one).body
        for fact in imported.parse(RawRequest({}, body)):
            if isinstance(fact, ChargeFact):
                charges.setdefault(fact.charge_id, []).append(Told(number, repr(fact), fact))
            elif isinstance(fact, SubscriptionFact):
                agreements.setdefault(fact.code, []).append(Told(number, repr(fact), fact))
    ids = {name: number for number, name in enumerate(sorted(charges), 1)}
    return History(
        charges=[
            charge_of(ids[name], ACCOUNT, "import", told) for name, told in sorted(charges.items())
        ],
        subscriptions=[
            subscription_of(number, ACCOUNT, "import", code, told)
            for number, (code, told) in enumerate(sorted(agreements.items()), 1)
        ],
    )


# At random

SUBSCRIPTIONS = {"S1": ("100.00", "BRL"), "S2": ("19.99", "USD"), "S3": ("30.00", "BRL")}
days = st.integers(0, 24 * 200).map(lambda hours: hours / 24)
codes = st.sampled_from(sorted(SUBSCRIPTIONS))
intervals = st.sampled_from(["weekly", "monthly", "bimonthly", "quarterly", "annual"])


def random_payment(code: str, day: float, interval: str, length: int, times: int) -> Row:
    price, currency = SUBSCRIPTIONS[code]
    return paid(
        day,
        until=day + length,
        price=str(Decimal(price) * times),
        subscription_id=code,
        currency=currency,
        interval=interval,
        plan=f"plan-{times}",
    )


payments = st.builds(random_payment, codes, days, intervals, st.integers(1, 60), st.integers(1, 3))
news = st.builds(
    lambda what, code, day: row(what, day, subscription_id=code),
    st.sampled_from(["cancellation_requested", "cancellation_undone"]),
    codes,
    days,
)
switches = st.builds(
    lambda code, day, price: row(
        "plan_switched",
        day,
        subscription_id=code,
        recurring_price=Decimal(price),
        interval="monthly",
        currency=SUBSCRIPTIONS[code][1],
    ),
    codes,
    days,
    st.sampled_from(["0.00", "45.55", "310.01"]),
)
trials = st.builds(
    lambda code, day: row("trial_started", day, subscription_id=code, paid_through=at(day + 7)),
    codes,
    days,
)


@st.composite
def returned(draw: st.DrawFn, payment: Row) -> Row:
    """Money of a payment that goes back, some or all of it."""
    part = draw(st.sampled_from(["1", "0.5"]))
    assert payment.amount is not None
    return row(
        draw(st.sampled_from(["refund", "chargeback"])),
        (payment.occurred_at - START).total_seconds() / 86400 + draw(st.integers(0, 90)),
        charge_id=payment.charge_id,
        subscription_id=payment.subscription_id,
        currency=payment.currency,
        amount=payment.amount * Decimal(part),
    )


@st.composite
def lives(draw: st.DrawFn) -> list[Row]:
    """What may happen to one buyer."""
    bought = draw(st.lists(payments, min_size=1, max_size=8, unique_by=lambda one: one.charge_id))
    others = draw(st.lists(st.one_of(news, switches, trials), max_size=5))
    back = [draw(returned(one)) for one in bought if draw(st.booleans())]
    return [*bought, *others, *back]
