"""Every way in which an API can fail, sorted by what to do next."""

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from recibo.gateways import http
from recibo.gateways.contract import ANSWER
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from tests.gateways.gateway_server import Canned, GatewayServer, asking


def failure(server: GatewayServer, canned: Canned) -> ApiError:
    server.routes["/x"] = canned
    with asking(server.url) as api, pytest.raises(ApiError) as failed:
        http.get(api, "/x")
    return failed.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ApiError),
        (400, ApiError),
        (401, DeniedError),
        (403, DeniedError),
        (404, NotFoundError),
        (422, ApiError),
        (429, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_a_status_says_what_to_do(server: GatewayServer, status: int, kind: type) -> None:
    error = failure(server, Canned(status))
    assert (type(error), error.status) == (kind, status)


def test_slowness_is_tried_again(server: GatewayServer) -> None:
    error = failure(server, Canned(delay=1.0))
    assert (type(error), error.status) == (UnavailableError, 0)


def test_an_answer_larger_than_any_is_not_read_to_its_end(server: GatewayServer) -> None:
    error = failure(server, Canned(body=b"x" * (http.LARGEST_ANSWER + 1)))
    assert type(error) is UnavailableError


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "120"}, timedelta(seconds=120)),
        ({"retry-after": "9" * 30}, timedelta(days=1)),
        ({"ratelimit-reset": "7"}, timedelta(seconds=7)),
        ({"retry-after": "Fri, 02 Jan 1970 00:00:00 GMT"}, timedelta(0)),
        ({"retry-after": "Fri, 02 Jan 1970 00:00:00 -0000"}, None),  # a date without a zone
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for(
    server: GatewayServer, headers: dict[str, str], wait: timedelta | None
) -> None:
    error = failure(server, Canned(429, headers))
    assert isinstance(error, UnavailableError)
    assert error.retry_after == wait


def test_a_date_to_wait_for_is_understood(server: GatewayServer) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    error = failure(server, Canned(503, {"retry-after": later}))
    assert isinstance(error, UnavailableError)
    assert error.retry_after is not None
    assert timedelta(minutes=9) < error.retry_after < timedelta(minutes=11)


def test_an_answer_says_what_it_is() -> None:
    answer = http.answer("charge", b"{}", at="now")
    assert answer.headers == {ANSWER: b"charge", b"x-recibo-at": b"now"}


def dripping(listening: socket.socket, is_over: threading.Event) -> None:
    """Answer a byte at a time, for ever."""
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not is_over.wait(0.02):
            connection.sendall(b"x")


def test_an_answer_that_comes_drop_by_drop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_ANSWER", 0.3)
    is_over, began = threading.Event(), time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=dripping, args=(listening, is_over))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        threading.Timer(5, is_over.set).start()
        with asking(url) as api, pytest.raises(UnavailableError, match="too long"):
            http.get(api, "/x")
        is_over.set()
        thread.join()
    assert time.monotonic() - began < 3
