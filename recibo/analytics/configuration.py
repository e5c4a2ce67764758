"""What this installation's figures are defined by, and what they stand on now."""

from datetime import datetime

from django.conf import settings

from recibo.analytics.calendar import Calendar
from recibo.analytics.counting import Ground
from recibo.analytics.definitions import Definitions
from recibo.analytics.models import Rate
from recibo.analytics.rates import Rates


def definitions() -> Definitions:
    """The choices in force."""
    chosen: Definitions = settings.RECIBO_DEFINITIONS
    return chosen


def ground(now: datetime) -> Ground:
    """The definitions with the rates that are known."""
    chosen = definitions()
    rows = Rate.objects.values_list("month", "currency", "rate")
    return Ground(chosen, Calendar(chosen.time_zone), Rates(chosen.currency, rows), now)
