"""Asking Pagar.me, over real sockets."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.facts import ChargeFact, ChargeStatus, EventType
from recibo.gateways.stone import STONE
from tests.gateways.gateway_server import TIMEOUT, Asked, Canned, GatewayServer, asking, told
from tests.gateways.stone.conftest import KEY
from tests.gateways.stone.test_webhook import changed
from tests.recordings import recorded

PIX = "stone/webhook-charge-paid-pix"
CARD = "stone/webhook-charge-paid-card"
CHARGEBACK = "stone/webhook-chargeback-received-unconfirmed-shape"
CHARGED_BACK = "stone/webhook-charge-chargedback-card"
CHARGE = "/core/v5/charges/ch_Fx00000000000002"
HOOK = "/core/v5/hooks/hook_Fx00000000000007"
JSON = {"content-type": "application/json"}
NOT_FOUND = recorded("stone/api-error-400-order-not-found").body


def read(name: str) -> Canned:
    return Canned(200, JSON, recorded(f"stone/{name}").body)


def resource(name: str, **more: Any) -> Canned:
    """The resource inside a recorded webhook."""
    return told(json.loads(recorded(name).body)["data"] | more)


def hook(name: str, **more: Any) -> Canned:
    """A recorded webhook as the API tells of it."""
    body = json.loads(recorded(name).body)
    return told({**body, "event": body.pop("type"), "status": "sent", **more})


def word_of(answer: RawRequest) -> bytes:
    return answer.headers[ANSWER]


def test_a_charge_is_asked_for_by_its_id(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGE] = read("api-get-charge-paid")
    (answer,) = STONE.fetch(api, recorded(CARD))
    assert word_of(answer) == b"charge"
    assert answer.body == recorded("stone/api-get-charge-paid").body
    assert STONE.parse(answer) == STONE.parse(recorded(CARD))
    assert server.paths == [CHARGE]


def test_the_secret_key_is_the_user_and_there_is_no_password(
    server: GatewayServer, api: Api
) -> None:
    server.routes[CHARGE] = read("api-get-charge-paid")
    STONE.fetch(api, recorded(CARD))
    scheme, _, credentials = server.asked[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials) == f"{KEY}:".encode()


@pytest.mark.parametrize(
    ("name", "path", "word"),
    [
        ("stone/webhook-order-paid-pix", "/orders/or_Fx00000000000001", b"order"),
        ("stone/webhook-invoice-paid", "/invoices/in_Fx00000000000001", b"invoice"),
        (
            "stone/webhook-subscription-created",
            "/subscriptions/sub_Fx00000000000001",
            b"subscription",
        ),
        ("stone/webhook-customer-created", "/customers/cus_Fx00000000000002", b"customer"),
    ],
)
def test_every_resource_is_asked_for_where_it_is(
    server: GatewayServer, api: Api, name: str, path: str, word: bytes
) -> None:
    server.routes[f"/core/v5{path}"] = resource(name)
    (answer,) = STONE.fetch(api, recorded(name))
    assert word_of(answer) == word
    assert STONE.parse(answer)


def test_nothing_of_a_notice_is_believed_but_its_ids(server: GatewayServer, api: Api) -> None:
    forged = changed("stone/webhook-charge-created-boleto", {"data.status": "paid"})
    server.routes["/core/v5/charges/ch_Fx00000000000006"] = read("api-get-charge-pending-boleto")
    (answer,) = STONE.fetch(api, forged)
    (fact,) = STONE.parse(answer)
    assert isinstance(fact, ChargeFact)
    assert fact.status is ChargeStatus.PENDING


def test_what_cannot_be_read_by_itself_is_read_from_its_hook(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/core/v5/hooks/hook_Fx00000000000004"] = read("api-get-hook")
    (answer,) = STONE.fetch(api, recorded(PIX))
    assert word_of(answer) == b"hook"
    assert STONE.parse(answer) == STONE.parse(recorded(PIX))
    assert server.paths == [
        "/core/v5/charges/ch_Fx00000000000001",
        "/core/v5/hooks/hook_Fx00000000000004",
    ]


@pytest.mark.parametrize(
    "missing", [Canned(404, JSON, b'{"message": "Charge not found."}'), Canned(400)]
)
def test_what_is_not_there_yet_is_found_later(
    server: GatewayServer, api: Api, missing: Canned
) -> None:
    server.routes[CHARGE] = [missing, read("api-get-charge-paid")]
    with pytest.raises(NotFoundError):
        STONE.fetch(api, recorded(CARD))
    (answer,) = STONE.fetch(api, recorded(CARD))
    assert STONE.identify(answer).charge_id == "ch_Fx00000000000002"


def test_a_notice_without_a_hook_has_no_second_place_to_look(
    server: GatewayServer, api: Api
) -> None:
    with pytest.raises(NotFoundError):
        STONE.fetch(api, changed(CARD, {"id": None}))
    assert server.paths == [CHARGE]


# A charge that is polled


def test_a_charge_is_polled_by_its_id(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGE] = read("api-get-charge-paid")
    (answer,) = STONE.fetch_charge(api, "ch_Fx00000000000002")
    assert word_of(answer) == b"charge"
    assert STONE.parse(answer) == STONE.parse(recorded(CARD))


def test_a_charge_that_did_not_change_is_no_news(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGE] = [
        *(read("api-get-charge-paid"), resource(CARD, gateway_id="other")),
        read("api-delete-charge-refund"),
    ]
    first, again, refunded = (
        STONE.identify(STONE.fetch_charge(api, "ch_Fx00000000000002")[0]) for _ in range(3)
    )
    assert first == again
    assert first.event_id != refunded.event_id
    assert refunded.event_type is EventType.CHARGE_REFUNDED


@pytest.mark.parametrize("missing", [Canned(404), Canned(400, JSON, NOT_FOUND)])
def test_a_charge_that_is_unknown_is_not_there(
    server: GatewayServer, api: Api, missing: Canned
) -> None:
    server.routes[CHARGE] = missing
    with pytest.raises(NotFoundError):
        STONE.fetch_charge(api, "ch_Fx00000000000002")


@pytest.mark.parametrize(
    "charge_id", ["", "1234567", "ch_", "or_Fx00000000000002", "ch_../../orders", "xx_00000000"]
)
def test_a_charge_of_v4_and_what_is_none_is_not_asked_for(
    server: GatewayServer, api: Api, charge_id: str
) -> None:
    with pytest.raises(NotFoundError, match="Not the id of a charge"):
        STONE.fetch_charge(api, charge_id)
    assert server.asked == []


# Chargebacks


def test_a_chargeback_is_confirmed_by_its_hook_and_told_of_its_charge(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/core/v5/hooks/hook_Fx00000000000013"] = hook(CHARGEBACK)
    server.routes["/core/v5/charges/ch_Fx00000000000003"] = resource(CHARGED_BACK, status="paid")
    (answer,) = STONE.fetch(api, recorded(CHARGEBACK))
    assert STONE.parse(answer) == STONE.parse(recorded(CHARGED_BACK))
    assert not STONE.identify(answer).is_thin


def test_a_chargeback_whose_hook_holds_the_charge_needs_one_question(
    server: GatewayServer, api: Api
) -> None:
    server.routes["/core/v5/hooks/hook_Fx00000000000012"] = hook(CHARGED_BACK)
    (answer,) = STONE.fetch(api, recorded(CHARGED_BACK))
    assert word_of(answer) == b"hook"
    assert STONE.parse(answer) == STONE.parse(recorded(CHARGED_BACK))
    assert len(server.asked) == 1


def test_a_chargeback_that_its_hook_does_not_confirm_is_none(
    server: GatewayServer, api: Api
) -> None:
    server.routes[HOOK] = hook(CARD)
    forged = changed(CARD, {"type": "chargeback.received"})
    with pytest.raises(PayloadError, match=r"tells of charge\.paid, not of a chargeback"):
        STONE.fetch(api, forged)


def test_a_chargeback_of_no_hook_cannot_be_confirmed(server: GatewayServer, api: Api) -> None:
    with pytest.raises(PayloadError, match="is no id"):
        STONE.fetch(api, changed(CHARGEBACK, {"id": None}))
    assert server.asked == []


# What is not worth a question, or must not be one


@pytest.mark.parametrize("event", ["order.closed", "card.created", "charge.levitated"])
def test_what_would_be_ignored_is_not_asked_for(
    server: GatewayServer, api: Api, event: str
) -> None:
    assert STONE.fetch(api, changed(PIX, {"type": event})) == []
    assert server.asked == []


def test_a_postback_is_not_asked_for(server: GatewayServer, api: Api) -> None:
    postback = recorded("stone/v4-postback-transaction-boleto-paid")
    assert STONE.fetch(api, postback) == []
    assert server.asked == []


@pytest.mark.parametrize(
    "name",
    [
        *("", None, "ch", "ch_", "ch_1", "ch_../../orders", "ch_Fx00000000000001?x=1"),
        *("ch_Fx0000000000000/", "xx_Fx00000000000001", "ch_" + "0" * 41, "ch_Fx0000000000000ç"),
    ],
)
def test_what_is_no_id_goes_into_no_address(
    server: GatewayServer, api: Api, name: str | None
) -> None:
    with pytest.raises(PayloadError, match="is no id"):
        STONE.fetch(api, changed(PIX, {"data.id": name}))
    assert server.asked == []


# When it does not go well


@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(401, JSON, b'{"message": "Authorization has been denied."}'), DeniedError),
        (Canned(403), DeniedError),
        (Canned(500), UnavailableError),
        (Canned(503), UnavailableError),
        (Canned(422), ApiError),
        (Canned(200, {}, b"<html>"), UnavailableError),
        (Canned(200, JSON, b""), UnavailableError),
        (Canned(200, JSON, b'{"id": 7}'), UnavailableError),
        (Canned(200, JSON, b"[" * 100_000), UnavailableError),
        (Canned(200, JSON, b"\xff"), UnavailableError),
        (read("api-get-charge-pending-boleto"), UnavailableError),  # another charge
        (Canned(delay=TIMEOUT + 0.3), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, api: Api, canned: Canned, error: type[ApiError]
) -> None:
    server.routes[CHARGE] = canned
    with pytest.raises(ApiError) as failed:
        STONE.fetch(api, recorded(CARD))
    assert type(failed.value) is error
    assert server.paths == [CHARGE]


def test_too_many_questions_wait_as_long_as_they_are_told(server: GatewayServer, api: Api) -> None:
    server.routes[CHARGE] = Canned(429, {"retry-after": "7"}, b'{"message": "Too Many Requests"}')
    with pytest.raises(UnavailableError) as failed:
        STONE.fetch(api, recorded(CARD))
    assert failed.value.retry_after == timedelta(seconds=7)


# Whether the credentials work


def test_ping_asks_for_as_little_as_can_be(server: GatewayServer, api: Api) -> None:
    server.routes["/core/v5/charges"] = told({"data": [], "paging": {"total": 0}})
    STONE.ping(api)
    assert server.asked[0].query == {"size": ["1"]}


def test_ping_tells_a_wrong_key(server: GatewayServer) -> None:
    def answer(asked: Asked) -> Canned:
        right = base64.b64encode(f"{KEY}:".encode()).decode()
        is_right = asked.headers["authorization"] == f"Basic {right}"
        return Canned(200 if is_right else 401)

    server.routes["/core/v5/charges"] = answer
    with asking(server.url, {"secret_key": "sk_wrong"}) as api, pytest.raises(DeniedError):
        STONE.ping(api)
    with asking(server.url, {"secret_key": KEY}) as api:
        STONE.ping(api)
