"""States are functions of sets of facts: no order and no repetition can matter."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recibo.billing.states import Told, charge_state, order_state, subscription_state
from recibo.billing.strength import RANKS
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Money,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
S = ChargeStatus


def told(fact, *, customer="", simulated=False):
    text = msgspec.json.encode(fact).decode()
    return Told(fact=fact, text=text, customer=customer, simulated=simulated)


def charge(status, hour=0, **more):
    values = {
        "charge_id": "c1",
        "status": status,
        "occurred_at": START + timedelta(hours=hour),
        "amount": Money(Decimal("100.00"), "BRL"),
        "order_reference": "o1",
        **more,
    }
    return told(ChargeFact(**values))


def status_of(*facts: Told[ChargeFact]) -> ChargeStatus:
    return charge_state(facts).status


charge_facts = st.builds(
    charge,
    st.sampled_from(list(RANKS)),
    hour=st.integers(0, 5),
    refunded_amount=st.sampled_from([None, None, Decimal(40), Decimal(100)]),
    refund_id=st.sampled_from(["", "r1", "r2"]),
    payment_url=st.sampled_from(["", "https://a.example", "https://b.example"]),
    net=st.sampled_from([None, Decimal(0), Decimal(90)]),
)
subscription_facts = st.builds(
    lambda status, hour, plan, price: told(
        SubscriptionFact(
            code="s1",
            occurred_at=START + timedelta(hours=hour),
            status=status,
            plan=plan,
            price=price,
        )
    ),
    st.sampled_from([None, *SubscriptionStatus]),
    st.integers(0, 5),
    st.sampled_from(["", "monthly", "annual"]),
    st.sampled_from([None, Money(Decimal(10), "BRL"), Money(Decimal(20), "BRL")]),
)


def shuffled(facts: Sequence[Told], random) -> list[Told]:
    """The same facts, some of them repeated, in another order."""
    again = [*facts, *random.choices(facts, k=len(facts))]
    random.shuffle(again)
    return again


@given(st.lists(charge_facts, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_charge_is_the_same_whatever_the_order_and_repetition(facts, random):
    assert charge_state(shuffled(facts, random)) == charge_state(facts)


@given(st.lists(subscription_facts, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_subscription_is_the_same_whatever_the_order_and_repetition(facts, random):
    assert subscription_state(shuffled(facts, random)) == subscription_state(facts)


@given(st.lists(charge_facts, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_an_order_is_the_same_whatever_the_order_of_its_charges(facts, random):
    charges = {str(n): charge_state([fact]) for n, fact in enumerate(facts)}
    other = list(charges.items())
    random.shuffle(other)
    assert order_state(dict(other), has_access=False) == order_state(charges, has_access=False)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_paid_refunded_charged_back_in_any_order_is_charged_back(order):
    facts = [charge(S.PAID, 1), charge(S.REFUNDED, 2), charge(S.CHARGED_BACK, 3)]
    assert status_of(*(facts[i] for i in order)) is S.CHARGED_BACK


def test_a_late_expired_does_not_undo_a_payment():
    assert status_of(charge(S.PAID, 1), charge(S.EXPIRED, 2)) is S.PAID


def test_a_late_paid_does_not_undo_a_refund():
    assert status_of(charge(S.REFUNDED, 1), charge(S.PAID, 2)) is S.REFUNDED


def test_a_dispute_that_is_won_is_paid_again():
    assert status_of(charge(S.PAID, 1), charge(S.DISPUTED, 2), charge(S.PAID, 3)) is S.PAID


def test_a_later_paid_cannot_hide_a_partial_refund():
    refund = charge(S.PAID, 2, refunded_amount=Decimal(30), refund_id="r1")
    state = charge_state([refund, charge(S.PAID, 5)])
    assert (state.status, state.refunded_amount) == (S.PARTIALLY_REFUNDED, Decimal(30))


def test_refunds_of_different_ids_add_up_and_a_repeated_one_does_not():
    first = charge(S.PAID, 2, refunded_amount=Decimal(30), refund_id="r1")
    second = charge(S.PAID, 3, refunded_amount=Decimal(70), refund_id="r2")
    state = charge_state([first, first, second])
    assert (state.status, state.refunded_amount) == (S.REFUNDED, Decimal(100))


def test_a_later_paid_cannot_hide_a_partial_refund_of_unknown_amount():
    refund = charge(S.PARTIALLY_REFUNDED, 2)
    assert status_of(charge(S.PAID, 1), refund, charge(S.PAID, 5)) is S.PARTIALLY_REFUNDED


def test_a_running_total_is_not_added_to_itself():
    totals = [charge(S.PAID, n, refunded_amount=Decimal(10 * n)) for n in (1, 2, 3)]
    assert charge_state(totals).refunded_amount == Decimal(30)


def test_a_later_silence_does_not_unsay_a_detail():
    printed = charge(S.PENDING, 1, payment_url="https://boleto.example")
    assert charge_state([printed, charge(S.PAID, 2)]).payment_url == "https://boleto.example"


def test_a_detail_of_zero_is_a_detail():
    assert charge_state([charge(S.PAID, 1, net=Decimal(0))]).net == Decimal(0)


def test_paid_at_is_the_earliest_time_that_any_fact_gives():
    complete = charge(S.PAID, 9, paid_at=START + timedelta(hours=1))
    assert charge_state([complete, charge(S.PAID, 1)]).paid_at == START + timedelta(hours=1)


def order_of(*charges: Told[ChargeFact]):
    states = {str(n): charge_state([one]) for n, one in enumerate(charges)}
    return order_state(states, has_access=False)


def test_an_order_is_paid_when_any_of_its_charges_is():
    assert order_of(charge(S.FAILED, 1), charge(S.PAID, 2)).status == "paid"


def test_a_refused_first_attempt_does_not_double_the_amount():
    assert order_of(charge(S.FAILED, 1), charge(S.PAID, 2)).amount == Decimal(100)


def test_a_failed_attempt_told_without_its_product_adds_nothing():
    paid = charge(S.PAID, 2, product=ProductFact(id="main"))
    assert order_of(charge(S.FAILED, 1), paid).amount == Decimal(100)


def test_a_payment_told_by_mistake_and_undone_leaves_no_trace_in_the_status():
    undone = charge(S.PENDING, 2, undoes_payment=True)
    assert status_of(charge(S.PAID, 1), undone) is S.PENDING
    assert status_of(undone, charge(S.PAID, 3), charge(S.PAID, 1)) is S.PAID


def test_an_order_with_a_bump_is_worth_both():
    bump = charge(S.PAID, 1, product=ProductFact(id="bump"), amount=Money(Decimal("19.90"), "BRL"))
    order = order_of(charge(S.PAID, 1, product=ProductFact(id="main")), bump)
    assert (order.amount, order.paid_amount) == (Decimal("119.90"), Decimal("119.90"))


def test_a_refunded_bump_leaves_the_order_paid():
    main = charge(S.PAID, 1, product=ProductFact(id="main"))
    bump = charge(S.REFUNDED, 2, product=ProductFact(id="bump"))
    order = order_of(main, bump)
    assert (order.status, order.paid_amount) == ("paid", Decimal(100))


def test_an_order_whose_only_payment_went_back_is_refunded():
    assert order_of(charge(S.REFUNDED, 2)).status == "refunded"


def test_a_late_payment_of_a_cancelled_cycle_does_not_reactivate_a_subscription():
    paid = told(SubscriptionFact(code="s1", occurred_at=START, status=SubscriptionStatus.ACTIVE))
    cancelled = told(
        SubscriptionFact(
            code="s1",
            occurred_at=START + timedelta(days=3),
            status=SubscriptionStatus.CANCELLED,
            cancelled_at=START + timedelta(days=3),
        )
    )
    state = subscription_state([cancelled, paid])
    assert state.status is SubscriptionStatus.CANCELLED
    assert state.cancelled_at == START + timedelta(days=3)


def test_a_reactivated_subscription_is_no_longer_cancelled():
    facts = [
        told(SubscriptionFact(code="s1", occurred_at=START + timedelta(days=n), status=status))
        for n, status in enumerate((SubscriptionStatus.CANCELLED, SubscriptionStatus.ACTIVE))
    ]
    state = subscription_state(facts)
    assert (state.status, state.cancelled_at) == (SubscriptionStatus.ACTIVE, None)


def cancelled_on(day, *, is_dated_by_us=False):
    at = START + timedelta(days=day)
    return told(
        SubscriptionFact(
            code="s1",
            occurred_at=at,
            status=SubscriptionStatus.CANCELLED,
            cancelled_at=at,
            is_dated_by_us=is_dated_by_us,
        )
    )


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_cancellation_that_is_only_read_later_is_no_later(order):
    read = [cancelled_on(day, is_dated_by_us=True) for day in (5, 9)]
    assert subscription_state(read).cancelled_at == START + timedelta(days=5)
    facts = [*read, cancelled_on(3)]
    state = subscription_state([facts[place] for place in order])
    assert state.cancelled_at == START + timedelta(days=3)


def test_a_subscription_that_ran_again_is_cancelled_anew():
    active = SubscriptionStatus.ACTIVE
    again = told(SubscriptionFact(code="s1", occurred_at=START + timedelta(days=4), status=active))
    state = subscription_state([cancelled_on(3), again, cancelled_on(9, is_dated_by_us=True)])
    assert state.cancelled_at == START + timedelta(days=9)
