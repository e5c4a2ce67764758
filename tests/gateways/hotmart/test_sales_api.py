"""What Hotmart is asked about sales, against a server that hides by default what it hides."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, Listed, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import ChargeFact, ChargeStatus, LeadFact, SubscriptionFact
from recibo.gateways.hotmart import HOTMART, pages, sales_api
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.hotmart.api_server import (
    COMMISSIONS,
    HISTORY,
    NOW,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    USERS,
    Hotmart,
    milliseconds,
    sale,
    subscription,
    whole,
)
from tests.recordings import recorded

SINCE, UNTIL = NOW - timedelta(days=10), NOW + timedelta(minutes=1)


def listed(account: Api, since: datetime = SINCE, until: datetime = UNTIL) -> list[Listed]:
    """Every page, asked for one after the other."""
    found = [sales_api.list_sales(account, since, until, "")]
    while found[-1].cursor:
        found.append(sales_api.list_sales(account, since, until, found[-1].cursor))
    return found


def answers_of(listing: list[Listed]) -> list[RawRequest]:
    return [answer for page in listing for answer in page.answers]


def charges(answers: list[RawRequest]) -> dict[str, ChargeFact]:
    """The charges that answers tell, by their ids."""
    facts = [fact for answer in answers for fact in HOTMART.parse(answer)]
    return {fact.charge_id: fact for fact in facts if isinstance(fact, ChargeFact)}


def many(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Sales, a minute between two."""
    return [
        sale(number, at=NOW - timedelta(minutes=number), **changes)
        for number in range(1, count + 1)
    ]


@pytest.fixture
def two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two."""
    monkeypatch.setattr(pages, "ROWS", 2)


# One sale


def test_an_unpaid_sale_costs_one_call(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = [sale(1, "WAITING_PAYMENT")]
    (answer,) = sales_api.fetch_charge(account, "HP0000000001")
    assert charges([answer])["HP0000000001"].status is ChargeStatus.PENDING
    (asked,) = hotmart.asked
    assert (asked.method, asked.path) == ("GET", HISTORY)
    assert asked.query == {"max_results": ["200"], "transaction": ["HP0000000001"]}


def test_a_paid_sale_is_told_with_its_buyer_and_its_shares(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = [sale(1), sale(2)]
    (answer,) = sales_api.fetch_charge(account, "HP0000000001")
    charge = charges([answer])["HP0000000001"]
    assert charge.customer
    assert charge.customer.phone == "11900000001"
    assert (str(charge.net), str(charge.fee)) == ("87.21", "10.69")


def test_a_paid_sale_of_a_subscription_tells_of_the_subscription_too(
    hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]
    hotmart.subscriptions = [subscription(1, at=NOW - timedelta(days=400))]
    told_sale, told_subscription = sales_api.fetch_charge(account, "HP0000000001")
    assert charges([told_sale])["HP0000000001"].subscription_code == "SUB00001"
    (fact,) = HOTMART.parse(told_subscription)
    assert isinstance(fact, SubscriptionFact)
    assert fact.code == "SUB00001"


@pytest.mark.parametrize("status", ["REFUNDED", "EXPIRED", "CHARGEBACK", "OVERDUE"])
def test_no_status_is_hidden(hotmart: Hotmart, account: Api, status: str) -> None:
    hotmart.sales = [sale(1, status)]
    (answer,) = sales_api.fetch_charge(account, "HP0000000001")
    assert json.loads(answer.body)["sale"]["purchase"]["status"] == status


def test_an_unknown_transaction_is_not_found(account: Api) -> None:
    with pytest.raises(NotFoundError):
        sales_api.fetch_charge(account, "HP0000000001")


def test_an_answer_about_another_sale_is_not_taken(server: GatewayServer, account: Api) -> None:
    server.routes[HISTORY] = told({"items": [sale(2)]})
    server.routes["POST /security/oauth/token"] = told({"access_token": "x", "expires_in": 900})
    with pytest.raises(NotFoundError):
        sales_api.fetch_charge(account, "HP0000000001")


@pytest.mark.parametrize("charge_id", ["", "HP1/../x", "HP 1", "x" * 41, "HP1000000001&a", "ação1"])
def test_what_is_no_transaction_is_not_asked_for(
    server: GatewayServer, account: Api, charge_id: str
) -> None:
    with pytest.raises(NotFoundError):
        sales_api.fetch_charge(account, charge_id)
    assert not server.asked


@pytest.mark.parametrize("path", [USERS, COMMISSIONS, TRANSACTIONS])
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_detail_that_is_refused_does_not_hide_the_sale(
    server: GatewayServer, hotmart: Hotmart, account: Api, path: str, status: int
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]
    server.routes[path] = Canned(status)
    assert charges(sales_api.fetch_charge(account, "HP0000000001"))
    assert charges(answers_of(listed(account)))


@pytest.mark.parametrize("path", [USERS, COMMISSIONS, TRANSACTIONS])
def test_a_detail_that_is_not_there_now_is_asked_for_again(
    server: GatewayServer, hotmart: Hotmart, account: Api, path: str
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]
    server.routes[path] = Canned(503)
    with pytest.raises(UnavailableError):
        sales_api.fetch_charge(account, "HP0000000001")
    with pytest.raises(UnavailableError):
        listed(account)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"items": 7}', b'{"items": [', b"\xff"])
def test_garbage_is_asked_for_again_and_never_kept(
    server: GatewayServer, hotmart: Hotmart, account: Api, body: bytes
) -> None:
    server.routes[HISTORY] = Canned(body=body)
    with pytest.raises(UnavailableError, match="cannot be read"):
        sales_api.fetch_charge(account, "HP0000000001")


# The sales of an order


def test_an_order_is_found_by_its_transaction(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = [sale(1), sale(2)]
    found = charges(sales_api.search_charges(account, "HP0000000001"))
    assert [one.order_reference for one in found.values()] == ["HP0000000001"]


def test_all_lines_of_an_order_with_bumps_are_found(hotmart: Hotmart, account: Api) -> None:
    lines = [f"HP0000000016C{number}" for number in (1, 2, 3)]
    hotmart.sales = [sale(16, transaction=line) for line in lines]
    found = charges(sales_api.search_charges(account, "HP0000000016"))
    assert sorted(found) == lines
    assert {one.order_reference for one in found.values()} == {"HP0000000016"}


def test_an_order_that_hotmart_does_not_know_yet_has_no_charges(account: Api) -> None:
    assert sales_api.search_charges(account, "HP0000000001") == []


@pytest.mark.parametrize("reference", ["PEDIDO-17", "", "1234567890", "HP12345678C1", "HP1?x=1"])
def test_a_sellers_own_reference_is_not_asked_for(
    server: GatewayServer, account: Api, reference: str
) -> None:
    assert sales_api.search_charges(account, reference) == []
    assert not server.asked


# All sales


def test_every_page_is_read_once(hotmart: Hotmart, account: Api, two_rows: None) -> None:
    hotmart.sales = many(5)
    listing = listed(account)
    assert [len(page.answers) for page in listing] == [2, 2, 1]
    found = charges(answers_of(listing))
    assert len(found) == 5
    assert all(one.net is not None and one.customer.phone for one in found.values() if one.customer)
    assert hotmart.paths == ["/sales/history", "/sales/users", "/sales/commissions"] * 3


def test_no_status_is_left_to_the_default(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = [
        sale(number, status) for number, status in enumerate(sales_api.ALL_STATUSES, start=1)
    ]
    assert len(charges(answers_of(listed(account)))) == len(sales_api.ALL_STATUSES)


def test_the_same_time_listed_again_is_no_news(
    hotmart: Hotmart, account: Api, two_rows: None
) -> None:
    hotmart.sales = many(5, is_subscription=True)
    first, second = ([*map(HOTMART.identify, answers_of(listed(account)))] for _ in range(2))
    assert first == second
    assert len({one.event_id for one in first}) == 5


def test_a_sale_is_the_same_news_whether_it_was_listed_or_fetched(
    hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]
    (in_list,) = answers_of(listed(account))
    (fetched,) = sales_api.fetch_charge(account, "HP0000000001")
    assert HOTMART.identify(in_list) == HOTMART.identify(fetched)


def test_only_the_changed_sale_is_news(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = many(3)
    before = {HOTMART.identify(one).event_id for one in answers_of(listed(account))}
    hotmart.sales[1]["purchase"]["status"] = "REFUNDED"
    after = {HOTMART.identify(one) for one in answers_of(listed(account))}
    (changed,) = (one for one in after if one.event_id not in before)
    assert changed.charge_id == "HP0000000002"


def test_an_item_keeps_the_bytes_that_hotmart_wrote(server: GatewayServer, account: Api) -> None:
    item = b'{"purchase": {"transaction" : "HP0000000001",  "status":"EXPIRED"}, "new": 1.50}'
    server.routes["POST /security/oauth/token"] = told({"access_token": "x", "expires_in": 900})
    server.routes[HISTORY] = Canned(body=b'{"items": [' + item + b"]}")
    (answer,) = sales_api.fetch_charge(account, "HP0000000001")
    assert answer.headers[ANSWER] == b"sale"
    assert answer.body == b'{"sale":' + item + b"}"


def test_what_cannot_be_read_is_kept_for_a_person_and_hides_no_other(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1)]
    bad = {"purchase": {"transaction": 7, "order_date": []}}
    server.routes[HISTORY] = told({"items": [bad, sale(1)]})
    first, _ = answers_of(listed(account))
    assert json.loads(first.body)["sale"] == bad


def test_a_long_time_is_cut_into_windows(hotmart: Hotmart, account: Api) -> None:
    until = NOW + timedelta(microseconds=1)
    since = until - timedelta(days=100)
    hotmart.sales = [sale(number, at=NOW - timedelta(days=number)) for number in range(1, 100, 7)]
    found = charges(answers_of(listed(account, since, until)))
    assert len(found) == len(hotmart.sales)
    windows = [
        (int(one.query["start_date"][0]), int(one.query["end_date"][0]))
        for one in hotmart.asked
        if one.path == HISTORY
    ]
    assert [end for _, end in windows[:-1]] == [start for start, _ in windows[1:]]
    assert windows[0][0] == milliseconds(since) + 1
    assert windows[-1][1] == milliseconds(until) + 1
    assert all(end - start <= 30 * 86_400_000 for start, end in windows)


def test_what_happened_before_hotmart_is_not_asked_for(hotmart: Hotmart, account: Api) -> None:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    listing = listed(account, begin, datetime(2011, 1, 2, tzinfo=UTC))
    (asked,) = hotmart.asked
    assert asked.query["start_date"] == [str(milliseconds(datetime(2011, 1, 1, tzinfo=UTC)))]
    assert [(page.answers, page.cursor) for page in listing] == [([], "")]


def test_a_time_without_length_has_no_sales(server: GatewayServer, account: Api) -> None:
    assert sales_api.list_sales(account, NOW, NOW, "") == Listed(())
    assert not server.asked


def test_an_empty_list_asks_for_no_details(hotmart: Hotmart, account: Api) -> None:
    assert answers_of(listed(account)) == []
    assert hotmart.paths == ["/sales/history"]


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"items": []}'])
def test_an_empty_body_is_an_empty_list(
    server: GatewayServer, hotmart: Hotmart, account: Api, body: bytes
) -> None:
    server.routes[HISTORY] = Canned(body=body)
    assert answers_of(listed(account)) == []


def test_pages_without_end_are_not_followed(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1)]
    for path in (HISTORY, USERS, COMMISSIONS):
        server.routes[path] = told({"items": [sale(1)], "page_info": {"next_page_token": "again"}})
    with pytest.raises(UnavailableError, match="no end"):
        listed(account)


def test_a_page_token_that_hotmart_takes_no_longer_is_told(
    server: GatewayServer, hotmart: Hotmart, account: Api, two_rows: None
) -> None:
    hotmart.sales = many(5)
    cursor = sales_api.list_sales(account, SINCE, UNTIL, "").cursor
    server.routes[HISTORY] = whole("api-error-400-invalid-page-token", 400)
    with pytest.raises(ApiError, match="page_token") as refused:
        sales_api.list_sales(account, SINCE, UNTIL, cursor)
    assert refused.value.status == 400


@pytest.mark.parametrize("cursor", ["x", "{}", "[]", '{"start": "a", "days": 1}'])
def test_what_is_no_cursor_is_refused(account: Api, cursor: str) -> None:
    with pytest.raises(ApiError, match="not a cursor"):
        sales_api.list_sales(account, SINCE, UNTIL, cursor)


def test_a_page_that_failed_is_asked_for_again_where_it_was(
    server: GatewayServer, hotmart: Hotmart, account: Api, two_rows: None
) -> None:
    hotmart.sales = many(5)
    first = sales_api.list_sales(account, SINCE, UNTIL, "")
    route = server.routes[HISTORY]
    for failure in (Canned(500), Canned(429, {"ratelimit-reset": "3"}), Canned(502)):
        server.routes[HISTORY] = failure
        with pytest.raises(UnavailableError):
            sales_api.list_sales(account, SINCE, UNTIL, first.cursor)
    assert hotmart.paths.count("/sales/history") == 1 + 3
    server.routes[HISTORY] = route
    second = sales_api.list_sales(account, SINCE, UNTIL, first.cursor)
    assert list(charges(list(second.answers))) == ["HP0000000003", "HP0000000004"]


# Slowness


def only_quick(hotmart: Hotmart, slow: Canned) -> Any:
    """A history that is slow for windows of more than a day."""
    history = hotmart.proven(hotmart.history)

    def answer(asked: Asked) -> Canned:
        days = int(asked.query["end_date"][0]) - int(asked.query["start_date"][0])
        return slow if days > 86_400_000 else history(asked)

    return answer


@pytest.mark.parametrize("slow", [Canned(502), Canned(504), Canned(delay=1.0)])
def test_a_window_that_is_too_slow_is_narrowed(
    server: GatewayServer, hotmart: Hotmart, account: Api, slow: Canned
) -> None:
    hotmart.sales = many(3)
    server.routes[HISTORY] = only_quick(hotmart, slow)
    listing = listed(account, NOW - timedelta(days=3), UNTIL)
    assert len(charges(answers_of(listing))) == 3
    assert len([path for path in hotmart.paths if path == "/sales/history"]) == 1 + 4


def test_a_window_that_cannot_be_narrowed_any_more_is_tried_again_later(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    server.routes[HISTORY] = only_quick(hotmart, Canned(502))
    since = NOW - timedelta(days=3)
    cursor = sales_api.list_sales(account, since, UNTIL, "").cursor
    server.routes[HISTORY] = Canned(502)
    before = len(hotmart.asked)
    with pytest.raises(UnavailableError):
        sales_api.list_sales(account, since, UNTIL, cursor)
    assert len(hotmart.asked) == before + 1


def test_a_used_up_rate_is_no_reason_for_another_call(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    server.routes[HISTORY] = Canned(429, {"ratelimit-reset": "17"})
    with pytest.raises(UnavailableError) as busy:
        listed(account)
    assert busy.value.retry_after == timedelta(seconds=17)
    assert len(hotmart.asked) == 1


def test_a_dead_api_is_asked_twice_at_most(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    server.routes[HISTORY] = Canned(502)
    with pytest.raises(UnavailableError):
        listed(account)
    assert len(hotmart.asked) == 2


# Details


def test_details_are_joined_by_transaction_not_by_place(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = many(3)
    users = hotmart.proven(hotmart.users)

    def reversed_users(asked: Asked) -> Canned:
        items = json.loads(users(asked).body)["items"]
        return told({"items": items[::-1]})

    server.routes[USERS] = reversed_users
    bodies = [json.loads(one.body) for one in answers_of(listed(account))]
    assert [one["users"]["transaction"] for one in bodies] == [
        one["sale"]["purchase"]["transaction"] for one in bodies
    ]


def test_shares_are_found_though_their_list_leaves_sales_out(
    server: GatewayServer, hotmart: Hotmart, account: Api, two_rows: None
) -> None:
    """It lists only the sales that somebody shares in: its pages are not those of the sales."""
    hotmart.sales = many(9)
    for unpaid in hotmart.sales[0:6:2]:
        unpaid["purchase"]["status"] = "EXPIRED"
    whole_list = hotmart.commissions

    def of_paid_ones(asked: Asked) -> Canned:
        everything, hotmart.sales = (
            hotmart.sales,
            [one for one in hotmart.sales if one["purchase"]["status"] != "EXPIRED"],
        )
        try:
            return whole_list(asked)
        finally:
            hotmart.sales = everything

    server.routes[COMMISSIONS] = hotmart.proven(of_paid_ones)
    before = answers_of(listed(account))
    paid = [one for one in charges(before).values() if one.status is ChargeStatus.PAID]
    assert len(paid) == 6
    assert all(one.commissions for one in paid)
    hotmart.sales[:0] = [sale(99, "EXPIRED", at=NOW), sale(98, at=NOW)]
    known = {HOTMART.identify(one).event_id for one in before}
    after = {HOTMART.identify(one).event_id for one in answers_of(listed(account))}
    assert len(after - known) == 2


def test_details_without_end_do_not_hold_up_the_list(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = many(2)

    def endless(asked: Asked) -> Canned:
        number = int(asked.query.get("page_token", ["0"])[0])
        return told({"items": [], "page_info": {"next_page_token": str(number + 1)}})

    server.routes[USERS] = endless
    assert len(charges(answers_of(listed(account)))) == 2
    assert hotmart.paths.count("/sales/users") == sales_api.DETAIL_PAGES


def test_sales_of_subscriptions_are_given_their_codes(
    hotmart: Hotmart, account: Api, two_rows: None
) -> None:
    hotmart.sales = many(5, is_subscription=True)
    found = charges(answers_of(listed(account)))
    assert [one.subscription_code for one in found.values()] == [
        f"SUB{number:05d}" for number in range(1, 6)
    ]


def test_a_sale_that_is_not_among_the_transactions_yet_goes_without_a_code(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]
    server.routes[TRANSACTIONS] = told({"items": []})
    assert charges(answers_of(listed(account)))["HP0000000001"].subscription_code == ""


def test_a_day_of_many_transactions_does_not_hold_up_the_list(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1, is_subscription=True)]

    def endless(asked: Asked) -> Canned:
        number = int(asked.query.get("page_token", ["0"])[0])
        return told({"items": [], "page_info": {"next_page_token": str(number + 1)}})

    server.routes[TRANSACTIONS] = endless
    assert charges(answers_of(listed(account)))
    assert hotmart.paths.count("/subscriptions/transactions") == sales_api.DETAIL_PAGES


# Buyers


def test_a_buyer_is_found_by_his_email(hotmart: Hotmart, account: Api) -> None:
    hotmart.sales = [sale(1), sale(2, "EXPIRED")]
    answer = sales_api.fetch_customer(account, "comprador.2@example.com")
    (lead,) = HOTMART.parse(answer)
    assert isinstance(lead, LeadFact)
    assert lead.customer.email == "comprador.2@example.com"
    assert (lead.customer.phone, lead.customer.document) == ("11900000001", "12345678909")
    assert abs(lead.occurred_at - datetime.now(UTC)) < timedelta(minutes=1)
    again = sales_api.fetch_customer(account, "comprador.2@example.com")
    assert HOTMART.identify(answer) == HOTMART.identify(again)
    assert "comprador" not in HOTMART.identify(answer).event_id


def test_a_buyer_of_another_email_is_not_taken(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    other = json.loads(recorded("hotmart/answer-buyer").body)
    producer = json.loads(recorded("hotmart/api-sales-users").body)["items"][0]
    server.routes[USERS] = told({"items": [7, producer, other]})
    with pytest.raises(NotFoundError, match="no such buyer"):
        sales_api.fetch_customer(account, "produtora.exemplo@example.com")


@pytest.mark.parametrize("gateway_id", ["", "839F1A4F-43DC", "a@b c", "@", "x" * 200 + "@y.z"])
def test_what_is_no_email_is_not_asked_for(
    server: GatewayServer, account: Api, gateway_id: str
) -> None:
    with pytest.raises(NotFoundError):
        sales_api.fetch_customer(account, gateway_id)
    assert not server.asked


def test_wrong_credentials_are_denied(server: GatewayServer, hotmart: Hotmart) -> None:
    wrong = {**hotmart.credentials(), "client_secret": "x"}
    with asking(server.url, wrong) as view, pytest.raises(DeniedError):
        sales_api.list_sales(view, SINCE, UNTIL, "")


def test_the_list_of_subscriptions_is_not_asked_for_a_sale_without_one(
    hotmart: Hotmart, account: Api
) -> None:
    hotmart.sales = [sale(1)]
    sales_api.fetch_charge(account, "HP0000000001")
    assert SUBSCRIPTIONS not in [one.path for one in hotmart.asked]
