"""Bodies that are too large, too slow or too many."""

import socket
import time

import pytest

from recibo.inbox import bodies
from recibo.inbox.models import Event, Refusal
from tests.inbox.serving import SECRET, Served, until

HEAD = f"POST /api/webhooks/acme HTTP/1.1\r\nHost: x\r\nX-Acme-Token: {SECRET}\r\n".encode()
MEBIBYTE = 1024 * 1024


def heard(client: socket.socket) -> bytes:
    """What the server says until it closes."""
    said = b""
    while part := client.recv(65536):
        said += part
    return said


def test_ten_mebibytes_are_413_before_they_are_sent(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b"Content-Length: 10485760\r\n\r\n")

        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_sender_that_sends_it_all_first_still_reads_the_answer(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b"Content-Length: 10485760\r\n\r\n")
        for _ in range(10):
            client.sendall(b"x" * MEBIBYTE)
            time.sleep(0.02)

        said = heard(client)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert said.endswith(b'{"error": "payload_too_large"}')
    served.receiver.refusals.flush()
    assert Refusal.objects.get().reason == "payload_too_large"


def test_a_body_of_unknown_length_is_413_as_soon_as_it_is_too_large(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"%x\r\n" % (2 * MEBIBYTE) + b"x" * (MEBIBYTE + 1))

        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_one_mebibyte_is_taken(served: Served) -> None:
    body = b'{"id": "large"}'.ljust(MEBIBYTE)

    assert served.post(content=body).status_code == 200
    assert bytes(Event.objects.get().body.body) == body


def test_a_chunked_body_is_taken(served: Served) -> None:
    answer = served.post(content=iter([b'{"id"', b': "chunked"}']))

    assert answer.status_code == 200
    assert Event.objects.get().gateway_event_id == "chunked"


def test_a_body_that_does_not_come_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "DEADLINE", 0.3)
    with served.connect() as client:
        began = time.monotonic()
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")

        assert client.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 5


def test_slow_bodies_share_a_bounded_room(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "ROOM", 1000)
    with served.connect() as slow, served.connect() as one_more:
        slow.sendall(HEAD + b"Content-Length: 2000\r\n\r\n" + b"x" * 900)
        until(lambda: served.receiver.bodies.held == 900)
        one_more.sendall(HEAD + b"Content-Length: 2000\r\n\r\n" + b"x" * 900)

        assert one_more.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert served.post(json={"id": "in one piece"}).status_code == 200
    until(lambda: served.receiver.bodies.held == 0)


def test_a_sender_that_goes_away_leaves_nothing(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"id": "half"')
        until(lambda: served.receiver.bodies.held)

    until(lambda: served.receiver.bodies.held == 0)
    assert not Event.objects.exists()
