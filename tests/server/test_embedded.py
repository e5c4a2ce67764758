"""Real servers and real processes, killed in every way; one data directory for most tests."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from recibo.server import embedded
from recibo.server.embedded import EmbeddedError

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
NOBODY = 65534
USE = """
import os, sys
from pathlib import Path
from recibo.server import embedded
embedded.accepts(Path("/nowhere"))  # loads what loads late, which nobody may not be able to read
if "nobody" in sys.argv:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
server = embedded.attach(Path(sys.argv[1]))
if "watch" in sys.argv:
    server.watch()
print("attached", flush=True)
sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what root must do")


class User:
    """A process that uses the server of ``data`` until told to leave; it never waits for it."""

    def __init__(self, data: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE, str(data), *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=env,
        )

    def has_attached(self) -> bool:
        """Wait for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "attached\n"

    def leave(self) -> None:
        """End as programs do."""
        self.process.communicate(timeout=DEADLINE)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def use() -> Iterator[Callable[..., User]]:
    """Start a User and wait until it has attached; all leave in the end."""
    users: list[User] = []

    def begin(data: Path, *options: str, env: dict[str, str] | None = None) -> User:
        users.append(User(data, *options, env=env))
        assert users[-1].has_attached(), users[-1].process.communicate()[1]
        return users[-1]

    yield begin
    for user in users:
        if user.process.returncode is None:
            user.leave()


@contextlib.contextmanager
def new_home() -> Iterator[Path]:
    """A private folder with a short path; its server is stopped before it goes."""
    home = Path(tempfile.mkdtemp(prefix="recibo-"))
    try:
        yield home
    finally:
        embedded.stop(home / "postgres")
        shutil.rmtree(home)


@pytest.fixture
def home() -> Iterator[Path]:
    with new_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def kept_home() -> Iterator[Path]:
    with new_home() as folder:
        embedded.attach(folder / "postgres").release()
        yield folder


@pytest.fixture
def data(kept_home: Path) -> Iterator[Path]:
    """A data directory that has been used before; its server is stopped."""
    yield kept_home / "postgres"
    embedded.stop(kept_home / "postgres")


def ask(data: Path, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded.url(data)) as connection:
        return connection.execute(query).fetchall()


def running(data: Path) -> psutil.Process:
    server = embedded.postmaster(data)
    assert server is not None
    return server


def kill_all(server: psutil.Process) -> None:
    """Kill -9 every process of a server."""
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(
            psutil.NoSuchProcess
        ):  # the others end by themselves, some of them faster
            process.kill()


def kill_first(server: psutil.Process) -> None:
    """Kill -9 only the process that starts the others."""
    server.kill()


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


def is_answering(data: Path) -> bool:
    with contextlib.suppress(psycopg.OperationalError):
        return ask(data, "select 1") == [(1,)]
    return False


# Sharing


def test_the_first_use_makes_the_database(home: Path) -> None:
    with embedded.attach(home / "postgres"):
        assert ask(home / "postgres", "select current_database()") == [("recibo",)]
        assert ask(home / "postgres", "show server_encoding") == [("UTF8",)]
        assert ask(home / "postgres", "select lower('AÇÃO É')") == [("ação é",)]
        assert ask(home / "postgres", "show data_checksums") == [("on",)]
    assert embedded.postmaster(home / "postgres") is None


def test_what_is_committed_is_on_the_disk(data: Path) -> None:
    with embedded.attach(data):
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(data, f"show {name}") == [("on",)]


def test_four_processes_at_once_share_the_first_start(home: Path) -> None:
    users = [User(home / "postgres") for _ in range(4)]
    assert all(user.has_attached() for user in users)
    starts = (home / "postgres.log").read_text().count("starting PostgreSQL")
    for user in users:
        user.leave()
    assert starts == 1
    assert not list(home.glob("postgres.new-*"))


def test_the_last_process_to_leave_stops_the_server(data: Path, use: Callable[..., User]) -> None:
    first, second = use(data), use(data)
    server = running(data)
    first.leave()
    assert running(data) == server
    assert is_answering(data)
    second.leave()
    assert embedded.postmaster(data) is None
    assert not (data / "postmaster.pid").exists()


def test_a_process_that_uses_it_twice_stops_it_once_both_are_released(data: Path) -> None:
    first, second = embedded.attach(data), embedded.attach(data)
    first.release()
    first.release()
    assert is_answering(data)
    second.release()
    assert embedded.postmaster(data) is None


def test_a_killed_process_leaves_the_server_to_the_next_which_stops_it(
    data: Path, use: Callable[..., User]
) -> None:
    killed = use(data)
    server = running(data)
    killed.kill()
    following = use(data)
    assert running(data) == server
    following.leave()
    assert embedded.postmaster(data) is None


def test_a_fork_does_not_take_the_server_away(data: Path) -> None:
    code = "import os, sys\nif os.fork() == 0:\n    sys.exit()\nos.wait()\n"
    code += "import psycopg; psycopg.connect(embedded.url(Path(sys.argv[1]))).close()"
    result = subprocess.run(
        [sys.executable, "-c", USE.replace("sys.stdin.read()", code), data],
        cwd=ROOT,
        check=False,
        capture_output=True,
        timeout=DEADLINE,
    )
    assert result.returncode == 0, result.stderr
    assert embedded.postmaster(data) is None


def test_ctrl_c_in_the_terminal_of_the_starter_does_not_reach_the_server(
    data: Path, use: Callable[..., User]
) -> None:
    starter, other = use(data), use(data)
    server = running(data)
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.leave()
    assert running(data) == server
    other.leave()


def test_the_server_knows_neither_our_secrets_nor_variables_for_postgresql(
    data: Path, use: Callable[..., User]
) -> None:
    variables = {**os.environ, "PGPORT": "6000", "SMTP_PASSWORD": "secret"}
    use(data, env=variables)
    assert is_answering(data)
    assert not {"PGPORT", "SMTP_PASSWORD"} & set(running(data).environ())


def test_the_owner_can_overrule_a_setting(data: Path) -> None:
    with embedded.attach(data), psycopg.connect(embedded.url(data), autocommit=True) as connection:
        connection.execute("alter system set max_connections = 50")
    with embedded.attach(data), psycopg.connect(embedded.url(data), autocommit=True) as connection:
        assert connection.execute("show max_connections").fetchall() == [("50",)]
        connection.execute("alter system reset max_connections")


# Death


@pytest.mark.parametrize("kill", [kill_first, kill_all])
def test_committed_rows_are_there_after_kill_9(
    data: Path, use: Callable[..., User], kill: Callable[[psutil.Process], None]
) -> None:
    """The starter lives and never waits: the dead server stays a zombie with its pid."""
    use(data)
    with psycopg.connect(embedded.url(data)) as connection:
        connection.execute("drop table if exists kept")
        connection.execute("create table kept as select generate_series(1, 1000) as id")
    server = running(data)
    kill(server)
    assert eventually(lambda: server.status() == psutil.STATUS_ZOMBIE)
    use(data)
    assert ask(data, "select count(*) from kept") == [(1000,)]


@pytest.mark.parametrize("kill", [kill_first, kill_all])
@pytest.mark.parametrize("is_starter", [True, False])
def test_a_watched_server_is_started_again(
    data: Path,
    use: Callable[..., User],
    kill: Callable[[psutil.Process], None],
    is_starter: bool,
) -> None:
    if not is_starter:
        use(data)
    use(data, "watch")
    kill(running(data))
    assert eventually(lambda: is_answering(data))


def test_several_watchers_start_one_server(data: Path, use: Callable[..., User]) -> None:
    for _ in range(3):
        use(data, "watch")
    for _ in range(2):
        kill_all(running(data))
        assert eventually(lambda: is_answering(data))
    log = (data.parent / "postgres.log").read_text()
    assert "already exists" not in log


def test_a_watched_server_stays_stopped_after_release(data: Path) -> None:
    server = embedded.attach(data)
    server.watch()
    server.release()
    time.sleep(embedded.WATCH_BEAT + 0.5)
    assert embedded.postmaster(data) is None
    names = {thread.name for thread in threading.enumerate()}
    assert "embedded-postgresql" not in names


def test_a_long_query_of_the_dead_server_does_not_hold_up_the_next(
    data: Path, use: Callable[..., User]
) -> None:
    use(data)
    with contextlib.closing(psycopg.connect(embedded.url(data))) as connection:
        connection.pgconn.send_query(b"select count(*) from generate_series(1, 10000000000)")
        time.sleep(0.5)
        kill_first(running(data))
        began = time.monotonic()
        use(data)
        assert time.monotonic() - began < DEADLINE / 3


def test_a_pid_that_a_stranger_has_now_is_no_server(data: Path, use: Callable[..., User]) -> None:
    use(data)
    server = running(data)
    uid = server.uids().real
    kill_all(server)
    stranger = subprocess.Popen(["sleep", "60"], user=uid)
    try:
        file = data / "postmaster.pid"
        rest = file.read_text().partition("\n")[2]
        file.write_text(f"{stranger.pid}\n{rest}")
        embedded.write(data / f"{embedded.SOCKET}.lock", f"{stranger.pid}\n{rest}")
        use(data)
        assert running(data).pid != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_empty_pid_file_of_a_full_disk_does_not_hinder_the_start(data: Path) -> None:
    embedded.write(data / "postmaster.pid", "")
    with embedded.attach(data):
        assert is_answering(data)


def test_a_first_start_that_was_killed_is_begun_anew(home: Path) -> None:
    user = User(home / "postgres")
    assert eventually(lambda: any(home.glob("postgres.new-*/base")))
    user.kill()
    assert not (home / "postgres").exists()
    with embedded.attach(home / "postgres"):
        assert is_answering(home / "postgres")
    assert not list(home.glob("postgres.new-*"))


# Errors


def test_a_start_that_fails_says_why_at_once(data: Path) -> None:
    embedded.write(data / "postgresql.auto.conf", "shared_buffers = 'many'\n")
    try:
        began = time.monotonic()
        with pytest.raises(EmbeddedError, match="invalid value for parameter") as caught:
            embedded.attach(data)
        assert str(data.parent / "postgres.log") in str(caught.value)
        assert time.monotonic() - began < DEADLINE / 3
    finally:
        embedded.write(data / "postgresql.auto.conf", "")
    with embedded.attach(data):
        assert is_answering(data)


def test_a_start_that_takes_too_long_is_an_error_but_goes_on(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.running, "PATIENCE", 0.0)
    with pytest.raises(EmbeddedError, match="takes no connections"):
        embedded.attach(data)
    monkeypatch.setattr(embedded.running, "PATIENCE", DEADLINE)
    with embedded.attach(data):
        assert is_answering(data)


def test_the_directory_of_another_major_is_refused_and_not_touched(home: Path) -> None:
    data = home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"written by PostgreSQL 16.*recibo backup"):
        embedded.attach(data)
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_folder_with_other_files_is_refused_and_not_touched(home: Path) -> None:
    data = home / "postgres"
    data.mkdir()
    (data / "letter").write_text("dear")
    with pytest.raises(EmbeddedError, match="not a PostgreSQL data directory"):
        embedded.attach(data)
    assert [path.name for path in data.iterdir()] == ["letter"]


# Places


@pytest.fixture
def far_away(home: Path) -> Path:
    """A data directory whose path is too long for a socket."""
    home.chmod(0o711)
    return home / ("long" * 30) / "postgres"


def test_a_long_path_has_its_socket_in_a_private_folder(far_away: Path) -> None:
    with embedded.attach(far_away):
        assert is_answering(far_away)
        folder = embedded.socket_folder(far_away)
        assert folder != far_away
        assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)


def test_a_socket_folder_that_others_can_write_is_refused(far_away: Path) -> None:
    far_away.parent.mkdir()
    folder = embedded.socket_folder(far_away)
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match="shorter RECIBO_HOME"):
            embedded.attach(far_away)
    finally:
        folder.rmdir()


def test_only_the_owner_reaches_data_and_socket(data: Path) -> None:
    with embedded.attach(data):
        assert data.stat().st_mode & 0o777 == 0o700
        assert (data / embedded.SOCKET).stat().st_mode & 0o077 == 0
        assert ask(data, "show listen_addresses") == [("",)]


@as_root
def test_root_runs_the_server_as_another_and_opens_the_home_to_nobody_else(data: Path) -> None:
    with embedded.attach(data):
        uids = {process.uids().real for process in running(data).children()}
    assert uids == {data.stat().st_uid}
    assert 0 not in uids
    assert data.parent.stat().st_mode & 0o777 == 0o710


@as_root
def test_a_home_that_serves_another_group_is_left_as_it_is(home: Path) -> None:
    home.chmod(0o750)
    with pytest.raises(EmbeddedError, match=f"chmod o[+]x {home}"):
        embedded.attach(home / "postgres")
    assert home.stat().st_mode & 0o777 == 0o750


@as_root
def test_a_home_of_another_user_stays_theirs(home: Path, use: Callable[..., User]) -> None:
    """Root first, then the owner of the home: the same server, the same files."""
    os.chown(home, NOBODY, NOBODY)
    with embedded.attach(home / "postgres"):
        assert running(home / "postgres").uids().real == NOBODY
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_uid for path in home.iterdir()} == {NOBODY}
    use(home / "postgres", "nobody")
    assert is_answering(home / "postgres")


@as_root
def test_works_without_root(home: Path, use: Callable[..., User]) -> None:
    os.chown(home, NOBODY, NOBODY)
    user = use(home / "postgres", "nobody")
    kill_all(running(home / "postgres"))
    following = use(home / "postgres", "nobody")
    assert is_answering(home / "postgres")
    user.leave()
    following.leave()
    assert embedded.postmaster(home / "postgres") is None


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stands for the place where root keeps what PostgreSQL's user could not reach."""
    folder = Path(tempfile.mkdtemp(prefix="recibo-"))
    monkeypatch.setattr(embedded.places, "PUBLIC", folder / "public")
    folder.chmod(0o755)
    yield folder / "public"
    shutil.rmtree(folder)


@as_root
def test_data_below_a_private_folder_is_kept_where_postgresql_can_reach_it(
    home: Path, public: Path
) -> None:
    data = home / "below" / "postgres"
    before = embedded.url(data)
    with embedded.attach(data):
        assert embedded.url(data) == before
        assert is_answering(data)
    assert (home.stat().st_mode & 0o777, data.exists()) == (0o700, False)
    home.chmod(0o755)
    assert embedded.url(data) == before, "a place once chosen is kept"
    with embedded.attach(data):
        assert is_answering(data)
    shutil.rmtree(embedded.location(data))
    with pytest.raises(EmbeddedError, match="is not there any more"):
        embedded.attach(data)


@as_root
def test_binaries_below_a_private_folder_are_copied(
    data: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = Path(tempfile.mkdtemp(prefix="recibo-"))
    for part in embedded.programs.PARTS:
        (private / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(embedded.programs.wheel_folder() / part, private / part, symlinks=True)
    monkeypatch.setattr(embedded.programs, "wheel_folder", lambda: private)
    try:
        with embedded.attach(data):
            assert is_answering(data)
            assert running(data).exe().startswith(str(public))
    finally:
        shutil.rmtree(private)


def test_a_server_that_cannot_be_seen_but_listens_is_not_started_twice(data: Path) -> None:
    """As in two containers that share the folder: no pid tells, the socket does."""
    with embedded.attach(data):
        pass
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data / embedded.SOCKET))
        listener.listen()
        assert embedded.postmaster(data) is None
        assert embedded.is_alive(data)
    (data / embedded.SOCKET).unlink()
    assert not embedded.is_alive(data)
