"""Listing what was sold, page by page, over real sockets."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, List, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.gateways.facts import ChargeFact, ChargeStatus
from recibo.gateways.stone import STONE, lists
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

SINCE = datetime(2025, 6, 1, 3, 0, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)
CHARGES, ORDERS = "/core/v5/charges", "/core/v5/orders"
SUBSCRIPTIONS = "/core/v5/subscriptions"
MOST_PAGES = 50
Filter = Callable[[Asked], bool]


def read(name: str) -> Canned:
    return Canned(body=recorded(f"stone/{name}").body)


EMPTY = read("api-list-empty")


def everything(ask: List, api: Api) -> list[RawRequest]:
    """All the pages, by their cursors; a list without an end fails."""
    found: list[RawRequest] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = ask(api, SINCE, UNTIL, cursor)
        found += page.answers
        if not (cursor := page.cursor):
            return found
    raise AssertionError("The list has no end")


def paged(
    rows: list[dict[str, Any]],
    matches: Filter = lambda _: True,
    *,
    names_next: bool = True,
    largest: int = 1000,
) -> Callable[[Asked], Canned]:
    """Answers as Pagar.me does: by number, and perhaps with the address of the next page."""

    def answer(asked: Asked) -> Canned:
        chosen = rows if matches(asked) else []
        number, asked_size = int(asked.query["page"][0]), int(asked.query["size"][0])
        size = min(asked_size, largest)
        paging: dict[str, Any] = {"total": len(chosen)}
        if names_next and number * size < len(chosen):
            paging["next"] = f"https://elsewhere.example.com/x?page={number + 1}&size={size}"
        return told({"data": chosen[(number - 1) * size : number * size], "paging": paging})

    return answer


def charge(number: int) -> dict[str, Any]:
    body = json.loads(recorded("stone/api-get-charge-paid").body)
    return body | {"id": f"ch_{number:014d}"}


def ids(found: list[RawRequest]) -> list[str]:
    return [STONE.identify(one).charge_id for one in found]


def filters(asked: Asked) -> dict[str, str]:
    """What was asked for, but for the page."""
    return {name: text for name, (text,) in asked.query.items() if name not in {"page", "size"}}


# By the seller's code


def test_a_code_finds_every_order_that_has_it(server: GatewayServer, api: Api) -> None:
    server.routes[ORDERS] = read("api-list-orders-by-code-two")
    found = lists.search_charges(api, "PEDIDO-4004")
    assert [one.headers[ANSWER] for one in found] == [b"order", b"order"]
    facts = [fact for one in found for fact in STONE.parse(one) if isinstance(fact, ChargeFact)]
    assert [(fact.order_reference, fact.status) for fact in facts] == [
        ("PEDIDO-4004", ChargeStatus.FAILED),
        ("PEDIDO-4004", ChargeStatus.PAID),
    ]
    assert [asked.query for asked in server.asked] == [
        {"code": ["PEDIDO-4004"], "page": ["1"], "size": ["100"]}
    ]


def test_a_code_that_nobody_knows_finds_nothing(server: GatewayServer, api: Api) -> None:
    server.routes[ORDERS] = EMPTY
    assert lists.search_charges(api, "PEDIDO 9&status=paid") == []
    assert filters(server.asked[0]) == {"code": "PEDIDO 9&status=paid"}


def test_no_code_is_not_the_code_of_every_order(server: GatewayServer, api: Api) -> None:
    assert lists.search_charges(api, "") == []
    assert server.asked == []


def test_a_search_goes_on_to_its_last_page_and_no_further_than_may_be(
    server: GatewayServer, api: Api
) -> None:
    orders = json.loads(recorded("stone/api-list-orders-by-code-two").body)["data"]
    server.routes[ORDERS] = paged(orders, largest=1)
    assert len(lists.search_charges(api, "PEDIDO-4004")) == 2
    server.routes[ORDERS] = paged(orders * 20, largest=1)
    assert len(lists.search_charges(api, "PEDIDO-4004")) == lists.MOST_PAGES


# By time


def test_sales_are_those_made_and_those_given_back_later(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGES] = EMPTY
    assert everything(lists.list_sales, api) == []
    until = {"created_until": "2025-06-02T03:00:00Z"}
    recent = {"created_since": "2024-12-03T03:00:00Z", **until}
    assert [filters(asked) for asked in server.asked] == [
        {"created_since": "2025-06-01T03:00:00Z", **until},
        {**recent, "status": "canceled"},
        {**recent, "status": "chargedback"},
    ]


def test_a_recorded_list_is_read_to_its_end(server: GatewayServer, api: Api) -> None:
    pages = [read("api-list-charges-page1"), read("api-list-charges-page2"), EMPTY]
    server.routes[CHARGES] = pages
    found = everything(lists.list_sales, api)
    assert ids(found) == [f"ch_Fx0000000000000{number}" for number in (2, 6, 4)]
    assert {one.headers[ANSWER] for one in found} == {b"charge"}
    assert all(one.body in pages[0].body + pages[1].body for one in found)
    assert server.paths == [CHARGES] * 4


def test_a_listed_sale_is_the_one_that_its_webhook_told_of(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGES] = read("api-list-charges-page1")
    card = lists.list_sales(api, SINCE, UNTIL, "").answers[0]
    assert STONE.parse(card) == STONE.parse(recorded("stone/webhook-charge-paid-card"))


@pytest.mark.parametrize("names_next", [True, False])
@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_many_sales_come_in_pages(
    server: GatewayServer, api: Api, names_next: bool, count: int
) -> None:
    rows = [charge(number) for number in range(count)]
    made = paged(rows, lambda asked: "status" not in asked.query, names_next=names_next)
    server.routes[CHARGES] = made
    assert ids(everything(lists.list_sales, api)) == [row["id"] for row in rows]


def test_pages_that_are_smaller_than_asked_for_are_all_read(
    server: GatewayServer, api: Api
) -> None:
    rows = [charge(number) for number in range(70)]
    server.routes[CHARGES] = paged(rows, lambda asked: "status" not in asked.query, largest=30)
    assert ids(everything(lists.list_sales, api)) == [row["id"] for row in rows]


def test_listing_again_finds_the_same_news(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGES] = paged([charge(number) for number in range(120)])
    first, second = (
        {STONE.identify(one).event_id for one in everything(lists.list_sales, api)}
        for _ in range(2)
    )
    assert first == second
    assert len(first) == 120


def test_the_address_of_the_next_page_is_not_followed(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGES] = read("api-list-charges-page1")
    cursor = lists.list_sales(api, SINCE, UNTIL, "").cursor
    lists.list_sales(api, SINCE, UNTIL, cursor)
    assert [asked.query["page"] for asked in server.asked] == [["1"], ["2"]]


def test_a_list_that_promises_more_and_gives_nothing_ends(server: GatewayServer, api: Api) -> None:
    promise = told({"data": [], "paging": {"next": "https://api.pagar.me/x"}})
    server.routes[CHARGES] = server.routes[SUBSCRIPTIONS] = promise
    assert everything(lists.list_sales, api) == []
    assert everything(lists.list_subscriptions, api) == []


def test_all_subscriptions_are_listed_whenever_they_were_made(
    server: GatewayServer, api: Api
) -> None:
    body = json.loads(recorded("stone/api-get-subscription").body)
    rows = [body | {"id": f"sub_{number:014d}"} for number in range(130)]
    server.routes[SUBSCRIPTIONS] = paged(rows)
    found = everything(lists.list_subscriptions, api)
    assert {one.headers[ANSWER] for one in found} == {b"subscription"}
    codes = [fact.code for one in found for fact in STONE.parse(one)]  # type: ignore[union-attr]
    assert codes == [row["id"] for row in rows]
    assert [filters(asked) for asked in server.asked] == [
        {"created_until": "2025-06-02T03:00:00Z"}
    ] * 2


def test_a_recorded_list_of_subscriptions_is_read(server: GatewayServer, api: Api) -> None:
    server.routes[SUBSCRIPTIONS] = read("api-list-subscriptions")
    (answer,) = everything(lists.list_subscriptions, api)
    assert STONE.identify(answer).gateway_event == "subscription/active"


@pytest.mark.parametrize("ask", [lists.list_sales, lists.list_subscriptions])
@pytest.mark.parametrize("cursor", ["9|1", "x", "0", "0|", "0|0", "-1|1", "²|1", "https://x"])
def test_a_cursor_that_is_none_is_refused(
    server: GatewayServer, api: Api, ask: List, cursor: str
) -> None:
    with pytest.raises(ApiError, match="begin it again"):
        ask(api, SINCE, UNTIL, cursor)
    assert server.asked == []


@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(401), DeniedError),
        (Canned(500), UnavailableError),
        (Canned(429, {"retry-after": "7"}), UnavailableError),
        (Canned(body=b"<html>"), UnavailableError),
        (told([]), UnavailableError),
        (told({"data": {}}), UnavailableError),
        (told({"paging": {}}), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, api: Api, canned: Canned, error: type[ApiError]
) -> None:
    for path in (CHARGES, SUBSCRIPTIONS, ORDERS):
        server.routes[path] = canned
    with pytest.raises(error):
        lists.search_charges(api, "PEDIDO-1")
    for ask in (lists.list_sales, lists.list_subscriptions):
        with pytest.raises(error):
            ask(api, SINCE, UNTIL, "")


def test_a_refusal_is_told_in_the_gateways_words(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGES] = Canned(422, body=recorded("stone/api-error-422-validation").body)
    with pytest.raises(ApiError, match=r"422: The request is invalid\. The Email field"):
        lists.list_sales(api, SINCE, UNTIL, "")
