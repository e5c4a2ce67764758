"""Reports: from cells, or, as of an earlier instant, from the facts as they were known."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from recibo.analytics import figures, rollups, sql
from recibo.analytics.calendar import Calendar, later, months
from recibo.analytics.configuration import definitions, ground
from recibo.analytics.counting import ALL, Figure, Figures
from recibo.analytics.models import Mark, Snapshot
from recibo.analytics.reading import named
from recibo.billing.models import Customer, CustomerIdentity
from recibo.inbox.imported import SLUG
from recibo.work.sql import Row, execute

#: Months of a report, at most: fifty years.
MOST_MONTHS = 600
USUAL_MONTHS = 12
#: The tables of a report.
MONTHS, WEEKS, COHORTS = "months", "weeks", "cohorts"
#: What figures can be asked by.
DIMENSIONS = ("gateway", "account", "product", "plan", "period", "currency")


class RangeError(ValueError):
    """The months make no sense. The message says why."""


class Span(Struct, frozen=True):
    """What a report is about."""

    first: date
    last: date
    scope: str = ALL
    as_of: datetime | None = None


def span(
    first: date | None, last: date | None, *, scope: str = ALL, as_of: datetime | None = None
) -> Span:
    """From month to month; the last twelve unless told. Raises RangeError."""
    now = as_of or timezone.now()
    last = last or Calendar(definitions().time_zone).month(now)
    first = first or later(last, 1 - USUAL_MONTHS)
    if first > last:
        sentence = _("%(first)s is after %(last)s")
        raise RangeError(sentence % {"first": f"{first:%Y-%m}", "last": f"{last:%Y-%m}"})
    if later(first, MOST_MONTHS) < last:
        raise RangeError(_("%s months at most") % MOST_MONTHS)
    return Span(first, last, scope, as_of)


def scope_of(*, gateway: str = "", currency: str = "", part: str = "") -> str:
    """The scope of a gateway, of a currency that is not the report's, or of a part such as
    ``plan:mensal``; everything else. Raises RangeError for two of them at once.
    """
    foreign = currency.upper() if currency.upper() != definitions().currency else ""
    named_parts = {"gateway": gateway, "currency": foreign}
    scopes = [f"{name}:{value}" for name, value in named_parts.items() if value]
    scopes += [part] if part else []
    if len(scopes) > 1:
        raise RangeError(_("only one of %s at a time") % ", ".join(scopes))
    return scopes[0] if scopes else ALL


def sums(asked: Span, tables: Sequence[str]) -> Figures:
    """The figures of a scope that these tables need."""
    if asked.as_of is not None:
        return rollups.as_known(asked.as_of, asked.scope)[0]
    return {
        Figure(row["name"], row["period"], row["cohort"]): row["value"]
        for row in execute(sql.CELLS, asked.scope, list(tables))
    }


def report(asked: Span, tables: Sequence[str] = (MONTHS,)) -> dict[str, list[Row]]:
    """The tables of one scope that are asked for: ``months``, ``weeks``, ``cohorts``."""
    found = sums(asked, tables)
    made = {name: TABLES[name](found, asked.first, asked.last) for name in tables}
    if MONTHS in made:
        provisional(made[MONTHS])
        restated(made[MONTHS], asked)
    return made


def monthly(found: Figures, first: date, last: date) -> list[Row]:
    """The months, by the definitions in force."""
    return figures.monthly(found, first, last, definitions())


#: How each table is made of its figures.
TABLES: dict[str, Callable[[Figures, date, date], list[Row]]] = {
    MONTHS: monthly,
    WEEKS: figures.weekly,
    COHORTS: figures.cohorts,
}


def provisional(rows: Sequence[Row]) -> None:
    """Say which months are not over, or lack a rate of their own."""
    on = ground(timezone.now())
    current = on.calendar.month(on.now)
    for row in rows:
        month = month_named(row["month"])
        row["is_open"] = month >= current
        row["is_provisional"] = row["is_open"] or on.rates.is_provisional(month)


def restated(rows: Sequence[Row], asked: Span) -> None:
    """Say which months were closed with another MRR than they have now."""
    for row in rows:
        row["is_restated"] = False
        row["first_shown"] = None
    if asked.scope != ALL or asked.as_of is not None:
        return
    shown = {f"{one.month:%Y-%m}": one for one in Snapshot.objects.all()}
    for row in rows:
        if (kept := shown.get(row["month"])) is not None:
            before = Decimal(kept.figures["mrr_closing"])
            row["first_shown"] = before
            row["is_restated"] = before != row["mrr_closing"]


def month_named(text: str) -> date:
    """``2026-03`` as its first day. Raises ValueError."""
    return date.fromisoformat(f"{text}-01")


def waiting() -> int:
    """How many marks wait to be counted: 0 when the report is up to date."""
    return Mark.objects.count()


# Customers by month

CUSTOMERS = """
    select s.subject, m.month, s.mrr
    from unnest(%(months)s::date[], %(ends)s::timestamptz[]) as m(month, at)
    join analytics_stretch s on s.since < m.at and (s.until is null or s.until >= m.at)
    where s.subject = any(%(subjects)s)
"""
WHO_PAID = """
    select distinct subject from analytics_stretch
    where is_paying and since < %s order by subject
"""


def customers_by_month(asked: Span) -> list[Row]:
    """The MRR of everybody who ever had any, at the end of each month, by name."""
    on = ground(asked.as_of or timezone.now())
    ends = {month: on.calendar.start(later(month, 1)) for month in months(asked.first, asked.last)}
    worth = worth_as_known(asked, asked.as_of, ends) if asked.as_of else worth_kept(ends)
    names = labels(worth)
    rows = [
        {"customer_id": names.get(subject, str(subject))}
        | {f"{month:%Y-%m}": figures.money(values.get(month, 0)) for month in ends}
        for subject, values in worth.items()
    ]
    return sorted(rows, key=lambda row: str(row["customer_id"]))


def worth_kept(ends: Mapping[date, datetime]) -> dict[int, dict[date, int]]:
    """MRR by subject and month, from the stretches that are kept."""
    subjects = [row["subject"] for row in execute(WHO_PAID, max(ends.values()))]
    worth: dict[int, dict[date, int]] = {subject: {} for subject in subjects}
    rows = named(CUSTOMERS, months=list(ends), ends=list(ends.values()), subjects=subjects)
    for row in rows:
        worth[row["subject"]][row["month"]] = row["mrr"]
    return worth


def worth_as_known(
    asked: Span, as_of: datetime, ends: Mapping[date, datetime]
) -> dict[int, dict[date, int]]:
    """The same by what was known then."""
    _, stretches = rollups.as_known(as_of, asked.scope)
    return {
        subject: {
            month: next((one.mrr for one in reversed(life) if one.since < end), 0)
            for month, end in ends.items()
        }
        for subject, life in stretches.items()
        if any(one.is_paying and one.since < max(ends.values()) for one in life)
    }


def labels(subjects: Mapping[int, Any]) -> dict[int, str]:
    """What people call these subjects: the number an imported file has, else the e-mail."""
    ids = [subject for subject in subjects if subject > 0]
    names = dict(Customer.objects.filter(pk__in=ids).values_list("pk", "email"))
    numbers = CustomerIdentity.objects.filter(customer__in=ids, account__gateway=SLUG)
    return names | dict(numbers.values_list("customer_id", "gateway_id"))


def by_part(dimension: str, month: date) -> list[Row]:
    """A month of every plan, product, gateway …, the largest MRR first."""
    found: dict[str, Figures] = defaultdict(dict)
    for row in execute(sql.CELLS_OF_PARTS, f"{dimension}:", month):
        figure = Figure(row["name"], row["period"], row["period"])
        found[row["scope"]][figure] = row["value"]
    rows = [
        {dimension: scope.partition(":")[2]} | row
        for scope, sums in found.items()
        for row in monthly(sums, month, month)
    ]
    return sorted(rows, key=lambda row: (-row["mrr_closing"], row[dimension]))
