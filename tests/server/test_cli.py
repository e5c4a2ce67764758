"""The command line in general: what every command does when something is not as it should be."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from recibo.inbox import queries
from recibo.server import embedded
from recibo.server.cli import app, running
from recibo.server.cli.errors import CommandError

ROOT = Path(__file__).parents[2]
EVENTS = ("stats", "list", "show", "process", "retry-failed", "replay", "clean", "restore")
PROVISIONING = ("process", "resync", "stats")
ACCESS = (
    "rules",
    "add-rule",
    "remove-rule",
    "applications",
    "add-application",
    "remove-application",
)
ACCOUNTS = ("list", "add", "rotate", "forget", "disable", "enable")
COMMANDS = (
    ["up"],
    ["web"],
    ["worker"],
    ["migrate"],
    ["check"],
    ["simulate"],
    *(["events", name] for name in EVENTS),
    *(["accounts", name] for name in ACCOUNTS),
    *(["access", name] for name in ACCESS),
    *(["provisioning", name] for name in PROVISIONING),
    *(["token", name] for name in ("create", "list", "revoke")),
)


def invoke(*words: str):
    return CliRunner().invoke(app, list(words))


def recibo(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "recibo", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words):
    result = invoke(*words, "--help")

    assert result.exit_code == 0
    assert f"recibo {' '.join(words)}" in result.output.replace("root", "recibo")


def test_help_needs_no_framework():
    loaded = "import sys; from recibo.server.cli import app; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, timeout=60
    ).stdout.split()

    assert "recibo.server.cli.running" in modules
    assert not {"django", "httpx", "psycopg", "procrastinate", "uvicorn"} & set(modules)


def test_a_database_that_is_not_there_is_one_sentence():
    result = recibo(
        "events", "stats", "--json", DATABASE_URL="postgresql://recibo@127.0.0.1:1/none"
    )

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("The database cannot be used: ")
    assert "DATABASE_URL" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_setting_that_cannot_be_right_is_one_sentence():
    result = recibo("events", "stats", RECIBO_TIME_ZONE="Mars/Olympus")

    assert (result.returncode, result.stdout) == (2, "")
    assert "RECIBO_TIME_ZONE" in result.stderr
    assert result.stderr.count("\n") == 1


def unmigrated() -> str:
    """A database of the same server that has no tables."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()


def test_a_database_without_our_tables_asks_for_migrate():
    result = recibo("events", "stats", DATABASE_URL=unmigrated())

    assert (result.returncode, result.stdout) == (2, "")
    assert "run `recibo migrate`" in result.stderr


def test_check_tells_of_the_gateways_though_the_database_is_away():
    result = recibo(
        "check",
        "--json",
        DATABASE_URL="postgresql://recibo@127.0.0.1:1/none",
        HOTMART_WEBHOOK_TOKEN="secret",
    )

    states = {one["name"]: one["state"] for one in json.loads(result.stdout)}
    assert result.returncode == 1
    assert states["database"] == "broken"
    assert states["gateway hotmart"] == "ok"


def test_check_tells_where_the_embedded_database_keeps_its_data(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "postgres").write_text("in the way: nothing is started here")
    result = recibo("check", "--json", RECIBO_HOME=str(home), DATABASE_URL="")

    told = {one["name"]: one["sentence"] for one in json.loads(result.stdout)}
    assert str(embedded.location((home / "postgres").resolve())) in told["data directory"]
    away = recibo("check", "--json", DATABASE_URL="postgresql://recibo@127.0.0.1:1/none")
    assert "data directory" not in {one["name"] for one in json.loads(away.stdout)}


def test_check_tells_what_is_missing_in_an_empty_database():
    result = recibo("check", DATABASE_URL=unmigrated(), HOTMART_WEBHOOK_TOKEN="")

    assert result.returncode == 1
    assert "recibo migrate" in result.stdout
    assert "HOTMART_WEBHOOK_TOKEN" in result.stdout


@pytest.mark.django_db
def test_an_interrupt_is_quiet(monkeypatch):
    def interrupted(**_: object):
        raise KeyboardInterrupt

    monkeypatch.setattr(queries, "stats", interrupted)
    result = invoke("events", "stats")

    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.django_db
def test_a_bug_of_ours_keeps_its_trace(monkeypatch):
    monkeypatch.setattr(queries, "stats", lambda **_: 1 / 0)

    assert isinstance(invoke("events", "stats").exception, ZeroDivisionError)


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_port_in_use_is_said_before_anything_starts(command, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = recibo(command, "--port", port, RECIBO_HOME=str(tmp_path), DATABASE_URL="")

    assert (result.returncode, result.stdout) == (2, "")
    assert f"Port {port} of 127.0.0.1 is in use" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_not_ours_is_a_sentence():
    with pytest.raises(CommandError, match=r"Cannot listen on 192\.0\.2\.1"):
        running.refuse_taken("192.0.2.1", 8000)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_free_port_is_fine(host):
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    running.refuse_taken(host, port)


@pytest.mark.django_db
def test_addresses_are_those_that_one_can_type(settings, capsys):
    settings.RECIBO_PUBLIC_URL = "https://shop.example"
    settings.RECIBO_WEBHOOK_SECRETS = {}
    running.announce(running.addresses("0.0.0.0", 8000))

    told = capsys.readouterr().out
    assert "http://127.0.0.1:8000/console/" in told
    assert "http://127.0.0.1:8000/doc" in told
    assert "https://shop.example/api/webhooks/hotmart" in told
    assert "HOTMART_WEBHOOK_TOKEN" in told


def test_simulate_says_when_nobody_is_there():
    with socket.create_server(("127.0.0.1", 0)) as found:
        url = f"http://127.0.0.1:{found.getsockname()[1]}"
    result = invoke("simulate", "hotmart", "purchase-approved", "--url", url)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "`recibo up`" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hotmart", "purchase-levitated"], "purchase-approved"),
        (["hotmort", "purchase-approved"], "hotmart"),
        (["hotmart"], "--list"),
        (["hotmart", "purchase-approved", "--reference", "HP1", "--count", "2"], "--count"),
        (["hotmart", "purchase-approved", "--url", "ftp://x"], "--url"),
        (["hotmart", "purchase-approved", "--url", "http://"], "--url"),
        (["hotmart", "purchase-approved", "--url", "http://127.0.0.1:99999"], "--url"),
    ],
)
def test_simulate_says_what_cannot_be(words, said):
    result = invoke("simulate", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_live_simulations_need_the_real_secret(settings):
    settings.RECIBO_WEBHOOK_SECRETS = {}
    result = invoke("simulate", "hotmart", "purchase-approved", "--live")

    assert result.exit_code == 2
    assert "HOTMART_WEBHOOK_TOKEN" in result.stderr


def test_what_can_be_simulated_is_listed():
    rows = json.loads(invoke("simulate", "--list", "--json").stdout)

    assert {
        "gateway": "hotmart",
        "event": "purchase-approved",
        "gateway_event": "PURCHASE_APPROVED",
        "event_type": "charge.paid",
    } in rows
    assert "PURCHASE_APPROVED" in invoke("simulate", "hotmart", "--list").stdout
