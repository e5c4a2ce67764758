"""Applications of the seller's on this machine: they verify with the public library, remember, and
go wrong when told to.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Way(StrEnum):
    """How a request is answered."""

    STATUS = "status"
    HANG = "hang"  # not at all, until the server ends
    DRIP = "drip"  # a byte at a time, for ever
    GARBAGE = "garbage"  # with what is no HTTP
    DIE = "die"  # the connection ends


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    way: Way = Way.STATUS
    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


OK = Reply()


@dataclass(frozen=True)
class Received:
    """A request as it came. ``message``: what the library made of it; None: not believed."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    message: dict[str, Any] | None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver(ThreadingHTTPServer):
    """Answers one reply after the other, the last for ever."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.secret = ""
        self.replies: list[Reply] = [OK]
        self.received: list[Received] = []
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        self.slowness = 0.0
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [one.message for one in self.received if one.message is not None]

    def note(self, received: Received) -> Reply:
        with self.lock:
            self.received.append(received)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def believed(self, body: bytes, headers: dict[str, str]) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = Webhook(self.secret).verify(body, headers)
        except (WebhookVerificationError, ValueError):
            return None
        return found


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        message = self.server.believed(body, headers) if self.server.secret else None
        with self.server.lock:
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        reply = self.server.note(Received(time.monotonic(), self.path, headers, body, message))
        time.sleep(self.server.slowness)
        with self.server.lock:
            self.server.at_once -= 1
        self.close_connection = True
        WAYS[reply.way](self, reply)

    def say(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def hang(self, reply: Reply) -> None:
        self.server.ended.wait(30)

    def drip(self, reply: Reply) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
        try:
            while not self.server.ended.wait(0.05):
                self.wfile.write(b".")
                self.wfile.flush()
        except OSError:
            pass

    def garble(self, reply: Reply) -> None:
        self.wfile.write(b"\x00\xff no such protocol\r\n\r\n")

    def die(self, reply: Reply) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the tests look at ``received``."""


WAYS = {
    Way.STATUS: Handler.say,
    Way.HANG: Handler.hang,
    Way.DRIP: Handler.drip,
    Way.GARBAGE: Handler.garble,
    Way.DIE: Handler.die,
}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A running receiver on a free port of the loopback."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
