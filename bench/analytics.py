"""How quickly reports answer, and what counting everybody anew costs.

    python bench/analytics.py [--customers 20000] [--months 24]

Fills a scratch database with customers, one and a half subscriptions and ten charges for each of
them, over 24 months, with the facts that say so; then prints the size of it all, how long a
rebuild takes, how long a report of 24 months takes by month, by week, by cohort and by plan, how
long it is until the news of a thousand customers is counted, and that a second count agrees.
The full size is --customers 1000000: 1.5 million subscriptions, 10 million charges, 25 GB.
"""

import argparse
import statistics
import time
from datetime import date

import scratch

ROUNDS = 20


def main() -> None:
    options = arguments()
    with scratch.database("recibo_bench_analytics"):
        from django.utils import timezone

        from recibo.analytics import rollups
        from recibo.analytics.calendar import later

        timed("fill", lambda: fill(options.customers, options.months))
        sizes()
        rebuilt = timed("rebuild", rollups.rebuild, per=options.customers)
        print(f"  subjects {rebuilt.subjects:,}, cells {count('analytics_cell'):,}")
        last = timezone.now().date().replace(day=1)
        reports(later(last, 1 - options.months), last)
        fresh(1000)
        again = timed("second rebuild, which finds nothing", rollups.rebuild, per=options.customers)
        assert (again.differing, again.cells_amiss) == (0, 0), again
        sizes()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=24)
    return parser.parse_args()


def timed(name, work, *, per: int = 0):
    """Print how long something took, and the CPU of both sides."""
    python, postgres, began = time.process_time(), scratch.postgres_cpu(), time.perf_counter()
    found = work()
    seconds = time.perf_counter() - began
    python, postgres = time.process_time() - python, scratch.postgres_cpu() - postgres
    each = f", {seconds / per * 1e6:.0f} us for each customer" if per else ""
    print(f"{name}: {seconds:.1f} s{each}; CPU: Python {python:.1f} s, PostgreSQL {postgres:.1f} s")
    return found


def count(table: str) -> int:
    from recibo.work.sql import execute

    return execute(f"select count(*) from {table}")[0]["count"]


def sizes() -> None:
    """Print what is kept, and how large it is."""
    from recibo.work.sql import execute

    rows = execute(
        """select relname as name, pg_total_relation_size(oid) / 1048576 as mb from pg_class
           where relkind = 'r' and (relname like 'billing_%%' or relname like 'analytics_%%')
           and pg_total_relation_size(oid) > 1048576 order by 2 desc"""
    )
    print("  " + ", ".join(f"{row['name']} {row['mb']} MB" for row in rows))


def reports(first: date, last: date) -> None:
    """Print how long each table takes, whole: read, added up, written as JSON."""
    from recibo.analytics import queries
    from recibo.analytics.calendar import between
    from recibo.server.cli.output import written  # decimals as scripts read them

    asked = queries.Span(first, last)
    plan = queries.Span(first, last, scope="plan:plan-1")
    tables = {
        "by month": lambda: queries.report(asked),
        "by week": lambda: queries.report(asked, ("weeks",)),
        "by cohort": lambda: queries.report(asked, ("cohorts",)),
        "of one plan": lambda: queries.report(plan),
        "the month of all plans": lambda: queries.by_part("plan", last),
    }
    print(f"reports of {between(first, last) + 1} months, median (slowest) of {ROUNDS}:")
    for name, table in tables.items():
        taken = [once(table, written) for _ in range(ROUNDS)]
        slow = " MORE THAN 100 ms" if statistics.median(taken) >= 100 else ""
        print(f"  {name:24} {statistics.median(taken):6.1f} ms ({max(taken):.1f}){slow}")


def once(table, written) -> float:
    """Milliseconds of one report."""
    import json

    began = time.perf_counter()
    json.dumps(table(), default=written)
    return (time.perf_counter() - began) * 1000


def fresh(customers: int) -> None:
    """Print how long it takes to count customers who just paid."""
    from recibo.analytics import rollups
    from recibo.work.sql import execute

    execute(
        """insert into analytics_mark (subject) select id from billing_customer
           order by random() limit %s""",
        customers,
    )
    execute(
        """update billing_chargenews n set fact = replace(fact, '"BRL"', '"USD"')
           from billing_charge c, analytics_mark m
           where c.id = n.charge_id and c.customer_id = m.subject"""
    )
    timed(f"news of {customers:,} customers", rollups.drain, per=customers)


def fill(customers: int, months: int) -> None:
    """Sales of so many months, straight into the tables."""
    from recibo.accounts.models import Account
    from recibo.analytics.models import Rate
    from recibo.work.sql import execute

    account = Account.objects.get(gateway="hotmart").pk
    Rate.objects.create(month=date(2020, 1, 1), currency="USD", rate="5.4321")
    for statement in FILL:
        execute(statement.format(account=account, customers=customers, months=months))
    for name in ("customer", "subscription", "order", "charge", "chargenews", "subscriptionnews"):
        execute(f"analyze billing_{name}")


#: Half of the customers have two subscriptions. Each is paid once a month, 1 to 12 times; a tenth
#: are cancelled at the end, a twentieth of the charges are refunded, some pay in dollars.
MOMENT = '\'YYYY-MM-DD"T"HH24:MI:SS"Z"\''
FILL = (
    "set timezone = 'UTC'",
    """insert into billing_customer (email, name, name_at, phone, phone_at, document, document_at,
           segment, created_at, corrections)
       select 'buyer-' || n || '@example.com', 'Buyer', now(), '', now(), '', now(), 'active',
           now(), '{{}}' from generate_series(1, {customers}) n""",
    """insert into billing_order (account_id, reference, status, customer_id, amount, currency,
           paid_amount, product_id, product, payment_url, simulated, created_at)
       select {account}, 'o' || id, 'paid', id, 100, 'BRL', 100, 'p', 'p', '', false, now()
       from billing_customer""",
    """create temporary table agreement as
       select n as id, 's' || n as code, 1 + (n - 1) %% {customers} as customer_id,
           date_trunc('second', now() - random() * {months} * interval '1 month') as start,
           1 + (random() * 12)::int as cycles,
           'plan-' || (1 + n %% 5) as plan, 50 + 10 * (n %% 5) as price,
           case when n %% 20 = 0 then 'USD' else 'BRL' end as currency,
           n %% 10 = 0 as is_cancelled
       from generate_series(1, {customers} * 3 / 2) n""",
    """insert into billing_subscription (id, account_id, code, customer_id, gateway_customer_id,
           status, status_at, plan, plan_id, product_id, product, price, currency, period,
           started_at, simulated)
       select id, {account}, code, customer_id, '', 'active', start, plan, plan, 'clube', 'clube',
           price, currency, 'monthly', start, false from agreement""",
    """create temporary table cycle as
       select row_number() over () as id, a.id as agreement_id, a.code, a.customer_id, a.plan,
           a.price, a.currency, k, start + k * interval '1 month' as at
       from agreement a, generate_series(0, cycles - 1) k
       where start + k * interval '1 month' < now()""",
    """insert into billing_charge (id, account_id, gateway_charge_id, order_id, customer_id,
           gateway_customer_id, subscription_code, cycle, status, status_at, amount, currency,
           fee, net, refunded_amount, commissions, payment_method, product_id, product, offer,
           payment_url, payment_code, refusal_reason, metadata, simulated, created_at, paid_at)
       select id, {account}, 'c' || id, customer_id, customer_id, '', code, k + 1, 'paid', at,
           price, currency, price * 0.1, price * 0.9, 0, '[]', 'card', 'clube', 'clube', '', '',
           '', '', '{{}}', false, at, at from cycle""",
    f"""insert into billing_chargenews (event_id, position, charge_id, customer_id, status,
           occurred_at, known_at, simulated, fact)
       select id, 0, id, customer_id, 'paid', at, at, false, format(
           '{{{{"charge_id":"c%%s","status":"paid","occurred_at":"%%s","amount":'
           '{{{{"amount":"%%s","currency":"%%s"}}}},"order_reference":"o","product":'
           '{{{{"id":"clube","name":"clube"}}}},"fee":"%%s","net":"%%s","payment_method":"card",'
           '"installments":1,"created_at":"%%s","paid_at":"%%s","subscription_code":"%%s",'
           '"cycle":%%s}}}}', id, to_char(at, {MOMENT}), price, currency, price * 0.1, price * 0.9,
           to_char(at, {MOMENT}), to_char(at, {MOMENT}), code, k + 1) from cycle""",
    f"""insert into billing_subscriptionnews (event_id, position, subscription_id, customer_id,
           status, occurred_at, known_at, simulated, fact)
       select id, 1, agreement_id, customer_id, 'active', at, at, false, format(
           '{{{{"code":"%%s","occurred_at":"%%s","status":"active","product":'
           '{{{{"id":"clube","name":"clube"}}}},"plan":"%%s","price":{{{{"amount":"%%s",'
           '"currency":"%%s"}}}},"period":"monthly","next_billing_at":"%%s"}}}}', code,
           to_char(at, {MOMENT}), plan, price, currency,
           to_char(at + interval '1 month', {MOMENT}))
       from cycle""",
    f"""insert into billing_subscriptionnews (event_id, position, subscription_id, customer_id,
           status, occurred_at, known_at, simulated, fact)
       select id + 1000000000, 0, id, customer_id, 'cancelled', ends, ends, false, format(
           '{{{{"code":"%%s","occurred_at":"%%s","status":"cancelled"}}}}', code,
           to_char(ends, {MOMENT}))
       from (select *, start + (cycles - 0.5) * interval '1 month' as ends from agreement) a
       where is_cancelled and ends < now()""",
    f"""insert into billing_chargenews (event_id, position, charge_id, customer_id, status,
           occurred_at, known_at, simulated, fact)
       select id + 1000000000, 1, id, customer_id, 'refunded', at + interval '5 days',
           at + interval '5 days', false, format(
           '{{{{"charge_id":"c%%s","status":"refunded","occurred_at":"%%s","amount":'
           '{{{{"amount":"%%s","currency":"%%s"}}}},"order_reference":"o","subscription_code":"%%s"'
           '}}}}', id, to_char(at + interval '5 days', {MOMENT}), price, currency, code)
       from cycle where id %% 20 = 0 and at + interval '5 days' < now()""",
)

if __name__ == "__main__":
    main()
