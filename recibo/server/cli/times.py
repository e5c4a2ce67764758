"""Moments as they are typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from recibo.server.cli.errors import CommandError
from recibo.server.cli.language import translated as _


def moment(option: str, text: str) -> datetime | None:
    """``2026-04-01``, ``2026-04-01T18:30`` or, that long ago, ``2h``; None for "".

    Without an offset it is in RECIBO_TIME_ZONE. Raises CommandError, which names ``option``.
    """
    from recibo.server.values import SettingError, duration

    if not text:
        return None
    try:
        return datetime.now(UTC) - duration(option, text)
    except SettingError:
        return dated(option, text)


def dated(option: str, text: str) -> datetime:
    """A date, with or without a time. Raises CommandError."""
    from recibo.server.environment import environment

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        sentence = _("%(option)s must read like 2026-04-01, 2026-04-01T18:30 or 2h, not %(text)r.")
        raise CommandError(sentence % {"option": option, "text": text}) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(environment().time_zone))
