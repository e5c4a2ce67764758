"""What can go wrong with an application, sorted by what to do next.

AccessError
├── UnavailableError   timeout, 429, 5xx, an answer that cannot be read: try again later
├── DeniedError        our secret or address is wrong; tried again later, in case it is mended
└── RefusedError       the application takes this never: a person has to look
"""

from datetime import timedelta


class AccessError(Exception):
    """An application did not do what was asked. The message tells no secret."""


class UnavailableError(AccessError):
    """Not now. ``retry_after``: how long the application wants us to wait."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class DeniedError(AccessError):
    """401, 403 or 404: our secret is wrong, or the address."""


class RefusedError(AccessError):
    """Any other 4xx: this is taken never."""
