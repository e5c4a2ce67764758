"""A closed month as it was first shown, kept so that what late news restates can be said."""

from datetime import datetime

import msgspec
from django.db import transaction

from recibo.analytics import queries, rollups
from recibo.analytics.calendar import Calendar, later
from recibo.analytics.configuration import definitions
from recibo.analytics.figures import MONTHLY
from recibo.analytics.models import Snapshot

#: Hours after the end of a month at which it is shown: what is under way then is still to come in.
SETTLING = 3


def take_if_due(now: datetime) -> bool:
    """Keep the month that ended, once. Whether it was done now."""
    calendar = Calendar(definitions().time_zone)
    month = later(calendar.month(now), -1)
    local = now.astimezone(calendar.zone)
    is_settled = local.day > 1 or local.hour >= SETTLING
    if not is_settled or Snapshot.objects.filter(month=month).exists():
        return False
    rollups.drain()
    [row] = queries.report(queries.Span(month, month))["months"]
    kept = {name: None if row[name] is None else str(row[name]) for name in MONTHLY}
    with transaction.atomic():
        _, is_new = Snapshot.objects.get_or_create(
            month=month,
            defaults={
                "taken_at": now,
                "definitions": {
                    name: str(value) for name, value in msgspec.to_builtins(definitions()).items()
                },
                "figures": kept,
            },
        )
    return is_new
