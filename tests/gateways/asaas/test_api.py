"""What Asaas is asked, against a real server on this machine."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from recibo.gateways.asaas import ASAAS, api
from recibo.gateways.asaas.answers import read_at
from recibo.gateways.contract import ANSWER, Api
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import ChargeFact, ChargeStatus, LeadFact
from tests.gateways.asaas.conftest import KEY
from tests.gateways.gateway_server import TIMEOUT, Canned, GatewayServer, asking, told
from tests.recordings import recorded

ID = "cus_000090000001"
PATH = f"/v3/customers/{ID}"
CUSTOMER = Canned(body=recorded("asaas/api_customer").body)


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


PAYMENT = "/v3/payments/pay_car0000000001"
PAID = Canned(body=recorded("asaas/api_payment_card_confirmed").body)


def test_a_charge_is_asked_for_by_its_id(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENT] = PAID
    before = datetime.now(UTC)
    (answer,) = api.fetch_charge(asaas, "pay_car0000000001")
    assert (answer.headers[ANSWER], answer.body) == (b"payment", PAID.body)
    assert before <= read_at(answer) <= datetime.now(UTC)
    (charge,) = ASAAS.parse(answer)
    assert isinstance(charge, ChargeFact)
    assert charge.status is ChargeStatus.PAID


def test_an_answer_is_as_old_as_its_question(server: GatewayServer, asaas: Api) -> None:
    server.routes[PAYMENT] = Canned(body=PAID.body, delay=0.2)
    (answer,) = api.fetch_charge(asaas, "pay_car0000000001")
    assert datetime.now(UTC) - read_at(answer) >= timedelta(seconds=0.2)


@pytest.mark.parametrize("charge_id", ["", "pay_", "cus_1", "pay_1/../../webhooks", "pay_ç", "7"])
def test_what_is_no_payment_is_not_there(server: GatewayServer, asaas: Api, charge_id: str) -> None:
    with pytest.raises(NotFoundError):
        api.fetch_charge(asaas, charge_id)
    assert not server.asked


@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(404), NotFoundError),
        (Canned(401), DeniedError),
        (Canned(503), UnavailableError),
        (Canned(body=b"<html>"), UnavailableError),
        (Canned(body=b"[" * 100_000), UnavailableError),
        (Canned(body=recorded("asaas/api_payment_pix_received").body), UnavailableError),
        (Canned(body=PAID.body, delay=TIMEOUT + 0.3), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, asaas: Api, canned: Canned, error: type[ApiError]
) -> None:
    server.routes[PAYMENT] = canned
    with pytest.raises(ApiError) as failed:
        api.fetch_charge(asaas, "pay_car0000000001")
    assert type(failed.value) is error


def test_a_reference_finds_each_of_its_charges(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/payments"] = [
        Canned(body=recorded(f"asaas/api_payments_list_page_{number}").body) for number in (1, 2)
    ]
    found = api.search_charges(asaas, "PED 2026/0001&status=PAID")
    assert [ASAAS.identify(one).charge_id for one in found] == [
        *("pay_pix0000000001", "pay_car0000000001", "pay_bol0000000001"),
    ]
    assert [asked.query for asked in server.asked] == [
        {"externalReference": ["PED 2026/0001&status=PAID"], "offset": [at], "limit": ["100"]}
        for at in ("0", "100")
    ]


def test_a_reference_that_nobody_knows_has_no_charges(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/payments"] = Canned(body=recorded("asaas/api_payments_list_empty").body)
    assert api.search_charges(asaas, "PED-9") == []
    assert len(server.asked) == 1


def test_no_reference_is_not_the_reference_of_every_sale(server: GatewayServer, asaas: Api) -> None:
    assert api.search_charges(asaas, "") == []
    assert not server.asked


def test_a_search_without_end_is_ended(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/payments"] = Canned(body=recorded("asaas/api_payments_list_page_1").body)
    assert api.search_charges(asaas, "PED-1")
    assert len(server.asked) == api.MOST_PAGES


def test_a_search_that_promises_more_and_gives_nothing_ends(
    server: GatewayServer, asaas: Api
) -> None:
    server.routes["/v3/payments"] = told({"data": [], "hasMore": True})
    assert api.search_charges(asaas, "PED-1") == []
    assert len(server.asked) == 1


def test_a_refusal_is_told_in_the_gateways_words(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/payments"] = whole_answer("api_error_card_refused_400")
    with pytest.raises(ApiError, match="400: Transação não autorizada") as refused:
        api.search_charges(asaas, "PED-1")
    assert (type(refused.value), refused.value.status) == (ApiError, 400)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"errors": []}', b'{"errors": [{}]}'])
def test_a_refusal_without_words_is_one_too(server: GatewayServer, asaas: Api, body: bytes) -> None:
    server.routes["/v3/payments"] = Canned(400, body=body)
    with pytest.raises(ApiError, match=r"400$"):
        api.search_charges(asaas, "PED-1")


def test_a_key_that_may_not_do_it_needs_a_permission(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/payments"] = Canned(403)
    with pytest.raises(DeniedError, match="permission"):
        api.search_charges(asaas, "PED-1")


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
