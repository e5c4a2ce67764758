"""The receiver behind the real web server, on a thread of the test's own process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from recibo.accounts.models import Account
from recibo.accounts.queries import Door
from recibo.inbox.background import Nudger
from recibo.inbox.batch import Committer
from recibo.inbox.receiver import Receiver
from recibo.inbox.refusals import Refusals
from recibo.server import web
from recibo.server.entry import Entry, connect
from tests.inbox.acme import ACME

SECRET = "s3cret"
SIMULATION_SECRET = "only-simulated"


@dataclass
class Served:
    """A running server and the parts of it that tests look into."""

    port: int
    receiver: Receiver
    server: web.Server
    nudges: list[float] = field(default_factory=list)

    def post(self, path: str = "/api/webhooks/acme", **options: Any) -> httpx.Response:
        options.setdefault("headers", {"X-Acme-Token": SECRET})
        return httpx.post(f"http://127.0.0.1:{self.port}{path}", timeout=20, **options)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """Stands where Django stands."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@contextmanager
def serving(**connecting: Callable[[], Any]) -> Iterator[Served]:
    """A server with the accounts acme/default and acme/other."""
    doors = {
        ("acme", "default"): Door(account("default"), (SECRET.encode(),), has_credentials=True),
        ("acme", "other"): Door(account("other"), (b"other-s3cret",)),
        ("acme", "bare"): Door(account("bare"), ()),
    }
    nudges: list[float] = []
    nudger = Nudger(lambda: nudges.append(time.monotonic()))
    receiver = Receiver(
        gateways={"acme": ACME},
        doors=lambda: doors,
        simulation_secret=lambda slug: SIMULATION_SECRET.encode(),
        committer=Committer(connecting.get("connect", connect), committed=nudger.wake),
        refusals=Refusals(),
        nudger=nudger,
    )
    application = Entry(receiver=receiver, django=elsewhere)
    with running(application) as (port, server):
        yield Served(port, receiver, server, nudges)


def account(name: str) -> int:
    return Account.objects.get_or_create(gateway="acme", name=name)[0].pk


@contextmanager
def running(application: Any) -> Iterator[tuple[int, web.Server]]:
    """``application`` on our web server, at a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = web.Server(web.configuration(application, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"


def until(holds: Callable[[], object], seconds: float = 15) -> None:
    """Wait until ``holds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)
