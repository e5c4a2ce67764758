"""API tokens: made, found, revoked. A token is known by its SHA-256, so that looking one up takes
the same time whatever was guessed, and the table gives none away.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recibo.api.models import Token

PREFIX = "rcb_"
#: 32 bytes are 43 characters of URL-safe Base64.
RANDOM_BYTES = 32
HINT_LENGTH = 8
#: ``last_used_at`` is this exact, so that reading does not mean a write each time.
USE_NOTED_EVERY = timedelta(minutes=1)


class NameTakenError(Exception):
    """A token of this name is in use: revoke it first."""


def create(name: str, *, read_only: bool = False, expires: datetime | None = None) -> str:
    """Make a token and give it, this once. Raises NameTakenError."""
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    try:
        with transaction.atomic():
            Token.objects.create(
                name=name,
                digest=digest(token),
                hint=token[:HINT_LENGTH],
                read_only=read_only,
                expires_at=expires,
            )
    except IntegrityError:
        raise NameTakenError(name) from None
    return token


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def find(token: str) -> Token | None:
    """The token that this is, if it is in force. Notes that it was used."""
    now = timezone.now()
    unexpired = Q(expires_at=None) | Q(expires_at__gt=now)
    found = Token.objects.filter(unexpired, digest=digest(token), revoked_at=None).first()
    if found is not None:
        note_use(found, now)
    return found


def note_use(token: Token, now: datetime) -> None:
    """Keep when a token was used last, to the minute."""
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)


def revoke(name: str) -> bool:
    """End a token. False if none of this name is in force."""
    in_force = Token.objects.filter(name=name, revoked_at=None)
    return bool(in_force.update(revoked_at=timezone.now()))


def listed() -> QuerySet[Token]:
    """Tokens that were not revoked, by name."""
    return Token.objects.filter(revoked_at=None).order_by("name")
