"""A gateway's API on this machine: real sockets, canned answers, and a memory of what was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from recibo.gateways.contract import Api

#: Seconds that ``api`` waits for an answer: short, so that a test of slowness is quick.
TIMEOUT = 0.5


@dataclass(frozen=True)
class Asked:
    """A request as it came. ``headers`` has lower-case names; ``query`` the values of each name."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Canned:
    """An answer, sent after ``delay`` seconds."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0


#: What a path answers: always the same, one after the other (the last for ever), or as computed.
Route = Canned | list[Canned] | Callable[[Asked], Canned]


def told(value: Any, status: int = 200, **headers: str) -> Canned:
    """A JSON answer; ``headers`` with underscores for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Canned(status, {"content-type": "application/json", **named}, json.dumps(value).encode())


class GatewayServer(ThreadingHTTPServer):
    """Answers by path (without the query) or by "METHOD path"; 404 for any other."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {}
        self.asked: list[Asked] = []
        self.turns: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    def answer_to(self, asked: Asked) -> Canned:
        name = f"{asked.method} {asked.path}"
        name = name if name in self.routes else asked.path
        route = self.routes.get(name, Canned(404))
        if isinstance(route, list):
            turn = self.turns[name] = self.turns.get(name, -1) + 1
            return route[min(turn, len(route) - 1)]
        return route(asked) if callable(route) else route


class Handler(BaseHTTPRequestHandler):
    """Hands every request to the server and its answer back."""

    server: GatewayServer
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        asked = self.asked()
        self.server.asked.append(asked)
        canned = self.server.answer_to(asked)
        time.sleep(canned.delay)
        try:
            self.send(canned)
        except (BrokenPipeError, ConnectionResetError):  # the asker did not wait
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the library's names

    def asked(self) -> Asked:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Asked(self.command, address.path, parse_qs(address.query), headers, body)

    def send(self, canned: Canned) -> None:
        self.send_response(canned.status)
        for name, value in canned.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(canned.body)))
        self.end_headers()
        self.wfile.write(canned.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the tests look at ``asked``."""


@contextmanager
def serving() -> Iterator[GatewayServer]:
    """A running server on a free port of the loopback."""
    server = GatewayServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def asking(
    base_url: str, credentials: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> Iterator[Api]:
    """An account's view of the API that is served at ``base_url``."""
    with httpx.Client(timeout=timeout) as client:
        yield Api(client=client, base_url=base_url, credentials=credentials or {})
