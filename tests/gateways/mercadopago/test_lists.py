"""What Mercado Pago's searches are asked, against a real server that searches."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, Listed, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.gateways.facts import ChargeFact, ChargeStatus, SubscriptionFact, SubscriptionStatus
from recibo.gateways.mercadopago import MERCADOPAGO, lists
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.mercadopago.served import PREAPPROVAL, TOKEN, canned, resource

PAYMENTS, SUBSCRIPTIONS = "/v1/payments/search", "/preapproval/search"
SINCE = datetime(2026, 10, 5, tzinfo=UTC)
UNTIL = datetime(2026, 10, 7, tzinfo=UTC)


@pytest.fixture
def api(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": TOKEN}) as asked:
        yield asked


def search_charges(api: Api, reference: str) -> list[RawRequest]:
    assert MERCADOPAGO.search_charges
    return MERCADOPAGO.search_charges(api, reference)


def every_page(
    api: Api, lists_one: Callable[[Api, datetime, datetime, str], Listed]
) -> list[RawRequest]:
    """The answers of all pages, as a sync asks for them."""
    page = lists_one(api, SINCE, UNTIL, "")
    answers = list(page.answers)
    while page.cursor:
        page = lists_one(api, SINCE, UNTIL, page.cursor)
        answers += page.answers
    return answers


def events(answers: list[RawRequest]) -> list[str]:
    return [MERCADOPAGO.identify(answer).event_id for answer in answers]


def charge(answer: RawRequest) -> ChargeFact:
    fact = MERCADOPAGO.parse(answer)[0]
    assert isinstance(fact, ChargeFact)
    return fact


def paid(number: int, at: datetime, **changes: Any) -> Any:
    """A payment as it was found, changed last at that time."""
    written = at.isoformat(timespec="milliseconds")
    return resource(
        "api_payment_pix_approved", id=90020000000 + number, date_last_updated=written, **changes
    )


def searching(rows: list[Any], most: int = 1000) -> Callable[[Asked], Canned]:
    """A search of payments: it filters by time or reference, sorts, and gives ``most`` a page."""

    def answer(asked: Asked) -> Canned:
        query = {name: values[0] for name, values in asked.query.items()}
        matching = [row for row in rows if matches(row, query)]
        matching.sort(key=lambda row: datetime.fromisoformat(row[query["sort"]]))
        offset, limit = int(query["offset"]), min(int(query["limit"]), most)
        return found(matching[offset : offset + limit], len(matching), offset)

    return answer


def matches(row: Any, query: dict[str, str]) -> bool:
    if "external_reference" in query and row["external_reference"] != query["external_reference"]:
        return False
    if "range" not in query:
        return True
    begin, end = (datetime.fromisoformat(query[name]) for name in ("begin_date", "end_date"))
    return begin <= datetime.fromisoformat(row[query["range"]]) <= end


def found(rows: list[Any], total: int | None, offset: int = 0) -> Canned:
    return told({"paging": {"total": total, "limit": 100, "offset": offset}, "results": rows})


# The payments of an order


def test_every_try_at_paying_an_order_is_told(server: GatewayServer, api: Api) -> None:
    pages = {"0": "api_payments_search_page_1", "2": "api_payments_search_page_2"}
    server.routes[PAYMENTS] = lambda asked: canned(pages[asked.query["offset"][0]])
    answers = search_charges(api, "PED-2026-0002")
    assert [(charge(one).charge_id, charge(one).status) for one in answers] == [
        ("90010000002", ChargeStatus.PAID),
        ("90010000004", ChargeStatus.FAILED),
    ]
    assert {charge(one).order_reference for one in answers} == {"PED-2026-0002"}
    assert [asked.query["external_reference"] for asked in server.asked] == [["PED-2026-0002"]] * 2
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_payment_that_was_found_is_the_same_news_as_one_that_was_read(
    server: GatewayServer, api: Api
) -> None:
    server.routes[PAYMENTS] = [canned(f"api_payments_search_page_{n}") for n in (1, 2)]
    server.routes["/v1/payments/90010000001"] = canned("api_payment_pix_approved")
    (answer,) = search_charges(api, "PED-2026-0001")
    assert MERCADOPAGO.fetch_charge
    (read,) = MERCADOPAGO.fetch_charge(api, "90010000001")
    assert events([answer]) == events([read])
    assert answer.headers == read.headers
    assert json.loads(answer.body) == json.loads(read.body)


def test_an_order_that_nobody_tried_to_pay_has_no_payments(server: GatewayServer, api: Api) -> None:
    server.routes[PAYMENTS] = canned("api_payments_search_empty")
    assert search_charges(api, "PED-2026-0009") == []


def test_a_search_that_ignores_the_reference_is_given_up(
    server: GatewayServer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_TRIES", 6)
    server.routes[PAYMENTS] = found([paid(n, SINCE) for n in range(3)], 1_000_000)
    assert search_charges(api, "PED-2026-0009") == []
    assert [asked.query["offset"] for asked in server.asked] == [["0"], ["3"]]


@pytest.mark.parametrize("reference", ["", "  "])
def test_no_reference_is_not_searched_for(server: GatewayServer, api: Api, reference: str) -> None:
    assert search_charges(api, reference) == []
    assert server.asked == []


def test_a_reference_cannot_add_a_question_of_its_own(server: GatewayServer, api: Api) -> None:
    server.routes[PAYMENTS] = canned("api_payments_search_empty")
    search_charges(api, "A&status=approved#ção")
    assert server.asked[0].query["external_reference"] == ["A&status=approved#ção"]
    assert "status" not in server.asked[0].query


# What changed


def sales(api: Api) -> list[RawRequest]:
    return every_page(api, lists.list_sales)


def test_changes_are_asked_for_by_the_time_of_the_change(server: GatewayServer, api: Api) -> None:
    server.routes[PAYMENTS] = canned("api_payments_search_empty")
    assert MERCADOPAGO.list_sales
    assert MERCADOPAGO.list_sales(api, SINCE, UNTIL, "") == Listed([], "")
    assert server.asked[0].query == {
        "range": ["date_last_updated"],
        "begin_date": ["2026-10-04T23:45:00.000Z"],  # a search lags behind
        "end_date": ["2026-10-07T00:00:00.000Z"],
        "sort": ["date_last_updated"],
        "criteria": ["asc"],
        "limit": ["100"],
        "offset": ["0"],
    }


@pytest.mark.parametrize("most", [2, 7, 100])
def test_every_change_is_told_whatever_the_size_of_a_page(
    server: GatewayServer, api: Api, most: int
) -> None:
    rows = [paid(n, SINCE + timedelta(minutes=n)) for n in range(20)]
    server.routes[PAYMENTS] = searching(rows, most)
    answers = sales(api)
    assert {charge(one).charge_id for one in answers} == {str(row["id"]) for row in rows}
    assert {one.headers[ANSWER] for one in answers} == {b"payment"}
    assert {one.headers[b"x-recibo-collector"] for one in answers} == {b"700000001"}


def test_the_same_list_again_is_no_news(server: GatewayServer, api: Api) -> None:
    rows = [paid(n, SINCE + timedelta(minutes=n)) for n in range(5)]
    server.routes[PAYMENTS] = searching(rows, 2)
    first, again = events(sales(api)), events(sales(api))
    assert set(first) == set(again)
    assert len(set(first)) == 5


def test_a_payment_that_changes_meanwhile_hides_none(server: GatewayServer, api: Api) -> None:
    rows = [paid(n, SINCE + timedelta(minutes=n)) for n in range(6)]
    server.routes[PAYMENTS] = searching(rows, 3)
    first = lists.list_sales(api, SINCE, UNTIL, "")
    rows[0] = paid(0, UNTIL + timedelta(hours=1))  # leaves the list: all others move up
    second = lists.list_sales(api, SINCE, UNTIL, first.cursor)
    shown = {charge(one).charge_id for one in [*first.answers, *second.answers]}
    assert {str(row["id"]) for row in rows[:5]} <= shown


def test_many_changes_at_one_instant_are_all_told(server: GatewayServer, api: Api) -> None:
    rows = [paid(n, SINCE + timedelta(hours=1)) for n in range(7)] + [paid(7, UNTIL)]
    server.routes[PAYMENTS] = searching(rows, 2)
    assert len(set(events(sales(api)))) == 8


@pytest.mark.parametrize("unsorted", [[3, 1, 2], [1, None, 3], [1, "then", 3]])
def test_results_without_order_are_counted_instead(
    server: GatewayServer, api: Api, unsorted: list[Any]
) -> None:
    rows = [paid(n, SINCE + timedelta(hours=n)) for n in range(3)]
    for row, hour in zip(rows, unsorted, strict=True):
        is_hour = isinstance(hour, int)
        row["date_last_updated"] = (SINCE + timedelta(hours=hour)).isoformat() if is_hour else hour
    server.routes[PAYMENTS] = [found(rows, 4), found([paid(9, UNTIL)], 4, 3)]
    assert len(sales(api)) == 4
    assert [asked.query["offset"] for asked in server.asked] == [["0"], ["3"]]
    assert len({asked.query["begin_date"][0] for asked in server.asked}) == 1


def test_without_a_total_the_list_goes_on_until_nothing_is_found(
    server: GatewayServer, api: Api
) -> None:
    rows = [paid(n, SINCE + timedelta(minutes=n)) for n in range(2)]
    server.routes[PAYMENTS] = [told({"results": rows}), found(rows[1:], None), found([], None)]
    assert len(set(events(sales(api)))) == 2
    assert len(server.asked) == 3


def test_a_refund_of_an_old_sale_is_a_change(server: GatewayServer, api: Api) -> None:
    server.routes[PAYMENTS] = found([resource("api_payment_refunded")], 1)
    assert [charge(one).status for one in sales(api)] == [ChargeStatus.REFUNDED]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (canned("api_error_unauthorized_401"), DeniedError),
        (canned("api_error_too_many_requests_429"), UnavailableError),
        (canned("api_error_internal_500"), UnavailableError),
        (Canned(400, {}, b'{"message":"Invalid range"}'), ApiError),
        (Canned(200, {}, b"<html>"), UnavailableError),
        (Canned(200, {}, b'{"results":7}'), UnavailableError),
        (Canned(200, {}, b"[]"), UnavailableError),
        (Canned(200, {}, b'{"results":[7],"paging":{"total":9}}'), UnavailableError),
        (Canned(delay=1.0), UnavailableError),
    ],
)
@pytest.mark.parametrize("path", [PAYMENTS, SUBSCRIPTIONS])
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, api: Api, path: str, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[path] = answer
    list_of = lists.list_sales if path == PAYMENTS else lists.list_subscriptions
    with pytest.raises(ApiError) as failed:
        list_of(api, SINCE, UNTIL, "")
    assert type(failed.value) is error
    assert TOKEN not in str(failed.value)


def test_too_many_requests_say_when_to_come_back(server: GatewayServer, api: Api) -> None:
    server.routes[PAYMENTS] = canned("api_error_too_many_requests_429")
    with pytest.raises(UnavailableError) as busy:
        lists.list_sales(api, SINCE, UNTIL, "")
    assert busy.value.retry_after == timedelta(seconds=30)


def test_without_a_token_nothing_is_asked(server: GatewayServer) -> None:
    with asking(server.url) as api, pytest.raises(DeniedError):
        lists.list_sales(api, SINCE, UNTIL, "")
    assert server.asked == []


# Subscriptions


def subscription(number: int, status: str, at: datetime) -> dict[str, Any]:
    """A subscription as it is read by its id."""
    return dict(
        resource(
            f"api_preapproval_{status}",
            id=f"{number:032x}",
            last_modified=at.isoformat(timespec="milliseconds"),
        )
    )


def serve(server: GatewayServer, subscriptions: list[dict[str, Any]]) -> None:
    """Search and read them. The search tells less, as measured."""
    rows = [one | {"summarized": {}, "next_payment_date": None} for one in subscriptions]

    def answer(asked: Asked) -> Canned:
        offset, limit = int(asked.query["offset"][0]), int(asked.query["limit"][0])
        return found(rows[offset : offset + limit], len(rows), offset)

    server.routes[SUBSCRIPTIONS] = answer
    for one in subscriptions:
        server.routes[f"/preapproval/{one['id']}"] = told(one)


def subscriptions(api: Api) -> list[RawRequest]:
    return every_page(api, lists.list_subscriptions)


def test_subscriptions_are_searched_without_a_status_for_that_hides_some(
    server: GatewayServer, api: Api
) -> None:
    server.routes[SUBSCRIPTIONS] = canned("api_preapproval_search")
    server.routes[f"/preapproval/{PREAPPROVAL}"] = canned("api_preapproval_authorized")
    assert MERCADOPAGO.list_subscriptions
    page = MERCADOPAGO.list_subscriptions(api, SINCE, UNTIL, "")
    (fact,) = MERCADOPAGO.parse(page.answers[0])
    assert isinstance(fact, SubscriptionFact)
    assert (fact.code, fact.status) == (PREAPPROVAL, SubscriptionStatus.ACTIVE)
    assert page.cursor == ""
    assert server.asked[0].query == {
        "sort": ["date_created:asc"],
        "limit": ["20"],
        "offset": ["0"],
    }


def test_every_subscription_is_told_over_several_pages(server: GatewayServer, api: Api) -> None:
    serve(server, [subscription(n, "authorized", SINCE) for n in range(45)])
    answers = subscriptions(api)
    assert len(set(events(answers))) == 45
    assert set(events(subscriptions(api))) == set(events(answers))


def test_a_subscription_is_read_because_the_search_leaves_things_out(
    server: GatewayServer, api: Api
) -> None:
    paying = subscription(1, "authorized", SINCE)
    paying["auto_recurring"]["free_trial"] = {"frequency": 1, "frequency_type": "months"}
    serve(server, [paying])
    (fact,) = MERCADOPAGO.parse(subscriptions(api)[0])
    assert isinstance(fact, SubscriptionFact)
    assert fact.status is SubscriptionStatus.ACTIVE  # not the trial that the search would tell
    assert fact.next_billing_at is not None


def test_only_what_changed_in_the_span_is_read(server: GatewayServer, api: Api) -> None:
    times = {
        1: SINCE - timedelta(minutes=16),
        2: SINCE - timedelta(minutes=14),  # the last list may have come too early for it
        3: SINCE,
        4: UNTIL - timedelta(milliseconds=1),
        5: UNTIL,
    }
    serve(server, [subscription(n, "cancelled", at) for n, at in times.items()])
    subscriptions(api)
    assert [path[-1] for path in server.paths[1:]] == ["2", "3", "4"]


def test_a_subscription_that_does_not_say_when_it_changed_is_read(
    server: GatewayServer, api: Api
) -> None:
    silent = subscription(1, "paused", SINCE)
    serve(server, [silent | {"last_modified": None}])
    assert len(subscriptions(api)) == 1


def test_a_subscription_that_nobody_authorized_is_left_out(server: GatewayServer, api: Api) -> None:
    serve(server, [subscription(1, "pending", SINCE), subscription(2, "paused", SINCE)])
    (answer,) = subscriptions(api)
    assert MERCADOPAGO.identify(answer).gateway_event == "preapproval.paused"


def test_one_that_is_gone_does_not_hold_up_the_others(server: GatewayServer, api: Api) -> None:
    serve(server, [subscription(n, "authorized", SINCE) for n in range(3)])
    server.routes[f"/preapproval/{1:032x}"] = Canned(404)
    assert len(subscriptions(api)) == 2


def test_one_that_cannot_be_read_now_is_asked_for_again(server: GatewayServer, api: Api) -> None:
    serve(server, [subscription(n, "authorized", SINCE) for n in range(3)])
    server.routes[f"/preapproval/{1:032x}"] = Canned(500)
    with pytest.raises(UnavailableError):
        subscriptions(api)


def test_an_id_of_a_subscription_is_never_a_path(server: GatewayServer, api: Api) -> None:
    row = subscription(1, "authorized", SINCE) | {"id": "../users/me"}
    server.routes[SUBSCRIPTIONS] = found([row], 1)
    with pytest.raises(UnavailableError):
        subscriptions(api)
    assert server.paths == [SUBSCRIPTIONS]
