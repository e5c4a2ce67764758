"""Asking PagSeguro and PagBank: what a notice is about, and which transactions there are.

Source: "Consultas", PagSeguro developers v1, and "Consultar pedido", "Consultar cobrança",
PagBank developers. No limit of calls is published for either.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, PayloadError, UnavailableError
from recibo.gateways.pagseguro import documents, legacy, notices, webhook
from recibo.gateways.pagseguro.documents import Page, Row
from recibo.gateways.pagseguro.reading import ZONE, decode


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

#: What a notice is about -> where its code is resolved, and what the answer is. An authorization
#: is not asked for: nothing is billed by it, and it takes the credentials of an application.
NOTICES = {
    notices.TRANSACTION: ("/v3/transactions/notifications/", "transaction"),
    notices.PRE_APPROVAL: ("/v2/pre-approvals/notifications/", "pre-approval"),
}

#: What an answer is introduced as -> the root of its XML.
ROOTS = {"transaction": "transaction", "pre-approval": "preApproval"}

#: The prefix of a v4 id -> where it is read, and what the answer is.
RESOURCES = {
    "ORDE": ("/orders/", "order"),
    "CHAR": ("/charges/", "charge"),
    "SUBS": ("/subscriptions/", "subscription"),
}

#: Of several transactions with one reference: the paid ones, what became of paid ones, what may
#: still be paid, and the rest.
PLACES = ("3", "4", "5", "9", "6", "8", "11", "2", "1", "0", "7")
SEARCH_ORDER = {status: place for place, status in enumerate(PLACES)}

PAGE_SIZE = 100
MOST_PAGES = 1000
#: A search reaches this far back, and spans no more than this.
FARTHEST = timedelta(days=180)
LONGEST_SPAN = timedelta(days=30)
LONGEST_REFERENCE = 200


class PublicKey(Struct):
    public_key: str


class Resource(Struct):
    id: str


T = TypeVar("T")

PUBLIC_KEY = msgspec.json.Decoder(PublicKey)
RESOURCE = msgspec.json.Decoder(Resource)


# What a notice is about


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    """The state of what a legacy notice or an unproven webhook names; [] for no sale.

    Nothing else that stands in ``notice`` is believed.
    """
    if notices.is_notice(notice):
        return resolved(api, *notices.notice_of(notice))
    resource = webhook.asked_id(notice.body)
    return [read(api, resource)] if resource else []


def resolved(api: Api, kind: str, code: str) -> list[RawRequest]:
    """What the code of a legacy notice stands for. A notification code is no transaction's code."""
    if kind not in NOTICES:
        return []
    path, answer = NOTICES[kind]
    return [ask_legacy(api, path + quote(code, safe=""), answer)]


def transaction(api: Api, code: str) -> RawRequest:
    """A legacy transaction by its own code, with everything that is told of it."""
    return ask_legacy(api, f"/v3/transactions/{quote(code, safe='')}", "transaction")


def read(api: Api, resource: str) -> RawRequest:
    """A v4 order, charge or subscription by its id, ORDE_, CHAR_ or SUBS_."""
    path, answer = RESOURCES[resource.partition("_")[0]]
    host = hosts(api).subscriptions if answer == "subscription" else hosts(api).v4
    body = get_json(api, path + quote(resource, safe=""), host)
    if read_json(RESOURCE, body).id != resource:
        raise UnavailableError(f"PagBank answered another {answer} than was asked for")
    return http.answer(answer, body)


# Which transactions there are


def search_by_reference(
    api: Api, reference: str, since: datetime | None = None
) -> list[RawRequest]:
    """All transactions of one reference, each read in full; the one that matters most first.

    Every attempt of a buyer makes one; [] means none yet, not that nothing was paid. ``since``:
    when the order was made; with it the search is repeated by windows of time where PagSeguro
    wants that or finds nothing. References compare as they are.
    """
    if not reference or len(reference) > LONGEST_REFERENCE:
        raise ApiError(f"A reference at PagSeguro has 1 to {LONGEST_REFERENCE} characters")
    found = rows_by_reference(api, reference, since)
    ours = {row.code: row for row in found if is_sale(row) and row.reference in {"", reference}}
    ranked = sorted(ours.values(), key=lambda row: SEARCH_ORDER.get(row.status, len(SEARCH_ORDER)))
    return [transaction(api, row.code) for row in ranked]


def rows_by_reference(api: Api, reference: str, since: datetime | None) -> list[Row]:
    """The rows of the plain search, or else those of the search by windows."""
    try:
        found = list(rows(api, {"reference": reference}))
    except ApiError as error:
        if since is None or error.status != 400:
            raise
        found = []
    if found or since is None:
        return found
    return list(rows_by_windows(api, {"reference": reference}, since))


def search_by_date(
    api: Api, since: datetime, until: datetime | None = None
) -> Iterator[RawRequest]:
    """All sales made from ``since`` (at most 180 days ago) to ``until`` (now), each in full."""
    for row in rows_by_windows(api, {}, since, until):
        if is_sale(row):
            yield transaction(api, row.code)


def is_sale(row: Row) -> bool:
    """Whether the row is worth reading: it can lack the type."""
    return row.type not in legacy.NO_SALES


def rows_by_windows(
    api: Api, parameters: Mapping[str, str], since: datetime, until: datetime | None = None
) -> Iterator[Row]:
    """The rows of every window of time."""
    for start, end in windows(since, until or datetime.now(UTC)):
        yield from rows(api, {**parameters, "initialDate": local(start), "finalDate": local(end)})


def windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From ``since`` to ``until`` in steps that PagSeguro takes."""
    start = max(since, until - FARTHEST)
    while start < until:
        end = min(start + LONGEST_SPAN, until)
        yield start, end
        start = end


def local(time: datetime) -> str:
    """A time as searches want it: the seller's, to the minute."""
    return time.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")


def rows(api: Api, parameters: Mapping[str, str]) -> Iterator[Row]:
    """The rows of all pages. How many pages there are, each page says anew."""
    number = pages = 1
    while number <= min(pages, MOST_PAGES):
        found = search_page(api, {**parameters, "page": number, "maxPageResults": PAGE_SIZE})
        yield from found.rows
        number, pages = number + 1, found.pages


def search_page(api: Api, parameters: Mapping[str, str | int]) -> Page:
    """One page. What is no page of a search is no answer, and never "not paid"."""
    body = get_legacy(api, "/v2/transactions", parameters)
    require_root(body, "transactionSearchResult")
    try:
        return documents.page(body)
    except PayloadError as error:
        raise UnavailableError(f"A search could not be read: {error}") from error


# Keys and credentials


def fetch_public_key(api: Api) -> bytes:
    """PagBank's key for ``x-payload-signature``, a secret of ``verify`` until it is changed."""
    body = get_json(api, "/public-keys", hosts(api).v4, {"type": "webhook"})
    return read_json(PUBLIC_KEY, body).public_key.encode()


def ping(api: Api) -> None:
    """Try the credentials: the legacy ones if there is an e-mail, for they are harder to get right.

    Raises DeniedError or UnavailableError.
    """
    if not api.credentials.get("email"):
        fetch_public_key(api)
        return
    now = datetime.now(UTC)
    span = {"initialDate": local(now - timedelta(hours=1)), "finalDate": local(now)}
    search_page(api, {**span, "page": 1, "maxPageResults": 1})


# Both generations


def hosts(api: Api) -> Hosts:
    """The hosts of the same environment; one that is neither stands for all of them."""
    known = (one for one in (PRODUCTION, SANDBOX) if api.base_url in one)
    return next(known, Hosts(api.base_url, api.base_url, api.base_url))


def credential(api: Api, name: str) -> str:
    """Raises DeniedError, before anything is asked, where it is not set."""
    if not (value := api.credentials.get(name, "")):
        raise DeniedError(f"PagSeguro's {name} is not set (PAGSEGURO_{name.upper()})")
    return value


def ask_legacy(api: Api, path: str, answer: str) -> RawRequest:
    """An answer in XML, as it enters the inbox."""
    body = get_legacy(api, path, {})
    require_root(body, ROOTS[answer])
    return http.answer(answer, body)


def get_legacy(api: Api, path: str, parameters: Mapping[str, str | int]) -> bytes:
    """The bytes of an answer; e-mail and token travel in the query.

    Raises ApiError with status 400 for a code that PagSeguro does not know with our credentials.
    """
    proof = {"email": credential(api, "email"), "token": credential(api, "token")}
    try:
        return http.get(api, path, parameters={**proof, **parameters}, base_url=hosts(api).legacy)
    except ApiError as error:
        if error.status != 400:
            raise
        message = "refused: the code or a parameter is forged, of another account, or wrong"
        raise ApiError(f"GET {path}: {message}", status=400) from error


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


def get_json(api: Api, path: str, host: str, parameters: Mapping[str, str] | None = None) -> bytes:
    """The bytes of an answer of v4."""
    headers = {
        "Authorization": f"Bearer {credential(api, 'token')}",
        "Accept": "application/json",
    }
    return http.get(api, path, parameters=parameters, headers=headers, base_url=host)


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises UnavailableError for what is not the JSON that was asked for."""
    try:
        return decode(decoder, body)
    except PayloadError as error:
        raise UnavailableError(f"PagBank did not answer as documented: {error}") from error
