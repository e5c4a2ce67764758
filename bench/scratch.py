"""A database of the benchmark's own: on ``RECIBO_BENCH_DATABASE_URL``, else embedded."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg


@contextmanager
def database(name: str) -> Iterator[str]:
    """Make the database, migrate it, set Django up on it; drop it afterwards. Gives its address."""
    home = Path(tempfile.mkdtemp(prefix="recibo-bench-"))
    home.chmod(0o711)
    os.environ["RECIBO_HOME"] = str(home)
    try:
        if server := os.environ.get("RECIBO_BENCH_DATABASE_URL"):
            with on_server(server, name) as url:
                yield url
        else:
            yield from embedded(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def on_server(server: str, name: str) -> Iterator[str]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}"')
        parts = urlsplit(server)
        url = urlunsplit(parts._replace(path=f"/{name}"))
        try:
            set_up(url)
            yield url
        finally:
            connection.execute(f'drop database "{name}" with (force)')


def embedded(home: Path) -> Iterator[str]:
    from recibo.server import embedded

    with embedded.attach(home / "postgres"):
        url = embedded.url(home / "postgres")
        set_up(url)
        yield url


def set_up(url: str) -> None:
    """Django on this database, migrated."""
    os.environ["DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "recibo.server.settings"
    import django

    django.setup()
    from recibo.operations.installation import migrate

    migrate()


def empty() -> None:
    """Take all events and what they led to out again."""
    from recibo.work.sql import execute

    execute(
        "truncate inbox_event, inbox_eventbody, billing_customer, billing_order, billing_charge,"
        " billing_subscription, billing_chargenews, billing_subscriptionnews, billing_note,"
        " billing_tag, outbound_publishedchange, outbound_delivery, outbound_attempt"
        " restart identity cascade"
    )


def postgres_cpu() -> float:
    """CPU seconds used so far by every PostgreSQL process on this machine."""
    total = 0.0
    for process in psutil.process_iter(["name", "cpu_times"]):
        if process.info["name"] == "postgres" and process.info["cpu_times"]:
            times = process.info["cpu_times"]
            total += times.user + times.system
    return total
