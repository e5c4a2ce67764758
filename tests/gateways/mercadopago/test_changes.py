"""What Mercado Pago is asked to change, against a real server on this machine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from recibo.gateways.contract import Api, ChangeSubscription, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from recibo.gateways.mercadopago import MERCADOPAGO
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.mercadopago.served import PREAPPROVAL, TOKEN, canned, resource

PATH = f"/preapproval/{PREAPPROVAL}"
ALREADY = canned("api_error_preapproval_already_cancelled_400")


@pytest.fixture
def api(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": TOKEN}) as asked:
        yield asked


def cancel(api: Api, code: str = PREAPPROVAL) -> list[RawRequest]:
    assert MERCADOPAGO.cancel_subscription
    return MERCADOPAGO.cancel_subscription(api, code)


def reactivate(api: Api, code: str = PREAPPROVAL) -> list[RawRequest]:
    assert MERCADOPAGO.reactivate_subscription
    return MERCADOPAGO.reactivate_subscription(api, code)


def serve(server: GatewayServer, status: str) -> None:
    """A subscription that does what it is told, or refuses as Mercado Pago does."""
    stands: dict[str, Any] = {"status": status}

    def update(asked: Asked) -> Canned:
        if stands["status"] == "cancelled":
            return ALREADY
        stands["status"] = json.loads(asked.body)["status"]
        return told({"id": PREAPPROVAL})

    server.routes[f"PUT {PATH}"] = update
    server.routes[f"GET {PATH}"] = lambda _: canned(f"api_preapproval_{stands['status']}")


def status(answers: list[RawRequest]) -> SubscriptionStatus | None:
    (answer,) = answers
    (fact,) = MERCADOPAGO.parse(answer)
    assert isinstance(fact, SubscriptionFact)
    assert fact.code == PREAPPROVAL
    return fact.status


def asked_for(server: GatewayServer) -> list[Any]:
    return [json.loads(asked.body) for asked in server.asked if asked.method == "PUT"]


@pytest.mark.parametrize("before", ["authorized", "paused", "pending"])
def test_a_subscription_is_cancelled(server: GatewayServer, api: Api, before: str) -> None:
    serve(server, before)
    assert status(cancel(api)) is SubscriptionStatus.CANCELLED
    assert asked_for(server) == [{"status": "cancelled"}]
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}"}


def test_a_paused_subscription_runs_again(server: GatewayServer, api: Api) -> None:
    serve(server, "paused")
    assert status(reactivate(api)) is SubscriptionStatus.ACTIVE
    assert asked_for(server) == [{"status": "authorized"}]


def test_what_stands_so_already_is_left_alone(server: GatewayServer, api: Api) -> None:
    serve(server, "cancelled")
    assert status(cancel(api)) is SubscriptionStatus.CANCELLED
    serve(server, "authorized")
    assert status(reactivate(api)) is SubscriptionStatus.ACTIVE
    assert asked_for(server) == []


def test_to_do_it_again_is_the_same_news(server: GatewayServer, api: Api) -> None:
    serve(server, "authorized")
    assert MERCADOPAGO.identify(cancel(api)[0]) == MERCADOPAGO.identify(cancel(api)[0])


@pytest.mark.parametrize(
    ("before", "reason"), [("cancelled", "make a new one"), ("pending", "not authorized")]
)
def test_what_mercado_pago_does_not_take_up_is_refused_with_the_reason(
    server: GatewayServer, api: Api, before: str, reason: str
) -> None:
    serve(server, before)
    with pytest.raises(ApiError, match=reason) as refused:
        reactivate(api)
    assert type(refused.value) is ApiError
    assert asked_for(server) == []


def test_one_that_was_cancelled_meanwhile_counts_as_cancelled(
    server: GatewayServer, api: Api
) -> None:
    server.routes[f"GET {PATH}"] = [
        canned("api_preapproval_authorized"),
        canned("api_preapproval_cancelled"),
    ]
    server.routes[f"PUT {PATH}"] = ALREADY
    assert status(cancel(api)) is SubscriptionStatus.CANCELLED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"message":"Invalid collector"}', "400: Invalid collector"),
        (b"{}", "no reason"),
        (b"<html>", "no reason"),
    ],
)
def test_a_refusal_is_passed_on_with_its_reason(
    server: GatewayServer, api: Api, body: bytes, reason: str
) -> None:
    server.routes[f"GET {PATH}"] = canned("api_preapproval_authorized")
    server.routes[f"PUT {PATH}"] = Canned(400, {}, body)
    with pytest.raises(ApiError, match=reason) as refused:
        cancel(api)
    assert type(refused.value) is ApiError


def test_a_change_that_was_not_made_is_no_success(server: GatewayServer, api: Api) -> None:
    server.routes[f"GET {PATH}"] = canned("api_preapproval_authorized")
    server.routes[f"PUT {PATH}"] = told(resource("api_preapproval_cancelled"))
    with pytest.raises(UnavailableError, match="still authorized"):
        cancel(api)


@pytest.mark.parametrize("change", [cancel, reactivate])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (canned("api_error_unauthorized_401"), DeniedError),
        (canned("api_error_too_many_requests_429"), UnavailableError),
        (canned("api_error_internal_500"), UnavailableError),
        (Canned(404), NotFoundError),
        (Canned(delay=1.0), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer,
    api: Api,
    change: ChangeSubscription,
    answer: Canned,
    error: type[ApiError],
) -> None:
    server.routes[f"GET {PATH}"] = canned("api_preapproval_paused")
    server.routes[f"PUT {PATH}"] = answer
    with pytest.raises(ApiError) as failed:
        change(api, PREAPPROVAL)
    assert type(failed.value) is error


@pytest.mark.parametrize("code", ["", "../v1/payments", "a b", "x" * 65])
def test_what_is_no_id_is_never_asked_for(server: GatewayServer, api: Api, code: str) -> None:
    for change in (cancel, reactivate):
        with pytest.raises(NotFoundError):
            change(api, code)
    assert server.asked == []


def test_what_mercado_pago_only_pretends_to_change_is_not_offered() -> None:
    assert MERCADOPAGO.change_due_day is None
    assert MERCADOPAGO.change_plan is None
