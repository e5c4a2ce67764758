"""WhatsApp by an Evolution API server, played by a server on the loopback."""

import json
from collections.abc import Iterator

import pytest

from recibo.messaging.configuration import WhatsApp
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
)
from recibo.messaging.senders import evolution
from tests.gateways.gateway_server import Canned, GatewayServer, Route, serving, told
from tests.messaging.exchanges import answered, recorded
from tests.messaging.senders.conftest import ABOUT, Row, outgoing

PATH = "/message/sendText/escola"
TAKEN = answered("evolution/send-text-201")


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with serving() as server:
        yield server


def send(server: GatewayServer, route: Route, version: str = "2") -> str:
    server.routes[PATH] = route
    whatsapp = WhatsApp(
        provider="evolution",
        url=server.url,
        token="INSTANCE_KEY",
        sender="escola",
        version=version,
    )
    message = outgoing(to="+5531987654321", text="Oi Ana, seu acesso chegou")
    return evolution.send(message, ABOUT, whatsapp=whatsapp)


def failed(server: GatewayServer, answer: Canned) -> SendingError:
    with pytest.raises(SendingError) as raised:
        send(server, answer)
    return raised.value


@pytest.mark.parametrize("version", ["2", "", "v2"])
def test_a_text_goes_out_as_version_2_wants_it(
    server: GatewayServer, journal: list[Row], version: str
) -> None:
    assert send(server, TAKEN, version) == "3EB0EXAMPLE0001"

    [asked] = server.asked
    assert asked.headers["apikey"] == "INSTANCE_KEY"
    assert json.loads(asked.body) == recorded("evolution/send-text-201")["request"]["body"]


@pytest.mark.parametrize("version", ["1", "v1", "1.8.2"])
def test_a_text_goes_out_as_version_1_wants_it(
    server: GatewayServer, journal: list[Row], version: str
) -> None:
    send(server, TAKEN, version)
    assert json.loads(server.asked[0].body) == {
        "number": "5531987654321",
        "options": {"delay": 1200, "presence": "composing", "linkPreview": False},
        "textMessage": {"text": "Oi Ana, seu acesso chegou"},
    }


CLOSED = {"response": {"message": ["Error: Connection Closed"]}}
ANSWERS: list[tuple[Canned, type[SendingError]]] = [
    (answered("evolution/send-text-not-on-whatsapp-400"), NoSuchAddressError),
    (told({"message": [{"exists": False, "jid": "x"}]}, 400), NoSuchAddressError),
    (answered("evolution/unauthorized-401"), ChannelError),
    (answered("evolution/instance-missing-404"), ChannelError),
    (told({"status": 500, **CLOSED}, 500), DelayedError),
    (told({"status": 400, **CLOSED}, 400), DelayedError),
    (told({"response": {"message": "Bad Request"}}, 400), RejectedError),
    (told({"response": {"message": [["text is required"]]}}, 400), RejectedError),
    (told("?", 400), RejectedError),
    (Canned(502, body=b"<html>"), DelayedError),
    (Canned(429), DelayedError),
    (Canned(200, body=b"<html>"), DelayedError),
    (Canned(302, {"location": "https://elsewhere.example.com"}), DelayedError),
]


@pytest.mark.parametrize(("answer", "kind"), ANSWERS)
def test_an_answer_is_sorted_by_what_to_do_next(
    server: GatewayServer, journal: list[Row], answer: Canned, kind: type[SendingError]
) -> None:
    assert type(failed(server, answer)) is kind


def test_no_error_tells_the_number(server: GatewayServer, journal: list[Row]) -> None:
    told_of = told({"response": {"message": ["cannot send to 5531987654321"]}}, 400)
    assert str(failed(server, told_of)) == "Evolution: 400 cannot send to …"


def test_every_try_leaves_a_row(server: GatewayServer, journal: list[Row]) -> None:
    send(server, TAKEN)
    about = ABOUT._replace(account="whatsapp/evolution")
    assert journal == [Row(about, "127.0.0.1", f"POST {PATH}", 201, "")]
