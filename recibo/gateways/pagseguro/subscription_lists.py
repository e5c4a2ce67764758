"""Which subscriptions there are: by their dates in the XML API, all of them in v4.

Source: "Consulta de assinaturas por data" and "por notificação", PagSeguro developers v1;
"Listar assinaturas", PagBank developers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, Listed
from recibo.gateways.errors import DeniedError, NotFoundError, PayloadError
from recibo.gateways.pagseguro import calls, listed, windows
from recibo.gateways.pagseguro.charges import page_at
from recibo.gateways.pagseguro.documents import PRE_APPROVALS
from recibo.gateways.pagseguro.reading import decode, moment

PAGE_SIZE = 100


class Dated(Struct):
    """What tells of a v4 subscription when it changed."""

    id: str
    created_at: str | None = None
    updated_at: str | None = None


class Subscriptions(Struct):
    subscriptions: list[Raw] = []


DATED = msgspec.json.Decoder(Dated)
SUBSCRIPTIONS = msgspec.json.Decoder(Subscriptions)


class Part(NamedTuple):
    """A part of the list: what reads a page of it, and which part follows."""

    read: Callable[[Api, datetime, datetime, str], Listed]
    following: str
    #: The part that follows where our credentials are not for this one; None: then it is an error.
    denied: str | None


def list_subscriptions(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """What was begun or changed, in parts, one after the other.

    An account has rarely both generations: one that denies us holds nothing of ours, unless the
    other denies us too. The XML API tells of changes within the last 30 days only.
    """
    first = "made" if calls.has_legacy(api) else "only"
    name, _, place = (cursor or f"{first}:").partition(":")
    part = PARTS[name]
    try:
        page = part.read(api, since, until, place)
    except NotFoundError:
        return Listed([], start_of(part.following))
    except DeniedError:
        if part.denied is None:
            raise
        return Listed([], start_of(part.denied))
    return Listed(
        page.answers, f"{name}:{page.cursor}" if page.cursor else start_of(part.following)
    )


def start_of(part: str) -> str:
    """The cursor of a part's first page; "" where no part follows."""
    return f"{part}:" if part else ""


def made(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """Rows of the XML API by when they were made, at most 179 days back."""
    place = windows.place_of(cursor) if cursor else windows.first(since, until)
    if place is None:
        return Listed([])
    page = page_at(api, "/v2/pre-approvals", PRE_APPROVALS, place.parameters(), place.page)
    return Listed(listed.pre_approvals(page.rows), windows.cursor_after(place, page.pages))


def changed(api: Api, since: datetime, _until: datetime, cursor: str) -> Listed:
    """Rows of the XML API with a notification in the last days, 30 at most."""
    number, days = int(cursor or 1), windows.days_since(since)
    interval = {"interval": days}
    page = page_at(api, "/v2/pre-approvals/notifications", PRE_APPROVALS, interval, number)
    following = str(number + 1) if number < min(page.pages, windows.MOST_PAGES) else ""
    return Listed(listed.pre_approvals(page.rows), following)


def v4(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """Whole subscriptions by when they changed. v4 filters by the beginning only: all are read."""
    offset, _, before = cursor.partition("|")
    start = int(offset or 0)
    parameters = {"offset": start, "limit": PAGE_SIZE}
    body = calls.call_v4(api, "/subscriptions", calls.hosts(api).subscriptions, parameters)
    found = calls.read_json(SUBSCRIPTIONS, body).subscriptions
    top = id_of(found[0]) if found else ""
    if not found or top == before:  # the end; or a list that begins anew whatever is asked
        return Listed([])
    told = [bytes(one) for one in found if is_within(one, since, until)]
    answers = [http.answer("subscription", body) for body in told]
    return Listed(answers, f"{start + len(found)}|{top}")


def id_of(subscription: Raw) -> str:
    """Its id; its bytes where it has none."""
    try:
        return decode(DATED, subscription).id
    except PayloadError:
        return bytes(subscription).hex()[:64]


def is_within(subscription: Raw, since: datetime, until: datetime) -> bool:
    """Whether it changed in that time; true where that cannot be told: the inbox will say why."""
    try:
        dated = decode(DATED, subscription)
        return since <= moment(dated.updated_at or dated.created_at or "", "updated_at") < until
    except PayloadError:
        return True


#: The XML API is asked where there is an e-mail; "only" is v4 where it was not, or denied us.
PARTS = {
    "made": Part(made, following="changed", denied="only"),
    "changed": Part(changed, following="v4", denied="only"),
    "v4": Part(v4, following="", denied=""),
    "only": Part(v4, following="", denied=None),
}
