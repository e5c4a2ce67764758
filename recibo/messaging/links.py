"""Addresses that let a buyer in without a log-in: his order's page, and the end of reminders.

An order's token is signed: it tells the number of a row and a day, and nothing of a person. The
token to opt out is sealed, for it holds an address. Both are made for a day and not for a moment,
so that a message that is tried again reads the same: services refuse a known key with another body.
"""

import base64
import binascii
import functools
import time
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core import signing
from msgspec import MsgspecError, Struct, msgpack

#: How long the buyer's page can be seen: in that time sales are refunded and disputed.
ORDER_LASTS = timedelta(days=90)
#: How long a click ends reminders: somebody may come upon an old message.
OPT_OUT_LASTS = timedelta(days=730)
SALT = "recibo: the buyer's page, 1"
LABEL = b"recibo: opting out, 1"
DAY = 86_400


class ExpiredLinkError(Exception):
    """The link was one of ours, and its time is over."""


class OptOut(Struct, frozen=True, array_like=True):
    """Who wants no reminders, and when he was given the link (epoch, in days)."""

    channel: str
    address: str  # an e-mail, or a phone in E.164
    day: int


class DaySigner(signing.TimestampSigner):
    """Signs with the beginning of the day."""

    def timestamp(self) -> str:
        return signing.b62_encode(today() * DAY)


def order_url(order_id: int) -> str:
    """The buyer's page of an order; "" while RECIBO_PUBLIC_URL is unset."""
    return absolute(f"/pedido/{signer().sign(str(order_id))}")


def order_of(token: str) -> int | None:
    """The order of a page; None for a token that is not ours. Raises ExpiredLinkError."""
    try:
        return int(signer().unsign(token, max_age=ORDER_LASTS))
    except signing.SignatureExpired:
        raise ExpiredLinkError from None
    except signing.BadSignature:
        return None


def signer() -> DaySigner:
    """Signs orders. With points: some messengers end an address at a colon."""
    return DaySigner(sep=".", salt=SALT)


def unsubscribe_url(address: str, channel: str) -> str:
    """Where one click ends reminders to an address; "" while RECIBO_PUBLIC_URL is unset."""
    content = msgpack.encode(OptOut(str(channel), address, today()))
    token = base64.urlsafe_b64encode(envelope(settings.SECRET_KEY).encrypt(content, None))
    return absolute(f"/descadastro/{token.rstrip(b'=').decode()}")


def address_of(token: str) -> OptOut | None:
    """Who opts out by a token; None for one that is not ours. Raises ExpiredLinkError."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    found = next(filter(None, (opened(token, str(key)) for key in keys)), None)
    if found and (today() - found.day) * DAY > OPT_OUT_LASTS.total_seconds():
        raise ExpiredLinkError
    return found


def opened(token: str, secret_key: str) -> OptOut | None:
    """What a token holds; None if it was not sealed with this key."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        return msgpack.decode(envelope(secret_key).decrypt(sealed, None), type=OptOut)
    except (binascii.Error, InvalidTag, MsgspecError, ValueError):
        return None


@functools.lru_cache(maxsize=8)
def envelope(secret_key: str) -> AESSIV:
    """Seals the same content the same way (RFC 5297). Its key is good for nothing else."""
    derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=LABEL)
    return AESSIV(derive.derive(secret_key.encode()))


def absolute(path: str) -> str:
    """An address of this installation; "" while it does not know its own."""
    return f"{settings.RECIBO_PUBLIC_URL}{path}" if settings.RECIBO_PUBLIC_URL else ""


def today() -> int:
    """Days since 1970, in UTC."""
    return int(time.time()) // DAY
