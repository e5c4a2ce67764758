"""The weekly look at who left and who may: Sundays at 3, to the seller by e-mail."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from statistics import mean, pstdev

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from msgspec import Struct

from recibo.analytics import figures, queries
from recibo.analytics.calendar import Calendar, later
from recibo.analytics.configuration import definitions
from recibo.analytics.figures import Row
from recibo.analytics.models import Stretch
from recibo.analytics.movements import Segment
from recibo.billing.models import Customer
from recibo.messaging.actions import Wish, queue
from recibo.messaging.kinds import Kind

SUNDAY, HOUR = 6, 3
#: Customers that the letter names.
MOST = 50
#: What is expected to be lost in a month: the usual of so many closed months, at least this share.
CLOSED_MONTHS = 6
LEAST_SHARE = Decimal("0.05")
LEAST_LOST = 5


class AtRisk(Struct, frozen=True):
    """A customer whose payment is late."""

    customer_id: int
    email: str
    since: datetime
    mrr: Decimal  # of the late subscriptions


class Analysis(Struct, frozen=True):
    """A week's churn."""

    week: Row
    month: Row
    expected: int  # customers lost in a month, as usual
    is_above: bool
    at_risk: list[AtRisk]
    at_risk_count: int


def report_if_due(now: datetime) -> bool:
    """On Sundays at 3 in our zone, tell the seller of the week. Whether it was done."""
    local = now.astimezone(Calendar(definitions().time_zone).zone)
    to = settings.RECIBO_SELLER.email
    if local.weekday() != SUNDAY or local.hour != HOUR or not to:
        return False
    report(analyse(now), to=to)
    return True


def analyse(now: datetime) -> Analysis:
    """The ISO week in which ``now`` is, its month, and who is late."""
    calendar = Calendar(definitions().time_zone)
    month = calendar.month(now)
    since = later(month, -CLOSED_MONTHS)
    rows = queries.report(queries.Span(since, month), (queries.MONTHS, queries.WEEKS))
    monday = calendar.week(now)
    week = next(row for row in rows["weeks"] if row["week_start"] == monday)
    *closed, current = rows["months"]
    expected = limit_of(closed, current["customers_opening"])
    lost = current["customers_lost"]
    late = Stretch.objects.filter(until=None, segment=Segment.AT_RISK, subject__gt=0)
    return Analysis(
        week=week,
        month=current,
        expected=expected,
        is_above=lost > expected and lost >= LEAST_LOST,
        at_risk=named_at_risk(late.order_by("-at_risk", "subject")[:MOST]),
        at_risk_count=late.count(),
    )


def limit_of(closed: Iterable[Row], opening: int) -> int:
    """How many customers a month may lose before it is more than usual."""
    rates = [row["customer_churn_rate"] for row in closed if row["customer_churn_rate"] is not None]
    usual = mean(rates) + 2 * pstdev(rates) if rates else Decimal(0)
    share = max(LEAST_SHARE, Decimal(usual))
    return int((share * opening).to_integral_value(rounding=ROUND_CEILING))


def named_at_risk(late: Iterable[Stretch]) -> list[AtRisk]:
    """The customers of these stretches."""
    rows = list(late)
    people = Customer.objects.in_bulk([row.subject for row in rows])
    return [
        AtRisk(row.subject, people[row.subject].email, row.since, figures.money(row.at_risk))
        for row in rows
        if row.subject in people
    ]


def report(found: Analysis, *, to: str) -> None:
    """Have the letter sent, once for each week."""
    title = _("Churn in week %s") % found.week["iso_week"]
    with transaction.atomic():
        queue(
            [
                Wish(
                    kind=Kind.REPORT,
                    subject=f"churn:{found.week['iso_week']}",
                    to=to,
                    details={"title": title, "lines": lines_of(found)},
                )
            ]
        )


def lines_of(found: Analysis) -> list[str]:
    """The letter, a line each."""
    currency = definitions().currency
    week, month = found.week, found.month
    lines = [
        _("This week %(lost)s of %(opening)s paying customers left (%(rate)s).")
        % {
            "lost": week["customers_lost"],
            "opening": week["customers_opening"],
            "rate": share(week["customer_churn_rate"], week["customers_opening"]),
        },
        _("This month %(lost)s left; usual are %(expected)s at most.")
        % {"lost": month["customers_lost"], "expected": found.expected},
        _("Recurring revenue: %(currency)s %(mrr)s a month, of which %(late)s is late.")
        % {"currency": currency, "mrr": month["mrr_closing"], "late": month["at_risk_mrr"]},
    ]
    if found.is_above:
        lines.append(_("That is more than expected."))
    lines.append(_("Customers at risk: %s") % found.at_risk_count)
    return lines + at_risk_lines(found.at_risk, currency)


def at_risk_lines(customers: Sequence[AtRisk], currency: str) -> list[str]:
    """Who is late, the largest first."""
    zone = Calendar(definitions().time_zone).zone
    return [
        f"{one.email}: {currency} {one.mrr}, "
        + _("late since %s") % f"{one.since.astimezone(zone):%d/%m/%Y}"
        for one in customers
    ]


def share(rate: Decimal | None, base: int) -> str:
    """A percentage, where the base is large enough to say one."""
    if rate is None or base < definitions().minimum_base:
        return _("too few for a percentage")
    return f"{rate * 100:.2f}%"
