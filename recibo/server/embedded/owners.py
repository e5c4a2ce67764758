"""Which user of the system a server runs as, and which folders let that user in."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from recibo.server.embedded.errors import EmbeddedError

NAME = "recibo"  # of the database, of its user, and of the system's user where root starts it


class Owner(NamedTuple):
    """The system's user that a server runs as."""

    uid: int
    gid: int


def is_root() -> bool:
    """Whether PostgreSQL would refuse to run as the user of this process."""
    return os.geteuid() == 0


def server_owner(data: Path) -> Owner | None:
    """The user that the server for ``data`` runs as; None: the user of this process."""
    if not is_root():
        return None
    return owner_of(data) or owner_of(data.parent) or system_user()


def owner_of(path: Path) -> Owner | None:
    """The owner of ``path``; None if there is no such path or it is root's."""
    if not path.exists() or (status := path.stat()).st_uid == 0:
        return None
    return Owner(status.st_uid, status.st_gid)


def system_user() -> Owner:
    """The system's user ``recibo``, made if that is possible; else ``nobody``."""
    found = known_user(NAME) or added_user(NAME) or known_user("nobody")
    if found is None:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and there is neither a user {NAME} nor nobody. "
            f"Make one: useradd --system {NAME}"
        )
    return found


def known_user(name: str) -> Owner | None:
    """The system's user of that name, if there is one."""
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(name)
        return Owner(entry.pw_uid, entry.pw_gid)
    return None


def added_user(name: str) -> Owner | None:
    """A new user of the system without home or login, if the system can make one."""
    if (command := shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")) is not None:
        options = ("--system", "--no-create-home", "--shell", "/usr/sbin/nologin")
        subprocess.run([command, *options, name], check=False, capture_output=True)
    return known_user(name)


def is_open(folder: Path, owner: Owner) -> bool:
    """Whether ``owner`` may pass through ``folder``."""
    status = folder.stat()
    passes = stat.S_IXOTH
    passes |= stat.S_IXUSR if status.st_uid == owner.uid else 0
    passes |= stat.S_IXGRP if status.st_gid == owner.gid else 0
    return bool(status.st_mode & passes)


def let_in(folder: Path, owner: Owner | None) -> None:
    """Let the server's user pass through ``folder``, by its group, and nobody else."""
    if owner is None or is_open(folder, owner):
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXG:  # it serves another group, which must not lose it
        raise EmbeddedError(
            f"PostgreSQL's user (id {owner.uid}) cannot enter {folder}. "
            f"Mend it with: chmod o+x {folder}"
        )
    os.chown(folder, -1, owner.gid)
    folder.chmod(mode | stat.S_IXGRP)
