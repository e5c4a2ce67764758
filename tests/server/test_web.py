"""The web server against clients that are slow, many or greedy."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from recibo.server import web
from tests.inbox.serving import running, until

HELLO = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and greets."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(web, "HEADERS_SECONDS", 0.5)
    monkeypatch.setattr(web, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(web, "most_connections", lambda: 20)
    with running(hello) as (number, _):
        yield number


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def heard(client: socket.socket) -> bytes:
    """Everything that the server says until it closes."""
    said = b""
    while part := client.recv(65536):
        said += part
    return said


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_client_that_does_not_finish_its_headers_is_closed(port: int, sent: bytes) -> None:
    with connected(port) as client:
        client.sendall(sent)

        assert heard(client).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_trickles_its_headers_is_closed(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")

        assert is_closed_while(client, sending=b"X-Slow: 1\r\n")


def is_closed_while(client: socket.socket, *, sending: bytes) -> bool:
    """Whether the server closes within five seconds in which the client goes on."""
    for _ in range(100):
        try:
            client.sendall(sending)
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_client_that_does_not_finish_its_body_is_closed(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")

        assert heard(client).startswith(b"HTTP/1.1 408 ")


def test_a_kept_connection_outlives_the_deadlines(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        first = client.get("/")
        time.sleep(1.7)
        second = client.get("/")

        assert (first.text, second.text) == ("hello", "hello")
        assert first.extensions["network_stream"] is second.extensions["network_stream"]


def test_endless_headers_are_431(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Large: " + b"x" * 70_000)

        assert client.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_large_headers_that_end_are_served(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 30_000 + b"\r\n\r\n")

        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_too_many_connections_make_room_for_those_that_ask(port: int) -> None:
    silent = [connected(port) for _ in range(40)]
    try:
        for _ in range(5):
            assert httpx.get(f"http://127.0.0.1:{port}/").text == "hello"
        assert silent[0].recv(1) == b"", "the oldest was not closed"
    finally:
        for client in silent:
            client.close()


def test_those_that_were_served_are_not_dropped_for_strangers(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        stream = client.get("/").extensions["network_stream"]
        silent = [connected(port) for _ in range(40)]

        assert client.get("/").extensions["network_stream"] is stream
        for stranger in silent:
            stranger.close()


def test_a_stopping_server_finishes_the_request_at_hand() -> None:
    with running(hello) as (port, server), connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
        until(lambda: server.server_state.tasks)
        server.should_exit = True
        time.sleep(0.3)
        client.sendall(b"ok")

        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    import resource

    web.most_connections()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
