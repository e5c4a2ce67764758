"""The rows that a figure is made of: whom it counts, and what each adds to it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone
from msgspec import Struct

from recibo.analytics import figures
from recibo.analytics.calendar import later
from recibo.analytics.configuration import ground
from recibo.analytics.counting import ALL, Figure
from recibo.analytics.figures import METHODS, MONEY, MONEY_LEVELS, NUMBERS, SEGMENTS
from recibo.analytics.reading import named
from recibo.analytics.rollups import key_of
from recibo.billing.models import Customer


class Made(NamedTuple):
    """What a column is the sum of: names with their sign."""

    names: Sequence[tuple[str, int]]
    is_level: bool = False  # everything until the end of the month
    months_before: int = 0


def flow(*names: str) -> Made:
    """A sum of one month."""
    return Made([(name, 1) for name in names])


def level(name: str, months_before: int = 0) -> Made:
    """What stands at the end of a month."""
    return Made([(name, 1)], is_level=True, months_before=months_before)


CASH = (("cash_gross", 1), ("refunds_value", -1), ("chargebacks_value", -1))
SHARES = ("first", "renewal")
#: What each column of the monthly report is made of. Of a ratio: what is above the line.
COLUMNS: Mapping[str, Made] = {
    **{name: flow(name) for name in (*MONEY, *NUMBERS)},
    **{name: level(name) for name in (*MONEY_LEVELS, *SEGMENTS)},
    "mrr_opening": level("mrr", 1),
    "mrr_closing": level("mrr"),
    "arr": level("mrr"),
    "arpa": level("mrr"),
    "customers_opening": level("customers", 1),
    "customers_closing": level("customers"),
    "customer_churn_rate": flow("customers_lost"),
    "ltv": flow("customers_lost"),
    "gross_revenue_churn_rate": flow("lost_gross"),
    "net_revenue_churn_rate": flow("lost_net"),
    "historic_ltv": Made(CASH, is_level=True),
    "quick_ratio": flow("new_mrr", "expansion_mrr", "reactivation_mrr"),
    "cash_net": Made(CASH),
    "refund_rate_count": flow("refunds_count"),
    "refund_rate_value": flow("refunds_value"),
    "chargeback_rate_card": flow("chargebacks_card"),
    **{
        f"approval_rate_{method}": flow(*(f"approved:{method}:{share}" for share in SHARES))
        for method in METHODS
    },
    "recovery_rate": flow("recovery_recovered_value"),
    "cart_conversion_rate": flow("carts_recovered"),
    "trial_conversion_rate": flow("trials_converted"),
}
#: Figures that are amounts; all else are counts.
AMOUNTS = frozenset({*MONEY, *MONEY_LEVELS, "mrr", "lost_gross", "lost_net"})

FLOWS = """
    select l.subject, sum((l.figures ->> k.key)::bigint * k.sign)::bigint as value,
        count(*) over () as count
    from analytics_ledger l
    join unnest(%(keys)s::text[], %(signs)s::int[]) as k(key, sign) on l.figures ? k.key
    where l.figures ?| %(keys)s and l.scopes ? %(scope)s
    group by l.subject having sum((l.figures ->> k.key)::bigint * k.sign) <> 0
    order by value desc, l.subject limit %(limit)s offset %(offset)s
"""
#: What stands is the sum of all changes until then.
LEVELS = """
    select l.subject, sum(f.value::bigint * k.sign)::bigint as value, count(*) over () as count
    from analytics_ledger l
    cross join jsonb_each_text(l.figures) as f(key, value)
    join unnest(%(names)s::text[], %(signs)s::int[]) as k(name, sign)
        on k.name = split_part(f.key, '@', 1)
    where l.scopes ? %(scope)s and split_part(f.key, '@', 2)::date <= %(month)s
    group by l.subject having sum(f.value::bigint * k.sign) <> 0
    order by value desc, l.subject limit %(limit)s offset %(offset)s
"""
#: The same of the whole, where stretches tell it without reading every ledger.
STANDING = """
    select subject, {column} as value, count(*) over () as count from analytics_stretch
    where since < %(end)s and (until is null or until >= %(end)s) and {condition}
    order by value desc, subject limit %(limit)s offset %(offset)s
"""
#: The column of a stretch that a level is the sum of, and which stretches count.
KEPT = {
    "mrr": ("mrr", "mrr <> 0"),
    "at_risk_mrr": ("at_risk", "at_risk <> 0"),
    "scheduled_churn_mrr": ("scheduled", "scheduled <> 0"),
    "customers": ("is_paying::int", "is_paying"),
    **{name: ("1", f"segment = '{name.removeprefix('seg_')}'") for name in SEGMENTS},
}


class Source(Struct, frozen=True):
    """Whom a figure counts. ``customer`` is None for a sale whose buyer is not known."""

    subject: int
    customer: Customer | None
    value: Decimal | int


def rows_of(
    column: str, month: date, *, scope: str = ALL, limit: int = 50, offset: int = 0
) -> tuple[list[Source], int]:
    """Who makes up a column of a month, the largest first, and how many there are in all.

    Raises KeyError for a column that is no sum.
    """
    made = COLUMNS[column]
    month = later(month, -made.months_before)
    page = {"limit": limit, "offset": offset}
    rows = standing(made, month, page) if is_kept(made, scope) else added(made, month, scope, page)
    people = Customer.objects.in_bulk([row["subject"] for row in rows if row["subject"] > 0])
    is_amount = all(name in AMOUNTS for name, _ in made.names)
    found = [
        Source(
            row["subject"],
            people.get(row["subject"]),
            figures.money(row["value"]) if is_amount else row["value"],
        )
        for row in rows
    ]
    return found, rows[0]["count"] if rows else 0


def is_kept(made: Made, scope: str) -> bool:
    """Whether stretches tell it."""
    return made.is_level and scope == ALL and all(name in KEPT for name, _ in made.names)


def standing(made: Made, month: date, page: Mapping[str, int]) -> list[dict[str, Any]]:
    """What stands at the end of a month, of the whole."""
    on = ground(timezone.now())
    [(name, _)] = made.names
    column, condition = KEPT[name]
    statement = STANDING.format(column=column, condition=condition)
    return named(statement, end=on.calendar.start(later(month, 1)), **page)


def added(made: Made, month: date, scope: str, page: Mapping[str, int]) -> list[dict[str, Any]]:
    """What ledgers add to it."""
    signs = [sign for _, sign in made.names]
    if made.is_level:
        names = [name for name, _ in made.names]
        return named(LEVELS, names=names, signs=signs, month=month, scope=scope, **page)
    keys = [key_of(Figure(name, month, month)) for name, _ in made.names]
    return named(FLOWS, keys=keys, signs=signs, scope=scope, **page)
