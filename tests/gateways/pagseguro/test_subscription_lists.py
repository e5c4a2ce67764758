"""Listing subscriptions of both generations, over real sockets."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    IgnoredError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.facts import SubscriptionStatus
from recibo.gateways.pagseguro import PAGSEGURO, api, windows
from recibo.gateways.pagseguro.subscription_lists import list_subscriptions
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.pagseguro.canned import changed, recording
from tests.recordings import recorded

MADE, CHANGED, V4 = "/v2/pre-approvals", "/v2/pre-approvals/notifications", "/subscriptions"
CODE = "C0FFEE0000000000000000000000A001"
FOUND = recording("legacy-v2-preapproval-search")
NOBODY = changed("found-ruby-preapproval-search", ("<totalPages>1", "<totalPages>0"))
DENIED = recording("legacy-error-401-unauthorized", 401)
ACTIVE: dict[str, Any] = json.loads(recorded("pagseguro/v4-webhook-subscription-activated").body)
NOW = datetime(2025, 6, 2, tzinfo=UTC)
SINCE = datetime(2025, 6, 1, tzinfo=UTC)


def subscription(number: int, **fields: Any) -> dict[str, Any]:
    """One of PagBank's, changed on 2025-06-01 at 15:00:10."""
    resource = {**ACTIVE["resource"], "id": f"SUBS_{number}"}
    return {**resource, **fields}


def subscriptions(*numbers: int) -> list[dict[str, Any]]:
    return [subscription(number) for number in numbers]


def paged(everything: list[dict[str, Any]], size: int) -> Any:
    """PagBank's list, whose pages are no longer than ``size``."""

    def answer(asked: Asked) -> Canned:
        start = int(asked.query["offset"][0])
        return told({"subscriptions": everything[start : start + size]})

    return answer


def walked(view: Api, since: datetime = SINCE, until: datetime = NOW) -> list[RawRequest]:
    """Everything that is listed."""
    page = list_subscriptions(view, since, until, "")
    found = [*page.answers]
    while page.cursor:
        page = list_subscriptions(view, since, until, page.cursor)
        found += page.answers
    return found


def kinds(answers: list[RawRequest]) -> list[bytes]:
    return [answer.headers[ANSWER] for answer in answers]


@pytest.fixture
def empty(server: GatewayServer) -> GatewayServer:
    """A PagSeguro where nobody has subscribed to anything."""
    server.routes[MADE] = server.routes[CHANGED] = NOBODY
    server.routes[V4] = told({"subscriptions": []})
    return server


def test_all_parts_are_listed_one_after_the_other(empty: GatewayServer, asked_api: Api) -> None:
    empty.routes[MADE] = FOUND
    empty.routes[CHANGED] = changed("legacy-v2-preapproval-search", (CODE, "B" + CODE[1:]))
    empty.routes[V4] = paged(subscriptions(1), 100)
    now = datetime.now(UTC)
    server_paths = [MADE, CHANGED, V4, V4]
    assert kinds(walked(asked_api, now - timedelta(days=3), now)) == [b"pre-approval-row"] * 2
    assert empty.paths == server_paths


def test_the_older_ones_are_searched_by_when_they_were_made(
    empty: GatewayServer, asked_api: Api
) -> None:
    empty.routes[MADE] = [
        changed("legacy-v2-preapproval-search", ("<totalPages>1", "<totalPages>2")),
        FOUND,
    ]
    now = datetime.now(UTC)
    assert len(walked(asked_api, now - timedelta(days=40), now)) == 3
    asked = [one.query for one in empty.asked if one.path == MADE]
    assert [query["page"] for query in asked] == [["1"], ["2"], ["1"]]
    assert asked[0]["initialDate"] == [windows.local(now - timedelta(days=40))]
    assert asked[1]["finalDate"] == asked[2]["initialDate"]
    assert asked[0]["email"] == ["loja@example.com"]


@pytest.mark.parametrize(("days", "asked"), [(0.2, "1"), (1.5, "2"), (29.5, "30"), (300, "30")])
def test_and_by_the_days_in_which_they_changed(
    empty: GatewayServer, asked_api: Api, days: float, asked: str
) -> None:
    empty.routes[CHANGED] = [
        changed("legacy-v2-preapproval-search", ("<totalPages>1", "<totalPages>2")),
        FOUND,
    ]
    now = datetime.now(UTC)
    assert len(walked(asked_api, now - timedelta(days=days), now)) == 2
    queries = [one.query for one in empty.asked if one.path == CHANGED]
    assert [(one["interval"], one["page"]) for one in queries] == [
        ([asked], ["1"]),
        ([asked], ["2"]),
    ]


def test_a_row_leads_to_the_subscription_with_its_buyer(
    empty: GatewayServer, asked_api: Api
) -> None:
    empty.routes[CHANGED] = FOUND
    empty.routes[f"{MADE}/{CODE}"] = recording("legacy-v2-preapproval-cancelled-by-sender")
    (row,) = walked(asked_api)
    assert PAGSEGURO.identify(row).is_thin
    with pytest.raises(IgnoredError, match="without its buyer"):
        PAGSEGURO.parse(row)
    (whole,) = api.fetch(asked_api, row)
    (fact,) = PAGSEGURO.parse(whole)
    assert (fact.code, fact.status) == (CODE, SubscriptionStatus.CANCELLED)
    assert fact.customer.email == "marina.araujo@example.com"
    assert PAGSEGURO.identify(row).event_id == f"row:{PAGSEGURO.identify(whole).event_id}"


def test_one_that_nobody_has_begun_is_left_out(empty: GatewayServer, asked_api: Api) -> None:
    empty.routes[MADE] = recording("found-ruby-preapproval-search")
    empty.routes[CHANGED] = changed("legacy-v2-preapproval-search", ("CANCELLED_BY_SENDER", "NEW"))
    (row,) = walked(asked_api, datetime.now(UTC) - timedelta(days=3), datetime.now(UTC))
    assert PAGSEGURO.identify(row).gateway_event == "preApproval/NEW"


def test_those_of_v4_come_whole_and_page_by_page(empty: GatewayServer, asked_api: Api) -> None:
    """As long as pages come: how long PagBank makes them is not said."""
    empty.routes[V4] = paged(subscriptions(*range(5)), 2)
    answers = walked(asked_api)
    facts = [PAGSEGURO.parse(answer)[0] for answer in answers]
    assert [fact.code for fact in facts] == [f"SUBS_{number}" for number in range(5)]
    assert facts[0].customer.email == "marina.araujo@example.com"
    asked = [one for one in empty.asked if one.path == V4]
    assert [one.query["offset"] for one in asked] == [["0"], ["2"], ["4"], ["5"]]
    assert asked[0].headers["authorization"] == "Bearer token-ficticio"
    assert "Recibo" in asked[0].headers["user-agent"]


def test_a_webhook_and_the_list_tell_of_one_subscription(
    empty: GatewayServer, asked_api: Api
) -> None:
    empty.routes[V4] = paged([ACTIVE["resource"]], 100)
    (listed,) = (PAGSEGURO.parse(answer)[0] for answer in walked(asked_api))
    (sent,) = PAGSEGURO.parse(recorded("pagseguro/v4-webhook-subscription-activated"))
    assert (listed.code, listed.status, listed.price, listed.plan_id) == (
        sent.code,
        sent.status,
        sent.price,
        sent.plan_id,
    )


def test_only_what_changed_in_that_time_is_told(empty: GatewayServer, asked_api: Api) -> None:
    empty.routes[V4] = paged(
        [
            subscription(1, updated_at="2025-05-31T20:59:59-03:00"),
            subscription(2, updated_at="2025-05-31T21:00:00-03:00"),
            subscription(3, updated_at="2025-06-01T20:59:59-03:00"),
            subscription(4, updated_at="2025-06-01T21:00:00-03:00"),
            subscription(5, updated_at=None, created_at="2025-06-01T12:00:00-03:00"),
            subscription(6, updated_at=None, created_at="2025-04-01T12:00:00-03:00"),
        ],
        100,
    )
    found = [PAGSEGURO.parse(answer)[0].code for answer in walked(asked_api)]
    assert found == ["SUBS_2", "SUBS_3", "SUBS_5"]


def test_one_that_cannot_be_read_is_kept_for_a_person(empty: GatewayServer, asked_api: Api) -> None:
    empty.routes[V4] = paged([subscription(1, updated_at="soon"), {"x": 1}], 100)
    answers = walked(asked_api)
    assert len(answers) == 2
    for answer in answers:
        with pytest.raises(PayloadError):
            PAGSEGURO.parse(answer)


def test_the_same_state_listed_again_is_the_same_event(
    empty: GatewayServer, asked_api: Api
) -> None:
    def listed(**fields: Any) -> list[str]:
        empty.routes[V4] = paged([subscription(1, **fields)], 100)
        return [PAGSEGURO.identify(answer).event_id for answer in walked(asked_api)]

    assert listed() == listed(links=[], pro_rata=True)
    assert listed() != listed(status="OVERDUE")
    assert listed() != listed(updated_at="2025-06-01T13:00:00-03:00")


def test_a_list_that_begins_anew_on_every_page_ends(empty: GatewayServer, asked_api: Api) -> None:
    empty.routes[V4] = told({"subscriptions": subscriptions(1, 2)})
    assert len(walked(asked_api)) == 2


@pytest.mark.parametrize("nothing", [told({}), recording("v4-api-error-404", 404)])
def test_where_there_is_no_subscription_the_list_is_empty(
    empty: GatewayServer, asked_api: Api, nothing: Canned
) -> None:
    empty.routes[V4] = nothing
    empty.routes[MADE] = empty.routes[CHANGED] = Canned(404)
    assert walked(asked_api, datetime.now(UTC) - timedelta(days=3), datetime.now(UTC)) == []
    assert set(empty.paths) == {MADE, CHANGED, V4}


def test_without_an_email_only_v4_is_listed(empty: GatewayServer) -> None:
    empty.routes[V4] = paged(subscriptions(1), 100)
    with asking(empty.url, {"token": "token-ficticio"}) as view:
        assert kinds(walked(view)) == [b"subscription"]
    assert set(empty.paths) == {V4}


@pytest.mark.parametrize("path", [MADE, CHANGED])
def test_a_generation_that_denies_us_holds_nothing_unless_both_do(
    empty: GatewayServer, asked_api: Api, path: str
) -> None:
    until = datetime.now(UTC)
    since = until - timedelta(days=1)
    empty.routes[V4] = recording("v4-api-error-401", 401)
    assert walked(asked_api, since, until) == []
    empty.routes[path] = DENIED
    with pytest.raises(DeniedError):
        walked(asked_api, since, until)
    empty.routes[V4] = paged([subscription(1, updated_at=since.isoformat())], 100)
    assert kinds(walked(asked_api, since, until)) == [b"subscription"]


def test_where_only_v4_can_be_asked_its_denial_is_an_error(empty: GatewayServer) -> None:
    empty.routes[V4] = recording("v4-api-error-401", 401)
    with asking(empty.url, {"token": "t"}) as view, pytest.raises(DeniedError):
        walked(view)


@pytest.mark.parametrize("path", [MADE, CHANGED, V4])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(429, {"retry-after": "17"}), UnavailableError),
        (recording("legacy-error-503-outage", 503), UnavailableError),
        (recording("legacy-error-503-outage"), UnavailableError),
        (recording("legacy-error-400-several", 400), ApiError),
        (Canned(), UnavailableError),
        (Canned(delay=0.7), UnavailableError),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error_and_not_empty(
    empty: GatewayServer, asked_api: Api, path: str, answer: Canned, error: type[ApiError]
) -> None:
    empty.routes[path] = answer
    with pytest.raises(error):
        walked(asked_api, datetime.now(UTC) - timedelta(days=3), datetime.now(UTC))
