"""What Hotmart is asked about subscriptions, and how it is made to change them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, Listed, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from recibo.gateways.hotmart import HOTMART, pages, subscriptions_api
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.gateways.hotmart.api_server import (
    NOW,
    SUBSCRIPTIONS,
    SWITCH,
    Hotmart,
    Json,
    milliseconds,
    subscription,
    whole,
)
from tests.recordings import recorded

YEARS_AGO = NOW - timedelta(days=1000)
CODE = "SUB00001"
ONE = f"{SUBSCRIPTIONS}/{CODE}"


def listed(
    account: Api, since: datetime = YEARS_AGO, until: datetime | None = None
) -> list[Listed]:
    """Every page, asked for one after the other."""
    until = until or NOW + timedelta(minutes=1)
    found = [subscriptions_api.list_subscriptions(account, since, until, "")]
    while found[-1].cursor:
        cursor = found[-1].cursor
        found.append(subscriptions_api.list_subscriptions(account, since, until, cursor))
    return found


def states(answers: list[RawRequest]) -> dict[str, SubscriptionFact]:
    """What answers tell, by the codes of the subscriptions."""
    facts = [fact for answer in answers for fact in HOTMART.parse(answer)]
    return {fact.code: fact for fact in facts if isinstance(fact, SubscriptionFact)}


def found(account: Api, since: datetime = YEARS_AGO) -> dict[str, SubscriptionFact]:
    return states([answer for page in listed(account, since) for answer in page.answers])


def ended(number: int, at: datetime = YEARS_AGO, **changes: Any) -> Json:
    """A subscription that was cancelled long ago."""
    end = milliseconds(at + timedelta(days=90))
    changes = {"status": "CANCELLED_BY_SELLER", "end_accession_date": end, **changes}
    return subscription(number, at=at) | changes


def body_of(asked: Asked) -> Any:
    return json.loads(asked.body)


# Lists


def test_all_that_began_are_listed_whatever_the_defaults_hide(
    hotmart: Hotmart, account: Api
) -> None:
    hotmart.subscriptions = [
        subscription(1, "ACTIVE", at=YEARS_AGO),
        subscription(2, "DELAYED", at=NOW - timedelta(days=400)),
        subscription(3, "OVERDUE"),
        ended(4),
        ended(5, status="CANCELLED_BY_CUSTOMER"),
        ended(6, status="CANCELLED_BY_ADMIN"),
        subscription(7, "STARTED"),
        subscription(8, "INACTIVE"),
    ]
    assert sorted(found(account)) == [f"SUB0000{number}" for number in range(1, 7)]


def test_pages_of_both_parts_end(
    hotmart: Hotmart, account: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ROWS", 2)
    hotmart.subscriptions = [
        *(subscription(number) for number in range(1, 6)),
        *(ended(number, NOW - timedelta(days=100)) for number in range(6, 9)),
    ]
    listing = listed(account, NOW - timedelta(days=200))
    assert [len(page.answers) for page in listing] == [2, 2, 1, 2, 1]
    assert len(found(account)) == 8


def test_a_filter_that_might_hide_what_runs_is_not_used(hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [ended(1)]
    listed(account)
    subscriptions_api.cancel_subscription(account, CODE)
    assert not any("end_accession_date" in one.query for one in hotmart.asked)


def test_what_was_taken_out_later_is_not_told(hotmart: Hotmart, account: Api) -> None:
    begun_at = datetime.fromtimestamp(milliseconds(NOW) / 1000, UTC)
    unreadable = {"subscriber_code": 7}
    hotmart.subscriptions = [subscription(1, at=begun_at)]
    (before, *_), (after, *_) = (
        listed(account, until=until) for until in (begun_at, begun_at + timedelta(milliseconds=1))
    )
    assert (len(before.answers), len(after.answers)) == (0, 1)
    hotmart.server.routes[f"GET {SUBSCRIPTIONS}"] = told({"items": [unreadable]})
    assert len(listed(account)[0].answers) == 1


def test_the_same_time_listed_again_is_no_news(hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [subscription(1), ended(2)]
    first, second = (
        [HOTMART.identify(answer) for page in listed(account) for answer in page.answers]
        for _ in range(2)
    )
    assert first == second
    assert len(first) == 2


def test_only_what_was_taken_out_in_the_time_is_listed(hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [subscription(1), subscription(2, at=NOW - timedelta(days=3))]
    assert list(found(account, NOW - timedelta(days=1))) == [CODE]


def test_a_time_without_length_has_no_subscriptions(server: GatewayServer, account: Api) -> None:
    assert subscriptions_api.list_subscriptions(account, NOW, NOW, "") == Listed(())
    assert not server.asked


def test_an_empty_body_is_an_empty_list(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    server.routes[f"GET {SUBSCRIPTIONS}"] = Canned()
    assert found(account) == {}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(500), UnavailableError),
        (whole("api-error-429-too-many-requests", 429), UnavailableError),
        (whole("api-error-403-unauthorized-client", 403), DeniedError),
        (Canned(body=b"<html>"), UnavailableError),
        (whole("api-error-400-invalid-parameter", 400), ApiError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, account: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes["POST /security/oauth/token"] = told({"access_token": "x", "expires_in": 900})
    server.routes[f"GET {SUBSCRIPTIONS}"] = answer
    with pytest.raises(ApiError) as failed:
        listed(account)
    assert type(failed.value) is error


# Changes


def cancelling(hotmart: Hotmart, code: str = CODE) -> Any:
    """What a cancellation does at Hotmart."""

    def act(_: Asked) -> Canned:
        for item in hotmart.subscriptions:
            if item["subscriber_code"] == code:
                now = milliseconds(datetime.now(UTC))
                item |= {"status": "CANCELLED_BY_SELLER", "end_accession_date": now}
        return cancelled(code)

    return hotmart.proven(act)


def cancelled(code: str = CODE) -> Canned:
    """Hotmart's answer to a cancellation."""
    body = json.loads(recorded("hotmart/api-subscription-cancel-recorded").body)
    return told(body | {"subscriber_code": code})


def test_a_cancellation_tells_how_it_stands_afterwards(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.subscriptions = [subscription(1, at=YEARS_AGO), subscription(2)]
    server.routes[f"POST {ONE}/cancel"] = cancelling(hotmart)
    answers = subscriptions_api.cancel_subscription(account, CODE)
    fact = states(answers)[CODE]
    assert fact.status is SubscriptionStatus.CANCELLED
    assert fact.product.id == "1355458"
    (act,) = (one for one in hotmart.asked if one.method == "POST")
    assert (act.path, body_of(act)) == (f"{ONE}/cancel", {"send_mail": True})


def test_what_is_cancelled_is_not_cancelled_again(hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [ended(1)]
    fact = states(subscriptions_api.cancel_subscription(account, CODE))[CODE]
    assert fact.status is SubscriptionStatus.CANCELLED
    assert {one.method for one in hotmart.asked} == {"GET"}


def test_where_the_list_lags_behind_hotmarts_own_answer_counts(
    server: GatewayServer, hotmart: Hotmart, account: Api
) -> None:
    hotmart.subscriptions = [subscription(1)]
    server.routes[f"POST {ONE}/cancel"] = cancelled()
    (answer,) = subscriptions_api.cancel_subscription(account, CODE)
    assert answer.headers[ANSWER] == b"cancellation"
    assert states([answer])[CODE].status is SubscriptionStatus.CANCELLED


@pytest.mark.parametrize("answer", [cancelled("SUB99999"), Canned(), Canned(body=b"<html>")])
def test_only_what_hotmart_answers_changes_a_state(
    server: GatewayServer, hotmart: Hotmart, account: Api, answer: Canned
) -> None:
    hotmart.subscriptions = [subscription(1)]
    server.routes[f"POST {ONE}/cancel"] = answer
    fact = states(subscriptions_api.cancel_subscription(account, CODE))[CODE]
    assert fact.status is SubscriptionStatus.ACTIVE


def test_a_refusal_says_why(server: GatewayServer, hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [subscription(1)]
    server.routes[f"POST {ONE}/cancel"] = told(
        {"error": "SUBSCRIPTION_ALREADY_CANCELED_OR_OVERDUE"}, 400
    )
    with pytest.raises(ApiError, match="ALREADY_CANCELED_OR_OVERDUE"):
        subscriptions_api.cancel_subscription(account, CODE)


def test_a_reactivation_only_invites(server: GatewayServer, hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [ended(1)]
    invited = json.loads(recorded("hotmart/api-subscription-reactivate").body)
    server.routes[f"POST {ONE}/reactivate"] = told(invited)
    fact = states(subscriptions_api.reactivate_subscription(account, CODE))[CODE]
    assert fact.status is SubscriptionStatus.CANCELLED
    (act,) = (one for one in hotmart.asked if one.method == "POST")
    assert body_of(act) == {"charge": False}


@pytest.mark.parametrize("status", ["ACTIVE", "DELAYED", "OVERDUE"])
def test_what_runs_is_not_reactivated(hotmart: Hotmart, account: Api, status: str) -> None:
    hotmart.subscriptions = [subscription(1, status)]
    assert CODE in states(subscriptions_api.reactivate_subscription(account, CODE))
    assert {one.method for one in hotmart.asked} == {"GET"}


@pytest.mark.parametrize("answer", [Canned(), told({})])
def test_another_due_day(
    server: GatewayServer, hotmart: Hotmart, account: Api, answer: Canned
) -> None:
    hotmart.subscriptions = [subscription(1)]
    server.routes[f"PATCH {ONE}"] = answer
    fact = states(subscriptions_api.change_due_day(account, CODE, 15))[CODE]
    assert fact.next_billing_at
    act = hotmart.asked[0]
    assert (act.method, act.path, body_of(act)) == ("PATCH", ONE, {"due_day": 15})


def test_another_plan(server: GatewayServer, hotmart: Hotmart, account: Api) -> None:
    hotmart.subscriptions = [subscription(1)]

    def switch(_: Asked) -> Canned:
        hotmart.subscriptions[0]["plan"] = {"id": 700102, "name": "Clube Anual"}
        return Canned()

    server.routes[f"POST {SWITCH}"] = hotmart.proven(switch)
    fact = states(subscriptions_api.change_plan(account, CODE, "anual26"))[CODE]
    assert (fact.plan_id, fact.plan) == ("700102", "Clube Anual")
    (act,) = (one for one in hotmart.asked if one.path == SWITCH)
    assert body_of(act) == {"subscriber_code": CODE, "offer_code": "anual26"}


@pytest.mark.parametrize("offer", ["", "a b", "../x", "ç"])
def test_what_is_no_offer_is_not_switched_to(
    server: GatewayServer, account: Api, offer: str
) -> None:
    with pytest.raises(ApiError, match="offer"):
        subscriptions_api.change_plan(account, CODE, offer)
    assert not server.asked


CHANGES = [
    subscriptions_api.cancel_subscription,
    subscriptions_api.reactivate_subscription,
    lambda account, code: subscriptions_api.change_due_day(account, code, 5),
    lambda account, code: subscriptions_api.change_plan(account, code, "anual26"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("code", ["", "a/b", "SUB 1", "x" * 41, "SUB1?x", "açaí"])
def test_what_is_no_code_is_not_asked_for(
    server: GatewayServer, account: Api, change: Any, code: str
) -> None:
    with pytest.raises(NotFoundError):
        change(account, code)
    assert not server.asked


@pytest.mark.parametrize("change", CHANGES[:2])
def test_an_unknown_subscription_is_not_changed(
    hotmart: Hotmart, account: Api, change: Any
) -> None:
    hotmart.subscriptions = [subscription(2)]
    with pytest.raises(NotFoundError, match="no such subscription"):
        change(account, CODE)
    assert {one.method for one in hotmart.asked} == {"GET"}


@pytest.mark.parametrize("item", [subscription(2), {"subscriber_code": CODE}, 7])
def test_an_answer_about_another_subscription_changes_nothing(
    server: GatewayServer, hotmart: Hotmart, account: Api, item: Any
) -> None:
    server.routes[f"GET {SUBSCRIPTIONS}"] = told({"items": [item]})
    with pytest.raises((NotFoundError, UnavailableError)):
        subscriptions_api.cancel_subscription(account, CODE)
    assert {one.method for one in hotmart.asked} == {"GET"}


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_change_is_never_made_twice_by_itself(
    server: GatewayServer, hotmart: Hotmart, account: Api, status: int
) -> None:
    hotmart.subscriptions = [subscription(1)]
    server.routes[f"POST {ONE}/cancel"] = Canned(status)
    with pytest.raises(UnavailableError):
        subscriptions_api.cancel_subscription(account, CODE)
    assert [one.method for one in hotmart.asked].count("POST") == 1


def test_what_the_gateway_cannot_do_is_none() -> None:
    assert HOTMART.webhook_queues is None
    assert HOTMART.resume_webhooks is None
    assert HOTMART.fetch is None
