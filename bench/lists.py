"""How long the lists of the API take over a million charges: milliseconds per page.

    python bench/lists.py [--charges 1000000] [--rounds 5]

Fills a scratch database with a seller's years: a charge, an order and an event each, a customer for
three of them, most of one gateway, the oldest hundredth of another, and nothing of a third. Each
list is asked for through the whole of Django, with a token, first and later pages.
"""

import argparse
import statistics
import time
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import scratch

#: ``n`` counts from the oldest.
FILL = (
    """
    insert into billing_customer
        (email, name, name_at, phone, phone_at, document, document_at, segment, created_at)
    select 'buyer-' || n || '@example.com', 'Ana Número' || n, now(), '', now(),
        lpad(n::text, 11, '0'), now(),
        case when n %% 5000 = 0 then 'at_risk' when n %% 3 = 0 then 'active' else 'buyer' end, now()
    from generate_series(1, %(customers)s) n
    """,
    """
    insert into billing_tag (customer_id, tag)
    select id, 'vip' from billing_customer where id %% 1000 = 0
    """,
    """
    insert into billing_order (account_id, reference, status, customer_id, amount, currency,
        paid_amount, product_id, product, payment_url, simulated, created_at, paid_at)
    select case when n <= %(charges)s / 100 then %(other)s else %(main)s end, 'HP' || n,
        case when n %% 10000 = 0 then 'charged_back' else 'paid' end, (n + 2) / 3, 10, 'BRL', 10,
        '', 'Curso', '', false, now() - make_interval(mins => %(charges)s - n), now()
    from generate_series(1, %(charges)s) n
    """,
    """
    insert into billing_charge (account_id, gateway_charge_id, order_id, customer_id,
        subscription_code, status, status_at, amount, currency, refunded_amount, commissions,
        payment_method, product_id, product, offer, payment_url, payment_code, refusal_reason,
        metadata, simulated, created_at)
    select account_id, reference, id, customer_id, '',
        case when id %% 10000 = 0 then 'charged_back' else 'paid' end, now(), 10, 'BRL', 0, '[]',
        '', '', 'Curso', '', '', '', '', '{}', false, created_at
    from billing_order order by id
    """,
    """
    insert into billing_subscription (account_id, code, customer_id, status, status_at, plan,
        plan_id, product_id, product, currency, period, simulated)
    select %(main)s, 'SUB' || id, id, case when id %% 4000 = 0 then 'past_due' else 'active' end,
        now(), '', '', '', '', '', '', false
    from billing_customer where id %% 3 = 0
    """,
    """
    insert into inbox_event (account_id, key, gateway_event_id, gateway_charge_id, source,
        gateway_event, event_type, status, priority, attempts, duplicates, silent, received_at,
        processed_at, error, result)
    select account_id, substr(sha256(reference::bytea), 1, 16), reference, reference, 'webhook', '',
        'charge.paid', 'processed', 0, 1, 0, false, created_at, created_at, '', ''
    from billing_order order by id
    """,
    """
    insert into billing_chargenews
        (event_id, position, charge_id, customer_id, status, occurred_at, known_at, simulated, fact)
    select id, 0, id, customer_id, 'paid', now(), now(), false,
        replace(%(fact)s, 'NAME', gateway_charge_id) from billing_charge
    """,
    "vacuum (analyze)",
)
#: Lists, each with what it is narrowed by.
LISTS = (
    ("/api/charges", {}),
    ("/api/charges", {"limit": 500}),
    ("/api/charges", {"status": "paid"}),
    ("/api/charges", {"status": "charged_back"}),
    ("/api/charges", {"status": "disputed"}),
    ("/api/charges", {"gateway": "hotmart"}),
    ("/api/charges", {"gateway": "asaas"}),
    ("/api/charges", {"gateway": "stone"}),
    ("/api/charges", {"gateway": "asaas", "status": "paid"}),
    ("/api/charges", {"gateway": "stone", "status": "paid"}),
    ("/api/charges", {"reference": "HP4711"}),
    ("/api/orders", {}),
    ("/api/orders", {"status": "charged_back"}),
    ("/api/orders", {"gateway": "asaas"}),
    ("/api/orders", {"gateway": "stone"}),
    ("/api/all/customers", {}),
    ("/api/hotmart/customers", {}),
    ("/api/asaas/customers", {}),
    ("/api/stone/customers", {}),
    ("/api/all/customers", {"segment": "at_risk"}),
    ("/api/all/customers", {"tag": "vip"}),
    ("/api/all/customers", {"search": "buyer-4711@"}),
    ("/api/all/customers", {"search": "ana numero4711"}),
    ("/api/all/customers", {"search": "ana"}),
    ("/api/all/customers/stats", {}),
    ("/api/all/customers/4711/events", {}),
    ("/api/all/customers/4711/transactions", {}),
    ("/api/all/subscriptions", {}),
    ("/api/all/subscriptions", {"status": "past_due"}),
    ("/api/stone/subscriptions", {}),
    ("/api/events", {}),
    ("/api/events", {"gateway": "asaas"}),
    ("/api/events", {"gateway": "stone"}),
    ("/api/events", {"event_type": "charge.refunded"}),
    ("/api/events", {"source": "sync"}),
    ("/api/events", {"status": "failed"}),
    ("/api/events", {"search": "HP4711"}),
    ("/api/orders/HP4711", {}),
)
#: Where pages are looked at by their offset.
OFFSETS = (10_000, 500_000)


def main() -> None:
    options = arguments()
    with scratch.database("recibo_bench_lists"):
        from django.conf import settings
        from django.test import Client

        from recibo.api import tokens

        settings.RECIBO_API_RATE = 0
        settings.ALLOWED_HOSTS = ["*"]
        fill(options.charges)
        client = Client(headers={"authorization": f"Bearer {tokens.create('bench')}"})
        print(f"{'list':64} {'rows':>5} {'count':>9} {'median ms':>10} {'worst':>8}")
        for address, asked in LISTS:
            show(client, address, asked, options.rounds)
        for offset in OFFSETS:
            asked = {"offset": min(offset, options.charges // 2)}
            show(client, "/api/charges", asked, options.rounds)
        deep = cursor_at(options.charges // 2)
        show(client, "/api/charges", {"cursor": deep}, options.rounds, "cursor at half")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--charges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def fill(charges: int) -> None:
    """A seller's years."""
    from django.db import connection

    from recibo.accounts.models import Account
    from recibo.gateways.facts import ChargeFact, ChargeStatus, Money

    fact = ChargeFact(
        charge_id="NAME",
        order_reference="NAME",
        status=ChargeStatus.PAID,
        amount=Money(Decimal(10), "BRL"),
        occurred_at=datetime.now(UTC),
    )
    accounts = dict(Account.objects.values_list("gateway", "pk"))
    given = {
        "charges": charges,
        "customers": (charges + 2) // 3,
        "main": accounts["hotmart"],
        "other": accounts["asaas"],
        "fact": msgspec.json.encode(fact).decode(),
    }
    for statement in FILL:
        with connection.cursor() as cursor:
            cursor.execute(statement, given)


def cursor_at(number: int) -> str:
    """What a walk over all charges would give as ``next_cursor`` here."""
    from recibo.api.paging import cursor_of
    from recibo.billing import queries

    rows = queries.charges()
    return cursor_of(rows, rows.get(gateway_charge_id=f"HP{number}"))


def show(client, address: str, asked: dict, rounds: int, name: str = "") -> None:
    """One line: the list, how much it gave, how long it took."""
    took = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        response = client.get(address, asked)
        took.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 200, response.content
    told = response.json()
    words = name or " ".join(f"{name}={value}" for name, value in asked.items())
    items, count = len(told.get("items", ())), str(told.get("count", ""))
    is_estimate = "~" if told.get("count_is_estimate") else ""
    measured = took[1:]  # the first one warms up
    print(
        f"{address + ' ' + words:64} {items:>5} {is_estimate + count:>9}"
        f" {statistics.median(measured):>10.1f} {max(measured):>8.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
