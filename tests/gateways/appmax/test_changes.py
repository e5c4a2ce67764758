"""What AppMax is asked to change, against a real server on this machine."""

from collections.abc import Iterator

import pytest

from recibo.gateways.appmax import APPMAX
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from tests.gateways.appmax.served import KEY, TOKEN_PATH, application_credentials, whole
from tests.gateways.gateway_server import Canned, GatewayServer, asking, told

PATH = "/v1/subscriptions/8001"
RUNNING, CANCELLED = "appmax/api_v1_subscription", "appmax/api_v1_subscription_canceled"


@pytest.fixture
def application(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, application_credentials(server)) as account:
        yield account


def cancel(api: Api, code: str = "8001") -> list[RawRequest]:
    assert APPMAX.cancel_subscription
    return APPMAX.cancel_subscription(api, code)


def status(answers: list[RawRequest]) -> SubscriptionStatus | None:
    (answer,) = answers
    fact = APPMAX.parse(answer)[-1]
    assert isinstance(fact, SubscriptionFact)
    assert fact.code == "8001"
    return fact.status


def test_a_subscription_is_cancelled_and_read_again(
    server: GatewayServer, application: Api
) -> None:
    server.routes[PATH] = [whole(RUNNING), whole(CANCELLED)]
    server.routes[f"PATCH {PATH}/cancel"] = Canned(204)
    assert status(cancel(application)) is SubscriptionStatus.CANCELLED
    calls = [(asked.method, asked.path) for asked in server.asked]
    assert calls[1:] == [("GET", PATH), ("PATCH", f"{PATH}/cancel"), ("GET", PATH)]
    assert server.asked[2].headers["authorization"] == "Bearer token-ficticio-0001"


def test_one_that_is_cancelled_already_is_left_alone(
    server: GatewayServer, application: Api
) -> None:
    server.routes[PATH] = whole(CANCELLED)
    assert status(cancel(application)) is SubscriptionStatus.CANCELLED
    assert server.paths == [TOKEN_PATH, PATH]


def test_one_that_was_cancelled_meanwhile_counts_as_cancelled(
    server: GatewayServer, application: Api
) -> None:
    server.routes[PATH] = [whole(RUNNING), whole(CANCELLED)]
    server.routes[f"PATCH {PATH}/cancel"] = Canned(422)
    assert status(cancel(application)) is SubscriptionStatus.CANCELLED


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (told({"error": {"message": "Already billing"}}, 422), "Already billing"),
        (told({"message": "Locked"}, 409), "Locked"),
        (Canned(400, {}, b"<html>"), "no reason"),
        (told({"error": "?", "message": ["?"]}, 400), "no reason"),
    ],
)
def test_a_refusal_is_passed_on_with_its_reason(
    server: GatewayServer, application: Api, refusal: Canned, reason: str
) -> None:
    server.routes[PATH] = whole(RUNNING)
    server.routes[f"PATCH {PATH}/cancel"] = refusal
    with pytest.raises(ApiError, match=reason) as refused:
        cancel(application)
    assert type(refused.value) is ApiError


def test_a_cancellation_that_did_not_happen_is_no_success(
    server: GatewayServer, application: Api
) -> None:
    server.routes[PATH] = whole(RUNNING)
    server.routes[f"PATCH {PATH}/cancel"] = told({"success": True})
    with pytest.raises(UnavailableError, match="still runs"):
        cancel(application)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(401), DeniedError),
        (whole("appmax/api_v1_too_many_requests_429"), UnavailableError),
        (Canned(500), UnavailableError),
        (Canned(404), NotFoundError),
        (Canned(delay=1.0), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, application: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[PATH] = whole(RUNNING)
    server.routes[f"PATCH {PATH}/cancel"] = answer
    with pytest.raises(ApiError) as failed:
        cancel(application)
    assert type(failed.value) is error


def test_a_refused_token_is_renewed_before_it_counts(
    server: GatewayServer, application: Api
) -> None:
    server.routes[PATH] = [whole(RUNNING), whole(CANCELLED)]
    server.routes[f"PATCH {PATH}/cancel"] = [Canned(401), Canned(200)]
    assert status(cancel(application)) is SubscriptionStatus.CANCELLED
    assert server.paths.count(TOKEN_PATH) == 2


@pytest.mark.parametrize("code", ["40001-501", "40001-", "-501", "../orders/1", ""])
def test_a_subscription_of_the_panel_is_cancelled_in_the_panel(
    server: GatewayServer, application: Api, code: str
) -> None:
    with pytest.raises(ApiError, match="cancel it in the panel") as refused:
        cancel(application, code)
    assert type(refused.value) is ApiError
    assert server.asked == []


@pytest.fixture
def store(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": KEY}) as account:
        yield account


def test_a_store_cannot_cancel(server: GatewayServer, store: Api) -> None:
    with pytest.raises(DeniedError, match="APPMAX_CLIENT_ID"):
        cancel(store)
    assert server.asked == []


def test_what_the_api_has_no_call_for_is_not_offered() -> None:
    absent = (APPMAX.reactivate_subscription, APPMAX.change_due_day, APPMAX.change_plan)
    assert absent == (None, None, None)
