"""What is asked of Mercado Pago's API, against a real server on this machine."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.mercadopago import MERCADOPAGO
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, asking, told
from tests.gateways.mercadopago.served import PREAPPROVAL, TOKEN, canned, payment
from tests.recordings import recorded

PAYMENT = RawRequest({}, b"{}", b"data.id=90010000001&type=payment")
PATH = "/v1/payments/90010000001"


@pytest.fixture
def api(server: GatewayServer) -> Iterator[Api]:
    with asking(server.url, {"access_token": TOKEN}) as asked:
        yield asked


def fetch(api: Api, notice: RawRequest = PAYMENT) -> list[RawRequest]:
    assert MERCADOPAGO.fetch
    return MERCADOPAGO.fetch(api, notice)


def read(answers: list[RawRequest]) -> list[tuple[str, str]]:
    """Resource and gateway event of each answer."""
    return [
        (one.headers[ANSWER].decode(), MERCADOPAGO.identify(one).gateway_event) for one in answers
    ]


def test_a_payment_is_read_with_the_accounts_own_token(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_payment_pix_approved")
    (answer,) = fetch(api)
    assert answer.body == recorded("mercadopago/api_payment_pix_approved").body
    assert read([answer]) == [("payment", "payment.approved")]
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", PATH)
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_replica_that_lags_behind_is_asked_again(server: GatewayServer, api: Api) -> None:
    late, found = canned("api_payment_not_found_404"), canned("api_payment_pix_approved")
    server.routes[PATH] = [late, found]
    with pytest.raises(NotFoundError) as missing:
        fetch(api)
    assert missing.value.status == 404
    assert len(fetch(api)) == 1


def test_too_many_requests_say_when_to_come_back(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_error_too_many_requests_429")
    with pytest.raises(UnavailableError) as busy:
        fetch(api)
    assert (busy.value.status, busy.value.retry_after) == (429, timedelta(seconds=30))


def test_an_error_of_theirs_is_no_verdict(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_error_internal_500")
    with pytest.raises(UnavailableError) as broken:
        fetch(api)
    assert broken.value.status == 500


def test_a_refused_token_is_a_matter_for_a_person(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_error_unauthorized_401")
    with pytest.raises(DeniedError):
        fetch(api)


def test_a_request_that_they_do_not_understand_is_an_error(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_error_preapproval_already_cancelled_400")
    with pytest.raises(ApiError) as refused:
        fetch(api)
    assert refused.value.status == 400


def test_a_slow_answer_is_not_waited_for(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = Canned(body=b"{}", delay=1.0)
    with pytest.raises(UnavailableError):
        fetch(api)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"id":', b"{}", b'{"id":90010000002}', b"\xff"]
)
def test_garbage_and_somebody_elses_payment_are_no_answer(
    server: GatewayServer, api: Api, body: bytes
) -> None:
    server.routes[PATH] = Canned(body=body)
    with pytest.raises(UnavailableError):
        fetch(api)


@pytest.mark.parametrize("secret", ["", "  ", "two\nlines", "ção"])
def test_without_a_usable_token_nothing_is_asked(server: GatewayServer, secret: str) -> None:
    with asking(server.url, {"access_token": secret}) as api, pytest.raises(DeniedError):
        fetch(api)
    with asking(server.url) as api, pytest.raises(DeniedError):
        fetch(api)
    assert server.asked == []


def test_the_answer_says_whose_account_asked(server: GatewayServer, api: Api) -> None:
    server.routes[PATH] = canned("api_payment_pix_approved")
    (answer,) = fetch(api)
    assert answer.headers[b"x-recibo-collector"] == b"700000001"
    assert MERCADOPAGO.parse(answer)


def test_a_token_of_another_form_names_no_account(server: GatewayServer) -> None:
    server.routes[PATH] = canned("api_payment_pix_approved")
    with asking(server.url, {"access_token": "APP_USR-test-123"}) as api:
        (answer,) = fetch(api)
    assert b"x-recibo-collector" not in answer.headers


# How one payment stands


def test_a_charge_that_is_asked_for_is_the_same_news_as_after_its_notice(
    server: GatewayServer, api: Api
) -> None:
    server.routes[PATH] = canned("api_payment_pix_approved")
    (polled,), (noticed,) = fetch_charge(api, "90010000001"), fetch(api)
    assert MERCADOPAGO.identify(polled) == MERCADOPAGO.identify(noticed)
    assert MERCADOPAGO.parse(polled) == MERCADOPAGO.parse(noticed)


def test_a_charge_that_is_not_there_is_told_apart_from_one_that_cannot_be_read(
    server: GatewayServer, api: Api
) -> None:
    server.routes[PATH] = [canned("api_payment_not_found_404"), canned("api_error_internal_500")]
    with pytest.raises(NotFoundError):
        fetch_charge(api, "90010000001")
    with pytest.raises(UnavailableError):
        fetch_charge(api, "90010000001")


@pytest.mark.parametrize("charge_id", ["", "../users/me", "1?x=1", "9" * 65, "²", "1 2"])
def test_what_is_no_id_is_never_asked_for(server: GatewayServer, api: Api, charge_id: str) -> None:
    with pytest.raises(NotFoundError):
        fetch_charge(api, charge_id)
    assert server.asked == []


def fetch_charge(api: Api, charge_id: str) -> list[RawRequest]:
    assert MERCADOPAGO.fetch_charge
    return MERCADOPAGO.fetch_charge(api, charge_id)


# What is read for which notice


def test_a_preapproval_is_read(server: GatewayServer, api: Api) -> None:
    server.routes[f"/preapproval/{PREAPPROVAL}"] = canned("api_preapproval_paused")
    answers = fetch(api, recorded("mercadopago/webhook_subscription_preapproval_updated"))
    assert read(answers) == [("preapproval", "preapproval.paused")]


def test_an_invoice_is_read_with_its_payment(server: GatewayServer, api: Api) -> None:
    server.routes["/authorized_payments/6100000001"] = canned(
        "api_authorized_payment_processed_approved"
    )
    server.routes["/v1/payments/90010000014"] = canned("api_payment_recurring_approved")
    notice = recorded("mercadopago/webhook_subscription_authorized_payment_updated")
    assert read(fetch(api, notice)) == [
        ("authorized_payment", "authorized_payment.approved"),
        ("payment", "payment.approved"),
    ]


def test_an_invoice_stands_in_for_a_payment_that_cannot_be_read(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/authorized_payments/6100000001"] = canned(
        "api_authorized_payment_processed_approved"
    )
    server.routes["/v1/payments/90010000014"] = canned("api_payment_not_found_404")
    notice = recorded("mercadopago/webhook_subscription_authorized_payment_updated")
    (answer,) = fetch(api, notice)
    assert len(MERCADOPAGO.parse(answer)) == 2


def test_an_invoice_that_was_not_tried_has_no_payment(server: GatewayServer, api: Api) -> None:
    server.routes["/authorized_payments/6100000001"] = canned("api_authorized_payment_scheduled")
    notice = recorded("mercadopago/webhook_subscription_authorized_payment_created")
    assert len(fetch(api, notice)) == 1


@pytest.mark.parametrize(
    "notice",
    [
        recorded("mercadopago/webhook_merchant_order"),
        recorded("mercadopago/ipn_merchant_order"),
        RawRequest({}, b"", b"topic=merchant_order&id=26200000001"),
    ],
)
def test_an_order_gives_its_payments(server: GatewayServer, api: Api, notice: RawRequest) -> None:
    server.routes["/merchant_orders/26200000001"] = canned("api_merchant_order_closed_paid")
    server.routes["/v1/payments/90010000099"] = payment(90010000099, "api_payment_card_rejected")
    server.routes[PATH] = canned("api_payment_pix_approved")
    assert read(fetch(api, notice)) == [
        ("payment", "payment.rejected"),
        ("payment", "payment.approved"),
    ]


def test_one_payment_that_cannot_be_read_does_not_hold_up_the_others(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/merchant_orders/26200000001"] = canned("api_merchant_order_closed_paid")
    server.routes[PATH] = canned("api_payment_pix_approved")
    notice = recorded("mercadopago/ipn_merchant_order")
    assert read(fetch(api, notice)) == [("payment", "payment.approved")]


def test_an_order_of_which_nothing_can_be_read_is_asked_again(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/merchant_orders/26200000001"] = canned("api_merchant_order_closed_paid")
    with pytest.raises(NotFoundError):
        fetch(api, recorded("mercadopago/ipn_merchant_order"))


@pytest.mark.parametrize("payments", [..., None, []])
def test_an_order_that_nobody_tried_to_pay_tells_nothing(
    server: GatewayServer, api: Api, payments: Any
) -> None:
    order = {"id": 26200000001} | ({} if payments is ... else {"payments": payments})
    server.routes["/merchant_orders/26200000001"] = told(order)
    assert fetch(api, recorded("mercadopago/webhook_merchant_order")) == []


def test_the_address_in_an_ipn_is_never_followed(server: GatewayServer, api: Api) -> None:
    body = b'{"topic":"payment","resource":"http://169.254.169.254/latest/90010000001"}'
    server.routes[PATH] = canned("api_payment_pix_approved")
    assert len(fetch(api, RawRequest({}, body))) == 1
    assert server.paths == [PATH]


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("api_chargeback_coverage_applied", True),
        ("api_chargeback_documentation_pending", False),
    ],
)
def test_a_chargeback_gives_its_payment_and_whether_it_is_covered(
    server: GatewayServer, api: Api, name: str, covered: bool
) -> None:
    server.routes["/v1/chargebacks/233000061680860001"] = canned(name)
    server.routes["/v1/payments/90010000008"] = canned("api_payment_charged_back_settled")
    (answer,) = fetch(api, recorded("mercadopago/webhook_chargeback"))
    assert read([answer]) == [("payment", "payment.charged_back")]
    assert (b"x-recibo-coverage" in answer.headers) == covered


def test_a_chargeback_that_is_not_covered_is_not_noted_as_covered(
    server: GatewayServer, api: Api
) -> None:
    case = {"id": "233000061680860001", "payments": [90010000008], "coverage_applied": False}
    server.routes["/v1/chargebacks/233000061680860001"] = told(case)
    server.routes["/v1/payments/90010000008"] = canned("api_payment_charged_back_settled")
    (answer,) = fetch(api, recorded("mercadopago/webhook_chargeback"))
    assert b"x-recibo-coverage" not in answer.headers


def test_a_payment_without_a_usable_id_is_no_answer(server: GatewayServer, api: Api) -> None:
    order = {"id": 26200000001, "payments": [{"id": "../users/me"}]}
    server.routes["/merchant_orders/26200000001"] = told(order)
    with pytest.raises(UnavailableError):
        fetch(api, recorded("mercadopago/webhook_merchant_order"))


@pytest.mark.parametrize(
    "name", ["webhook_payment_test_simulated", "webhook_claim", "webhook_mp_connect_deauthorized"]
)
def test_nothing_is_asked_about_what_is_not_read(
    server: GatewayServer, api: Api, name: str
) -> None:
    assert fetch(api, recorded(f"mercadopago/{name}")) == []
    assert server.asked == []


# Whether the token works


def test_a_token_that_works_can_search(server: GatewayServer, api: Api) -> None:
    server.routes["/v1/payments/search"] = canned("api_payments_search_empty")
    ping()(api)
    assert server.asked[0].query == {
        "sort": ["date_created"],
        "criteria": ["desc"],
        "limit": ["1"],
    }


def test_a_token_that_does_not_work_is_denied(server: GatewayServer, api: Api) -> None:
    def guarded(asked: Asked) -> Canned:
        return canned("api_error_unauthorized_401")

    server.routes["/v1/payments/search"] = guarded
    with pytest.raises(DeniedError):
        ping()(api)


def ping() -> Callable[[Api], None]:
    assert MERCADOPAGO.ping
    return MERCADOPAGO.ping
