"""Servers of applications on this machine: they remember, and go wrong when told to.

In this process (``serving``) a test looks into the server itself. As a process of its own
(``running``) it answers for itself at ``/_memory`` and is told of troubles at ``/_troubles``.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx

HOUSE = Path(__file__).parents[2]


class Way(StrEnum):
    """How a request goes wrong."""

    STATUS = "status"  # answered with a status
    HANG = "hang"  # not answered for a while, and then not at all
    DIE = "die"  # the connection ends without an answer
    GARBAGE = "garbage"  # answered with what is no JSON


@dataclass(frozen=True)
class Trouble:
    """What happens to the next ``times`` requests that are ``to`` something: a type of call, or
    "METHOD /path"; "" for any.

    ``is_after``: the request has had its effect by then, and only the answer is lost.
    """

    way: Way = Way.STATUS
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 5.0  # of a hang
    to: str = ""
    is_after: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it came. ``headers`` has lower-case names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """An answer: JSON, or nothing where ``value`` is none."""

    status: int = 200
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class TroubledServer(ThreadingHTTPServer):
    """Answers one request at a time, as the ones it stands for keep their users in a database."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.asked: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def trouble(self, **more: Any) -> None:
        """Let something go wrong: the fields of a Trouble."""
        with self.lock:
            self.troubles.append(Trouble(**more))

    def next_trouble(self, name: str) -> Trouble | None:
        """What goes wrong with a request of that name; one time less is left of it."""
        for place, trouble in enumerate(self.troubles):
            if trouble.times > 0 and trouble.to in {"", name}:
                self.troubles[place] = Trouble(**{**vars(trouble), "times": trouble.times - 1})
                return trouble
        return None

    def name_of(self, asked: Asked) -> str:
        """What a trouble calls a request."""
        return f"{asked.method} {asked.path}"

    def answer_to(self, asked: Asked) -> Told:
        """What the application says, having done it."""
        raise NotImplementedError

    def memory(self) -> dict[str, Any]:
        """What the application knows, as JSON."""
        raise NotImplementedError


class Handler(BaseHTTPRequestHandler):
    """Has every request answered, or go wrong."""

    server: TroubledServer
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        asked = self.asked()
        try:
            if asked.path.startswith("/_"):
                self.tell(self.control(asked))
            else:
                self.attend(asked)
        except (BrokenPipeError, ConnectionResetError):  # the asker did not wait
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

    def attend(self, asked: Asked) -> None:
        with self.server.lock:
            self.server.asked.append(asked)
            trouble = self.server.next_trouble(self.server.name_of(asked))
            is_done = trouble is None or trouble.is_after
            told = self.server.answer_to(asked) if is_done else Told()
        if trouble is None:
            self.tell(told)
        else:
            self.fail(trouble)

    def fail(self, trouble: Trouble) -> None:
        if trouble.way is Way.STATUS:
            self.send(trouble.status, trouble.headers, trouble.body.encode())
        elif trouble.way is Way.GARBAGE:
            self.send(200, {"content-type": "text/html"}, b"<html>We are back soon</html>")
        else:
            if trouble.way is Way.HANG:
                self.server.closing.wait(trouble.seconds)
            self.close_connection = True

    def control(self, asked: Asked) -> Told:
        with self.server.lock:
            if asked.method == "POST":
                told = json.loads(asked.body)
                self.server.trouble(**{**told, "way": Way(told.get("way", Way.STATUS))})
                return Told(204)
            return Told(200, self.server.memory())

    def asked(self) -> Asked:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        return Asked(self.command, address.path, query, headers, body)

    def tell(self, told: Told) -> None:
        body = b"" if told.value is None else json.dumps(told.value).encode()
        self.send(told.status, {"content-type": "application/json", **told.headers}, body)

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the tests look at what was asked."""


Server = TypeVar("Server", bound=TroubledServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server at work, in a thread of this process."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Elsewhere:
    """A server in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def memory(self) -> dict[str, Any]:
        memory: dict[str, Any] = httpx.get(f"{self.url}/_memory").raise_for_status().json()
        return memory

    def trouble(self, **more: Any) -> None:
        httpx.post(f"{self.url}/_troubles", json=more).raise_for_status()


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Elsewhere]:
    """The server of that module as a process of its own, which ends with the block."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Elsewhere(process.stdout.readline().strip())
        finally:
            process.terminate()
            process.wait(10)


def serve_as_a_process(server: TroubledServer) -> None:
    """Say where the server is, and serve until the process is ended."""
    print(server.url, flush=True)
    server.serve_forever()
