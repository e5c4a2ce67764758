"""Orders that the seller's own systems registered or cancelled, with and before their charges."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import transaction

from recibo.accounts.models import Account
from recibo.billing.models import Order, OrderNews
from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.facts import CustomerFact, Money, OrderStatement, ProductFact
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source, Status
from recibo.inbox.own import Statement, request_of
from recibo.processing import actions
from recibo.processing.drain import drain
from recibo.work.sql import execute

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
REFERENCE = "HP2000000007"  # what Hotmart calls the sale with this number
SALE = Sale(number=7, at=START + timedelta(days=1))


def statement(status: OrderStatement, day: int = 0, turn: int = 0) -> Statement:
    return Statement(
        reference=REFERENCE,
        status=status,
        occurred_at=START + timedelta(days=day),
        amount=Money(Decimal("150.00"), "BRL"),
        customer=CustomerFact(email="registered@example.com", name="Rita"),
        product=ProductFact("p1", "Curso"),
        turn=turn,
    )


AWAITED = statement(OrderStatement.AWAITED)
CANCELLED = statement(OrderStatement.CANCELLED, day=2)


def account() -> Account:
    return Account.objects.get(gateway="hotmart", name=Account.DEFAULT)


def tell(what: Statement | RawRequest) -> None:
    if isinstance(what, Statement):
        store(account(), [request_of(what)], Source.API)
    else:
        store(account(), [what], Source.WEBHOOK)
    drain()


def hotmart(sample: str) -> RawRequest:
    return GATEWAYS["hotmart"].samples[sample](SALE)


def test_a_registered_order_waits_to_be_paid() -> None:
    tell(AWAITED)
    order = Order.objects.get()
    assert (order.status, order.amount, order.currency) == ("pending", Decimal("150.00"), "BRL")
    assert (order.customer.email, order.product) == ("registered@example.com", "Curso")
    assert Event.objects.get().status == Status.PROCESSED


def test_the_same_order_again_is_the_same_event() -> None:
    tell(AWAITED)
    tell(statement(OrderStatement.AWAITED, day=1))
    assert Event.objects.get().duplicates == 1


def test_a_cancelled_order_waits_no_more_and_may_be_registered_anew() -> None:
    tell(AWAITED)
    tell(CANCELLED)
    assert Order.objects.get().status == "cancelled"
    tell(statement(OrderStatement.AWAITED, day=3, turn=1))
    assert Order.objects.get().status == "pending"


def test_paid_is_paid_whatever_was_said_of_the_order() -> None:
    tell(AWAITED)
    tell(CANCELLED)
    tell(hotmart("purchase-approved"))
    order = Order.objects.get()
    assert order.status == "paid"
    assert order.customer.email == "comprador.7@example.com"


def test_a_charge_that_waits_does_not_undo_the_cancellation() -> None:
    tell(CANCELLED)
    tell(hotmart("purchase-billet-printed"))
    assert Order.objects.get().status == "cancelled"


def test_any_order_of_telling_ends_the_same() -> None:
    told = [AWAITED, CANCELLED, hotmart("purchase-billet-printed"), hotmart("purchase-approved")]
    ends = []
    for order in permutations(told):
        with transaction.atomic():
            for what in (*order, *order):
                tell(what)
            ends.append(state())
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)


def state() -> list[list[dict]]:
    orders = """
        select o.reference, o.status, o.amount, o.paid_amount, o.product, o.registered,
            o.created_at, o.paid_at, c.email
        from billing_order o left join billing_customer c on c.id = o.customer_id
    """
    return [execute(orders), execute("select status, amount from billing_charge order by 1")]


def test_a_replay_replaces_what_was_told() -> None:
    tell(AWAITED)
    actions.replay([Event.objects.get().pk], with_messages=False, actor="test")
    drain()
    assert OrderNews.objects.count() == 1
    assert Order.objects.get().status == "pending"


def test_a_statement_is_folded_at_once() -> None:
    assert actions.state(account(), AWAITED, actor="test")
    assert Order.objects.get().status == "pending"
