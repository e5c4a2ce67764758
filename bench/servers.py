"""Web servers in processes of their own, for the benchmarks: ours, and two that do nothing."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from load import TOKEN

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain"), (b"content-length", b"2")],
}
BODY = {"type": "http.response.body", "body": b"ok"}
#: About what PostgreSQL takes for a batch of thirty.
BATCH_SECONDS = 0.0015


@dataclass
class Server:
    """One that runs."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """CPU seconds used so far."""
        return cpu_of(self.process.pid)

    def memory(self) -> float:
        """Resident MiB."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20


def cpu_of(pid: int) -> float:
    """CPU seconds used so far by a process; 0 if it is not of this machine."""
    folder = Path(f"/proc/{pid}/task")
    tasks = folder.iterdir() if folder.exists() else ()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def running(kind: str, url: str) -> Iterator[Server]:
    """A server of this kind (see ``APPLICATIONS``) on the database at ``url``."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": url, "HOTMART_WEBHOOK_TOKEN": TOKEN}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    command = [sys.executable, __file__, kind, str(port)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, stderr=said)
        try:
            wait_for(port, process, said)
            yield Server(port, process)
        finally:
            process.terminate()
            process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes], said: BinaryIO) -> None:
    for _ in range(300):
        if process.poll() is not None:
            said.seek(0)
            raise SystemExit(f"the {process.args[2]} server ended: {said.read().decode()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


class Nothing:
    """The limit: reads the body, answers two bytes."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        await self.wait()
        await send(START)
        await send(BODY)

    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def wait(self) -> None:
        """Answers at once."""


class NothingInBatches(Nothing):
    """The limit of anything that answers in batches: nobody works, but everybody waits."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []
        self.is_idle = True

    async def wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        if self.is_idle:
            self.begin()
        await waiter

    def begin(self) -> None:
        batch, self.waiting = self.waiting, []
        self.is_idle = not batch
        if batch:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self.end, batch)

    def end(self, batch: list[asyncio.Future[None]]) -> None:
        self.begin()
        for waiter in batch:
            waiter.set_result(None)


APPLICATIONS = {
    "ours": "recibo.server.asgi:application",
    "no-op": Nothing(),
    "no-op-in-batches": NothingInBatches(),
}


def main() -> None:
    from recibo.server import web

    kind, port = sys.argv[1], int(sys.argv[2])
    web.Server(web.configuration(APPLICATIONS[kind], "127.0.0.1", port)).run()


if __name__ == "__main__":
    main()
