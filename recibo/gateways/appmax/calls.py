"""Calling AppMax: with what proves us, and with every way it says no.

The API v3 of a store takes a static token and answers 200 to nearly everything; v1, of an
application, takes a token that is asked for (OAuth 2.0, client credentials). Sources: "API v3" and
"API v1", docs.appmax.com.br.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from recibo.gateways import http
from recibo.gateways.appmax.reading import document, text
from recibo.gateways.contract import Api
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)

V1_URL = "https://api.appmax.com.br"
V3_URL = "https://admin.appmax.com.br"
AUTH_URL = "https://auth.appmax.com.br"

#: Seconds by which a token is given up before it lapses: a call on its way must not outlive it.
MARGIN = 60.0
#: Seconds that a token is good for where the answer does not say.
LIFETIME = 3600.0

#: The status within an answer of v3 -> the error; all others tell that there is no such thing.
FAILURES_OF_V3: Mapping[int, type[DeniedError | NotFoundError | UnavailableError]] = {
    401: DeniedError,
    403: DeniedError,
    429: UnavailableError,
    500: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
}

Parameters = Mapping[str, str | int]


class Token(msgspec.Struct):
    access_token: str
    expires_in: float = LIFETIME


TOKEN = msgspec.json.Decoder(Token, strict=False)


def has_v1(api: Api) -> bool:
    """Whether an application's credentials are set."""
    return bool(api.credentials.get("client_id") and api.credentials.get("client_secret"))


def has_v3(api: Api) -> bool:
    """Whether a store's token is set."""
    return bool(api.credentials.get("access_token"))


def no_credentials(
    settings: str = "APPMAX_ACCESS_TOKEN, or APPMAX_CLIENT_ID and APPMAX_CLIENT_SECRET",
) -> DeniedError:
    """Nothing proves us."""
    return DeniedError(f"AppMax cannot be asked: set {settings}")


def ask_v3(api: Api, path: str, parameters: Parameters | None = None) -> bytes:
    """The body of an answer of v3. Raises UnavailableError, NotFoundError, DeniedError."""
    base_url = V3_URL if api.base_url == V1_URL else api.base_url
    proof = {"access-token": api.credentials["access_token"]}
    body = http.get(api, path, parameters={**(parameters or {}), **proof}, base_url=base_url)
    told = answered(body, path)
    if told.get("success") is True:
        return body
    raise failure_of_v3(told, path)


def failure_of_v3(told: Mapping[str, Any], path: str) -> ApiError:
    """The error in an envelope: the status within, for that of HTTP is 200."""
    status = told.get("status")
    code = status if isinstance(status, int) else 404
    kind = FAILURES_OF_V3.get(code, NotFoundError)
    return kind(f"GET {path}: {text(told.get('text'))}"[:300], status=code)


def ask_v1(api: Api, path: str) -> bytes:
    """The body of an answer of v1 about one thing. Raises as ``call_v1``."""
    body = call_v1(api, "GET", path)
    if not isinstance(answered(body, path).get("data"), dict):  # [] in error cases
        raise UnavailableError(f"GET {path}: no data", status=200)
    return body


def call_v1(api: Api, method: str, path: str, parameters: Parameters | None = None) -> bytes:
    """The body of any answer of v1. A token that is refused is given up, and one more asked for.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    was_kept = bool(api.tokens.get(owner(api)))
    try:
        return call_once(api, method, path, parameters)
    except DeniedError:
        api.tokens.forget(owner(api))
        if not was_kept:
            raise
    return call_once(api, method, path, parameters)


def call_once(api: Api, method: str, path: str, parameters: Parameters | None) -> bytes:
    """One call."""
    headers = {"authorization": f"Bearer {access_token(api)}"}
    return http.request(api, method, path, parameters=parameters, headers=headers)


def access_token(api: Api) -> str:
    """A token that is good for a while yet."""
    if token := api.tokens.get(owner(api)):
        return token
    fresh = new_token(api)
    api.tokens.put(owner(api), fresh.access_token, max(fresh.expires_in - MARGIN, 0.0))
    return fresh.access_token


def new_token(api: Api) -> Token:
    """Ask for a token. Raises DeniedError for wrong credentials, UnavailableError."""
    form = {
        "grant_type": "client_credentials",
        "client_id": api.credentials["client_id"],
        "client_secret": api.credentials["client_secret"],
    }
    try:
        body = http.request(api, "POST", "/oauth2/token", base_url=auth_url(api), data=form)
        return TOKEN.decode(body)
    except msgspec.MsgspecError as error:
        raise UnavailableError("POST /oauth2/token: no token", status=200) from error
    except ApiError as error:
        raise (DeniedError(str(error), status=400) if error.status == 400 else error) from error


def auth_url(api: Api) -> str:
    """Where tokens are asked for."""
    return api.credentials.get("auth_url") or AUTH_URL


def owner(api: Api) -> str:
    """The name of a token: changed credentials must not live on another's."""
    parts = (auth_url(api), api.credentials["client_id"], api.credentials["client_secret"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answered(body: bytes, path: str) -> Mapping[str, Any]:
    """An answer's envelope. One that cannot be read may be readable later."""
    try:
        return document(body)
    except PayloadError as error:
        raise UnavailableError(f"GET {path}: not an answer of AppMax", status=200) from error
