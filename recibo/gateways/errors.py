"""What can go wrong with a gateway's message, sorted by what the caller must do next.

GatewayError
├── SignatureError        answer 401 and note why; store no event
│   └── UnprovenError         nothing in the request can prove it: keep it as a hint and ask
├── PayloadError          keep the event as failed: a person or a better parser is needed
│   └── UnknownStatusError    likewise: guessing a status would move money
├── IgnoredError          authentic, nothing to do: keep the event as ignored, with this reason
└── ApiError              the gateway's API did not give what we asked for
    ├── UnavailableError      timeout, 429 or 5xx: ask again later
    ├── NotFoundError         404: not there, or not there yet
    └── DeniedError           401 or 403: our credentials are wrong; a person has to mend them
"""

from datetime import timedelta
from enum import StrEnum


class Refused(StrEnum):
    """Why a request was refused; people read these through the catalogue in ``inbox.refusals``."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_EXPIRED = "signature_expired"
    OTHER_ACCOUNT = "other_account"
    NOT_CONFIGURED = "not_configured"
    INVALID_GATEWAY = "invalid_gateway"
    ACCOUNT_NOT_FOUND = "account_not_found"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNAVAILABLE = "unavailable"  # authentic, but neither database nor memory could take it


class GatewayError(Exception):
    """Anything wrong with what a gateway sent or answered."""


class SignatureError(GatewayError):
    """The sender did not prove itself."""

    def __init__(self, reason: Refused = Refused.SIGNATURE_INVALID) -> None:
        self.reason = reason
        super().__init__(reason.value)


class UnprovenError(SignatureError):
    """No secret can prove this request, but the gateway can be asked whether it is true."""


class PayloadError(GatewayError):
    """The body is not what the gateway documents: malformed, or a required field is missing."""


class UnknownStatusError(PayloadError):
    """A known event with a status that we do not know."""

    def __init__(self, gateway: str, status: str) -> None:
        self.status = status
        super().__init__(f"{gateway}: unknown status {status!r}")


class IgnoredError(GatewayError):
    """Authentic, and nothing to do. The message says why, for the operator."""


class ApiError(GatewayError):
    """The gateway's API did not give what we asked for. ``status`` is 0 where it did not answer."""

    #: What the gateway answered, for its own words. It may hold anything: no message by itself.
    body: bytes = b""

    def __init__(self, message: str, *, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class UnavailableError(ApiError):
    """Timeout, 429, 5xx or an answer that cannot be read: asking again later may help."""

    def __init__(
        self, message: str, *, status: int = 0, retry_after: timedelta | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status)


class NotFoundError(ApiError):
    """Not there, or not there yet."""


class DeniedError(ApiError):
    """Our credentials are wrong or may not do this."""
