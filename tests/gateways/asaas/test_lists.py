"""Listing what was sold, page by page, against a real server on this machine."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.asaas import ASAAS, lists
from recibo.gateways.contract import ANSWER, Api, List, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

SINCE = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)  # midnight in Brasília
UNTIL = SINCE + timedelta(days=1)
EMPTY = Canned(body=recorded("asaas/api_payments_list_empty").body)
PAGE = Canned(body=recorded("asaas/api_payments_list_page_2").body)
SUBSCRIPTIONS = "/v3/subscriptions"
PAYMENTS = "/v3/payments"

MOST_PAGES = 50
Filter = Callable[[Asked], bool]


def everything(ask: List, api: Api, since: datetime = SINCE, until: datetime = UNTIL) -> list[Any]:
    """All the pages, by their cursors; a list without an end fails."""
    found: list[RawRequest] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = ask(api, since, until, cursor)
        found += page.answers
        if not (cursor := page.cursor):
            return found
    raise AssertionError("The list has no end")


def paged(
    rows: list[dict[str, Any]], matches: Filter = lambda _: True
) -> Callable[[Asked], Canned]:
    """Answers as Asaas does: from an offset on, so many at once, and whether there are more."""

    def answer(asked: Asked) -> Canned:
        chosen = rows if matches(asked) else []
        offset, limit = int(asked.query["offset"][0]), int(asked.query["limit"][0])
        page = chosen[offset : offset + limit]
        return told({"object": "list", "hasMore": offset + limit < len(chosen), "data": page})

    return answer


def sale(number: int, **changes: Any) -> dict[str, Any]:
    body = json.loads(recorded("asaas/api_payment_pix_received").body)
    return body | {"id": f"pay_{number}"} | changes


def ids(found: list[RawRequest]) -> list[str]:
    return [ASAAS.identify(one).charge_id for one in found]


def filters(asked: Asked) -> dict[str, str]:
    """What was asked for, but for the page."""
    return {name: text for name, (text,) in asked.query.items() if name not in {"offset", "limit"}}


def test_sales_are_those_made_due_or_paid_and_those_given_back_later(
    server: GatewayServer, asaas: Api
) -> None:
    server.routes[PAYMENTS] = EMPTY
    assert everything(lists.list_sales, asaas) == []
    day = "2026-10-05"
    recent = {"dateCreated[ge]": "2026-04-08", "dateCreated[le]": day}
    assert [filters(asked) for asked in server.asked] == [
        *({f"{name}[ge]": day, f"{name}[le]": day} for name in BY_DAY),
        *({**recent, "status": status} for status in lists.LATER),
    ]


BY_DAY = ("dateCreated", "dueDate", "paymentDate")


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (SINCE, UNTIL, "2026-10-05", "2026-10-05"),
        (SINCE - timedelta(seconds=1), UNTIL, "2026-10-04", "2026-10-05"),
        (SINCE, UNTIL + timedelta(seconds=1), "2026-10-05", "2026-10-06"),
    ],
)
def test_a_window_is_made_of_whole_days_of_brasilia(
    server: GatewayServer, asaas: Api, since: datetime, until: datetime, first: str, last: str
) -> None:
    server.routes[PAYMENTS] = EMPTY
    lists.list_sales(asaas, since, until, "")
    assert filters(server.asked[0]) == {"dateCreated[ge]": first, "dateCreated[le]": last}


def test_many_sales_come_in_pages_each_an_answer_of_its_own(
    server: GatewayServer, asaas: Api
) -> None:
    rows = [sale(number) for number in range(250)]
    server.routes[PAYMENTS] = paged(rows, lambda asked: "paymentDate[ge]" in asked.query)
    found = everything(lists.list_sales, asaas)
    assert ids(found) == [f"pay_{number}" for number in range(250)]
    assert {one.headers[ANSWER] for one in found} == {b"payment"}
    assert json.loads(found[7].body) == rows[7]
    offsets = [asked.query["offset"] for asked in server.asked if "paymentDate[ge]" in asked.query]
    assert offsets == [["0"], ["100"], ["200"]]


def test_an_answer_is_the_bytes_that_came(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENTS] = PAGE
    (answer,) = lists.list_sales(asaas, SINCE, UNTIL, "").answers
    assert answer.body in PAGE.body
    assert b'"value": 484.34' in answer.body


def test_listing_again_finds_the_same_news(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENTS] = paged([sale(number) for number in range(150)])
    first = {ASAAS.identify(one).event_id for one in everything(lists.list_sales, asaas)}
    second = {ASAAS.identify(one).event_id for one in everything(lists.list_sales, asaas)}
    assert first == second
    assert len(first) == 150


def test_a_page_can_be_asked_for_again(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENTS] = [
        *(Canned(body=recorded(f"asaas/api_payments_list_page_{page}").body) for page in (1, 2)),
        Canned(503),
        PAGE,
    ]
    cursor = lists.list_sales(asaas, SINCE, UNTIL, "").cursor
    again = lists.list_sales(asaas, SINCE, UNTIL, cursor)
    with pytest.raises(UnavailableError):
        lists.list_sales(asaas, SINCE, UNTIL, cursor)
    assert ids(list(lists.list_sales(asaas, SINCE, UNTIL, cursor).answers)) == ids(
        list(again.answers)
    )


def test_a_list_that_promises_more_and_gives_nothing_ends(
    server: GatewayServer, asaas: Api
) -> None:
    server.routes[PAYMENTS] = told({"data": [], "hasMore": True})
    server.routes[SUBSCRIPTIONS] = told({"data": [], "hasMore": True})
    assert everything(lists.list_sales, asaas) == []
    assert everything(lists.list_subscriptions, asaas) == []


def test_one_sale_that_cannot_be_read_does_not_hide_the_others(
    server: GatewayServer, asaas: Api
) -> None:
    server.routes[PAYMENTS] = told({"data": [{"id": "pay_1"}, sale(2), 7], "hasMore": False})
    assert len(lists.list_sales(asaas, SINCE, UNTIL, "").answers) == 3


def test_all_subscriptions_are_listed_removed_ones_too(server: GatewayServer, asaas: Api) -> None:
    body = json.loads(recorded("asaas/api_subscription_active").body)
    rows = [body | {"id": f"sub_{number}", "deleted": number == 7} for number in range(120)]
    server.routes[SUBSCRIPTIONS] = paged(rows)
    found = everything(lists.list_subscriptions, asaas)
    assert {one.headers[ANSWER] for one in found} == {b"subscription"}
    codes = [fact.code for one in found for fact in ASAAS.parse(one)]  # type: ignore[union-attr]
    assert codes == [row["id"] for row in rows]
    assert [filters(asked) for asked in server.asked] == [{"includeDeleted": "true"}] * 2


def test_a_recorded_list_of_subscriptions_is_read(server: GatewayServer, asaas: Api) -> None:
    server.routes[SUBSCRIPTIONS] = Canned(body=recorded("asaas/api_subscriptions_list").body)
    (answer,) = everything(lists.list_subscriptions, asaas)
    assert ASAAS.identify(answer).gateway_event == "subscription/ACTIVE"


@pytest.mark.parametrize("ask", [lists.list_sales, lists.list_subscriptions])
@pytest.mark.parametrize("cursor", ["9|0", "x", "0", "0|", "0|x", "-1|0", "²|0", "99|1"])
def test_a_cursor_that_is_none_is_refused(
    server: GatewayServer, asaas: Api, ask: List, cursor: str
) -> None:
    with pytest.raises(ApiError, match="begin it again"):
        ask(asaas, SINCE, UNTIL, cursor)
    assert not server.asked


@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(401), DeniedError),
        (Canned(502), UnavailableError),
        (Canned(429, {"ratelimit-reset": "7"}), UnavailableError),
        (Canned(body=b"<html>"), UnavailableError),
        (told([]), UnavailableError),
        (told({"data": {}}), UnavailableError),
        (told({"hasMore": False}), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, asaas: Api, canned: Canned, error: type[ApiError]
) -> None:
    server.routes[PAYMENTS] = server.routes[SUBSCRIPTIONS] = canned
    for ask in (lists.list_sales, lists.list_subscriptions):
        with pytest.raises(error):
            ask(asaas, SINCE, UNTIL, "")


def test_a_full_quota_says_how_long_it_lasts(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENTS] = Canned(429, {"ratelimit-reset": "7"})
    with pytest.raises(UnavailableError) as busy:
        lists.list_sales(asaas, SINCE, UNTIL, "")
    assert busy.value.retry_after == timedelta(seconds=7)
