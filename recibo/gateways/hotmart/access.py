"""How Hotmart's API is asked: with an access token that all processes share.

Sources: "App authentication" and "Rate limit", Hotmart developers.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError

API_URL = "https://developers.hotmart.com"
AUTH_URL = "https://api-sec-vlc.hotmart.com"
TOKEN_PATH = "/security/oauth/token"  # noqa: S105 - a path, no password
PAYMENTS = "/payments/api/v1"

#: 500 a minute, reads and writes together.
CALLS_PER_SECOND = 8.0
#: Seconds by which a token is given up before it lapses: a call on its way must not outlive it.
MARGIN = 300.0
UNAUTHORIZED = 401

NO_CREDENTIALS = "Hotmart cannot be asked: set HOTMART_CLIENT_ID and HOTMART_CLIENT_SECRET"
WRONG_CREDENTIALS = (
    "Hotmart takes no such client id and secret: copy both from Tools > Developer credentials;"
    " those of the sandbox are others"
)


class Token(Struct):
    access_token: str
    expires_in: float


TOKEN = msgspec.json.Decoder(Token, strict=False)


class Refusal(Struct):
    """The body of an error."""

    error: str | None = None
    error_description: str | None = None


REFUSAL = msgspec.json.Decoder(Refusal)


def ping(api: Api) -> None:
    """Prove that the credentials work. Raises DeniedError or UnavailableError."""
    get(api, "/sales/history", {"max_results": 1})


def get(api: Api, path: str, parameters: Mapping[str, Any] | None = None) -> bytes:
    """The body of an answer. Raises as ``call``."""
    return call(api, "GET", path, params=parameters)


def call(api: Api, method: str, path: str, **more: Any) -> bytes:
    """The body of an answer; a kept token that is refused is given up for a new one.

    Raises UnavailableError, NotFoundError, DeniedError, and ApiError in Hotmart's own words.
    """
    name = name_of(api)
    if kept := api.tokens.get(name):
        try:
            return send(api, kept, method, path, **more)
        except DeniedError as error:
            if error.status != UNAUTHORIZED:
                raise
            api.tokens.forget(name)
    return send(api, new_token(api), method, path, **more)


def send(api: Api, token: str, method: str, path: str, **more: Any) -> bytes:
    """One call."""
    parameters = more.pop("params", None)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        return http.request(
            api, method, PAYMENTS + path, parameters=parameters, headers=headers, **more
        )
    except (UnavailableError, NotFoundError, DeniedError):
        raise
    except ApiError as error:
        raise explained(error) from error


def explained(error: ApiError) -> ApiError:
    """A refusal with the words in which Hotmart explains it."""
    told = ApiError(f"{error}: {words_of(error.body)}", status=error.status)
    told.body = error.body
    return told


def words_of(body: bytes) -> str:
    """What an error's body says, in short."""
    try:
        told = REFUSAL.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "no reason given"
    said = [text for text in (told.error, told.error_description) if text]
    return ", ".join(said)[:300] or "no reason given"


def new_token(api: Api) -> str:
    """Ask for a token and keep it. Raises DeniedError, UnavailableError."""
    body = asked_for_token(api)
    try:
        token = TOKEN.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnavailableError(f"POST {TOKEN_PATH}: no token", status=200) from error
    if not token.access_token or not is_header(token.access_token):
        raise UnavailableError(f"POST {TOKEN_PATH}: no token", status=200)
    if token.expires_in > MARGIN:
        api.tokens.put(name_of(api), token.access_token, token.expires_in - MARGIN)
    return token.access_token


def asked_for_token(api: Api) -> bytes:
    """The answer to our credentials, which Hotmart wants twice: as parameters and in a header."""
    client_id, secret = client(api)
    parameters = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
    }
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/json"}
    try:
        return http.request(
            api, "POST", TOKEN_PATH, parameters=parameters, headers=headers, base_url=auth_url(api)
        )
    except UnavailableError:
        raise
    except ApiError as error:
        raise DeniedError(f"{error}: {WRONG_CREDENTIALS}", status=error.status) from error


def is_header(text: str) -> bool:
    """Whether a text can travel in a header."""
    return text.isascii() and text.isprintable()


def client(api: Api) -> tuple[str, str]:
    """The client's id and secret. Raises DeniedError unless both are set."""
    values = [api.credentials.get(name, "").strip() for name in ("client_id", "client_secret")]
    if not all(values):
        raise DeniedError(NO_CREDENTIALS)
    return values[0], values[1]


def auth_url(api: Api) -> str:
    """Where tokens are asked for; production and sandbox share it."""
    return (api.credentials.get("auth_url") or AUTH_URL).rstrip("/")


def name_of(api: Api) -> str:
    """Whose token it is: changed credentials must not live on another's token."""
    parts = (auth_url(api), *client(api))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
