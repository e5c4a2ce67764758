"""An installation as its user runs it: ``recibo up`` in a process of its own, and a load on it."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg

from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.registry import GATEWAYS
from recibo.server import embedded

HOTMART = GATEWAYS["hotmart"]
TOKEN = b"hottok-of-the-acceptance-tests"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait for something that comes about by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.1)


@dataclass
class Installation:
    """A running ``recibo up``."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    database_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def children(self, command: str) -> list[psutil.Process]:
        """The processes of one command: web or worker."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if command in process.cmdline()[1:5]:
                    found.append(process)
        return found

    def kill(self, command: str) -> None:
        """kill -9 of one part."""
        for process in self.children(command):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_postgres(self) -> None:
        """kill -9 of the database: of the postmaster and of every process below it."""
        data = embedded.location(self.home / "postgres")
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        for process in [*postmaster.children(recursive=True), postmaster]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def count(self, question: str) -> int:
        """The one number that a query gives."""
        with psycopg.connect(self.database_url, connect_timeout=5) as connection:
            row = connection.execute(question).fetchone()
        return int(row[0]) if row else 0

    def is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def is_drained(self) -> bool:
        """Whether nothing waits to be processed."""
        with suppress(psycopg.Error):
            return self.count("select count(*) from inbox_event where status = 'pending'") == 0
        return False

    def recibo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same installation."""
        return subprocess.run(
            [sys.executable, "-m", "recibo", *arguments],
            env=surroundings(self.home, {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def surroundings(home: Path, more: dict[str, str]) -> dict[str, str]:
    """The environment of an installation's commands."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "RECIBO_HOME"}}
    return {
        **kept,
        "RECIBO_HOME": str(home),
        "HOTMART_WEBHOOK_TOKEN": TOKEN.decode(),
        "RECIBO_LANGUAGE": "en",
        **more,
    }


@contextmanager
def running(database_url: str = "", **settings: str) -> Iterator[Installation]:
    """``recibo up`` in a fresh data directory; stopped with Ctrl-C at the end."""
    with tempfile.TemporaryDirectory(prefix="recibo-up-", ignore_cleanup_errors=True) as folder:
        home, port = Path(folder), free_port()
        home.chmod(0o711)
        more = {**settings, "DATABASE_URL": database_url} if database_url else settings
        with (home / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "recibo", "up", "--port", str(port)],
                env=surroundings(home, more),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        url = database_url or embedded.url(home / "postgres")
        installation = Installation(home, port, process, url)
        try:
            eventually(installation.is_ready, seconds=90)
            yield installation
        except BaseException:
            print((home / "up.log").read_text()[-5000:])
            raise
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, as its user would; what does not end in time is a failure, but ends all the same."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@dataclass
class Load:
    """Signed sales sent by several threads; remembers which were answered with 200."""

    url: str
    threads: int = 8
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    numbers: "queue.SimpleQueue[int]" = field(default_factory=queue.SimpleQueue)

    def send(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self.stopping.is_set():
                number = self.numbers.get()
                sale = Sale(number=number, at=datetime.now(UTC))
                self.post(client, HOTMART.sign(HOTMART.samples["purchase-approved"](sale), TOKEN))

    def post(self, client: httpx.Client, signed: RawRequest) -> None:
        delivery = str(json.loads(signed.body)["id"])
        url = f"{self.url}/api/webhooks/hotmart"
        try:
            answer = client.post(url, content=signed.body, headers=signed.headers)
        except httpx.HTTPError as error:
            self.note(type(error).__name__)
            time.sleep(0.05)
            return
        if answer.status_code == 200:
            self.accepted.add(delivery)
        else:
            self.note(str(answer.status_code))
            time.sleep(0.05)

    def note(self, what: str) -> None:
        self.refused[what] = self.refused.get(what, 0) + 1

    @contextmanager
    def running(self, rate: float = 400) -> Iterator["Load"]:
        """Under load for as long as the block lasts: about ``rate`` sales a second."""
        senders = [threading.Thread(target=self.send, daemon=True) for _ in range(self.threads)]
        feeder = threading.Thread(target=self.feed, args=(rate,), daemon=True)
        for thread in [feeder, *senders]:
            thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            for _ in senders:
                self.numbers.put(0)
            for thread in [feeder, *senders]:
                thread.join(30)

    def feed(self, rate: float) -> None:
        number = 1_000_000
        while not self.stopping.wait(0.05):
            for _ in range(int(rate * 0.05)):
                number += 1
                if self.numbers.qsize() < 1000:
                    self.numbers.put(number)


def assert_each_is_there_once_and_applied_once(installation: Installation, load: Load) -> None:
    """Every delivery answered with 200: one event, processed, one fact, one paid charge."""
    eventually(installation.is_drained, seconds=60)
    question = """
        select e.gateway_event_id, e.status, c.status,
            (select count(*) from billing_chargenews n where n.event_id = e.id)
        from inbox_event e left join billing_charge c on c.gateway_charge_id = e.gateway_charge_id
    """
    with psycopg.connect(installation.database_url) as connection:
        rows = connection.execute(question).fetchall()
    ids = [row[0] for row in rows]
    assert len(ids) == len(set(ids))
    assert load.accepted, load.refused
    assert load.accepted - set(ids) == set(), "answered with 200 and not there"
    assert {row[1:] for row in rows} == {("processed", "paid", 1)}
