"""Asking PagSeguro and PagBank, over real sockets: every answer, good and bad."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import ChargeStatus, SubscriptionStatus
from recibo.gateways.pagseguro import PAGSEGURO, api, calls, charges
from tests.gateways.gateway_server import Canned, GatewayServer, asking, serving, told
from tests.gateways.pagseguro.canned import CREDENTIALS, changed, recording
from tests.recordings import recorded

CODE = "766B9C-AD4B044B04DA-77742F5FA653-E1AB24"
NOTIFICATION = f"/v3/transactions/notifications/{CODE}"
PRE_APPROVAL = "/v2/pre-approvals/notifications/0A1B2C-3D4E5F607182-93A4B5C6D7E8-F90A1B"
SEARCH = "/v2/transactions"
ORDER = "/orders/ORDE_A1B2C3D4-0102-4F00-8A00-000000000102"
NOTICE = recorded("pagseguro/legacy-notification-transaction")
HINT = recorded("pagseguro/v4-webhook-order-card-paid")


PAID = recording("legacy-v3-transaction-status3-card-paid")


def statuses(answers: list[RawRequest]) -> list[Any]:
    return [PAGSEGURO.parse(answer)[0].status for answer in answers]


# A legacy notice


def test_a_notice_is_resolved_with_our_credentials(server: GatewayServer, asked_api: Api) -> None:
    server.routes[NOTIFICATION] = PAID
    (answer,) = api.fetch(asked_api, NOTICE)
    assert answer.headers[ANSWER] == b"transaction"
    assert answer.body == PAID.body
    assert statuses([answer]) == [ChargeStatus.PAID]
    assert PAGSEGURO.identify(answer).event_id.startswith("tx:A1B2C3D4-0003-")
    (asked,) = server.asked
    assert asked.query == {name: [value] for name, value in CREDENTIALS.items()}


def test_a_notice_of_a_subscription_is_resolved(server: GatewayServer, asked_api: Api) -> None:
    server.routes[PRE_APPROVAL] = recording("legacy-v2-preapproval-active")
    answers = api.fetch(asked_api, recorded("pagseguro/legacy-notification-preapproval"))
    assert statuses(answers) == [SubscriptionStatus.ACTIVE]


@pytest.mark.parametrize(
    "notice",
    [
        recorded("pagseguro/legacy-notification-authorization"),
        RawRequest({}, f"notificationCode={CODE}&notificationType=somethingNew".encode()),
    ],
)
def test_what_bills_nothing_is_not_asked_about(
    server: GatewayServer, asked_api: Api, notice: RawRequest
) -> None:
    assert api.fetch(asked_api, notice) == []
    assert server.asked == []


@pytest.mark.parametrize("missing", ["email", "token"])
def test_without_a_credential_nothing_is_asked(server: GatewayServer, missing: str) -> None:
    rest = {name: value for name, value in CREDENTIALS.items() if name != missing}
    with asking(server.url, rest) as view, pytest.raises(DeniedError, match=missing):
        api.fetch(view, NOTICE)
    assert server.asked == []


# A hint of v4


@pytest.mark.parametrize(
    ("hint", "path", "answer", "resource"),
    [
        (
            "v4-webhook-order-boleto-paid",
            "/orders/ORDE_A1B2C3D4-0105-4F00-8A00-000000000105",
            "v4-api-get-order-boleto-waiting",
            b"order",
        ),
        (
            "v4-webhook-charge-root-paid",
            "/charges/CHAR_A1B2C3D4-0309-4F00-8A00-000000000309",
            "v4-api-get-charge-paid",
            b"charge",
        ),
    ],
)
def test_a_hint_is_read_again_by_its_id(
    server: GatewayServer, asked_api: Api, hint: str, path: str, answer: str, resource: bytes
) -> None:
    server.routes[path] = recording(answer)
    (found,) = api.fetch(asked_api, recorded(f"pagseguro/{hint}"))
    assert found.headers == {ANSWER: resource}
    assert found.body == recorded(f"pagseguro/{answer}").body
    assert PAGSEGURO.parse(found)
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer token-ficticio"
    assert asked.query == {}


def test_what_the_gateway_says_counts_not_what_the_hint_says(
    server: GatewayServer, asked_api: Api
) -> None:
    forged = recorded("pagseguro/v4-webhook-order-boleto-paid")
    path = "/orders/ORDE_A1B2C3D4-0105-4F00-8A00-000000000105"
    server.routes[path] = recording("v4-api-get-order-boleto-waiting")
    assert statuses([forged]) == [ChargeStatus.PAID]
    assert statuses(api.fetch(asked_api, forged)) == [ChargeStatus.PENDING]


def test_a_subscription_is_read_again(server: GatewayServer, asked_api: Api) -> None:
    hint = recorded("pagseguro/v4-webhook-subscription-activated")
    resource = {**json.loads(hint.body)["resource"], "status": "OVERDUE"}
    server.routes[f"/subscriptions/{resource['id']}"] = told(resource)
    assert statuses(api.fetch(asked_api, hint)) == [SubscriptionStatus.PAST_DUE]


@pytest.mark.parametrize("body", [b'{"id": "CHEC_1"}', b'{"id": "ORDE_../x"}', b"{}"])
def test_what_has_no_id_that_can_be_asked_for_is_not_asked_about(
    server: GatewayServer, asked_api: Api, body: bytes
) -> None:
    assert api.fetch(asked_api, RawRequest({}, body)) == []
    assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        told({"id": "ORDE_OF-SOMEBODY-ELSE"}),
        told({"error_messages": []}),
        told([]),
        Canned(200, {}, b"<html>"),
        Canned(200, {}, b""),
        PAID,
    ],
)
def test_what_is_not_the_order_that_was_asked_for_is_no_answer(
    server: GatewayServer, asked_api: Api, answer: Canned
) -> None:
    server.routes[ORDER] = answer
    with pytest.raises(UnavailableError):
        api.fetch(asked_api, HINT)


# What goes wrong, in both generations

Asks = Callable[[Api], object]


def asks_legacy(view: Api) -> object:
    return api.fetch(view, NOTICE)


def asks_v4(view: Api) -> object:
    return api.fetch(view, HINT)


def asks_search(view: Api) -> object:
    return charges.search_charges(view, "PEDIDO-1003")


BOTH = pytest.mark.parametrize(
    ("path", "ask"), [(NOTIFICATION, asks_legacy), (ORDER, asks_v4), (SEARCH, asks_search)]
)


@BOTH
def test_too_many_calls_are_unavailable_for_as_long_as_pagseguro_says(
    server: GatewayServer, asked_api: Api, path: str, ask: Asks
) -> None:
    server.routes[path] = Canned(429, {"retry-after": "17"})
    with pytest.raises(UnavailableError) as failed:
        ask(asked_api)
    assert failed.value.retry_after == timedelta(seconds=17)


@BOTH
def test_an_outage_is_unavailable(
    server: GatewayServer, asked_api: Api, path: str, ask: Asks
) -> None:
    server.routes[path] = recording("legacy-error-503-outage", 503)
    with pytest.raises(UnavailableError):
        ask(asked_api)


@BOTH
def test_a_slow_answer_is_unavailable(server: GatewayServer, path: str, ask: Asks) -> None:
    server.routes[path] = Canned(delay=0.4)
    with asking(server.url, CREDENTIALS, timeout=0.1) as view, pytest.raises(UnavailableError):
        ask(view)


@BOTH
def test_wrong_credentials_are_denied(
    server: GatewayServer, asked_api: Api, path: str, ask: Asks
) -> None:
    server.routes[path] = recording("legacy-error-401-unauthorized", 401)
    with pytest.raises(DeniedError):
        ask(asked_api)


@BOTH
def test_an_endless_answer_is_not_read_to_its_end(
    server: GatewayServer, asked_api: Api, path: str, ask: Asks
) -> None:
    server.routes[path] = Canned(body=b"x" * (5 * 1024 * 1024))
    with pytest.raises(UnavailableError, match="too large"):
        ask(asked_api)


@BOTH
def test_no_error_tells_the_token(
    server: GatewayServer, asked_api: Api, path: str, ask: Asks
) -> None:
    for status in (400, 401, 404, 500):
        server.routes[path] = Canned(status, {}, b"token-ficticio loja@example.com")
        with pytest.raises(ApiError) as failed:
            ask(asked_api)
        assert "token-ficticio" not in str(failed.value)
        assert "loja@" not in str(failed.value)


@pytest.mark.parametrize(
    ("path", "missing", "found", "ask"),
    [
        (
            NOTIFICATION,
            recording("legacy-error-404-13015-transaction-not-found", 404),
            PAID,
            asks_legacy,
        ),
        (
            ORDER,
            recording("v4-api-error-404", 404),
            recording("v4-webhook-order-card-paid"),
            asks_v4,
        ),
    ],
)
def test_what_is_not_there_yet_is_found_later(
    server: GatewayServer, asked_api: Api, path: str, missing: Canned, found: Canned, ask: Asks
) -> None:
    server.routes[path] = [missing, found]
    with pytest.raises(NotFoundError):
        ask(asked_api)
    assert ask(asked_api)


@pytest.mark.parametrize(
    "name",
    [
        "legacy-error-400-13001-invalid-notification-code",
        "legacy-error-400-13003-invalid-transaction-code",
        "legacy-error-400-non-numeric-code",
        "legacy-error-400-several",
    ],
)
def test_a_code_that_is_not_ours_is_an_error_that_asking_again_does_not_mend(
    server: GatewayServer, asked_api: Api, name: str
) -> None:
    server.routes[NOTIFICATION] = recording(name, 400)
    with pytest.raises(ApiError, match="forged, of another account, or wrong") as failed:
        api.fetch(asked_api, NOTICE)
    assert type(failed.value) is ApiError


def test_errors_under_a_good_status_are_errors(server: GatewayServer, asked_api: Api) -> None:
    server.routes[NOTIFICATION] = recording("legacy-error-400-several")
    expected = "13013 page invalid value: 0; 13014 maxPageResults invalid value: 5000"
    with pytest.raises(ApiError, match=expected):
        api.fetch(asked_api, NOTICE)


DOCTYPE = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]><transaction>&file;'


@pytest.mark.parametrize(
    "answer",
    [
        recording("legacy-error-503-outage"),
        recording("legacy-refund-ok"),
        recording("legacy-v2-preapproval-active"),
        recording("v4-api-get-charge-paid"),
        changed("legacy-v3-transaction-status3-card-paid", ("<transaction>", DOCTYPE)),
        Canned(body=PAID.body[:900]),
        Canned(body=b""),
    ],
)
def test_what_is_not_the_xml_that_was_asked_for_is_no_answer(
    server: GatewayServer, asked_api: Api, answer: Canned
) -> None:
    server.routes[NOTIFICATION] = answer
    with pytest.raises(UnavailableError):
        api.fetch(asked_api, NOTICE)


# Keys, credentials, hosts


def test_pagbanks_key_is_a_secret_of_verify(server: GatewayServer, asked_api: Api) -> None:
    server.routes["/public-keys"] = recording("v4-api-public-key-webhook")
    key = api.fetch_public_key(asked_api)
    assert server.asked[0].query == {"type": ["webhook"]}
    cases = json.loads(recorded("pagseguro/signatures").body)["cases"]
    (case,) = (case for case in cases if case["name"] == "elliptic-curve signature")
    headers = {name.encode(): value.encode() for name, value in case["headers"].items()}
    request = recorded(f"pagseguro/{case['body_file'].removesuffix('.json')}")
    PAGSEGURO.verify(RawRequest(headers, request.body), [key])


def test_with_an_email_the_legacy_credentials_are_tried(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[SEARCH] = recording("legacy-v2-search-by-reference-empty")
    assert PAGSEGURO.ping is not None
    PAGSEGURO.ping(asked_api)
    (asked,) = server.asked
    assert asked.query["maxPageResults"] == ["1"]
    assert asked.query["email"] == ["loja@example.com"]
    server.routes[SEARCH] = recording("legacy-error-401-unauthorized", 401)
    with pytest.raises(DeniedError):
        PAGSEGURO.ping(asked_api)


def test_without_an_email_the_token_of_v4_is_tried(server: GatewayServer) -> None:
    server.routes["/public-keys"] = [
        recording("v4-api-public-key-webhook"),
        recording("v4-api-error-401", 401),
    ]
    with asking(server.url, {"token": "token-ficticio"}) as view:
        api.ping(view)
        with pytest.raises(DeniedError):
            api.ping(view)
    assert server.paths == ["/public-keys", "/public-keys"]


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.pagseguro.com", calls.PRODUCTION),
        ("https://ws.pagseguro.uol.com.br", calls.PRODUCTION),
        ("https://sandbox.api.pagseguro.com", calls.SANDBOX),
        ("https://ws.sandbox.pagseguro.uol.com.br", calls.SANDBOX),
        ("http://127.0.0.1:9", calls.Hosts(*["http://127.0.0.1:9"] * 3)),
    ],
)
def test_one_setting_stands_for_all_hosts(base_url: str, expected: calls.Hosts) -> None:
    with asking(base_url, CREDENTIALS) as view:
        assert calls.hosts(view) == expected


def test_each_part_is_asked_at_its_own_host(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as legacy, serving() as subscriptions:
        hosts = calls.Hosts(v4=server.url, subscriptions=subscriptions.url, legacy=legacy.url)
        monkeypatch.setattr(calls, "PRODUCTION", hosts)
        subscription = recorded("pagseguro/v4-webhook-subscription-activated")
        with asking(server.url, CREDENTIALS) as view:
            for notice in (NOTICE, HINT, subscription):
                with pytest.raises(NotFoundError):
                    api.fetch(view, notice)
            with pytest.raises(NotFoundError):
                api.fetch_public_key(view)
    assert server.paths == [ORDER, "/public-keys"]
    assert legacy.paths == [NOTIFICATION]
    assert subscriptions.paths == ["/subscriptions/SUBS_A1B2C3D4-0120-4F00-8A00-000000000120"]
