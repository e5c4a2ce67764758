"""Histories of a sale and of a subscription end the same in any order, with any repeats."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recibo.gateways.contract import Sale
from recibo.gateways.registry import GATEWAYS
from recibo.processing.drain import drain, process_due
from recibo.work.sql import execute
from tests.inboxes import received

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLES = GATEWAYS["hotmart"].samples


def moment(name: str, day: int, number: int) -> bytes:
    """Something that happens in the life of a sale; a delivery of its own for every day."""
    sale = Sale(number=number, at=START + timedelta(days=day, seconds=number))
    return SAMPLES[name](sale).body.replace(b'{"id":"', f'{{"id":"{day}-'.encode(), 1)


moments = st.builds(
    moment,
    st.sampled_from(sorted(SAMPLES)),
    st.integers(0, 40),
    st.integers(1, 3),  # three buyers, whose histories are interleaved
)
histories = st.lists(moments, min_size=2, max_size=12, unique=True)


def end_of(bodies: list[bytes], *, at_once: int) -> list[list[dict]]:
    """Everything that the deliveries add up to, drained after every ``at_once`` of them."""
    with transaction.atomic():
        for number, body in enumerate(bodies, 1):
            received(body)
            if number % at_once == 0:
                process_due()
        drain()
        state = [execute(question) for question in STATE]
        transaction.set_rollback(True)
    return state


#: The whole state without the numbers that the database gives its rows.
STATE = (
    """select c.*, o.reference, u.email from billing_charge c
       join billing_order o on o.id = c.order_id
       left join billing_customer u on u.id = c.customer_id order by gateway_charge_id""",
    """select o.*, u.email from billing_order o
       left join billing_customer u on u.id = o.customer_id order by reference""",
    """select s.*, u.email from billing_subscription s
       left join billing_customer u on u.id = s.customer_id order by code""",
    "select * from billing_customer order by email",
    """select c.gateway_charge_id, n.status, n.occurred_at, n.fact from billing_chargenews n
       join billing_charge c on c.id = n.charge_id order by 1, 3, 4""",
    """select s.code, n.status, n.occurred_at, n.fact from billing_subscriptionnews n
       join billing_subscription s on s.id = n.subscription_id order by 1, 3, 4""",
    "select currency, sum(paid_amount), sum(amount), count(*) from billing_order group by 1",
    "select gateway_event_id, status from inbox_event order by 1",
)
NUMBERS = {"id", "customer_id", "order_id", "charge_id", "subscription_id"}


def without_numbers(state: list[list[dict]]) -> list[list[dict]]:
    return [
        [{name: value for name, value in row.items() if name not in NUMBERS} for row in rows]
        for rows in state
    ]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    history=histories,
    random=st.randoms(use_true_random=False),
    at_once=st.integers(1, 6),
)
def test_every_permutation_with_duplicates_ends_the_same(history, random, at_once):
    expected = without_numbers(end_of(history, at_once=len(history)))
    shuffled = [*history, *random.choices(history, k=len(history) // 2)]
    random.shuffle(shuffled)
    assert without_numbers(end_of(shuffled, at_once=at_once)) == expected


def test_a_refund_that_overtakes_its_payment_leaves_both_in_the_history():
    refund = SAMPLES["purchase-refunded"](Sale(number=1, at=START + timedelta(days=4)))
    payment = SAMPLES["purchase-approved"](Sale(number=1, at=START))
    for told in (refund, payment):
        received(told)
        drain()
    rows = execute("select n.status from billing_chargenews n order by n.occurred_at")
    assert [row["status"] for row in rows] == ["paid", "refunded"]
    assert execute("select status from billing_charge")[0]["status"] == "refunded"


def test_everything_twice_in_a_row_changes_nothing():
    bodies = [sample(Sale(number=1, at=START)).body for sample in SAMPLES.values()]
    once = end_of(bodies, at_once=1)
    assert without_numbers(end_of([*bodies, *bodies], at_once=1)) == without_numbers(once)
