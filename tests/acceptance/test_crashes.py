"""Real processes are killed under load: nothing that was answered with 200 is lost or doubled."""

import time

import psycopg
import pytest

from tests.acceptance.installation import (
    Installation,
    Load,
    assert_each_is_there_once_and_applied_once,
    eventually,
    running,
)

pytestmark = pytest.mark.crash

ROUNDS = 3


@pytest.mark.parametrize("victim", ["web", "worker", "postgres"])
def test_kill_9_under_load_loses_and_doubles_nothing(victim: str) -> None:
    with running() as installation:
        load = Load(installation.url)
        with load.running():
            for _ in range(ROUNDS):
                time.sleep(1.5)
                before = len(load.accepted)
                kill(installation, victim)
                eventually(lambda before=before: len(load.accepted) > before + 50)
        assert_each_is_there_once_and_applied_once(installation, load)


def kill(installation: Installation, victim: str) -> None:
    if victim == "postgres":
        installation.kill_postgres()
    else:
        installation.kill(victim)


def test_ctrl_c_stops_everything_and_the_next_start_goes_on_where_it_was() -> None:
    with running() as installation:
        load = Load(installation.url)
        with load.running():
            time.sleep(1)
        assert_each_is_there_once_and_applied_once(installation, load)
        parts = [*installation.children("web"), *installation.children("worker")]
        assert len(parts) == 2
    assert installation.process.returncode == 0
    assert not any(part.is_running() for part in parts)
    with pytest.raises(psycopg.OperationalError):
        installation.count("select 1")
