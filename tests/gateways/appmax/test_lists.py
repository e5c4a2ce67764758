"""What AppMax's lists are asked, against a real server with pages."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.appmax import APPMAX, lists
from recibo.gateways.contract import ANSWER, Api, Listed, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.gateways.facts import ChargeFact, SubscriptionFact, SubscriptionStatus
from tests.gateways.appmax.served import KEY, TOKEN_PATH, application_credentials, whole
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.recordings import recorded

ORDERS, SUBSCRIPTIONS = "/api/v3/order", "/v1/subscriptions"
SINCE = datetime(2026, 10, 5, 3, tzinfo=UTC)  # midnight in São Paulo
UNTIL = SINCE + timedelta(days=1)

List = Callable[[Api, datetime, datetime, str], Listed]


@pytest.fixture
def store(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": KEY}) as account:
        yield account


@pytest.fixture
def application(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, application_credentials(server)) as account:
        yield account


def every_page(api: Api, lists_one: List) -> list[RawRequest]:
    """The answers of all pages, as a sync asks for them."""
    page = lists_one(api, SINCE, UNTIL, "")
    answers = list(page.answers)
    while page.cursor:
        page = lists_one(api, SINCE, UNTIL, page.cursor)
        answers += page.answers
    return answers


def sales(api: Api) -> list[RawRequest]:
    assert APPMAX.list_sales
    return every_page(api, APPMAX.list_sales)


def subscriptions(api: Api) -> list[RawRequest]:
    assert APPMAX.list_subscriptions
    return every_page(api, APPMAX.list_subscriptions)


def charges(answers: list[RawRequest]) -> list[str]:
    facts = [APPMAX.parse(answer)[0] for answer in answers]
    return [fact.charge_id for fact in facts if isinstance(fact, ChargeFact)]


def codes(answers: list[RawRequest]) -> list[str]:
    facts = [APPMAX.parse(answer)[-1] for answer in answers]
    return [fact.code for fact in facts if isinstance(fact, SubscriptionFact)]


def events(answers: list[RawRequest]) -> set[str]:
    return {APPMAX.identify(answer).event_id for answer in answers}


def pages_read(server: GatewayServer, path: str = ORDERS) -> list[int]:
    return [int(asked.query["page"][0]) for asked in server.asked if asked.path == path]


def order(number: int, hours: float) -> dict[str, Any]:
    """An order made so many hours after ``SINCE``, in AppMax's local time."""
    made_at = (SINCE + timedelta(hours=hours - 3)).strftime("%Y-%m-%d %H:%M:%S")
    recording = json.loads(recorded("appmax/api_v3_order").body)["data"]
    return dict(recording | {"id": number, "created_at": made_at})


def paging(rows: list[dict[str, Any]], size: int = 10) -> Callable[[Asked], Canned]:
    """The list of v3, which pages."""

    def answer(asked: Asked) -> Canned:
        number = int(asked.query["page"][0])
        shown = rows[(number - 1) * size : number * size]
        last_page = max(-(-len(rows) // size), 1)
        data = {"current_page": number, "data": shown, "last_page": last_page}
        return told({"success": True, "text": "Order list", "data": data, "status": 200})

    return answer


# Orders


def test_an_order_of_a_list_is_the_same_news_as_one_that_was_read(
    server: GatewayServer, store: Api
) -> None:
    server.routes[ORDERS] = whole("appmax/api_v3_orders_page")
    server.routes[f"{ORDERS}/200001"] = whole("appmax/api_v3_order")
    server.routes[f"{ORDERS}/200002"] = whole("appmax/api_v3_order_pix_pending")
    listed = sales(store)
    assert APPMAX.fetch_charge
    read = [APPMAX.fetch_charge(store, number)[0] for number in ("200001", "200002")]
    assert [APPMAX.identify(one) for one in listed] == [APPMAX.identify(one) for one in read]
    assert [APPMAX.parse(one) for one in listed] == [APPMAX.parse(one) for one in read]
    assert server.asked[0].query == {"page": ["1"], "access-token": [KEY]}


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_only_the_pages_that_are_new_enough_are_read(
    server: GatewayServer, store: Api, is_newest_first: bool
) -> None:
    rows = [order(n, n - 60) for n in range(75)]
    server.routes[ORDERS] = paging(rows[::-1] if is_newest_first else rows)
    assert sorted(charges(sales(store)), key=int) == [str(n) for n in range(60, 75)]
    assert pages_read(server) == ([1, 2, 3] if is_newest_first else [1, 8, 7, 6])


def test_what_is_made_after_the_span_is_left_for_the_next(
    server: GatewayServer, store: Api
) -> None:
    server.routes[ORDERS] = paging([order(n, n) for n in (0, 23, 24, 25)])
    assert charges(sales(store)) == ["0", "23"]


def test_a_span_long_ago_is_found_behind_newer_orders(server: GatewayServer, store: Api) -> None:
    rows = [order(n, 100 - n) for n in range(105)]
    server.routes[ORDERS] = paging(rows)
    assert len(charges(sales(store))) == 24


@pytest.mark.parametrize(
    "hours",
    [
        [5, -50, 7, -60, -70, -80, 3, 2, 1],  # from the first page on
        [9, 8, 7, 3, 4, 3.5, -9, -8, -7, 6, 5, 4],  # the newest came first until then
        [-9, -8, -7, -6, 3, -5, -4, -3, -2, 1, 3, 2],  # the oldest did: begin again
    ],
)
def test_orders_without_an_order_are_all_looked_at(
    server: GatewayServer, store: Api, hours: list[float]
) -> None:
    server.routes[ORDERS] = paging([order(n, hour) for n, hour in enumerate(hours)], 3)
    assert set(charges(sales(store))) == {str(n) for n, hour in enumerate(hours) if hour >= 0}


def test_orders_of_one_moment_are_all_told(server: GatewayServer, store: Api) -> None:
    server.routes[ORDERS] = paging([order(n, 1) for n in range(25)])
    assert len(charges(sales(store))) == 25


@pytest.mark.parametrize("made_at", [None, "", "soon", 7])
def test_an_order_without_a_time_is_told(server: GatewayServer, store: Api, made_at: Any) -> None:
    server.routes[ORDERS] = paging([order(1, 1), order(2, 2) | {"created_at": made_at}])
    assert len(sales(store)) == 2


def test_orders_that_are_made_meanwhile_hide_none(server: GatewayServer, store: Api) -> None:
    rows = [order(n, n / 10 - 2) for n in range(40)]
    server.routes[ORDERS] = paging(rows)
    page = lists.list_sales(store, SINCE, UNTIL, "")
    told_of = list(page.answers)
    while page.cursor:
        rows.append(order(1000 + len(rows), len(rows) / 10 - 2))
        page = lists.list_sales(store, SINCE, UNTIL, page.cursor)
        told_of += page.answers
    assert {str(n) for n in range(20, 40)} <= set(charges(told_of))


def test_the_same_list_again_is_no_news(server: GatewayServer, store: Api) -> None:
    server.routes[ORDERS] = paging([order(n, n) for n in range(20)])
    assert events(sales(store)) == events(sales(store))


def test_a_store_without_orders_has_an_empty_list(server: GatewayServer, store: Api) -> None:
    server.routes[ORDERS] = paging([])
    assert lists.list_sales(store, SINCE, UNTIL, "") == Listed([], "")


def test_only_a_stores_token_lists_orders(application: Api) -> None:
    with pytest.raises(DeniedError, match="APPMAX_ACCESS_TOKEN"):
        lists.list_sales(application, SINCE, UNTIL, "")


FAILURES = [
    (Canned(500), UnavailableError),
    (Canned(503, {"retry-after": "7"}), UnavailableError),
    (Canned(429, {"retry-after": "45"}), UnavailableError),
    (Canned(401), DeniedError),
    (Canned(400), ApiError),
    (Canned(200, {}, b"<html>"), UnavailableError),
    (Canned(200, {}, b'{"success":true,"data":7}'), UnavailableError),
    (Canned(200, {}, b'{"success":true,"data":[7]}'), UnavailableError),
    (Canned(200, {}, b'{"success":true,"data":{"data":{}}}'), UnavailableError),
    (Canned(delay=1.0), UnavailableError),
]


@pytest.mark.parametrize(
    ("answer", "error"),
    [*FAILURES, (whole("appmax/api_v3_invalid_token"), DeniedError)],
)
def test_every_failure_of_a_list_of_orders_says_what_to_do_next(
    server: GatewayServer, store: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[ORDERS] = answer
    with pytest.raises(ApiError) as failed:
        lists.list_sales(store, SINCE, UNTIL, "")
    assert type(failed.value) is error
    assert KEY not in str(failed.value)


# Subscriptions


def subscription(number: int, **changes: Any) -> dict[str, Any]:
    recording = json.loads(recorded("appmax/api_v1_subscription").body)["data"]
    return dict(recording | {"id": number} | changes)


def without_charges(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "charges"}


def test_a_subscription_of_a_list_is_the_same_news_as_one_that_was_read(
    server: GatewayServer, application: Api
) -> None:
    server.routes[SUBSCRIPTIONS] = told({"data": [subscription(8001)], "meta": {"last_page": 1}})
    server.routes[f"{SUBSCRIPTIONS}/8001"] = whole("appmax/api_v1_subscription")
    (listed,) = subscriptions(application)
    assert listed.headers[ANSWER] == b"subscription-v1"
    assert server.paths == [TOKEN_PATH, SUBSCRIPTIONS]
    server.routes[SUBSCRIPTIONS] = told({"data": [without_charges(subscription(8001))]})
    (read,) = subscriptions(application)
    assert APPMAX.identify(listed) == APPMAX.identify(read)
    assert APPMAX.parse(listed) == APPMAX.parse(read)


@pytest.mark.parametrize("form", ["beside", "around", "nowhere"])
def test_every_subscription_is_told_whichever_way_the_pages_are_counted(
    server: GatewayServer, application: Api, form: str
) -> None:
    rows = [subscription(8001 + n) for n in range(7)]

    def answer(asked: Asked) -> Canned:
        number = int(asked.query["page"][0])
        shown = rows[(number - 1) * 3 : number * 3]
        forms: dict[str, Any] = {
            "beside": {"data": shown, "meta": {"current_page": number, "last_page": 3}},
            "around": {"data": {"data": shown, "last_page": "3"}},
            "nowhere": {"data": shown},
        }
        return told(forms[form])

    server.routes[SUBSCRIPTIONS] = answer
    answers = subscriptions(application)
    assert codes(answers) == [str(row["id"]) for row in rows]
    assert pages_read(server, SUBSCRIPTIONS) == [1, 2, 3] + ([4] if form == "nowhere" else [])
    assert events(subscriptions(application)) == events(answers)


def test_a_list_that_does_not_page_is_read_once(server: GatewayServer, application: Api) -> None:
    server.routes[SUBSCRIPTIONS] = told({"data": [subscription(8001), subscription(8002)]})
    assert codes(subscriptions(application)) == ["8001", "8002"]


@pytest.mark.parametrize("data", [[], {"data": []}])
def test_an_application_without_subscriptions_has_an_empty_list(
    server: GatewayServer, application: Api, data: Any
) -> None:
    server.routes[SUBSCRIPTIONS] = told({"data": data})
    assert subscriptions(application) == []


def test_a_subscription_that_did_not_run_in_the_span_is_left_out(
    server: GatewayServer, application: Api
) -> None:
    rows = [
        subscription(1, canceled_at="2026-10-04 23:59:59", status="CANCELED"),
        subscription(2, canceled_at="2026-10-05 00:00:00", status="CANCELED"),
        subscription(3, canceled_at="2027-01-01 00:00:00", status="canceled"),
        subscription(4, created_at="2026-10-06 00:00:00"),
        subscription(5, created_at="2020-01-01 00:00:00"),
    ]
    server.routes[SUBSCRIPTIONS] = told({"data": rows, "meta": {"last_page": 1}})
    assert codes(subscriptions(application)) == ["2", "3", "5"]


def test_both_spellings_of_a_status_are_understood(server: GatewayServer, application: Api) -> None:
    rows = [subscription(1, status="ACTIVE"), subscription(2, status="active")]
    server.routes[SUBSCRIPTIONS] = told({"data": rows, "meta": {"last_page": 1}})
    facts: list[Any] = [APPMAX.parse(one)[-1] for one in subscriptions(application)]
    assert [fact.status for fact in facts] == [SubscriptionStatus.ACTIVE] * 2


def test_one_that_is_gone_does_not_hold_up_the_others(
    server: GatewayServer, application: Api
) -> None:
    rows = [without_charges(subscription(8001)), without_charges(subscription(8002))]
    server.routes[SUBSCRIPTIONS] = told({"data": rows, "meta": {"last_page": 1}})
    server.routes[f"{SUBSCRIPTIONS}/8001"] = whole("appmax/api_v1_subscription")
    assert codes(subscriptions(application)) == ["8001"]


def test_a_token_that_lapses_between_two_pages_is_asked_for_anew(
    server: GatewayServer, application: Api
) -> None:
    pages = [told({"data": [subscription(n)], "meta": {"last_page": 2}}) for n in (1, 2)]
    server.routes[SUBSCRIPTIONS] = [pages[0], Canned(401), pages[1]]
    assert codes(subscriptions(application)) == ["1", "2"]
    assert server.paths.count(TOKEN_PATH) == 2


def test_a_store_has_no_subscriptions_to_list(server: GatewayServer, store: Api) -> None:
    assert subscriptions(store) == []
    assert server.asked == []
    with asking(server.url) as nobody, pytest.raises(DeniedError, match="APPMAX_ACCESS_TOKEN"):
        lists.list_subscriptions(nobody, SINCE, UNTIL, "")


@pytest.mark.parametrize(("answer", "error"), FAILURES)
def test_every_failure_of_a_list_of_subscriptions_says_what_to_do_next(
    server: GatewayServer, application: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[SUBSCRIPTIONS] = answer
    with pytest.raises(ApiError) as failed:
        lists.list_subscriptions(application, SINCE, UNTIL, "")
    assert type(failed.value) is error


def test_too_many_requests_say_how_long_to_wait(server: GatewayServer, application: Api) -> None:
    server.routes[SUBSCRIPTIONS] = whole("appmax/api_v1_too_many_requests_429")
    with pytest.raises(UnavailableError) as busy:
        lists.list_subscriptions(application, SINCE, UNTIL, "")
    assert busy.value.retry_after == timedelta(seconds=45)
