"""Reading one setting: text in, a value out, or SettingError with a sentence that names it."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo, available_timezones

from recibo.work import durations as work

LANGUAGES = {"pt-br": "pt-br", "pt": "pt-br", "en": "en", "en-us": "en"}


class SettingError(Exception):
    """A setting that cannot be right. The message names it and says what would be."""


def words(value: str) -> tuple[str, ...]:
    """A list separated by commas."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def time_zone(value: str) -> str:
    """A name of the time zone database."""
    if value not in available_timezones():
        raise SettingError(
            f"RECIBO_TIME_ZONE must be a name like America/Sao_Paulo, not {value!r}."
        )
    return ZoneInfo(value).key


def language(value: str) -> str:
    """pt-br or en."""
    if (known := LANGUAGES.get(value.strip().lower().replace("_", "-"))) is None:
        raise SettingError(f"RECIBO_LANGUAGE must be pt-br or en, not {value!r}.")
    return known


def truth(name: str, value: str) -> bool:
    """true or false. Raises SettingError."""
    if (said := value.strip().lower()) not in {"true", "false"}:
        raise SettingError(f"{name} must be true or false, not {value!r}.")
    return said == "true"


def durations(name: str, value: str) -> tuple[timedelta, ...]:
    """A list of durations: ``5m,10m,2h``."""
    return tuple(duration(name, word) for word in words(value))


def duration(name: str, value: str) -> timedelta:
    """A duration such as ``90s``, ``15m``, ``2h`` or ``7d``. Raises SettingError."""
    try:
        return work.duration(value)
    except ValueError as error:
        raise SettingError(f"{name} {error}.") from None


def chosen(variables: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    """One of the known words; "" if it is not set. Raises SettingError."""
    if (value := variables.get(name, "").strip().lower()) and value not in known:
        raise SettingError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def number(variables: Mapping[str, str], name: str, usual: str, *, most: float) -> float:
    """A number above 0. Raises SettingError."""
    written = variables.get(name, "").strip() or usual
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not 0 < value <= most:
        raise SettingError(f"{name} must be a number above 0, {most:g} at most, not {written!r}.")
    return value


def count(name: str, value: str) -> int:
    """A whole number from 0. Raises SettingError."""
    if not re.fullmatch(r"\d{1,9}", value.strip()):
        raise SettingError(f"{name} must be a whole number from 0, not {value!r}.")
    return int(value)
