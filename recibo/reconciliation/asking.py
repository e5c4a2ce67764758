"""When a gateway is asked again, after a try that told nothing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings

from recibo.gateways.errors import DeniedError, UnavailableError
from recibo.reconciliation import circuits
from recibo.reconciliation.errors import OUT_OF_TURNS, OutOfTurnsError


class Later(NamedTuple):
    """How long to wait before the next try, and how many there were."""

    wait: timedelta
    attempts: int


def later(error: Exception, attempts: int, account_id: int) -> Later | None:
    """When to ask again after a try that failed, with ``attempts`` before it; None: give up.

    What nobody was asked counts as no attempt; nor does one at an API that is down: an outage ends
    by itself, or when a person mends the credentials, and then everything goes on.
    """
    if isinstance(error, OutOfTurnsError):
        return Later(error.wait, attempts)
    delays: Sequence[timedelta] = settings.RECIBO_FETCH_DELAYS
    is_outage = isinstance(error, UnavailableError | DeniedError) and circuits.is_down(account_id)
    if attempts >= len(delays) and not is_outage:
        return None
    usual = delays[min(attempts, len(delays) - 1)] if delays else OUT_OF_TURNS
    asked_for = error.retry_after if isinstance(error, UnavailableError) else None
    return Later(max(usual, asked_for or timedelta(0)), attempts + (not is_outage))
