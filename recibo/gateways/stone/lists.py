"""What was sold, and which subscriptions there are, page by page.

Source: "Listar cobranças", "Listar pedidos", "Listar assinaturas", "Paginação", Pagar.me docs v5.
There is no filter by the time of a change.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import ApiError
from recibo.gateways.stone.api import ask, readable

#: What happens to a charge long after it was made. Of a part that was given back its status does
#: not tell.
LATER = ("canceled", "chargedback")
#: How long after it was made a charge is looked for among those.
LATEST = timedelta(days=180)

#: Things on a page. The largest size is published nowhere; this one is in use.
SIZE = 100
#: Pages of one code that are read: nobody orders as often under one code.
MOST_PAGES = 10

#: Where a list goes on: the question, and the page of its answers.
CURSOR = re.compile(r"(\d)\|([1-9]\d{0,8})", re.ASCII)

Question = Mapping[str, str]


class Paging(Struct):
    next: str | None = None  # the whole address of the next page


class Page(Struct):
    """A page of any list. The things in it stay as they came."""

    data: list[Raw]
    paging: Paging | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is a page after it: ``next`` is not always given."""
        is_followed = bool(self.paging and self.paging.next)
        return bool(self.data) and (is_followed or len(self.data) >= SIZE)


PAGE = msgspec.json.Decoder(Page)


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    """The orders with this code, each with its charges. A code can be that of several orders.

    Raises UnavailableError, DeniedError.
    """
    found: list[RawRequest] = []
    if not reference:
        return found  # it would ask for every order of the account
    for number in range(1, MOST_PAGES + 1):
        page = ask_page(api, "/orders", {"code": reference}, number)
        found += answers_of("order", page)
        if not page.has_more:
            break
    return found


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """A page of the charges that were made in this time, and of those made up to half a year
    before that stand cancelled, refunded or charged back.

    Raises UnavailableError, DeniedError.
    """
    recent = between(since - LATEST, until)
    questions = [between(since, until), *({**recent, "status": status} for status in LATER)]
    turn, number = place(cursor, len(questions))
    page = ask_page(api, "/charges", questions[turn], number)
    found = answers_of("charge", page)
    if page.has_more:
        return Listed(found, f"{turn}|{number + 1}")
    return Listed(found, f"{turn + 1}|1" if turn + 1 < len(questions) else "")


def list_subscriptions(
    api: Api,
    since: datetime,  # noqa: ARG001  # one that changed can have been made at any time
    until: datetime,
    cursor: str,
) -> Listed:
    """A page of all subscriptions made before ``until``, whenever they changed.

    Raises UnavailableError, DeniedError.
    """
    _, number = place(cursor, 1)
    page = ask_page(api, "/subscriptions", {"created_until": second(until)}, number)
    following = f"0|{number + 1}" if page.has_more else ""
    return Listed(answers_of("subscription", page), following)


def between(since: datetime, until: datetime) -> Question:
    """The filter for what was made in this time."""
    return {"created_since": second(since), "created_until": second(until)}


def second(moment: datetime) -> str:
    """A time as Pagar.me reads it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ask_page(api: Api, path: str, question: Question, number: int) -> Page:
    """The page with this number, beginning at 1. The address of the next one is not followed: it
    could lead anywhere.
    """
    parameters = {**question, "page": number, "size": SIZE}
    return readable(PAGE, ask(api, "GET", path, parameters=parameters))


def answers_of(resource: str, page: Page) -> list[RawRequest]:
    """An answer for each thing on a page, with the bytes that came."""
    return [http.answer(resource, bytes(one)) for one in page.data]


def place(cursor: str, turns: int) -> tuple[int, int]:
    """Where a list goes on. Raises ApiError for a cursor that is none of ours."""
    found = CURSOR.fullmatch(cursor or "0|1")
    if found is None or int(found[1]) >= turns:
        raise ApiError("The list cannot go on from there: begin it again")
    return int(found[1]), int(found[2])
