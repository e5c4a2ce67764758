"""Sends signed webhooks as fast as they are answered: by wrk if it is installed, else by itself."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

TOKEN = "hottok-of-the-bench"
PATH = "/api/webhooks/hotmart"
#: Stands in the body where every delivery has its own id.
ID = "00000000-0000-4000-8000-000000000000"

SCRIPT = """
local before, after, head = %s, %s, %s
local salt, number = %s, 0
request = function()
  number = number + 1
  return head .. before .. salt .. string.format("%%012x", number) .. after
end
done = function(summary, latency)
  io.write(string.format(
    '\\n{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout))
end
"""


@dataclass
class Outcome:
    """What one slice of load saw. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def head(body: bytes) -> bytes:
    """The headers of a delivery, as Hotmart sends them."""
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Hotmart-Webhook/1.0\r\n"
        "Accept: application/json\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\n"
        f"X-HOTMART-HOTTOK: {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()


def run(port: int, body: bytes, *, connections: int, seconds: float) -> Outcome:
    """One slice of load on a server of this machine, from a process of its own."""
    send = wrk if shutil.which("wrk") else ourselves
    return send(port, body, connections, seconds)


def wrk(port: int, body: bytes, connections: int, seconds: float) -> Outcome:
    before, after = body.split(ID.encode())
    salt = f"{uuid.uuid4()}"[:24]
    words = (quoted(word) for word in (before, after, head(body), salt.encode()))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "deliveries.lua"
        script.write_text(SCRIPT % tuple(words))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", script]
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{PATH}"], check=True, capture_output=True, text=True
        )
    return Outcome(**json.loads(done.stdout.strip().splitlines()[-1]))


def quoted(word: bytes) -> str:
    """A Lua string."""
    return '"' + "".join(f"\\{byte:03d}" for byte in word) + '"'


def ourselves(port: int, body: bytes, connections: int, seconds: float) -> Outcome:
    command = [sys.executable, __file__, str(port), str(connections), str(seconds)]
    done = subprocess.run(command, input=body, check=True, capture_output=True)
    return Outcome(**json.loads(done.stdout))


async def deliver(port: int, body: bytes, until: float, seen: list[float]) -> int:
    """One connection, one delivery after the other. Gives how many failed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = head(body)
    failed = 0
    while (began := time.perf_counter()) < until:
        writer.write(start + body.replace(ID.encode(), str(uuid.uuid4()).encode()))
        answer = await reader.readuntil(b"\r\n\r\n")
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        seen.append(time.perf_counter() - began)
        failed += not answer.startswith(b"HTTP/1.1 2")
    writer.close()
    return failed


async def main() -> None:
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    body, seen = sys.stdin.buffer.read(), []
    until = time.perf_counter() + seconds
    failed = await asyncio.gather(*(deliver(port, body, until, seen) for _ in range(connections)))
    seen.sort()
    print(
        json.dumps(
            {
                "requests": len(seen),
                "seconds": seconds,
                "p50": seen[len(seen) // 2] * 1e3,
                "p99": seen[len(seen) * 99 // 100] * 1e3,
                "failed": sum(failed),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
