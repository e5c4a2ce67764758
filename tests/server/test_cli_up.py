"""``recibo up`` as a new user runs it: on nothing, with an embedded PostgreSQL."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
NONE = {"pending": 0, "processing": 0, "ignored": 0, "failed": 0}
PATIENCE = 90.0  # seconds for the start on a busy machine: a database is made from nothing


class Installation:
    """A data directory of its own, and commands run on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.variables = {
            **{name: value for name, value in os.environ.items() if "HOTMART" not in name},
            "RECIBO_HOME": str(home),
            "DATABASE_URL": "",
            "RECIBO_LANGUAGE": "en",
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-m", "recibo", *words]
        return subprocess.Popen(command, cwd=ROOT, env=self.variables, text=True, **options)

    def run(self, *words: str) -> str:
        with self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            told, complained = process.communicate(timeout=60)
        assert process.returncode == 0, told + complained
        return told

    def stats(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.run("events", "stats", "--json"))
        return found

    @contextlib.contextmanager
    def up(self) -> Iterator[subprocess.Popen[str]]:
        with self.log.open("w") as log:
            process = self.start(
                "up", "--port", str(self.port), stdout=log, stderr=log, start_new_session=True
            )
            try:
                wait_until(lambda: "Ctrl-C stops it all" in self.told())
                yield process
            finally:
                process.kill()
                process.wait()

    @property
    def log(self) -> Path:
        return self.home / "up.log"

    def told(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz").status_code == 200
        return False

    def processes(self) -> list[psutil.Process]:
        """Every process that works on this data directory."""
        return [one for one in psutil.process_iter(["cmdline", "environ"]) if self.owns(one)]

    def owns(self, process: psutil.Process) -> bool:
        command, variables = process.info["cmdline"], process.info["environ"]
        words = [*(command or []), (variables or {}).get("RECIBO_HOME", "")]
        return any(str(self.home) in word for word in words)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def installation() -> Iterator[Installation]:
    home = Path(tempfile.mkdtemp(prefix="recibo-up-"))
    home.chmod(0o711)  # the database's user passes through
    installed = Installation(home)
    try:
        yield installed
    finally:
        for process in installed.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        shutil.rmtree(home)


def test_up_receives_and_processes_sales_and_leaves_nothing_behind(installation):
    with installation.up() as up:
        told = installation.told()
        assert re.search(r"Console user admin, password \S{16} ", told)
        assert f"{installation.url}/console/" in told
        assert httpx.get(f"{installation.url}/healthz").status_code == 200
        assert f"{installation.url}/api/webhooks/hotmart" in told

        answered = installation.run(
            "simulate", "hotmart", "purchase-approved", "--count", "50", "--url", installation.url
        )
        assert answered.startswith("200: 50\n")
        wait_until(lambda: installation.stats()["processed"] == 50, seconds=30)
        assert installation.stats() == {**NONE, "total": 50, "processed": 50}
        wait_until(installation.is_ready)
        assert "broken" not in installation.run("check")

        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 0
    assert "Traceback" not in installation.told()
    wait_until(lambda: installation.processes() == [], seconds=10)

    with installation.up() as up:
        assert "password" not in installation.told()
        assert installation.stats()["processed"] == 50
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
    wait_until(lambda: installation.processes() == [], seconds=10)
