"""Folders and files, made, locked and written for the user that the server runs as."""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from recibo.server.embedded import places
from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.owners import Owner, let_in, server_owner


def make_folder(data: Path) -> None:
    """Make the folder around ``data``, and ``PUBLIC`` above it."""
    if data.parent.parent == places.PUBLIC:
        make_public()
    data.parent.mkdir(mode=0o700, exist_ok=True)
    let_in(data.parent, server_owner(data))


def make_public() -> None:
    """Make ``PUBLIC``, open to all whatever the umask."""
    if not places.PUBLIC.exists():
        places.PUBLIC.mkdir(parents=True, exist_ok=True)
        places.PUBLIC.chmod(0o755)


def check_socket_folder(data: Path, owner: Owner | None) -> None:
    """Make the socket's folder where it is not ``data``. Raises EmbeddedError if it is not ours."""
    if (folder := places.socket_folder(data)) == data:
        return
    uid, gid = owner or (os.geteuid(), os.getegid())
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    status = folder.lstat()
    if (status.st_uid, status.st_mode) != (uid, stat.S_IFDIR | 0o700):
        raise EmbeddedError(
            f"{folder} should be a folder of user {uid} with mode 0700, and is not: "
            "someone else may have made it. Remove it, or choose a shorter RECIBO_HOME."
        )


def open_beside(data: Path, suffix: str) -> int:
    """Open a file that goes with ``data``, for the server's user; programs do not inherit it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(places.beside(data, suffix), flags, 0o600)
    if (owner := server_owner(data)) is not None:
        os.fchown(descriptor, *owner)
    return descriptor


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Alone among all processes in starting and stopping the server for ``data``."""
    descriptor = open_beside(data, "lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, text: str) -> None:
    """Write a file of the data directory whole or not at all, for the server's user."""
    owner = server_owner(path.parent)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
        draft.write(text)
        if owner is not None:
            os.fchown(draft.fileno(), *owner)
    Path(draft.name).replace(path)


def first_line(file: Path) -> str:
    """The first line of a file; "" if there is no such file."""
    return file.read_text().partition("\n")[0] if file.exists() else ""
