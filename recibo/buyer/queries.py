"""Reads of the buyer's page."""

from django.db.models import Prefetch

from recibo.access import queries as access
from recibo.billing import queries as billing
from recibo.billing.models import Order


def order_shown(order_id: int) -> Order | None:
    """An order with its customer, its charges and what access follows from it: three queries."""
    provisionings = Prefetch("provisionings", access.provisionings().order_by("id"))
    return billing.orders().filter(pk=order_id).prefetch_related(provisionings).first()
