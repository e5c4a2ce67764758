"""The console's first user, so that a fresh installation can be looked into at once."""

import secrets
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

NAME = "admin"
#: Bytes of chance in a generated password: 96 bits, 16 characters.
STRENGTH = 12


class Credentials(NamedTuple):
    """A user who was just made. The password is kept nowhere: show it now or never."""

    name: str
    password: str


def ensure_user() -> Credentials | None:
    """Make the user ``admin`` if the console has no user at all; None if it has one.

    Of several callers at once only one gets the credentials.
    """
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(STRENGTH)
    _, is_new = User.objects.get_or_create(
        username=NAME,
        defaults={"password": make_password(password), "is_staff": True, "is_superuser": True},
    )
    return Credentials(NAME, password) if is_new else None
