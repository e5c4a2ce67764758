"""First use: the data directory and the database in it. The caller holds the lock."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil
import psycopg

from recibo.server.embedded import places, programs
from recibo.server.embedded.errors import EmbeddedError
from recibo.server.embedded.owners import NAME, Owner, server_owner


def prepare(wanted: Path, place: Path) -> None:
    """Make the data directory if there is none; refuse one that is not ours to start."""
    if (place / "PG_VERSION").exists():
        check_version(place)
    elif places.beside(wanted, "location").exists():
        raise EmbeddedError(
            f"The database was kept in {place}, and is not there any more. Bring that folder back. "
            f"To start with an empty database, remove {places.beside(wanted, 'location')}."
        )
    else:
        initialise(place)
    if place != wanted:
        places.beside(wanted, "location").write_text(f"{place}\n")


def check_version(data: Path) -> None:
    """Raise EmbeddedError unless the wheel's PostgreSQL can read ``data``."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != programs.MAJOR:
        raise EmbeddedError(
            f"{data} was written by PostgreSQL {found}; this Recibo brings {programs.MAJOR}, and "
            "has not touched it. Write a dump with the Recibo that used it last (recibo backup "
            "FILE), move the folder away, and read the dump with this one (recibo restore FILE)."
        )


def initialise(data: Path) -> None:
    """Make the data directory whole or not at all."""
    if data.exists() and any(data.iterdir()):
        raise EmbeddedError(f"{data} is not a PostgreSQL data directory, nor empty. Move it away.")
    for left in data.parent.glob(f"{data.name}.new-*"):
        end_drafting(left)
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{data.name}.new-", dir=data.parent))
    if (owner := server_owner(data)) is not None:
        os.chown(draft, *owner)
    initdb(draft, owner)
    draft.rename(data)
    sync(data.parent)


def end_drafting(draft: Path) -> None:
    """Kill an initdb, and its children, whose starter was killed: it would go on writing."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(draft) in argument for argument in process.info["cmdline"] or ()):
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(5)


def initdb(draft: Path, owner: Owner | None) -> None:
    """Run initdb: UTF-8, sorted by code point, alike on every system. Raises EmbeddedError."""
    arguments = [
        f"--pgdata={draft}",
        f"--username={NAME}",
        "--auth-local=trust",  # who reaches the socket is the owner: its folder is private
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    ]
    program = programs.binaries(owner) / "initdb"
    result = subprocess.run(
        [program, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        **programs.surroundings(owner),
    )
    if result.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL could not make its data directory:\n{result.stdout}")
    with (draft / "postgresql.conf").open("a") as file:
        file.write("include_if_exists = 'recibo.conf'\n")


def sync(folder: Path) -> None:
    """Bring the names in ``folder`` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ensure_database(data: Path) -> None:
    """Make the database if it is not there."""
    with psycopg.connect(places.address(data, "postgres"), autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", [NAME])
        if found.rowcount == 0:
            connection.execute(f"create database {NAME}")
