"""Hotmart's lists: pages of a window of time, and the place that was reached.

Source: "Pagination", Hotmart developers. A cursor is a place as JSON. A page's token that Hotmart
takes no longer is an ApiError (400): list again from the start, which is harmless.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from recibo.gateways.contract import Api
from recibo.gateways.errors import ApiError, PayloadError, UnavailableError
from recibo.gateways.hotmart import access
from recibo.gateways.hotmart.values import Code, decode

#: Rows of a page. Hotmart gives 500 at most; fewer are quicker.
ROWS = 200
#: Nothing of Hotmart's is older.
BEGINNING = datetime(2011, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000  # milliseconds
#: Days of a window that was too slow: a query of more than 30 seconds ends with a 502.
NARROW = 1
#: The status of what was too slow, for Hotmart (502, 504) or for us (0: no answer in time).
SLOW = frozenset({0, 502, 504})

LONGEST_TOKEN = 2000


class PageInfo(Struct):
    next_page_token: str | None = None


class Page(Struct):
    """One page of any list."""

    items: list[Raw] = []
    page_info: PageInfo | None = None

    @property
    def next_token(self) -> str:
        """What asks for the next page; "" after the last."""
        return (self.page_info and self.page_info.next_page_token) or ""


PAGE = msgspec.json.Decoder(Page)


class Place(Struct, omit_defaults=True):
    """How far a listing has come: the window at ``start`` (milliseconds), and within it."""

    start: int
    days: int
    part: int = 0
    #: By the name of a list: what asks for its next page.
    tokens: dict[Code, str] = {}

    def end(self, until: int) -> int:
        """Where the window ends, in milliseconds."""
        return min(self.start + self.days * DAY, until)


PLACE = msgspec.json.Decoder(Place)


def ask(api: Api, path: str, parameters: Mapping[str, Any], token: str = "") -> Page:
    """A page of a list; an empty body, as some lists have it, is an empty page."""
    asked = {"max_results": ROWS, **parameters, **({"page_token": token} if token else {})}
    body = access.get(api, path, asked)
    if not body.strip():
        return Page()
    try:
        page = decode(PAGE, body)
    except PayloadError as error:
        raise UnavailableError(f"GET {path}: the answer cannot be read", status=200) from error
    if (page.next_token and page.next_token == token) or len(page.next_token) > LONGEST_TOKEN:
        raise UnavailableError(f"GET {path}: the pages have no end", status=200)
    return page


def at(cursor: str, since: datetime, days: int) -> Place:
    """The place that a cursor names, else the beginning. Raises ApiError for what is no cursor."""
    if not cursor:
        return Place(start=milliseconds(max(since, BEGINNING)), days=days)
    try:
        return PLACE.decode(cursor)
    except msgspec.MsgspecError as error:
        raise ApiError("not a cursor of a list of Hotmart's") from error


def after(place: Place, until: int, *, parts: int, tokens: Mapping[str, str]) -> str:
    """The cursor of the next page: of this window, of its next part, or of the next window."""
    if tokens:
        return written(msgspec.structs.replace(place, tokens=dict(tokens)))
    if place.part + 1 < parts:
        return written(msgspec.structs.replace(place, part=place.part + 1, tokens={}))
    end = place.end(until)
    return written(Place(start=end, days=place.days)) if end < until else ""


def written(place: Place) -> str:
    """A place as a cursor."""
    return msgspec.json.encode(place).decode()


def narrower(place: Place, error: UnavailableError) -> Place:
    """The place again with a window that is quick. Raises the error where that is no remedy."""
    if error.status not in SLOW or place.tokens or place.days <= NARROW:
        raise error
    return msgspec.structs.replace(place, days=NARROW)


def milliseconds(moment: datetime) -> int:
    """Hotmart's clock, rounded up: none of its times has a fraction of a millisecond."""
    return -((EPOCH - moment) // timedelta(milliseconds=1))
