"""WhatsApp by Meta's Cloud API, as a server on the loopback gets it."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from recibo.messaging.configuration import WhatsApp
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
)
from recibo.messaging.senders import calls, meta
from tests.gateways.gateway_server import Canned, GatewayServer, Route, serving, told
from tests.messaging.exchanges import answered, recorded
from tests.messaging.senders.conftest import ABOUT, Row, outgoing

PATH = "/v23.0/106540352242922/messages"
MESSAGE = {
    "key": "welcome_credentials:access:9:whatsapp",
    "to": "+5531987654321",
    "parameters": ("Ana", "Clube"),
}
TAKEN = answered("meta/send-template-200")


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with serving() as server:
        yield server


def send(server: GatewayServer, route: Route, version: str = "v23.0", **changes: object) -> str:
    server.routes[PATH] = route
    whatsapp = WhatsApp(
        provider="meta",
        url=server.url,
        token="SYSTEM_USER_TOKEN",
        sender="106540352242922",
        version=version,
    )
    return meta.send(outgoing(**{**MESSAGE, **changes}), ABOUT, whatsapp=whatsapp)


def failed(server: GatewayServer, answer: Canned) -> SendingError:
    with pytest.raises(SendingError) as raised:
        send(server, answer)
    return raised.value


def test_a_kind_is_sent_as_its_template(server: GatewayServer, journal: list[Row]) -> None:
    wamid = recorded("meta/send-template-200")["response"]["body"]["messages"][0]["id"]
    assert send(server, TAKEN) == wamid

    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", PATH)
    assert asked.headers["authorization"] == "Bearer SYSTEM_USER_TOKEN"
    assert json.loads(asked.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "5531987654321",
        "type": "template",
        "template": {
            "name": "recibo_welcome_credentials",
            "language": {"code": "pt_BR"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Ana"},
                        {"type": "text", "text": "Clube"},
                    ],
                }
            ],
        },
        "biz_opaque_callback_data": "welcome_credentials:access:9:whatsapp",
    }


def test_the_template_is_of_the_reader_s_language(
    server: GatewayServer, journal: list[Row]
) -> None:
    send(server, TAKEN, language="en")
    assert json.loads(server.asked[0].body)["template"]["language"] == {"code": "en"}


def test_what_meta_refuses_in_a_parameter_is_not_sent(
    server: GatewayServer, journal: list[Row]
) -> None:
    send(server, TAKEN, parameters=("", "Curso\n\t de     Violão"))
    [body] = json.loads(server.asked[0].body)["template"]["components"]
    assert [one["text"] for one in body["parameters"]] == ["-", "Curso de Violão"]


def test_a_template_without_parameters_is_filled_with_none(
    server: GatewayServer, journal: list[Row]
) -> None:
    send(server, TAKEN, parameters=())
    assert json.loads(server.asked[0].body)["template"]["components"] == []


def test_one_version_of_the_api_is_used_unless_another_is_set(
    server: GatewayServer, journal: list[Row]
) -> None:
    send(server, TAKEN, version="")
    assert server.paths == [PATH]


def test_a_message_that_meta_still_looks_at_is_sent(
    server: GatewayServer, journal: list[Row]
) -> None:
    assert send(server, answered("meta/send-template-held-200")).startswith("wamid.")


def error(code: int, status: int = 400) -> Canned:
    return told({"error": {"code": code, "message": "(#…) text", "type": "OAuthException"}}, status)


ANSWERS: list[tuple[Canned, type[SendingError], timedelta | None]] = [
    (answered("meta/error-token-190"), ChannelError, None),
    (answered("meta/error-template-missing-132001"), ChannelError, None),
    (answered("meta/error-template-params-132000"), ChannelError, None),
    (answered("meta/error-throughput-130429"), DelayedError, timedelta(seconds=10)),
    (answered("meta/error-pair-rate-131056"), DelayedError, timedelta(seconds=30)),
    (error(80007), DelayedError, timedelta(minutes=5)),
    (error(131000, 500), DelayedError, None),
    (error(131026), NoSuchAddressError, None),
    (error(131008), RejectedError, None),
    (error(131047), RejectedError, None),
    (error(131049), RejectedError, None),
    (error(131050), RejectedError, None),
    (error(200, 403), ChannelError, None),
    (error(368, 403), ChannelError, None),
    (error(987654), RejectedError, None),
    (error(987654, 500), DelayedError, None),
    (error(987654, 401), ChannelError, None),
    (Canned(502, body=b"<html>"), DelayedError, None),
    (Canned(200, body=b"<html>log in to the hotel's network</html>"), DelayedError, None),
    (told({"messages": []}), DelayedError, None),
    (told(["?"]), DelayedError, None),
    (told({"error": "?"}, 400), RejectedError, None),
]


@pytest.mark.parametrize(("answer", "kind", "wait"), ANSWERS)
def test_an_answer_is_sorted_by_its_code(
    server: GatewayServer,
    journal: list[Row],
    answer: Canned,
    kind: type[SendingError],
    wait: timedelta | None,
) -> None:
    found = failed(server, answer)
    assert type(found) is kind
    assert getattr(found, "retry_after", None) == wait


def test_an_error_is_one_whatever_the_status(server: GatewayServer, journal: list[Row]) -> None:
    assert type(failed(server, error(131026, 200))) is NoSuchAddressError


def test_what_meta_asks_for_counts(server: GatewayServer, journal: list[Row]) -> None:
    busy = told({"error": {"code": 130429}}, 429, retry_after="77")
    found = failed(server, busy)
    assert isinstance(found, DelayedError)
    assert found.retry_after == timedelta(seconds=77)


def test_no_error_tells_a_number_or_a_token(server: GatewayServer, journal: list[Row]) -> None:
    token = "EAAJZC" + "b7" * 60
    text = f"Malformed access token {token} of +5531987654321"
    found = failed(server, told({"error": {"code": 190, "message": text}}, 401))
    assert str(found) == "Meta: 190 Malformed access token … of …"


def test_no_answer_is_tried_later(
    server: GatewayServer, journal: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", 0.2)
    assert type(failed(server, Canned(delay=1.0))) is DelayedError


def test_every_try_leaves_a_row(server: GatewayServer, journal: list[Row]) -> None:
    send(server, TAKEN)
    failed(server, error(131026))

    about = ABOUT._replace(account="whatsapp/meta")
    assert journal == [
        Row(about, "127.0.0.1", f"POST {PATH}", 200, ""),
        Row(about, "127.0.0.1", f"POST {PATH}", 400, ""),
    ]
