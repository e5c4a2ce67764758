"""What can go wrong with a gateway's message, sorted by what the caller must do next.

GatewayError
├── SignatureError        answer 401 and note why; store no event
├── PayloadError          keep the event as failed: a person or a better parser is needed
│   └── UnknownStatusError    likewise: guessing a status would move money
└── IgnoredError          authentic, nothing to do: keep the event as ignored, with this reason
"""

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


class GatewayError(Exception):
    """Anything wrong with what a gateway sent or answered."""


class SignatureError(GatewayError):
    """The sender did not prove itself."""

    def __init__(self, reason: Refused = Refused.SIGNATURE_INVALID) -> None:
        self.reason = reason
        super().__init__(reason.value)


class PayloadError(GatewayError):
    """The body is not what the gateway documents: malformed, or a required field is missing."""


class UnknownStatusError(PayloadError):
    """A known event with a status that we do not know."""

    def __init__(self, gateway: str, status: str) -> None:
        self.status = status
        super().__init__(f"{gateway}: unknown status {status!r}")


class IgnoredError(GatewayError):
    """Authentic, and nothing to do. The message says why, for the operator."""
