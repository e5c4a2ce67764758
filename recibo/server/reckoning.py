"""How figures are defined, from the environment (docs/metrics.md says what each changes)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from recibo.analytics.definitions import Definitions
from recibo.server.values import SettingError, duration, time_zone

DAY = timedelta(days=1)
USUAL = Definitions()


def definitions(variables: Mapping[str, str]) -> Definitions:
    """The choices that change figures. Raises SettingError."""
    return Definitions(
        time_zone=time_zone(variables.get("RECIBO_TIME_ZONE", USUAL.time_zone)),
        currency=currency(variables.get("RECIBO_CURRENCY", USUAL.currency)),
        grace=span(variables, "RECIBO_CHURN_GRACE", "30d", most=90),
        late_after=span(variables, "RECIBO_LATE_AFTER", "3d", most=30),
        cart_window=span(variables, "RECIBO_CART_WINDOW", "7d", most=90),
        recovery_window=span(variables, "RECIBO_RECOVERY_WINDOW", "30d", most=90),
        ltv_months=count(variables, "RECIBO_LTV_MONTHS", USUAL.ltv_months),
        minimum_base=count(variables, "RECIBO_MINIMUM_BASE", USUAL.minimum_base),
        chargeback_warning=share(variables, "RECIBO_CHARGEBACK_WARNING", USUAL.chargeback_warning),
        chargeback_alarm=share(variables, "RECIBO_CHARGEBACK_ALARM", USUAL.chargeback_alarm),
        chargeback_minimum=count(variables, "RECIBO_CHARGEBACK_MINIMUM", USUAL.chargeback_minimum),
    )


def currency(value: str) -> str:
    """An ISO 4217 code. Raises SettingError."""
    if not re.fullmatch(r"[A-Z]{3}", code := value.strip().upper()):
        raise SettingError(f"RECIBO_CURRENCY must be a code like BRL, not {value!r}.")
    return code


def span(variables: Mapping[str, str], name: str, usual: str, *, most: int) -> timedelta:
    """A duration up to so many days. Raises SettingError."""
    written = variables.get(name, usual)
    if not timedelta() < (value := duration(name, written)) <= most * DAY:
        raise SettingError(f"{name} must be above 0 and {most}d at most, not {written!r}.")
    return value


def count(variables: Mapping[str, str], name: str, usual: int) -> int:
    """A number from 1 to 1000. Raises SettingError."""
    written = variables.get(name, "").strip() or str(usual)
    if not re.fullmatch(r"[1-9]\d{0,2}|1000", written):
        raise SettingError(f"{name} must be a whole number from 1 to 1000, not {written!r}.")
    return int(written)


def share(variables: Mapping[str, str], name: str, usual: Decimal) -> Decimal:
    """A percentage such as ``0.65%``. Raises SettingError."""
    if not (written := variables.get(name, "").strip()):
        return usual
    try:
        value = Decimal(written.removesuffix("%")) / 100
    except InvalidOperation:
        value = Decimal(0)
    if not 0 < value <= 1 or not written.endswith("%"):
        raise SettingError(f"{name} must be a percentage such as 0.65%, not {written!r}.")
    return value
