"""Spans of time as people write them: ``90s``, ``15m``, ``2h``, ``7d``."""

import re
from datetime import timedelta

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """The span that a text names. Raises ValueError."""
    if (match := re.fullmatch(r"(\d{1,6})([smhd])", text.strip())) is None:
        raise ValueError(f"must read like 90s, 15m, 2h or 7d, not {text!r}")
    return timedelta(**{UNITS[match[2]]: int(match[1])})
