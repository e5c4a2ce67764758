"""The use of a server that other processes use too: the last one to leave stops it."""

import atexit
import contextlib
import fcntl
import logging
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from recibo.server.embedded import files, places
from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.initialising import ensure_database, prepare
from recibo.server.embedded.liveness import postmaster
from recibo.server.embedded.running import ensure_running, stop

WATCH_BEAT = 1.0

logger = logging.getLogger(__package__)  # what the owner reads: the part, not the file


def attach(data: Path) -> "Server":
    """Make sure that the server for ``data`` runs, and use it until ``release`` or the end.

    The first use makes the directory and the database. Returns when connections are taken.
    Raises EmbeddedError.
    """
    wanted = data.resolve()
    wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = places.location(wanted)
    files.make_folder(place)
    with files.locked(place), contextlib.ExitStack() as undo:
        users = files.open_beside(place, "users")
        undo.callback(os.close, users)
        fcntl.flock(users, fcntl.LOCK_SH)
        prepare(wanted, place)
        ensure_running(place)
        ensure_database(place)
        undo.pop_all()
    return Server(place, users)


class Server:
    """This process's use of a running server."""

    def __init__(self, data: Path, users: int) -> None:
        self.data = data
        self.users = users  # file descriptor that holds the shared lock
        self.process = os.getpid()
        self.released = threading.Event()
        atexit.register(self.release)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Stop using the server; stop it if nobody else uses it. Safe to repeat."""
        if self.released.is_set() or self.process != os.getpid():  # a fork only has a copy
            return
        atexit.unregister(self.release)
        # No folder: no server.
        with contextlib.suppress(FileNotFoundError), files.locked(self.data):
            self.leave()

    def leave(self) -> None:
        """Give the shared lock back; whoever could have it alone is the last."""
        self.released.set()
        try:
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop(self.data)
        except BlockingIOError:
            logger.debug("%s is still in use", self.data)
        finally:
            os.close(self.users)

    def watch(self) -> None:
        """From now on start the server again, within seconds, whenever it dies."""
        threading.Thread(target=self.guard, name="embedded-postgresql", daemon=True).start()

    def guard(self) -> None:
        """Look every second until released."""
        while not self.released.wait(WATCH_BEAT):
            if postmaster(self.data) is not None:
                continue
            try:
                self.revive()
            except (EmbeddedError, OSError):
                logger.exception("The embedded PostgreSQL does not start; trying again")

    def revive(self) -> None:
        """Start the server unless someone else did, or this process no longer uses it."""
        with files.locked(self.data):
            if not self.released.is_set():
                ensure_running(self.data)
