"""How many events one worker applies a second, from pending to settled, with the whole fold.

    python bench/process.py [--events 20000] [--rounds 3] [--threads 2]

Fills a scratch database with signed-looking Hotmart events of a seller's mix, then drains it in
this process as a worker does, and prints rates with the CPU that Python and PostgreSQL used.
Beside it runs the limit: the same events claimed, parsed and settled without any fold.
"""

import argparse
import hashlib
import statistics
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import scratch

#: What arrives in a day of a seller of courses, by share: sale, its end of warranty, and so on.
MIX = (
    ("purchase-approved", 40),
    ("purchase-complete", 20),
    ("purchase-renewal", 15),
    ("purchase-billet-printed", 10),
    ("purchase-refunded", 5),
    ("cart-abandonment", 5),
    ("subscription-cancellation", 5),
)


def main() -> None:
    options = arguments()
    with scratch.database("recibo_bench_process"):
        from recibo.processing import drain, fold
        from recibo.work.sql import execute

        rates: dict[str, list[float]] = {"whole fold": [], "claim, parse, settle (limit)": []}
        for _ in range(options.rounds):
            for name in rates:
                fill(options.events)
                execute("analyze")
                with swapped(fold, name):
                    rates[name].append(timed(drain.drain, options, name))
        print()
        for name, measured in rates.items():
            print(f"{name:32} {statistics.median(measured):>8,.0f} events/s (median)")
        ratio = statistics.median(rates["whole fold"]) / statistics.median(
            rates["claim, parse, settle (limit)"]
        )
        print(f"ratio to the limit: {ratio:.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="drains at once, as in a worker")
    return parser.parse_args()


@contextmanager
def swapped(fold, name):
    """With the limit's name, recording does nothing."""
    whole = fold.record
    if "limit" in name:
        fold.record = lambda _news: []
    try:
        yield
    finally:
        fold.record = whole


def timed(drain, options, name) -> float:
    before, started = cpu(), time.perf_counter()
    threads = [threading.Thread(target=drain) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    python, postgres = (after - earlier for after, earlier in zip(cpu(), before, strict=True))
    rate = options.events / seconds
    print(
        f"{name:32} {rate:>8,.0f} events/s   CPU per event:"
        f" python {python / options.events * 1e6:.0f} us,"
        f" postgres {postgres / options.events * 1e6:.0f} us"
    )
    return rate


def cpu() -> tuple[float, float]:
    """CPU seconds used so far by this process and by all of PostgreSQL's."""
    return time.process_time(), scratch.postgres_cpu()


def fill(count: int) -> None:
    """Pending events of the mix, as the receiver would have stored them."""
    from recibo.accounts.models import Account
    from recibo.gateways.contract import Sale
    from recibo.gateways.registry import GATEWAYS
    from recibo.work.sql import execute

    scratch.empty()
    gateway = GATEWAYS["hotmart"]
    account = Account.objects.get(gateway="hotmart").pk
    now = datetime.now(UTC)
    names = [name for name, share in MIX for _ in range(share)]
    rows = []
    for number in range(count):
        sale = Sale(number=number // len(names), at=now - timedelta(days=1))
        sale = Sale(number=number * 7919 % count if number % 3 else number, at=sale.at)
        told = gateway.samples[names[number % len(names)]](sale)
        identity = gateway.identify(told)
        event_id = f"{identity.event_id}-{number}"
        rows.append(
            {
                "account_id": account,
                "key": "\\x" + hashlib.sha256(event_id.encode()).digest()[:16].hex(),
                "gateway_event_id": event_id,
                "gateway_charge_id": identity.charge_id,
                "gateway_event": identity.gateway_event,
                "event_type": identity.event_type,
                "priority": 0 if identity.event_type.is_critical else 1,
                "body": "\\x" + told.body.hex(),
            }
        )
    import msgspec

    for start in range(0, count, 5000):
        execute(INSERT, msgspec.json.encode(rows[start : start + 5000]).decode())


INSERT = """
    with input as (
        select * from json_to_recordset(%s::json) as r(
            account_id bigint, key bytea, gateway_event_id text, gateway_charge_id text,
            gateway_event text, event_type text, priority smallint, body bytea)
    ), stored as (
        insert into inbox_event (account_id, key, gateway_event_id, gateway_charge_id, source,
            gateway_event, event_type, status, priority, attempts, duplicates, silent,
            received_at, next_attempt_at, error, result)
        select account_id, key, gateway_event_id, gateway_charge_id, 'webhook', gateway_event,
            event_type, 'pending', priority, 0, 0, false, now(), now(), '', ''
        from input returning id, key
    )
    insert into inbox_eventbody (event_id, retention, received_at, headers, query, body)
    select stored.id, 'charge', now(), '', '', input.body from stored join input using (key)
"""

if __name__ == "__main__":
    main()
