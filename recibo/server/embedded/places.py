"""Where things are: the data, the files that go with it, the socket. Nothing is made here."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from recibo.server.embedded.owners import NAME, Owner, is_open, is_root, owner_of

PORT = 5432  # nothing listens there: it is a part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 103  # bytes: the kernel of macOS takes 103, Linux 107
#: Where root keeps what PostgreSQL's user could not reach where it was wanted.
PUBLIC = Path("/var/lib/recibo-postgresql")


def url(data: Path) -> str:
    """Address of the server for ``data``, running or not: a socket in a private folder."""
    return address(location(data.resolve()), NAME)


def location(wanted: Path) -> Path:
    """Where the data that is wanted at ``wanted`` really is.

    Root keeps it below ``PUBLIC`` if PostgreSQL's user cannot get as far as the folder around
    ``wanted`` (below /root, say), and notes that beside ``wanted``, so that it stays decided.
    """
    if not is_root():
        return wanted
    if (note := beside(wanted, "location")).exists():
        return Path(note.read_text().strip())
    if (wanted / "PG_VERSION").exists() or is_reachable(wanted.parent):
        return wanted
    return PUBLIC / digest(wanted) / wanted.name


def is_reachable(folder: Path) -> bool:
    """Whether every folder above ``folder`` is open to its owner, or to all if that is root."""
    owner = owner_of(folder) or Owner(-1, -1)
    return all(is_open(parent, owner) for parent in folder.parents if parent.exists())


def beside(data: Path, suffix: str) -> Path:
    """The file that goes with ``data`` and ends in ``suffix``."""
    return data.with_name(f"{data.name}.{suffix}")


def digest(path: Path) -> str:
    """A short name for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def socket_folder(data: Path) -> Path:
    """The folder of the server's socket: ``data`` itself unless that makes its path too long."""
    if len(os.fsencode(data / SOCKET)) <= LONGEST_SOCKET_PATH:
        return data
    # Not TMPDIR: it differs between a login, cron and sudo, and all must find the same server.
    return Path("/tmp") / f"recibo-{digest(data)}"  # noqa: S108  check_socket_folder guards it


def address(data: Path, database: str) -> str:
    """The connection URL of a database of the server for ``data``."""
    folder = quote(str(socket_folder(data)), safe="")
    return f"postgresql://{NAME}@:{PORT}/{database}?host={folder}"
