"""Comparing secrets, in the one way that leaks neither their content nor an exception."""

import hmac
from collections.abc import Sequence

from recibo.gateways.errors import Refused, SignatureError


def same(given: bytes, expected: bytes) -> bool:
    """Compare in constant time. Bytes only: text with a non-ASCII letter would raise."""
    return hmac.compare_digest(given, expected)


def require_token(given: bytes | None, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless ``given`` is one of ``secrets`` (several while rotating).

    Every secret is compared, so that the time taken does not tell which one matched.
    """
    if not given:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    if not secrets:
        raise SignatureError(Refused.NOT_CONFIGURED)
    if not sum(same(given, secret) for secret in secrets):
        raise SignatureError(Refused.SIGNATURE_INVALID)
