"""What following 100,000 unpaid orders costs: finding what is due, and asking about it.

    python bench/polling.py [--checks 100000] [--seconds 20]

Opens the checks of five accounts in a scratch database and prints how long a claim of eight takes
beside the same with a thousand checks, while nothing, a little and everything is due; how many
statements that is; then how many orders a second one worker asks about, against a server on this
machine that answers "still pending", while the API of one more account is dead.
"""

import argparse
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

import scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

ACCOUNTS = 5
SLOTS = 8
DUE = {"nothing due": "1 day", "1 % due": "1 second", "everything due": "-1 day"}
CLAIMS = 50


def main() -> None:
    options = arguments()
    with scratch.database("recibo_bench_polling"):
        from django.conf import settings

        from recibo.gateways.registry import GATEWAYS
        from tests.gateways.gateway_server import serving, told
        from tests.reconciliation.acme import ACME

        GATEWAYS["acme"] = ACME
        with serving() as server:
            pending = {"id": "c", "status": "pending", "cents": 100, "at": "2026-03-01T00:00:00Z"}
            server.routes = Everything(told(pending))
            settings.RECIBO_API_URLS = {"acme": server.url}
            accounts = [account(f"shop-{number}") for number in range(ACCOUNTS)]
            claims(accounts, options.checks)
            polls(accounts, options)


class Everything(dict):
    """Every path has the same answer."""

    def __init__(self, canned) -> None:
        super().__init__()
        self.canned = canned

    def get(self, _name, _default=None):
        return self.canned


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    return parser.parse_args()


def account(name: str, **columns):
    """An account that may ask."""
    from django.utils import timezone

    from recibo.accounts.encryption import sealed
    from recibo.accounts.models import Account

    return Account.objects.create(
        gateway="acme",
        name=name,
        connected_at=timezone.now(),
        sealed_credentials=sealed({"key": "k"}),
        **columns,
    )


def fill(accounts, count: int, due: str) -> None:
    """Unpaid orders with their charges and checks. ``due``: from now until the first is."""
    from recibo.reconciliation import circuits
    from recibo.work.sql import execute

    scratch.empty()
    execute("truncate reconciliation_paymentcheck")
    ids = [one.pk for one in accounts]
    circuits.ensure(ids)
    ours = "(%s::bigint[])[1 + n %% %s]"
    execute(
        f"""
        insert into billing_order (account_id, reference, status, amount, currency, paid_amount,
            product_id, product, payment_url, simulated, created_at)
        select {ours}, 'o' || n, 'pending', 1, 'BRL', 0, '', '', '', false, now()
        from generate_series(1, %s) n on conflict do nothing
        """,
        ids,
        len(ids),
        count,
    )
    execute(
        """
        insert into billing_charge (account_id, gateway_charge_id, order_id, status, status_at,
            amount, currency, refunded_amount, commissions, metadata, subscription_code,
            payment_method, product_id, product, offer, payment_url, payment_code, refusal_reason,
            simulated, created_at)
        select account_id, 'c-' || reference, id, 'pending', now(), 1, 'BRL', 0, '[]', '{}', '',
            '', '', '', '', '', '', '', false, now()
        from billing_order on conflict do nothing
        """
    )
    execute(
        """
        insert into reconciliation_paymentcheck (order_id, account_id, status, attempts, answered,
            next_attempt_at, interval_seconds, last_error, reason, give_up_at, created_at)
        select id, account_id, 'pending', 0, 0,
            now() + %s::interval + random() * interval '100 seconds',
            3600, '', '', now() + interval '30 days', now()
        from billing_order where account_id = any(%s) limit %s
        """,
        due,
        ids,
        count,
    )
    execute("analyze")


def claims(accounts, most: int) -> None:
    """Print what a claim takes."""
    few = 1000
    print(f"{'':18} {few:>10,} checks {most:>12,} checks {'ratio':>8}")
    for name, due in DUE.items():
        medians = []
        for count in (few, most):
            fill(accounts, count, due)
            if name == "1 % due":
                time.sleep(2)
            medians.append(statistics.median(claim_once() for _ in range(CLAIMS)))
        small, large = medians
        print(f"{name:18} {small:>14.2f} ms {large:>16.2f} ms {large / small:>8.2f}")
    print(f"statements of a claim: {statements()}")


def claim_once() -> float:
    """Milliseconds of one claim, given back at once."""
    from recibo.reconciliation import polling
    from recibo.reconciliation.models import PaymentCheck

    began = time.perf_counter()
    ids = polling.claim(SLOTS)
    elapsed = (time.perf_counter() - began) * 1000
    PaymentCheck.objects.filter(pk__in=ids).update(claimed_until=None)
    return elapsed


def statements() -> int:
    """How many statements a claim is, however many rows are due."""
    from recibo.reconciliation import polling
    from recibo.work import sql

    asked = []
    whole = polling.execute
    polling.execute = lambda *words: asked.append(words) or whole(*words)
    try:
        polling.claim(SLOTS)
    finally:
        polling.execute = whole
    assert sql.execute is whole
    return len(asked) + 1  # and the accounts


def polls(accounts, options) -> None:
    """Print how many orders a second are asked about, beside a dead API."""
    from recibo.journal.models import IntegrationCall
    from recibo.reconciliation import polling
    from recibo.reconciliation.models import PaymentCheck

    dead = account("dead", api_url="http://127.0.0.1:1")
    fill([*accounts, dead], options.checks, "-1 day")
    before, python, postgres = asked_count(), time.process_time(), scratch.postgres_cpu()
    began = time.monotonic()
    while time.monotonic() - began < options.seconds:
        polling.poll_due()
    elapsed = time.monotonic() - began
    count = asked_count() - before
    of_dead = PaymentCheck.objects.filter(account=dead, attempts__gt=0).count()
    print(
        f"asked about {count:,} orders in {elapsed:.0f} s: {count / elapsed:,.0f} a second;"
        f" CPU each: Python (and the server) {(time.process_time() - python) / count * 1e3:.1f} ms,"
        f" PostgreSQL {(scratch.postgres_cpu() - postgres) / count * 1e3:.1f} ms"
    )
    print(
        f"of the dead API {of_dead:,} were tried; calls in all {IntegrationCall.objects.count():,}"
    )
    day = timedelta(days=1).total_seconds()
    print(f"once a day, {options.checks:,} checks need {options.checks / day:.1f} a second")


def asked_count() -> int:
    from recibo.reconciliation.models import PaymentCheck

    return PaymentCheck.objects.filter(answered__gt=0).count()


if __name__ == "__main__":
    main()
