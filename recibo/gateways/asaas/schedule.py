"""The days on which a subscription collects next."""

from calendar import monthrange
from datetime import date, timedelta

#: ``cycle`` -> its length in weeks, or in months.
WEEKS = {"WEEKLY": 1, "BIWEEKLY": 2}
MONTHS = {"MONTHLY": 1, "BIMONTHLY": 2, "QUARTERLY": 3, "SEMIANNUALLY": 6, "YEARLY": 12}


def months_later(start: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def not_before(today: date, due: date, cycle: str) -> date:
    """The first collection from ``today`` on of a schedule that has one at ``due``.

    ``today`` itself for a cycle that is not known.
    """
    if due >= today:
        return due
    if cycle in WEEKS:
        missed = -(-(today - due).days // (7 * WEEKS[cycle]))
        return due + timedelta(weeks=missed * WEEKS[cycle])
    if cycle not in MONTHS:
        return today
    return first_month(today, due, MONTHS[cycle])


def first_month(today: date, due: date, months: int) -> date:
    """Likewise for a cycle of months."""
    passed = (today.year - due.year) * 12 + today.month - due.month
    missed = passed // months
    candidate = months_later(due, missed * months)
    return candidate if candidate >= today else months_later(due, (missed + 1) * months)


def on_day(day: int, due: date, today: date) -> date:
    """The next collection on ``day`` (1 to 28), instead of the one at ``due``.

    In the same month, or if that day has come already, in the month after.
    """
    candidate = max(due, today).replace(day=day)
    return candidate if candidate > today else months_later(candidate, 1)
