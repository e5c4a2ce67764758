"""Whether a server lives, and what to do about the dead: zombies, old pid files, orphans."""

import contextlib
import socket
import subprocess
from pathlib import Path

import psutil
import psycopg

from recibo.server.embedded import files, places

NO_PID = 2**30  # above what any system hands out
#: Servers that this process started: its children, so it must reap them.
started: set[subprocess.Popen[bytes]] = set()


def is_alive(data: Path) -> bool:
    """Whether a server for ``data`` runs, here or in another container on the same folder."""
    return postmaster(data) is not None or is_listening(data)


def postmaster(data: Path) -> psutil.Process | None:
    """The server's first process; None if it is dead, a zombie, or its pid is another's now."""
    reap()
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        # A negative number is a server in single-user mode: no less a reason to keep off.
        process = psutil.Process(abs(int(files.first_line(data / "postmaster.pid"))))
        if process.status() != psutil.STATUS_ZOMBIE and is_at_work(process, data):
            return process
    return None


def is_at_work(process: psutil.Process, data: Path) -> bool:
    """Whether a process is PostgreSQL on ``data``; False where that may not be seen."""
    with contextlib.suppress(psutil.Error):
        return process.name() == "postgres" and process.cwd() == str(data)
    return False


def is_listening(data: Path) -> bool:
    """Whether some process, visible from here or not, has the server's socket open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(places.socket_folder(data) / places.SOCKET))
        except OSError:
            return False
    return True


def accepts(data: Path) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(places.address(data, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def reap() -> None:
    """Take the exit of servers that this process started, or they stay as zombies."""
    for server in tuple(started):
        if server.poll() is not None:
            started.discard(server)


def forget_the_dead(data: Path) -> None:
    """Make way where pid files name a server that is gone.

    PostgreSQL takes any process with that pid for a running server: a zombie that nobody reaps, or
    a stranger that has the number now. Only the pid is replaced in the data directory's own file:
    its other lines let PostgreSQL see whether processes of that server still use the data.
    """
    (places.socket_folder(data) / f"{places.SOCKET}.lock").unlink(missing_ok=True)
    file = data / "postmaster.pid"
    if files.first_line(file):
        _, _, rest = file.read_text().partition("\n")
        files.write(file, f"{NO_PID}\n{rest}")
    else:  # PostgreSQL refuses an empty one, which a full disk can leave behind
        file.unlink(missing_ok=True)


def end_orphans(data: Path) -> None:
    """Kill what is left of a server whose first process is gone: a long query would hold us up."""
    for process in psutil.process_iter():
        if is_at_work(process, data):
            with contextlib.suppress(psutil.Error):
                process.kill()
