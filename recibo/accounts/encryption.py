"""Secrets at rest: sealed with a key that is derived from RECIBO_SECRET_KEY.

A value is JSON within a Fernet token (AES-128-CBC and HMAC-SHA-256, so a changed byte is noticed).
The Fernet key comes from ``settings.SECRET_KEY`` by HKDF with SHA-256 and the label ``LABEL``: it
is good for nothing else, and nothing else that derives from the same setting opens a secret. What
was sealed with one of ``settings.SECRET_KEY_FALLBACKS`` can still be opened.

Without RECIBO_SECRET_KEY (or the file ``secret_key`` in RECIBO_HOME) a copy of the database opens
no account; so whoever loses the key has to enter the secrets again.
"""

import base64
import functools
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

LABEL = b"recibo: secrets of accounts, 1"

Value = TypeVar("Value")


class SealedError(Exception):
    """What is kept cannot be opened: it was sealed with another key, or damaged."""


def sealed(value: object) -> bytes:
    """The value as it may lie on a disk."""
    return box().encrypt(msgspec.json.encode(value))


def opened(kept: bytes, kind: type[Value]) -> Value:
    """The value that was sealed; an empty one where nothing was. Raises SealedError."""
    if not kept:
        return kind()
    try:
        return msgspec.json.decode(box().decrypt(kept), type=kind)
    except (InvalidToken, msgspec.MsgspecError):
        raise SealedError("sealed with another RECIBO_SECRET_KEY, or damaged") from None


def box() -> MultiFernet:
    """Seals with the key in force, opens with the earlier ones too."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([fernet(key) for key in keys])


@functools.lru_cache(maxsize=8)
def fernet(secret_key: str) -> Fernet:
    """The seal that derives from one secret key."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=LABEL)
    return Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))
