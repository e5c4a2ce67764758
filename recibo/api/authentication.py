"""Who calls: the bearer of a token."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from recibo.api import tokens
from recibo.api.errors import ApiError
from recibo.api.models import Token

#: Methods that change nothing.
READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, made with `recibo token create NAME`."""

    openapi_description = "Made with `recibo token create NAME`."

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        found = tokens.find(token.strip())
        if found is not None and found.read_only and request.method not in READS:
            raise ApiError(403)
        return found


def actor_of(request: HttpRequest) -> str:
    """Who the journal says did it."""
    token: Token = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return f"token:{token.name}"
