"""What AppMax is asked, against a real server: who is asked, with what, and what can go wrong."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from recibo.gateways.appmax import APPMAX, api, calls
from recibo.gateways.contract import ANSWER, Api, MemoryTokens, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import ChargeFact, ChargeStatus, LeadFact, SubscriptionStatus
from tests.gateways.appmax.served import KEY, TOKEN_PATH, application_credentials, whole
from tests.gateways.gateway_server import Canned, GatewayServer, asking, told
from tests.recordings import recorded

V3_PATH, V1_PATH = "/api/v3/order/200001", "/v1/orders/300001"
LIQUID_PATH = "/v1/orders/total-liquid/300001"

LEGACY = "appmax/panel_old_legacy_order_paid"
PAYMENT = "appmax/app_payment_not_authorized"
SUBSCRIPTION = "appmax/app_subscription_charge_failed"


@pytest.fixture
def store(server: GatewayServer) -> Iterator[Api]:
    """An account with the static token of a store."""
    with asking(server.url, {"access_token": KEY}) as account:
        yield account


@pytest.fixture
def application(server: GatewayServer) -> Iterator[Api]:
    """An account with the credentials of an application."""
    with asking(server.url, application_credentials(server)) as account:
        yield account


@pytest.fixture
def both(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": KEY, **application_credentials(server)}) as account:
        yield account


def notice(name: str, **data: Any) -> RawRequest:
    body = json.loads(recorded(name).body)
    body["data"] |= data
    return RawRequest({}, json.dumps(body).encode())


# The store's API


def test_a_thin_notice_is_asked_about(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    (answer,) = api.fetch(store, notice(LEGACY))
    assert answer.headers[ANSWER] == b"order-v3"
    assert answer.body == server.answer_to(server.asked[0]).body
    (fact,) = APPMAX.parse(answer)
    assert isinstance(fact, ChargeFact)
    assert (fact.charge_id, fact.status) == ("200001", ChargeStatus.PAID)
    assert server.asked[0].query == {"access-token": [KEY]}


def test_a_notice_that_tells_enough_asks_nothing(server: GatewayServer, store: Api) -> None:
    assert api.fetch(store, notice("appmax/panel_standard_OrderPaid")) == []
    assert server.asked == []


def test_the_news_goes_with_the_answer_where_the_status_would_not_tell_it(
    server: GatewayServer, store: Api
) -> None:
    order = json.loads(recorded("appmax/api_v3_order").body)
    order["data"] |= {"status": "cancelado", "paid_at": None}
    server.routes[V3_PATH] = told(order)
    (answer,) = api.fetch(store, notice("appmax/panel_old_legacy_order_pix_expired"))
    (fact,) = APPMAX.parse(answer)
    assert isinstance(fact, ChargeFact)
    assert fact.status is ChargeStatus.EXPIRED


def test_two_notices_of_one_state_are_one_answer(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    names = (LEGACY, "appmax/panel_old_legacy_order_approved")
    answers = [api.fetch(store, notice(name))[0] for name in names]
    assert len({APPMAX.identify(answer).event_id for answer in answers}) == 1


def test_what_is_not_there_yet_may_be_there_later(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = [
        whole("appmax/api_v3_order_not_found"),
        whole("appmax/api_v3_order"),
    ]
    with pytest.raises(NotFoundError, match="Order not found"):
        api.fetch(store, notice(LEGACY))
    assert len(api.fetch(store, notice(LEGACY))) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (whole("appmax/api_v3_invalid_token"), DeniedError),
        (told({"success": False, "text": "Invalid Access Token", "status": 401}), DeniedError),
        (told({"success": False}), NotFoundError),
        (told({"success": False, "status": 500}), UnavailableError),
        (told({"success": False, "status": 429}), UnavailableError),
        (Canned(404), NotFoundError),
        (Canned(500), UnavailableError),
        (Canned(503, {"retry-after": "7"}), UnavailableError),
        (Canned(400), ApiError),
        (Canned(200, {}, b"<html>on maintenance</html>"), UnavailableError),
        (Canned(200, {}, b"[]"), UnavailableError),
        (Canned(200, {}, b""), UnavailableError),
        (Canned(delay=1.0), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, store: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[V3_PATH] = answer
    with pytest.raises(ApiError) as failed:
        api.fetch(store, notice(LEGACY))
    assert type(failed.value) is error


def test_no_error_tells_the_stores_token(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = Canned(500)
    with pytest.raises(UnavailableError) as failed:
        api.fetch(store, notice(LEGACY))
    assert KEY not in str(failed.value)


@pytest.mark.parametrize("order_id", ["../product", "1?x=1", "", "9" * 19, None, "²"])
def test_what_is_no_id_is_never_asked_for(
    server: GatewayServer, store: Api, order_id: str | None
) -> None:
    with pytest.raises((NotFoundError, ApiError)):
        api.order(store, order_id or "", api.ORDERS, prefer_v1=False, notes={})
    assert server.asked == []


def test_each_api_has_its_own_host() -> None:
    hosts = []

    def unknown(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(404)

    credentials = {"access_token": KEY, "client_id": "loja", "client_secret": "segredo"}
    with httpx.Client(transport=httpx.MockTransport(unknown)) as client:
        account = Api(client, APPMAX.api_url, credentials)
        account.tokens.put(calls.owner(account), "token", 60)
        with pytest.raises(NotFoundError):
            api.fetch(account, notice(LEGACY))
    assert hosts == ["admin.appmax.com.br", "api.appmax.com.br"]


# The application's API


def test_an_application_is_asked_with_a_token(server: GatewayServer, application: Api) -> None:
    server.routes["/v1/orders/300006"] = whole("appmax/api_v1_order")
    server.routes["/v1/orders/total-liquid/300006"] = whole("appmax/api_v1_order_total_liquid")
    (answer,) = api.fetch(application, notice(PAYMENT))
    (fact,) = APPMAX.parse(answer)
    assert isinstance(fact, ChargeFact)
    assert (str(fact.net), str(fact.fee)) == ("248.76", "18.72")
    token, order, _ = server.asked
    assert parse_qs(token.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["loja"],
        "client_secret": ["segredo"],
    }
    assert order.headers["authorization"] == "Bearer token-ficticio-0001"


def test_a_token_serves_until_it_lapses(
    server: GatewayServer, application: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/v1/orders/300006"] = whole("appmax/api_v1_order")
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for seconds in (0, 3539, 2):
        now[0] += seconds
        api.fetch(application, notice(PAYMENT))
    assert server.paths.count(TOKEN_PATH) == 2


def test_other_credentials_do_not_live_on_anothers_token(
    server: GatewayServer, application: Api
) -> None:
    api.ping(application)
    credentials = {**application.credentials, "client_secret": "x"}
    other = replace(application, credentials=credentials)
    api.ping(other)
    assert server.paths == [TOKEN_PATH, TOKEN_PATH]


def test_a_token_is_shared_by_all_who_keep_tokens_together(
    server: GatewayServer, application: Api
) -> None:
    api.ping(application)
    elsewhere = Api(application.client, server.url, application.credentials, application.tokens)
    api.ping(elsewhere)
    assert server.paths == [TOKEN_PATH]
    api.ping(replace(application, tokens=MemoryTokens()))
    assert server.paths == [TOKEN_PATH, TOKEN_PATH]


def test_the_name_of_a_token_tells_no_secret(application: Api) -> None:
    assert "segredo" not in calls.owner(application)
    assert calls.owner(application).isalnum()


@pytest.mark.parametrize("seconds", [0, 59, 60])
def test_a_token_about_to_lapse_serves_once(
    server: GatewayServer, application: Api, seconds: int
) -> None:
    server.routes[TOKEN_PATH] = told({"access_token": "kurz", "expires_in": seconds})
    api.ping(application)
    api.ping(application)
    assert server.paths == [TOKEN_PATH, TOKEN_PATH]


def test_a_token_that_was_withdrawn_is_asked_for_anew(
    server: GatewayServer, application: Api
) -> None:
    api.ping(application)
    server.routes["/v1/orders/300006"] = [Canned(401), whole("appmax/api_v1_order")]
    assert len(api.fetch(application, notice(PAYMENT))) == 1
    assert server.paths.count(TOKEN_PATH) == 2


def test_a_fresh_token_that_is_refused_is_not_asked_for_again(
    server: GatewayServer, application: Api
) -> None:
    server.routes["/v1/orders/300006"] = Canned(401)
    with pytest.raises(DeniedError):
        api.fetch(application, notice(PAYMENT))
    assert server.paths == [TOKEN_PATH, "/v1/orders/300006"]


def test_too_many_requests_say_how_long_to_wait(server: GatewayServer, application: Api) -> None:
    server.routes["/v1/orders/300006"] = whole("appmax/api_v1_too_many_requests_429")
    with pytest.raises(UnavailableError) as failed:
        api.fetch(application, notice(PAYMENT))
    assert failed.value.retry_after == timedelta(seconds=45)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (whole("appmax/api_v1_order_not_found_404"), NotFoundError),
        (told({"data": []}), UnavailableError),
        (told({"error": {"message": "?"}}), UnavailableError),
        (Canned(200, {}, b"{"), UnavailableError),
        (Canned(502), UnavailableError),
        (Canned(422), ApiError),
    ],
)
def test_every_failure_of_v1_says_what_to_do_next(
    server: GatewayServer, application: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes["/v1/orders/300006"] = answer
    with pytest.raises(ApiError) as failed:
        api.fetch(application, notice(PAYMENT))
    assert type(failed.value) is error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (told({"error": "invalid_client"}, 400), DeniedError),
        (told({"error": "invalid_client"}, 401), DeniedError),
        (Canned(500), UnavailableError),
        (told({"token_type": "Bearer"}), UnavailableError),
        (Canned(200, {}, b"soon"), UnavailableError),
    ],
)
def test_without_a_token_nothing_is_asked(
    server: GatewayServer, application: Api, answer: Canned, error: type[ApiError]
) -> None:
    server.routes[TOKEN_PATH] = answer
    with pytest.raises(ApiError) as failed:
        api.fetch(application, notice(PAYMENT))
    assert type(failed.value) is error
    assert server.paths == [TOKEN_PATH]


@pytest.mark.parametrize(
    "liquid", [Canned(500), Canned(404), told({"data": []}), told({"data": {"total_liquid": "x"}})]
)
def test_an_order_is_told_even_without_its_fee(
    server: GatewayServer, application: Api, liquid: Canned
) -> None:
    server.routes["/v1/orders/300006"] = whole("appmax/api_v1_order")
    server.routes["/v1/orders/total-liquid/300006"] = liquid
    (fact,) = APPMAX.parse(api.fetch(application, notice(PAYMENT))[0])
    assert isinstance(fact, ChargeFact)
    assert (fact.status, fact.net, fact.fee) == (ChargeStatus.PAID, None, None)


def test_the_fee_of_what_was_never_paid_is_not_asked_for(
    server: GatewayServer, application: Api
) -> None:
    order = json.loads(recorded("appmax/api_v1_order").body)
    order["data"]["order"]["status"] = "cancelado"
    for told_order in (order, {"data": {"order": "?"}}):
        server.routes["/v1/orders/300006"] = told(told_order)
        api.fetch(application, notice(PAYMENT))
    assert "/v1/orders/total-liquid/300006" not in server.paths


def test_a_subscription_is_asked_for_with_its_name_and_the_news(
    server: GatewayServer, application: Api
) -> None:
    server.routes["/v1/subscriptions/8001"] = whole("appmax/api_v1_subscription")
    (answer,) = api.fetch(application, notice(SUBSCRIPTION, subscription_name="Clube\nàvido"))
    assert all(b"\n" not in value for value in answer.headers.values())
    told_subscription: Any = APPMAX.parse(answer)[-1]
    assert told_subscription.status is SubscriptionStatus.PAST_DUE
    assert told_subscription.plan == "Clube\nàvido"


@pytest.mark.parametrize("name", [None, 7])
def test_a_success_is_asked_for_without_the_news(
    server: GatewayServer, application: Api, name: Any
) -> None:
    server.routes["/v1/subscriptions/8001"] = whole("appmax/api_v1_subscription")
    success = notice("appmax/app_subscription_charge_success", subscription_name=name)
    told_subscription: Any = APPMAX.parse(api.fetch(application, success)[0])[-1]
    assert told_subscription.status is SubscriptionStatus.ACTIVE
    assert told_subscription.plan == ""


def test_only_an_application_can_ask_for_a_subscription(store: Api) -> None:
    with pytest.raises(DeniedError, match="APPMAX_CLIENT_ID"):
        api.fetch(store, notice(SUBSCRIPTION))
    with pytest.raises(NotFoundError):
        api.fetch(store, notice(SUBSCRIPTION, subscription_id="../orders"))


# Which of the two


def test_a_notice_is_asked_about_where_it_came_from(server: GatewayServer, both: Api) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    server.routes["/v1/orders/300006"] = whole("appmax/api_v1_order")
    (panels,) = api.fetch(both, notice(LEGACY))
    (applications,) = api.fetch(both, notice(PAYMENT))
    assert panels.headers[ANSWER] == b"order-v3"
    assert applications.headers[ANSWER] == b"order-v1"


def test_where_one_does_not_know_the_other_is_asked(server: GatewayServer, both: Api) -> None:
    server.routes["/api/v3/order/300006"] = whole("appmax/api_v3_order")
    (answer,) = api.fetch(both, notice(PAYMENT))
    assert answer.headers[ANSWER] == b"order-v3"
    with pytest.raises(NotFoundError):
        api.fetch(both, notice(LEGACY))


def test_without_credentials_a_person_has_to_set_them(server: GatewayServer) -> None:
    with asking(server.url, {"client_id": "loja"}) as account:
        for ask in (
            lambda: api.fetch(account, notice(LEGACY)),
            lambda: api.fetch_customer(account, "order-1"),
            lambda: api.ping(account),
        ):
            with pytest.raises(DeniedError, match="APPMAX_ACCESS_TOKEN"):
                ask()
    assert server.asked == []


# One order


def test_an_order_that_is_polled_is_the_same_news_as_after_a_notice(
    server: GatewayServer, store: Api
) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    assert APPMAX.fetch_charge
    (polled,), (noticed,) = APPMAX.fetch_charge(store, "200001"), api.fetch(store, notice(LEGACY))
    assert APPMAX.identify(polled) == APPMAX.identify(noticed)


def test_an_order_is_polled_where_it_can_be(server: GatewayServer, application: Api) -> None:
    server.routes[V1_PATH] = whole("appmax/api_v1_order")
    (answer,) = api.fetch_charge(application, "300001")
    (fact,) = APPMAX.parse(answer)
    assert isinstance(fact, ChargeFact)
    assert (fact.charge_id, fact.status) == ("300001", ChargeStatus.PAID)


def test_an_order_is_polled_in_one_call_if_both_can_be_asked(
    server: GatewayServer, both: Api
) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    api.fetch_charge(both, "200001")
    assert server.paths == [V3_PATH]


def test_an_order_is_searched_by_its_number(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = whole("appmax/api_v3_order")
    server.routes["/api/v3/order/200009"] = whole("appmax/api_v3_order_not_found")
    assert APPMAX.search_charges
    assert len(APPMAX.search_charges(store, " 200001 ")) == 1
    assert APPMAX.search_charges(store, "200009") == []


def test_a_reference_of_the_sellers_own_is_known_to_nobody(
    server: GatewayServer, store: Api
) -> None:
    assert api.search_charges(store, "PED-2026-0001") == []
    assert server.asked == []


def test_a_search_that_fails_is_no_empty_answer(server: GatewayServer, store: Api) -> None:
    server.routes[V3_PATH] = [Canned(500), whole("appmax/api_v3_invalid_token")]
    with pytest.raises(UnavailableError):
        api.search_charges(store, "200001")
    with pytest.raises(DeniedError):
        api.search_charges(store, "200001")


def test_an_order_cancelled_while_its_pix_waited_does_not_stay_pending(
    server: GatewayServer, store: Api
) -> None:
    order = json.loads(recorded("appmax/api_v3_order_pix_pending").body)
    server.routes[V3_PATH] = told(order)
    (pending,) = APPMAX.parse(api.fetch_charge(store, "200001")[0])
    order["data"]["status"] = "cancelado"
    server.routes[V3_PATH] = told(order)
    (cancelled,) = APPMAX.parse(api.fetch_charge(store, "200001")[0])
    assert isinstance(cancelled, ChargeFact)
    assert cancelled.status is ChargeStatus.CANCELLED
    assert cancelled.occurred_at >= pending.occurred_at


# Buyers and credentials


def test_a_buyer_is_asked_for_by_his_order(server: GatewayServer, application: Api) -> None:
    server.routes[V1_PATH] = whole("appmax/api_v1_order")
    server.routes[LIQUID_PATH] = whole("appmax/api_v1_order_total_liquid")
    (fact,) = APPMAX.parse(api.fetch_customer(application, "order-300001"))
    assert isinstance(fact, LeadFact)
    assert fact.customer.email == "ana.exemplo@example.com"
    assert fact.customer.gateway_id == "order-300001"


@pytest.mark.parametrize("gateway_id", ["40001", "order-", "order-1/x", "xorder-1"])
def test_a_buyer_without_an_order_cannot_be_asked_for(
    server: GatewayServer, application: Api, gateway_id: str
) -> None:
    with pytest.raises(NotFoundError):
        api.fetch_customer(application, gateway_id)
    assert server.asked == []


def test_credentials_prove_themselves(server: GatewayServer, both: Api) -> None:
    server.routes["/api/v3/product"] = told({"success": True, "data": {"data": []}})
    api.ping(both)
    assert server.paths == [TOKEN_PATH, "/api/v3/product"]


def test_wrong_credentials_are_denied(server: GatewayServer, store: Api) -> None:
    server.routes["/api/v3/product"] = whole("appmax/api_v3_invalid_token")
    with pytest.raises(DeniedError):
        api.ping(store)


def test_tokens_come_from_appmax_unless_a_setting_points_elsewhere(store: Api) -> None:
    assert calls.auth_url(store) == "https://auth.appmax.com.br"
