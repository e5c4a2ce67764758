"""Why nobody was asked: asking later will do, and nothing is counted."""

from datetime import timedelta

from recibo.gateways.errors import UnavailableError

#: Until the next try where there was no turn left.
OUT_OF_TURNS = timedelta(seconds=10)


class OutOfTurnsError(UnavailableError):
    """The account's rate is used up: nobody was asked, so it counts as no attempt."""

    @property
    def wait(self) -> timedelta:
        """Until the next try."""
        return self.retry_after or OUT_OF_TURNS


class RestingError(OutOfTurnsError):
    """The account's gateway is left alone for now: it is down, or wants us to wait."""
