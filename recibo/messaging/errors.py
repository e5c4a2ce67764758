"""What can go wrong with sending, sorted by what to do next.

SendingError
├── NotYetError       what it would tell is not known yet: that counts as no try
├── DelayedError      the server, the service or the network could not now: try again later
├── ChannelError      our own credentials or account: nothing goes until a person mends it
├── TakenBeforeError  an earlier try was taken, though we never heard so: it is sent
└── RejectedError     this message to this address: never
    └── NoSuchAddressError    the address does not work: write to it no more
"""

from datetime import timedelta


class SendingError(Exception):
    """A message was not sent. The message says why, without addresses and secrets."""


class DelayedError(SendingError):
    """Not now. ``retry_after``: how long the service wants us to wait."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NotYetError(SendingError):
    """The gateway has not told yet what the message would tell."""


class ChannelError(SendingError):
    """Our credentials, our account or our template are wrong: a person has to mend them."""


class TakenBeforeError(SendingError):
    """The service took an earlier try of this message."""


class RejectedError(SendingError):
    """This message is not taken, now or later."""


class NoSuchAddressError(RejectedError):
    """The address does not work."""
