"""Calls to PagSeguro and PagBank: which host, with which proof, and what an error means.

Source: "Consultas" and "Códigos de erro", PagSeguro developers v1; "Autenticação", PagBank
developers.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, PayloadError, UnavailableError
from recibo.gateways.pagseguro import documents
from recibo.gateways.pagseguro.reading import decode


class Hosts(NamedTuple):
    """Where each part of PagSeguro answers."""

    v4: str
    subscriptions: str
    legacy: str


PRODUCTION = Hosts(
    v4="https://api.pagseguro.com",
    subscriptions="https://api.assinaturas.pagseguro.com",
    legacy="https://ws.pagseguro.uol.com.br",
)
SANDBOX = Hosts(
    v4="https://sandbox.api.pagseguro.com",
    subscriptions="https://sandbox.api.assinaturas.pagseguro.com",
    legacy="https://ws.sandbox.pagseguro.uol.com.br",
)

#: What an answer is introduced as -> the root of its XML.
ROOTS = {"transaction": "transaction", "pre-approval": "preApproval"}

#: The host of subscriptions turns the names of common libraries away with 403.
USER_AGENT = "Mozilla/5.0 (compatible; Recibo)"

FORGED = "refused: the code or a parameter is forged, of another account, or wrong"
LONGEST_WORDS = 300
#: Nothing that looks like a key of ours is ever repeated from an answer.
SECRET = re.compile(r"[^\s<>]*[@=][^\s<>]*|[0-9A-Za-z-]{30,}")

NOTHING: Mapping[str, str | int] = {}


class Said(Struct):
    """One entry of ``error_messages``."""

    code: str | int | None = None
    error: str | None = None
    description: str | None = None
    parameter_name: str | None = None


class Refusal(Struct):
    error_messages: list[Said]


T = TypeVar("T")

REFUSAL = msgspec.json.Decoder(Refusal)


# Before anything is asked


def hosts(api: Api) -> Hosts:
    """The hosts of the same environment; one that is neither stands for all of them."""
    known = (one for one in (PRODUCTION, SANDBOX) if api.base_url in one)
    return next(known, Hosts(api.base_url, api.base_url, api.base_url))


def credential(api: Api, name: str) -> str:
    """Raises DeniedError, before anything is asked, where it is not set."""
    if not (value := api.credentials.get(name, "")):
        raise DeniedError(f"PagSeguro's {name} is not set (PAGSEGURO_{name.upper()})")
    return value


def has_legacy(api: Api) -> bool:
    """Whether the XML API can be asked at all: it wants the account's e-mail."""
    return bool(api.credentials.get("email"))


# The XML API


def ask_legacy(
    api: Api, path: str, answer: str, headers: Mapping[str, str] | None = None
) -> RawRequest:
    """An answer in XML, as it enters the inbox."""
    body = call_legacy(api, path, headers=headers)
    require_root(body, ROOTS[answer])
    return http.answer(answer, body)


def call_legacy(
    api: Api,
    path: str,
    parameters: Mapping[str, str | int] = NOTHING,
    *,
    method: str = "GET",
    **more: Any,
) -> bytes:
    """The bytes of an answer; e-mail and token travel in the query.

    Raises ApiError with status 400 for a code that PagSeguro does not know with our credentials.
    """
    proof = {"email": credential(api, "email"), "token": credential(api, "token")}
    asked = {**proof, **parameters}
    host = hosts(api).legacy
    try:
        return http.request(api, method, path, parameters=asked, base_url=host, **more)
    except ApiError as error:
        if error.status != 400:
            raise
        raise refused(error, f"{method} {path}: {FORGED}") from error


def refused(error: ApiError, message: str) -> ApiError:
    """The same refusal, said better."""
    told = ApiError(message, status=error.status)
    told.body = error.body
    return told


def require_root(body: bytes, tag: str) -> None:
    """Raise ApiError for ``<errors>``, UnavailableError for what is not the XML that was asked for.

    An outage is a page in HTML, and not always with a status that says so.
    """
    try:
        root = documents.parsed(body)
    except PayloadError as error:
        raise UnavailableError(f"PagSeguro did not answer with XML: {error}") from error
    if root.tag == "errors":
        raise ApiError(f"PagSeguro answered with errors: {documents.errors(root)}")
    if root.tag != tag:
        raise UnavailableError(f"PagSeguro did not answer with <{tag}>")


def error_codes(error: ApiError) -> set[str]:
    """The codes of ``<errors>`` in a refusal; none where it says none."""
    try:
        root = documents.document(error.body, "errors")
    except PayloadError:
        return set()
    return {documents.text(one, "code") for one in root.findall("error")}


# v4


def call_v4(
    api: Api,
    path: str,
    host: str,
    parameters: Mapping[str, str | int] | None = None,
    *,
    method: str = "GET",
    **more: Any,
) -> bytes:
    """The bytes of an answer of v4."""
    headers = {
        "Authorization": f"Bearer {credential(api, 'token')}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }
    return http.request(
        api, method, path, parameters=parameters, headers=headers, base_url=host, **more
    )


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises UnavailableError for what is not the JSON that was asked for."""
    try:
        return decode(decoder, body)
    except PayloadError as error:
        raise UnavailableError(f"PagBank did not answer as documented: {error}") from error


# Why it was refused


def words_of(error: ApiError) -> str:
    """The gateway's own words in a refusal of either generation; "" where it said none."""
    found = SECRET.sub("…", said_in_xml(error.body) or said_in_json(error.body))
    return found[:LONGEST_WORDS]


def said_in_xml(body: bytes) -> str:
    try:
        return documents.errors(documents.document(body, "errors"))
    except PayloadError:
        return ""


def said_in_json(body: bytes) -> str:
    try:
        said = decode(REFUSAL, body).error_messages
    except PayloadError:
        return ""
    parts = ((one.code or one.error, one.description, one.parameter_name) for one in said)
    return "; ".join(" ".join(str(part) for part in entry if part) for entry in parts)
