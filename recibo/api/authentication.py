"""Who calls: the bearer of a token."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from recibo.api import rates, tokens
from recibo.api.errors import ApiError
from recibo.api.models import Token

#: Methods that change nothing.
READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Where a request keeps its token once it is found, and what the token has left of its minute.
WHO = "recibo.token"
SHARE = "recibo.share"


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, made with `recibo token create NAME`."""

    openapi_description = "Made with `recibo token create NAME`."

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        if WHO in request.META:
            found: Token = request.META[WHO]
            return found
        return admitted(request, tokens.find(token.strip()))


def admitted(request: HttpRequest, found: Token | None) -> Token | None:
    """The token, counted and kept with its request. Raises ApiError: too many, or not allowed."""
    if found is None:
        return None
    request.META[SHARE] = share = rates.take(found.pk)
    if share is not None and share.is_spent:
        raise ApiError(429)
    if found.read_only and request.method not in READS:
        raise ApiError(403)
    request.META[WHO] = found
    return found


def actor_of(request: HttpRequest) -> str:
    """Who the journal says did it."""
    token: Token = request.META[WHO]
    return f"token:{token.name}"
