"""From sums to the columns of a report: levels added up, ratios taken, nothing invented.

Money is decimal with two places, ratios have four and are None where nothing is divided.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from recibo.analytics.calendar import between, later, monday, months
from recibo.analytics.counting import WEEK, Figures
from recibo.analytics.definitions import Definitions

Row = dict[str, Any]

#: The columns of the monthly report, as scripts read them; whatever else a row has comes after.
MONTHLY = (
    "month", "mrr_opening", "new_mrr", "expansion_mrr", "reactivation_mrr", "contraction_mrr",
    "churn_mrr", "fx_adjustment", "mrr_closing", "arr", "at_risk_mrr", "scheduled_churn_mrr",
    "customers_opening", "customers_new", "customers_reactivated", "customers_churn_events",
    "customers_closing", "customer_churn_rate", "gross_revenue_churn_rate",
    "net_revenue_churn_rate", "arpa", "ltv", "historic_ltv", "quick_ratio", "seg_active",
    "seg_at_risk", "seg_cancelled", "seg_trial", "trials_started", "trials_converted",
    "payments_count", "cash_gross", "cash_one_off", "refunds_count", "refunds_value",
    "chargebacks_count", "chargebacks_value", "cash_net", "refund_rate_count",
    "refund_rate_value", "chargeback_rate_card", "approval_rate_card", "approval_rate_pix",
    "approval_rate_boleto", "recovery_failed_value", "recovery_recovered_value", "recovery_rate",
    "carts_abandoned", "carts_recovered", "cart_conversion_rate",
)  # fmt: skip
WEEKLY = ("iso_week", "week_start", "customers_opening", "customers_lost", "customer_churn_rate")
COHORTS = (
    "cohort", "months_since", "customers_start", "customers_retained", "customer_retention",
    "mrr_start", "mrr_retained", "mrr_retention",
)  # fmt: skip

MOVEMENTS = ("new_mrr", "expansion_mrr", "reactivation_mrr", "contraction_mrr", "churn_mrr")
#: Sums of a month, as they are.
MONEY = (
    *MOVEMENTS, "fx_adjustment", "churn_involuntary_mrr", "cash_gross", "cash_one_off", "fees",
    "settled_net", "refunds_value", "chargebacks_value", "recovery_failed_value",
    "recovery_recovered_value",
)  # fmt: skip
NUMBERS = (
    "customers_new", "customers_reactivated", "customers_churn_events",
    "customers_churn_involuntary", "customers_lost", "trials_started", "trials_converted",
    "trials_running", "payments_count", "payments_unconverted", "refunds_count",
    "chargebacks_count", "carts_abandoned", "carts_recovered",
)  # fmt: skip
#: What stands at the end of a month.
MONEY_LEVELS = ("at_risk_mrr", "scheduled_churn_mrr", "net_mrr")
SEGMENTS = ("seg_active", "seg_at_risk", "seg_cancelled", "seg_trial")
METHODS = ("card", "pix", "boleto")


def money(value: int) -> Decimal:
    """Hundredths as an amount in major units."""
    return Decimal(value).scaleb(-2)


def rounded(value: Decimal) -> Decimal:
    """An amount in major units, halves up."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def ratio(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """A share with four places; None where there is nothing to divide by."""
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


class Sums:
    """The figures of one scope, by name; levels are looked up as sums until a period."""

    def __init__(self, figures: Figures) -> None:
        self.flows: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        self.cohorts: dict[str, dict[date, dict[date, int]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(int))
        )
        for (name, period, cohort), value in figures.items():
            if name in {"cohort_customers", "cohort_mrr"}:
                self.cohorts[name][cohort][period] += value
            else:
                self.flows[name][period] += value
        self.levels: dict[str, tuple[list[date], list[int]]] = {}

    def at(self, name: str, period: date) -> int:
        """What belongs to one period."""
        return self.flows[name].get(period, 0) if name in self.flows else 0

    def until(self, name: str, period: date) -> int:
        """What stands at the end of a period."""
        if name not in self.levels:
            self.levels[name] = running(self.flows.get(name, {}))
        return value_until(self.levels[name], period)


def running(changes: Mapping[date, int]) -> tuple[list[date], list[int]]:
    """Periods and what stands at the end of each."""
    periods = sorted(changes)
    values, total = [], 0
    for period in periods:
        total += changes[period]
        values.append(total)
    return periods, values


def value_until(level: tuple[list[date], list[int]], period: date) -> int:
    """What stands at the end of a period."""
    place = bisect_right(level[0], period)
    return level[1][place - 1] if place else 0


def monthly(figures: Figures, first: date, last: date, chosen: Definitions) -> list[Row]:
    """A row for each month from ``first`` to ``last``."""
    sums = Sums(figures)
    return [month_row(sums, month, chosen) for month in months(first, last)]


def month_row(sums: Sums, month: date, chosen: Definitions) -> Row:
    """Everything about one month."""
    row: Row = {"month": f"{month:%Y-%m}"}
    row |= {name: money(sums.at(name, month)) for name in MONEY}
    row |= {name: sums.at(name, month) for name in NUMBERS}
    row |= {name: money(sums.until(name, month)) for name in MONEY_LEVELS}
    row |= {name: sums.until(name, month) for name in SEGMENTS}
    row |= recurring(sums, month)
    row |= churn(sums, month, row)
    row |= values(sums, month, row, chosen)
    row |= payments(sums, month, row)
    row |= approvals(sums, month)
    row |= warnings(row, chosen)
    return {name: row[name] for name in MONTHLY} | row


def recurring(sums: Sums, month: date) -> Row:
    """MRR and who pays it, before and after."""
    closing = sums.until("mrr", month)
    return {
        "mrr_opening": money(sums.until("mrr", later(month, -1))),
        "mrr_closing": money(closing),
        "arr": money(closing * 12),
        "customers_opening": sums.until("customers", later(month, -1)),
        "customers_closing": sums.until("customers", month),
        "churn_voluntary_mrr": money(
            sums.at("churn_mrr", month) - sums.at("churn_involuntary_mrr", month)
        ),
    }


def churn(sums: Sums, month: date, row: Row) -> Row:
    """Lost of what stood at the start, at the month's own rates."""
    opening = sums.until("mrr", later(month, -1)) + sums.at("fx_adjustment", month)
    gross = ratio(sums.at("lost_gross", month), opening)
    net = ratio(sums.at("lost_net", month), opening)
    gained = row["new_mrr"] + row["expansion_mrr"] + row["reactivation_mrr"]
    return {
        "customer_churn_rate": ratio(row["customers_lost"], row["customers_opening"]),
        "gross_revenue_churn_rate": gross,
        "net_revenue_churn_rate": net,
        "grr": None if gross is None else 1 - gross,
        "nrr": None if net is None else 1 - net,
        "quick_ratio": ratio(gained, row["contraction_mrr"] + row["churn_mrr"]),
    }


def values(sums: Sums, month: date, row: Row, chosen: Definitions) -> Row:
    """What a customer is worth."""
    closing, customers = row["mrr_closing"], row["customers_closing"]
    pooled = [later(month, -n) for n in range(chosen.ltv_months)]
    lost = sum(sums.at("customers_lost", one) for one in pooled)
    opening = sum(sums.until("customers", later(one, -1)) for one in pooled)
    paid = cash_until(sums, month)
    payers = sums.until("customers_first_paid", month)
    return {
        "arpa": rounded(closing / customers) if customers else None,
        "ltv": rounded(closing * opening / (customers * lost)) if customers and lost else None,
        "historic_ltv": rounded(money(paid) / payers) if payers else None,
        "ltv_is_estimate": opening < 100,
        "is_small_base": row["customers_opening"] < chosen.minimum_base,
    }


def cash_until(sums: Sums, month: date) -> int:
    """What came in and stayed since the beginning."""
    back = sums.until("refunds_value", month) + sums.until("chargebacks_value", month)
    return sums.until("cash_gross", month) - back


def payments(sums: Sums, month: date, row: Row) -> Row:
    """Cash that stayed, and shares of what did not."""
    gross = row["cash_gross"]
    cards = sums.at("payments:card", month)
    return {
        "cash_net": gross - row["refunds_value"] - row["chargebacks_value"],
        "refund_rate_count": ratio(row["refunds_count"], row["payments_count"]),
        "refund_rate_value": ratio(row["refunds_value"], gross),
        "chargeback_rate_card": ratio(sums.at("chargebacks_card", month), cards),
        "chargeback_rate_card_previous": ratio(
            sums.at("chargebacks_card", month), sums.at("payments:card", later(month, -1))
        ),
        "recovery_rate": ratio(row["recovery_recovered_value"], row["recovery_failed_value"]),
        "cart_conversion_rate": ratio(row["carts_recovered"], row["carts_abandoned"]),
        "trial_conversion_rate": ratio(row["trials_converted"], row["trials_started"]),
        "commissions": commissions(sums, month),
    }


def commissions(sums: Sums, month: date) -> list[Row]:
    """Who got what of the month's payments, the largest first."""
    found = [
        (sums.at(name, month), name.split(":", 2))
        for name in sums.flows
        if name.startswith("commission:")
    ]
    return [
        {"source": source, "name": name, "amount": money(value)}
        for value, (_, source, name) in sorted(found, reverse=True)
        if value
    ]


def approvals(sums: Sums, month: date) -> Row:
    """Approved at last of what was tried, by method; new sales and renewals apart."""
    row: Row = {}
    for method in METHODS:
        tried = [sums.at(f"tried:{method}:{share}", month) for share in ("first", "renewal")]
        done = [sums.at(f"approved:{method}:{share}", month) for share in ("first", "renewal")]
        row[f"approval_rate_{method}"] = ratio(sum(done), sum(tried))
        row[f"approval_rate_{method}_first"] = ratio(done[0], tried[0])
        row[f"approval_rate_{method}_renewal"] = ratio(done[1], tried[1])
    return row


def warnings(row: Row, chosen: Definitions) -> Row:
    """Whether chargebacks come near what card schemes bear: "", "warning" or "alarm"."""
    rate = row["chargeback_rate_card"]
    if rate is None or row["chargebacks_count"] < chosen.chargeback_minimum:
        return {"chargeback_level": ""}
    if rate >= chosen.chargeback_alarm:
        return {"chargeback_level": "alarm"}
    return {"chargeback_level": "warning" if rate >= chosen.chargeback_warning else ""}


def weekly(figures: Figures, first: date, last: date) -> list[Row]:
    """A row for each ISO week that has a day from the month ``first`` to the month ``last``."""
    sums = Sums(figures)
    end = later(last, 1)
    start = monday(first)
    found = []
    while start < end:
        found.append(week_row(sums, start))
        start += timedelta(days=7)
    return found


def week_row(sums: Sums, start: date) -> Row:
    """Who and what was lost in one week."""
    before = start - timedelta(days=7)
    year, week, _ = start.isocalendar()
    customers = sums.until(f"{WEEK}customers", before)
    opening = sums.until(f"{WEEK}mrr", before)
    lost = sums.at(f"{WEEK}customers_lost", start)
    return {
        "iso_week": f"{year}-W{week:02}",
        "week_start": start,
        "customers_opening": customers,
        "customers_lost": lost,
        "customer_churn_rate": ratio(lost, customers),
        "mrr_opening": money(opening),
        "gross_revenue_churn_rate": ratio(sums.at(f"{WEEK}lost_gross", start), opening),
        "net_revenue_churn_rate": ratio(sums.at(f"{WEEK}lost_net", start), opening),
    }


def cohorts(figures: Figures, first: date, last: date) -> list[Row]:
    """Each cohort from ``first`` to ``last`` at the end of each month until ``last``."""
    sums = Sums(figures)
    found = []
    for cohort in months(first, last):
        if joined := sums.at("cohort_joined", cohort):
            found += cohort_rows(sums, cohort, joined, months(cohort, last))
    return found


def cohort_rows(sums: Sums, cohort: date, joined: int, until: Sequence[date]) -> list[Row]:
    """One cohort, month after month."""
    start = sums.at("cohort_joined_mrr", cohort)
    people = running(sums.cohorts["cohort_customers"].get(cohort, {}))
    worth = running(sums.cohorts["cohort_mrr"].get(cohort, {}))
    return [
        {
            "cohort": f"{cohort:%Y-%m}",
            "months_since": between(cohort, month),
            "customers_start": joined,
            "customers_retained": (kept := value_until(people, month)),
            "customer_retention": ratio(kept, joined),
            "mrr_start": money(start),
            "mrr_retained": money(left := value_until(worth, month)),
            "mrr_retention": ratio(left, start),
        }
        for month in until
    ]
