"""Start and stop. The caller holds the lock."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from recibo.server.embedded import files, places, programs
from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.liveness import (
    accepts,
    end_orphans,
    forget_the_dead,
    is_alive,
    postmaster,
    reap,
    started,
)
from recibo.server.embedded.owners import server_owner

PATIENCE = 120.0  # seconds for a start: recovery after a crash replays up to ``max_wal_size``
STOP_PATIENCE = 60.0
BEAT = 0.05
#: What a start says when the processes of a server that was killed are not all gone yet.
FLEETING = ("pre-existing shared memory block", '" already exists')
LOG_LIMIT = 10_000_000  # bytes; a longer log is put aside at the next start

#: What the owner may overrule with ``ALTER SYSTEM``; written anew at each start.
SETTINGS = """\
max_connections = 200
shared_buffers = {shared_buffers}MB
max_wal_size = 2GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_error_verbosity = terse  # details repeat values of rows, people's addresses among them
"""


def ensure_running(data: Path) -> None:
    """Start the server unless it runs, and wait until it takes connections.

    Raises EmbeddedError if it fails or takes too long; a recovery goes on by itself even then.
    """
    deadline = time.monotonic() + PATIENCE
    attempt: Attempt | None = None
    while not accepts(data):
        if time.monotonic() > deadline:
            raise failure(data, f"PostgreSQL takes no connections after {PATIENCE:.0f} seconds")
        if attempt is not None and attempt.has_ended():
            attempt = None
        if attempt is None and not is_alive(data):
            attempt = start(data)
        time.sleep(BEAT)


class Attempt(NamedTuple):
    """A server that was started and may yet fail."""

    data: Path
    server: subprocess.Popen[bytes]
    offset: int  # bytes in the log before it

    def has_ended(self) -> bool:
        """Whether it ended for want of what time may bring. Raises EmbeddedError otherwise."""
        if self.server.poll() is None:
            return False
        said = places.beside(self.data, "log").read_bytes()[self.offset :].decode(errors="replace")
        if not any(reason in said for reason in FLEETING):
            raise failure(self.data, "PostgreSQL does not start")
        end_orphans(self.data)
        return True


def start(data: Path) -> Attempt:
    """Start a server for ``data``; it is not ready when this returns."""
    owner = server_owner(data)
    files.check_socket_folder(data, owner)
    forget_the_dead(data)
    files.write(data / "recibo.conf", SETTINGS.format(shared_buffers=shared_buffers()))
    rotate(places.beside(data, "log"))
    log = files.open_beside(data, "log")
    offset = os.fstat(log).st_size
    options = {
        "listen_addresses": "",
        "port": places.PORT,
        "unix_socket_directories": str(places.socket_folder(data)),
        "unix_socket_permissions": "0700",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(
        [programs.binaries(owner) / "postgres", "-D", data, *arguments],
        cwd=data,
        stdout=log,
        stderr=log,
        **programs.surroundings(owner),
    )
    os.close(log)
    started.add(server)
    return Attempt(data, server, offset)


def stop(data: Path) -> None:
    """Stop the server: sessions are ended, everything is written. It may outlast the wait."""
    deadline = time.monotonic() + STOP_PATIENCE
    with contextlib.suppress(psutil.NoSuchProcess):
        if (server := postmaster(data)) is not None:
            server.send_signal(signal.SIGINT)  # "fast": does not wait for clients to leave
    while postmaster(data) is not None and time.monotonic() < deadline:
        time.sleep(BEAT)
    reap()


def rotate(log: Path) -> None:
    """Put a long log aside, over the one put aside before."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.old"))


def shared_buffers() -> int:
    """A quarter of the memory in MB, at least 32 and at most 512."""
    return max(32, min(512, memory() // 4 // 2**20))


def memory() -> int:
    """Bytes of memory of this machine, or of its container if that has less."""
    total = psutil.virtual_memory().total
    limit = files.first_line(Path("/sys/fs/cgroup/memory.max"))
    return min(total, int(limit)) if limit.isdecimal() else total


def failure(data: Path, what: str) -> EmbeddedError:
    """An error with the end of the server's log."""
    log = places.beside(data, "log")
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return EmbeddedError(
        "\n".join([f"{what}. The end of its log, {log}:", *(f"    {line}" for line in lines)])
    )
