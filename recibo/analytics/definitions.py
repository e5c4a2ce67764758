"""The choices that change figures, see docs/metrics.md; stored with what was computed by them."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct


class Definitions(Struct, frozen=True, kw_only=True):
    """How figures are defined in this installation."""

    time_zone: str = "America/Sao_Paulo"
    #: Of consolidated figures.
    currency: str = "BRL"
    #: How long an unpaid subscription keeps its MRR after ``paid_through``.
    grace: timedelta = timedelta(days=30)
    #: How long after ``paid_through`` silence makes it late.
    late_after: timedelta = timedelta(days=3)
    cart_window: timedelta = timedelta(days=7)
    recovery_window: timedelta = timedelta(days=30)
    #: How long a boleto takes to clear after its due date.
    clearing: timedelta = timedelta(days=3)
    #: Months over which lost customers are pooled for LTV, the shown one included.
    ltv_months: int = 6
    #: Opening customers below which percentages of churn say little.
    minimum_base: int = 20
    #: Chargebacks by card payments: early warning and alarm, both only from so many disputes on.
    chargeback_warning: Decimal = Decimal("0.0065")
    chargeback_alarm: Decimal = Decimal("0.009")
    chargeback_minimum: int = 3


def half_up(value: Decimal) -> int:
    """The nearest integer, halves away from zero: as merchants round, not as Python does."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def cents(amount: Decimal) -> int:
    """An amount in major units as hundredths."""
    return half_up(amount * 100)
