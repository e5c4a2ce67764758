"""Ordinary webhooks while ten thousand slow clients hold connections open.

    python bench/slow_connections.py [--slow 10000] [--seconds 20]

Half of the slow clients trickle their headers, half their body; one that is closed comes back.
Meanwhile eight ordinary clients deliver signed webhooks, each on new connections and one after
the other. Prints how many were answered 200, how long they took, and the server's memory.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import resource
import time
import uuid
from dataclasses import dataclass, field
from typing import Self

import load
import scratch
import servers
from receive import delivery

#: Seconds between two bytes of a slow client, and between its return and its end.
TRICKLE = 2.0
#: Slow clients that connect at a time: a queue of connections overflows otherwise.
AT_ONCE = 200
ORDINARY = 8
#: Seconds after which an ordinary client gives up.
PATIENCE = 10.0


@dataclass
class Seen:
    """What the ordinary clients saw."""

    answered: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    memory: float = 0.0


class Crowd:
    """Slow clients, in a process of their own."""

    def __init__(self, port: int, size: int) -> None:
        self.port = port
        self.size = size
        self.open = multiprocessing.Value("i", 0)
        self.closed = multiprocessing.Value("i", 0)
        self.process = multiprocessing.Process(target=self.run, daemon=True)

    def __enter__(self) -> Self:
        self.process.start()
        deadline = time.monotonic() + 60
        while self.open.value < self.size * 0.95 and time.monotonic() < deadline:
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.join()

    def run(self) -> None:
        asyncio.run(self.stand())

    async def stand(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self.client(number % 2 == 0, gate) for number in range(self.size)))

    async def client(self, is_body: bool, gate: asyncio.Semaphore) -> None:
        """One slow client; closed, it comes back."""
        start = f"POST {load.PATH} HTTP/1.1\r\nHost: slow\r\nX-HOTMART-HOTTOK: {load.TOKEN}\r\n"
        head = start.encode() + (b"Content-Length: 1000\r\n\r\n" if is_body else b"X-Slow: ")
        while True:
            with contextlib.suppress(OSError):
                async with gate:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.open.value += 1
                try:
                    await trickle(head, reader, writer)
                finally:
                    self.open.value -= 1
                    self.closed.value += 1
                    writer.close()
            await asyncio.sleep(0.1)


def main() -> None:
    options = arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with (
        scratch.database("recibo_bench_slow") as url,
        servers.running("ours", url) as server,
    ):
        body, before = delivery(), server.memory()
        calm = asyncio.run(watched(server, body, options.seconds / 4))
        with Crowd(server.port, options.slow) as crowd:
            begun = crowd.open.value
            seen = asyncio.run(watched(server, body, options.seconds))
            closed = crowd.closed.value
    print(f"without slow clients   {described(calm)}")
    print(f"with {begun:,} slow ones   {described(seen)}")
    print(f"slow connections closed by the server: {closed:,}")
    print(f"server's memory: {before:.0f} MiB before, {seen.memory:.0f} MiB at most")
    for reason in sorted(set(seen.failed)):
        print(f"failed {seen.failed.count(reason)} times: {reason}")
    if seen.failed or not seen.answered:
        raise SystemExit(1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slow", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    return parser.parse_args()


def described(seen: Seen) -> str:
    times = sorted(seen.answered) or [0.0]
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    total = len(seen.answered) + len(seen.failed)
    return (
        f"{len(seen.answered):,} of {total:,} answered 200,"
        f" p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms"
    )


async def watched(server: servers.Server, body: bytes, seconds: float) -> Seen:
    """Ordinary clients for so many seconds."""
    seen, until = Seen(), time.perf_counter() + seconds
    clients = [
        asyncio.create_task(ordinary(server.port, body, until, seen)) for _ in range(ORDINARY)
    ]
    while time.perf_counter() < until:
        seen.memory = max(seen.memory, server.memory())
        await asyncio.sleep(0.2)
    await asyncio.gather(*clients)
    return seen


async def trickle(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte now and then, until the server closes."""
    writer.write(head)
    while not reader.at_eof():
        writer.write(b"x")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), TRICKLE)


async def ordinary(port: int, body: bytes, until: float, seen: Seen) -> None:
    """An honest client: one delivery after the other, each on a new connection."""
    while (began := time.perf_counter()) < until:
        try:
            status = await asyncio.wait_for(delivered(port, body), PATIENCE)
        except (OSError, TimeoutError) as error:
            seen.failed.append(repr(error))
            continue
        if status.startswith(b"HTTP/1.1 200 "):
            seen.answered.append(time.perf_counter() - began)
        else:
            seen.failed.append(status.decode().strip())
        await asyncio.sleep(0.01)


async def delivered(port: int, body: bytes) -> bytes:
    """The first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        fresh = body.replace(load.ID.encode(), str(uuid.uuid4()).encode())
        writer.write(load.head(fresh) + fresh)
        return await reader.readline()
    finally:
        writer.close()


if __name__ == "__main__":
    main()
