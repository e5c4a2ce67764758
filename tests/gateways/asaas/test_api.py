"""What Asaas is asked, against a real server on this machine."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from recibo.gateways.asaas import ASAAS, api
from recibo.gateways.contract import ANSWER, Api
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import LeadFact
from tests.gateways.gateway_server import Canned, GatewayServer, asking, told
from tests.recordings import recorded

KEY = "$aact_hmlg_exemplo"
ID = "cus_000090000001"
PATH = f"/v3/customers/{ID}"
CUSTOMER = Canned(body=recorded("asaas/api_customer").body)


@pytest.fixture
def asaas(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"api_key": KEY}) as view:
        yield view


def whole_answer(name: str) -> Canned:
    """A recording that has its status and headers with it."""
    recording = json.loads(recorded(f"asaas/{name}").body)
    headers = {key.replace("-", "_"): value for key, value in recording.get("headers", {}).items()}
    return told(recording["body"], recording["http_status"], **headers)


def test_a_customer_is_asked_for_by_id(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = CUSTOMER
    before = datetime.now(UTC)
    answer = api.fetch_customer(asaas, ID)
    assert (answer.headers[ANSWER], answer.body) == (b"customer", CUSTOMER.body)
    (lead,) = ASAAS.parse(answer)
    assert isinstance(lead, LeadFact)
    assert (lead.customer.email, lead.customer.gateway_id) == ("ana.exemplo@example.com", ID)
    assert before <= lead.occurred_at <= datetime.now(UTC)
    assert ASAAS.identify(answer) == ASAAS.identify(api.fetch_customer(asaas, ID))


def test_the_key_and_our_name_go_along(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = CUSTOMER
    api.fetch_customer(asaas, ID)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("GET", PATH, b"")
    assert asked.headers["access_token"] == KEY
    assert asked.headers["user-agent"] == "Recibo"


def test_white_space_around_a_key_is_no_part_of_it(server: GatewayServer) -> None:
    server.routes["/v3/customers"] = told({"data": []})
    with asking(server.url, {"api_key": f" {KEY}\n"}) as view:
        api.ping(view)
    assert server.asked[0].headers["access_token"] == KEY


@pytest.mark.parametrize(
    "gateway_id", ["", "cus_", "pay_1", "cus_1/../../webhooks", "cus_ç", "x" * 9]
)
def test_what_is_no_id_is_not_asked_for(server: GatewayServer, asaas: Api, gateway_id: str) -> None:
    with pytest.raises(ApiError, match="Not the id"):
        api.fetch_customer(asaas, gateway_id)
    assert not server.asked


def test_a_customer_may_be_there_only_later(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = [whole_answer("api_error_not_found_404"), CUSTOMER]
    with pytest.raises(NotFoundError):
        api.fetch_customer(asaas, ID)
    assert api.fetch_customer(asaas, ID).body == CUSTOMER.body


def test_too_many_questions_have_to_wait(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = told({}, 429, Retry_After="30")
    with pytest.raises(UnavailableError) as busy:
        api.fetch_customer(asaas, ID)
    assert (busy.value.status, busy.value.retry_after) == (429, timedelta(seconds=30))


def test_the_quota_of_asaas_is_a_reason_to_ask_again(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = whole_answer("api_error_too_many_requests_429")
    with pytest.raises(UnavailableError) as busy:
        api.fetch_customer(asaas, ID)
    assert busy.value.status == 429


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_fault_of_the_gateway_is_a_reason_to_ask_again(
    server: GatewayServer, asaas: Api, status: int
) -> None:
    server.routes[PATH] = Canned(status)
    with pytest.raises(UnavailableError) as fault:
        api.fetch_customer(asaas, ID)
    assert fault.value.status == status


def test_an_answer_that_takes_too_long_is_not_waited_for(server: GatewayServer) -> None:
    server.routes[PATH] = Canned(body=CUSTOMER.body, delay=0.5)
    with (
        asking(server.url, {"api_key": KEY}, timeout=0.1) as view,
        pytest.raises(UnavailableError, match="Timeout"),
    ):
        api.fetch_customer(view, ID)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"id":7}', recorded("asaas/api_customers_list").body]
)
def test_garbage_is_asked_for_again_and_never_kept(
    server: GatewayServer, asaas: Api, body: bytes
) -> None:
    server.routes[PATH] = Canned(body=body)
    with pytest.raises(UnavailableError, match="cannot be read"):
        api.fetch_customer(asaas, ID)


def test_the_answer_about_somebody_else_is_not_taken(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = told({"id": "cus_2"})
    with pytest.raises(UnavailableError, match="another customer"):
        api.fetch_customer(asaas, ID)


def test_a_ping_asks_for_one_customer(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/customers"] = Canned(body=recorded("asaas/api_customers_list").body)
    api.ping(asaas)
    (asked,) = server.asked
    assert (asked.path, asked.query) == ("/v3/customers", {"limit": ["1"]})


def test_a_wrong_key_is_denied(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/customers"] = whole_answer("api_error_invalid_token_401")
    with pytest.raises(DeniedError, match="sandbox and production") as denied:
        api.ping(asaas)
    assert denied.value.status == 401


@pytest.mark.parametrize("credentials", [{}, {"api_key": ""}, {"api_key": "_hmlg_exemplo"}])
def test_a_key_that_lost_its_dollar_sign_says_so(
    server: GatewayServer, credentials: dict[str, str]
) -> None:
    server.routes["/v3/customers"] = whole_answer("api_error_invalid_token_401")
    with (
        asking(server.url, credentials) as view,
        pytest.raises(DeniedError, match=r"begins with \$"),
    ):
        api.ping(view)


def test_a_key_that_cannot_travel_is_denied_before_it_is_sent(server: GatewayServer) -> None:
    with asking(server.url, {"api_key": "$chave-ção"}) as view, pytest.raises(DeniedError):
        api.ping(view)
    assert not server.asked


def test_the_quota_of_twelve_hours_is_not_used_up() -> None:
    assert ASAAS.calls_per_second * 12 * 60 * 60 < 25_000


def test_the_gateway_is_asked_at_its_own_address() -> None:
    assert (ASAAS.api_url, ASAAS.api_url_setting) == ("https://api.asaas.com", "ASAAS_API_URL")
    assert ASAAS.credentials == {"api_key": "ASAAS_API_KEY"}
    assert (ASAAS.fetch_customer, ASAAS.ping) == (api.fetch_customer, api.ping)
