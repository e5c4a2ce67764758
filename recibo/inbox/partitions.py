"""Monthly partitions of the event bodies, one set for each retention class.

A month is dropped in no time and gives its disk back at once. Rows of a month that has no
partition go to the default one, so that a forgotten clean-up never costs an event.
"""

from contextlib import suppress
from datetime import UTC, datetime

from django.db import IntegrityError, connection, transaction
from psycopg import sql

from recibo.inbox.models import Retention

MONTHS_AHEAD = 3


def ensure(now: datetime) -> None:
    """Make the partitions of this month and the next ones. Safe to repeat.

    A month whose bodies went to the default partition already stays there: nothing is lost.
    """
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS_AHEAD + 1):
        following = next_month(month)
        for retention in Retention.values:
            with suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(create(retention, month, following).as_string())
        month = following


def create(retention: str, month: datetime, following: datetime) -> sql.Composed:
    """The statement for one partition. Rows up to 8 kB stay in line: no second write for them."""
    parent = f"inbox_eventbody_{retention}"
    return sql.SQL(
        "create table if not exists {name} partition of {parent}"
        " for values from ({month}) to ({following}) with (toast_tuple_target = 8160)"
    ).format(
        name=sql.Identifier(f"{parent}_{month:%Y_%m}"),
        parent=sql.Identifier(parent),
        month=sql.Literal(month.isoformat()),
        following=sql.Literal(following.isoformat()),
    )


def next_month(month: datetime) -> datetime:
    """The first of the month after ``month``, itself the first of a month."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
