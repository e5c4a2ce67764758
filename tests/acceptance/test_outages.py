"""The database goes away under load and comes back: everything goes on by itself."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from recibo.server import embedded
from tests.acceptance.installation import (
    Load,
    assert_each_is_there_once_and_applied_once,
    eventually,
    running,
)

pytestmark = pytest.mark.crash

KILL_ALL = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where pid <> pg_backend_pid() and backend_type = 'client backend'
"""


class Database:
    """A PostgreSQL that is not the installation's own, so that nothing but the test starts it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "postgres"
        self.url = embedded.url(self.data)
        self.start()

    def start(self) -> None:
        self.server = embedded.attach(self.data)

    def stop(self) -> None:
        self.server.release()


@pytest.fixture
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="recibo-db-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        database = Database(Path(folder))
        yield database
        database.stop()


@pytest.mark.parametrize("seconds", [2, 20])
def test_a_restart_of_the_database_under_load(database: Database, seconds: int) -> None:
    with running(database.url) as installation:
        load = Load(installation.url)
        with load.running(rate=200):
            time.sleep(1)
            database.stop()
            time.sleep(seconds)
            database.start()
            before = len(load.accepted)
            eventually(lambda: len(load.accepted) > before + 50, seconds=60)
        assert set(load.refused) <= {"503"}
        assert_each_is_there_once_and_applied_once(installation, load)


def test_all_connections_killed_under_load(database: Database) -> None:
    with running(database.url) as installation:
        load = Load(installation.url)
        with load.running(rate=200):
            for _ in range(3):
                time.sleep(1)
                with psycopg.connect(database.url) as connection:
                    connection.execute(KILL_ALL)
                before = len(load.accepted)
                eventually(lambda before=before: len(load.accepted) > before + 50, seconds=60)
        assert set(load.refused) <= {"503"}
        assert_each_is_there_once_and_applied_once(installation, load)
