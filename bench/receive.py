"""How many webhooks a second are accepted and on disk, against a server that does nothing.

    python bench/receive.py [--rounds 5] [--seconds 2] [--connections 64] [--rows 1000000]

Four applications on the same web server take turns in shuffled rounds: one that reads the body
and answers two bytes (the limit), the same answering in batches as a group commit must, ours with
10 thousand events in the table, ours with a million.
Medians; on a machine with other work to do only the ratios mean something. The load comes from
wrk where it is installed (apt-get install wrk), and shares the machine.
"""

import argparse
import random
import shutil
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import load
import psycopg
import scratch
import servers

NAME = "recibo_bench_receive"
FEW = 10_000

FILL = """
with given as (
    insert into inbox_event (
        account_id, key, gateway_event_id, gateway_charge_id, source, gateway_event, event_type,
        status, priority, attempts, duplicates, silent, received_at, processed_at, error, result
    )
    select
        account.id, substr(sha256(number::text::bytea), 1, 16), 'filled-' || number,
        'HP' || number, 'webhook', 'PURCHASE_APPROVED', 'charge.paid',
        'processed', 0, 0, 0, false, now(), now(), '', ''
    from generate_series(1, %s) as number, accounts_account as account
    where account.gateway = 'hotmart'
    returning id, received_at
)
insert into inbox_eventbody (event_id, retention, received_at, headers, query, body)
select id, 'charge', received_at, 'filled', '', 'filled' from given
"""


@dataclass
class Subject:
    """One of the servers that are compared."""

    name: str
    server: servers.Server
    url: str = ""
    rows: int = 0  # how many events the table should have when a slice begins; 0: leave it


@dataclass
class Slice:
    """What one turn of one server gave. CPU in microseconds per request."""

    outcome: load.Outcome
    app: float
    database: float
    stored: int


def main() -> None:
    options = arguments()
    if not shutil.which("wrk"):
        print("wrk is not installed: the built-in load generator is slower and takes more CPU")
    with scratch.database(NAME) as url, copied(url) as large, ExitStack() as stack:
        fill(large, options.rows)
        subjects = [
            Subject("no-op (limit)", started(stack, "no-op", url)),
            Subject("no-op in batches", started(stack, "no-op-in-batches", url)),
            Subject(f"ours, {FEW:,} events", started(stack, "ours", url), url, FEW),
            Subject(f"ours, {options.rows:,} events", started(stack, "ours", large), large),
        ]
        report(subjects, measured(subjects, options))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rows", type=int, default=1_000_000)
    return parser.parse_args()


def started(stack: ExitStack, kind: str, url: str) -> servers.Server:
    return stack.enter_context(servers.running(kind, url))


@contextmanager
def copied(url: str) -> Iterator[str]:
    """A copy of the database, dropped afterwards."""
    from django.db import connections

    connections.close_all()
    source = urlsplit(url).path.lstrip("/")
    with psycopg.connect(beside(url, "postgres"), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{NAME}_large" with (force)')
        connection.execute(f'create database "{NAME}_large" template "{source}"')
        try:
            yield beside(url, f"{NAME}_large")
        finally:
            connection.execute(f'drop database "{NAME}_large" with (force)')


def beside(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def fill(url: str, rows: int) -> None:
    """Exactly so many events, all processed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate inbox_event, inbox_eventbody restart identity cascade")
        connection.execute(FILL, [rows])
        connection.execute("vacuum analyze inbox_event")
        connection.execute("vacuum analyze inbox_eventbody")


def measured(subjects: list[Subject], options: argparse.Namespace) -> dict[str, list[Slice]]:
    """The slices of each subject, by name."""
    body = delivery()
    found: dict[str, list[Slice]] = {subject.name: [] for subject in subjects}
    warm_up(subjects, body, options)
    for number in range(1, options.rounds + 1):
        for subject in random.sample(subjects, len(subjects)):
            taken = turn(subject, body, options)
            found[subject.name].append(taken)
            print(f"round {number}  {subject.name:26} {described([taken])}", flush=True)
    return found


def warm_up(subjects: list[Subject], body: bytes, options: argparse.Namespace) -> None:
    for subject in subjects:
        load.run(subject.server.port, body, connections=options.connections, seconds=1)


def turn(subject: Subject, body: bytes, options: argparse.Namespace) -> Slice:
    """One slice of load on one server."""
    if subject.rows:
        fill(subject.url, subject.rows)
    rows, app, database = count(subject.url), subject.server.cpu(), backends_cpu(subject.url)
    outcome = load.run(
        subject.server.port, body, connections=options.connections, seconds=options.seconds
    )
    per_request = 1e6 / outcome.requests
    return Slice(
        outcome,
        (subject.server.cpu() - app) * per_request,
        (backends_cpu(subject.url) - database) * per_request,
        count(subject.url) - rows,
    )


def count(url: str) -> int:
    """How many events are stored."""
    if not url:
        return 0
    with psycopg.connect(url) as connection:
        return connection.execute("select count(*) from inbox_event").fetchone()[0]


def backends_cpu(url: str) -> float:
    """CPU seconds used so far by the connections to a database of this machine."""
    if not url:
        return 0.0
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select pid from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        return sum(servers.cpu_of(pid) for (pid,) in found)


def delivery() -> bytes:
    """A sale as Hotmart tells it, with an id that the load replaces."""
    import json

    from recibo.gateways.contract import Sale
    from recibo.gateways.registry import GATEWAYS

    sale = GATEWAYS["hotmart"].samples["purchase-approved"](Sale(number=1, at=datetime.now(UTC)))
    return json.dumps({**json.loads(sale.body), "id": load.ID}).encode()


def described(slices: list[Slice]) -> str:
    """Medians in one line."""

    def median(value) -> float:
        return statistics.median(value(taken) for taken in slices)

    return (
        f"{median(lambda s: s.outcome.rate):>8,.0f}/s"
        f"  p50 {median(lambda s: s.outcome.p50):5.1f} ms"
        f"  p99 {median(lambda s: s.outcome.p99):5.1f} ms"
        f"  CPU per request: app {median(lambda s: s.app):4.0f} us,"
        f" PostgreSQL {median(lambda s: s.database):4.0f} us"
    )


def report(subjects: list[Subject], found: dict[str, list[Slice]]) -> None:
    """Medians, ratios and what stands in the way."""
    print()
    for name, slices in found.items():
        print(f"{name:34} {described(slices)}")
    limit, batches, few, many = (found[subject.name] for subject in subjects)
    print(f"\nours / no-op                 {ratio(few, limit):.2f}   (target 0.45, aim 0.70)")
    print(f"rate at the larger table / {FEW:,} {ratio(many, few):.2f}   (target 0.90)")
    print_way(limit, batches, few)
    answered = sum(s.outcome.requests - s.outcome.failed for s in (*few, *many))
    stored = sum(s.stored for s in (*few, *many))
    failed = sum(s.outcome.failed for s in (*few, *many))
    print(f"answered 200: {answered:,}; rows stored: {stored:,}; not answered 200: {failed:,}")
    if stored < answered:
        raise SystemExit("LOST: fewer rows than answers")


def ratio(ours: list[Slice], others: list[Slice]) -> float:
    """The median over the rounds of the quotient within each round."""
    pairs = zip(ours, others, strict=True)
    return statistics.median(ours.outcome.rate / other.outcome.rate for ours, other in pairs)


def print_way(limit: list[Slice], batches: list[Slice], few: list[Slice]) -> None:
    """Where the time of a request goes that the no-op does not need."""
    base, waiting, app = (
        statistics.median(s.app for s in found) for found in (limit, batches, few)
    )
    database = statistics.median(s.database for s in few)
    print(
        f"in the way, us of CPU per request above the no-op's {base:.0f}:\n"
        f"  {waiting - base:4.0f}  answering in batches instead of at once, with no work at all"
        f" (that alone is {ratio(batches, limit):.2f} of the no-op)\n"
        f"  {app - waiting:4.0f}  proof, identity, row and commit in Python\n"
        f"  {database:4.0f}  PostgreSQL: event, body, five indexes, foreign key, WAL, flush"
    )


if __name__ == "__main__":
    main()
