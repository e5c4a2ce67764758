"""Days on which Brazilian banks work: a boleto that was paid is told on the next one."""

import functools
from datetime import date, timedelta

import holidays

#: The calendar of B3, which closes with the banks: national holidays, Carnival, Corpus Christi and
#: the last days of the year.
CALENDAR = "BVMF"
SATURDAY = 5


def is_business_day(day: date) -> bool:
    """Whether banks clear on that day."""
    return day.weekday() < SATURDAY and day not in closed(day.year)


def business_day(day: date, after: int) -> date:
    """The business day that is ``after`` of them past ``day``; 0: the day itself or the next."""
    while not is_business_day(day):
        day += timedelta(days=1)
    for _ in range(after):
        day = business_day(day + timedelta(days=1), 0)
    return day


@functools.cache
def closed(year: int) -> frozenset[date]:
    """The holidays of a year."""
    return frozenset(holidays.financial_holidays(CALENDAR, years=year))
