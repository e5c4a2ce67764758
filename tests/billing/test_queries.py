"""Reads of billing stay quick in large tables. What they find is tried in tests/api."""

import pytest
from django.db import connection

from recibo.accounts.models import Account
from recibo.billing import queries
from recibo.billing.models import Charge, Customer, Subscription
from recibo.billing.timeline import events_about
from tests.plans import read_whole

pytestmark = pytest.mark.django_db

#: 20,000 buyers, each with an order, a charge, a subscription and the news of both.
FILL = (
    """
    insert into billing_customer
        (email, name, name_at, phone, phone_at, document, document_at, segment, created_at)
    select 'buyer-' || n || '@example.com', 'Ana Número' || n, now(), '', now(),
        lpad(n::text, 11, '0'), now(), case when n %% 4000 = 0 then 'at_risk' else 'active' end,
        now()
    from generate_series(1, 20000) n
    """,
    """
    update billing_customer set corrections = '{"name": "Ana Corrigida"}' where id %% 4000 = 0
    """,
    """
    insert into billing_tag (customer_id, tag)
    select id, 'tag-' || id %% 1000 from billing_customer
    """,
    """
    insert into billing_order (account_id, reference, status, customer_id, amount, currency,
        paid_amount, product_id, product, payment_url, simulated, created_at, paid_at)
    select %(account)s, 'HP' || id, case when id %% 4000 = 0 then 'charged_back' else 'paid' end,
        id, 10, 'BRL', 10, '', '', '', false, now(), now()
    from billing_customer
    """,
    """
    insert into billing_charge (account_id, gateway_charge_id, order_id, customer_id,
        subscription_code, status, status_at, amount, currency, refunded_amount, commissions,
        payment_method, product_id, product, offer, payment_url, payment_code, refusal_reason,
        metadata, simulated, created_at)
    select %(account)s, reference, id, customer_id, '',
        case when id %% 4000 = 0 then 'charged_back' else 'paid' end, now(), 10, 'BRL', 0, '[]',
        '', '', '', '', '', '', '', '{}', false, now()
    from billing_order
    """,
    """
    insert into billing_subscription (account_id, code, customer_id, status, status_at, plan,
        plan_id, product_id, product, currency, period, simulated)
    select %(account)s, 'SUB' || id, id,
        case when id %% 4000 = 0 then 'past_due' else 'active' end, now(), '', '', '', '', '',
        '', false
    from billing_customer
    """,
    """
    insert into billing_chargenews
        (event_id, position, charge_id, status, occurred_at, known_at, simulated, fact)
    select id, 0, id, 'paid', now(), now(), false, '{}' from billing_charge
    """,
    """
    insert into billing_subscriptionnews
        (event_id, position, subscription_id, status, occurred_at, known_at, simulated, fact)
    select id, 1, id, 'active', now(), now(), false, '{}' from billing_subscription
    """,
    """
    insert into inbox_event (id, account_id, key, gateway_event_id, gateway_charge_id, source,
        gateway_event, event_type, status, priority, attempts, duplicates, silent, received_at,
        processed_at, error, result)
    select id, account_id, substr(sha256(reference::bytea), 1, 16), reference, reference,
        'webhook', '', '', 'processed', 0, 1, 0, false, now(), now(), '', ''
    from billing_order
    """,
    "analyze",
)


@pytest.fixture
def _filled(db):
    account = Account.objects.get(gateway="hotmart").pk
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, {"account": account})


@pytest.mark.usefixtures("_filled")
def test_lists_of_20000_rows_use_indexes(monkeypatch):
    customer = Customer.objects.get(email="buyer-777@example.com")
    order = queries.orders(reference=f"HP{customer.pk}").get()
    monkeypatch.setattr(queries, "FEW", 1000)
    many = queries.customers(gateway="hotmart")
    monkeypatch.undo()
    lists = {
        "orders": queries.orders(),
        "paid orders": queries.orders(status="paid"),
        "orders taken back": queries.orders(status="charged_back"),
        "orders of a gateway": queries.orders(gateway="hotmart"),
        "orders by reference": queries.orders(reference=order.reference),
        "charges": queries.charges(),
        "paid charges": queries.charges(status="paid"),
        "charges taken back": queries.charges(status="charged_back"),
        "charges of a gateway": queries.charges(gateway="hotmart"),
        "charges by reference": queries.charges(reference=order.reference),
        "charges of a customer": queries.charges().filter(customer=customer),
        "subscriptions": queries.subscriptions(),
        "subscriptions past due": queries.subscriptions(status="past_due"),
        "subscriptions by code": queries.subscriptions(code=f"SUB{customer.pk}"),
        "customers": queries.customers(),
        "customers at risk": queries.customers(segment="at_risk"),
        "customers of a gateway with many charges": many,
        "customers with a tag": queries.customers(tag=f"tag-{customer.pk % 1000}"),
        "customers by e-mail": queries.customers(search="buyer-777@"),
        "customers by name": queries.customers(search="ana numero777"),
        "customers by a correction": queries.customers(search="corrigida"),
        "customers by document": queries.customers(search="000.000.007-77"),
        "events of a customer": queries.events_of_customer(customer.pk),
        "events of an order": events_about(order, list(order.charges.all()), [customer.pk]),
    }
    for name, rows in lists.items():
        assert read_whole(rows[:50]) == [], name
        assert len(rows[:50]) > 0, name


@pytest.mark.usefixtures("_filled")
def test_customers_of_a_gateway_with_few_charges_are_had_from_them():
    other = Account.objects.get(gateway="asaas")
    for model in (Charge, Subscription):
        model.objects.filter(customer_id__in=model.objects.values("customer")[:100]).update(
            account=other
        )
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    rows = queries.customers(gateway="asaas")
    assert read_whole(rows[:50]) == []
    assert len(rows) >= 100


@pytest.mark.usefixtures("_filled")
def test_lists_of_a_gateway_without_rows_do_not_look_for_them_everywhere():
    lists = {
        "orders": queries.orders(gateway="asaas"),
        "charges": queries.charges(gateway="asaas"),
        "paid charges": queries.charges(gateway="asaas", status="paid"),
        "subscriptions": queries.subscriptions(gateway="asaas"),
        "customers": queries.customers(gateway="asaas"),
    }
    for name, rows in lists.items():
        assert read_whole(rows[:50]) == [], name
        assert "_by_" in rows[:50].explain(), name


@pytest.mark.usefixtures("_filled")
def test_the_worth_of_a_page_of_customers_is_one_query_by_index(django_assert_num_queries):
    ids = list(Customer.objects.values_list("pk", flat=True)[:50])
    with django_assert_num_queries(1) as queried:
        values = queries.lifetime_values(ids)
    assert len(values) == 50
    with connection.cursor() as cursor:
        cursor.execute("explain " + queried.captured_queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
