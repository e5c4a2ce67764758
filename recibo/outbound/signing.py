"""Signatures of messages, and the secrets behind them: Standard Webhooks 1.0.0.

A secret is ``whsec_`` and 32 random bytes in Base64. While one is being rotated, each message bears
the signatures of the old and of the new one; receivers take it if one of them fits.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from standardwebhooks import Webhook

from recibo.accounts.encryption import opened

PREFIX = "whsec_"
SECRET_BYTES = 32


class Secret(Struct, frozen=True):
    """What signs. ``until``: when an old one ends."""

    value: str
    until: datetime | None = None


def generate() -> Secret:
    """A new secret."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def rotated(kept: Sequence[Secret], now: datetime, keep: timedelta) -> tuple[Secret, list[Secret]]:
    """A new secret, and all that sign from now on: the old ones end after ``keep``."""
    end = now + keep
    old = [Secret(one.value, min(one.until or end, end)) for one in valid(kept, now)]
    new = generate()
    return new, [new, *(one for one in old if one.until is None or one.until > now)]


def valid(kept: Sequence[Secret], now: datetime) -> list[Secret]:
    """Those that sign now, the newest first."""
    return [one for one in kept if one.until is None or one.until > now]


def unsealed(kept: bytes | memoryview) -> list[Secret]:
    """The secrets of an endpoint. Raises SealedError."""
    return opened(bytes(kept), list[Secret])


def headers(kept: Sequence[Secret], key: str, body: bytes, now: datetime) -> dict[str, str]:
    """What says who sent a body: a time and signatures of this try, an id of all of them."""
    at = now.astimezone(UTC).replace(microsecond=0)  # the library takes any zone for UTC
    signers = [Webhook(one.value) for one in valid(kept, now)]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(one.sign(key, at, body.decode()) for one in signers),
    }
