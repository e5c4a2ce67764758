"""What a fold changes, whom it tells, and what is left when an event is read anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from recibo.accounts.models import Account
from recibo.billing.batch import News
from recibo.billing.models import Charge, ChargeNews, Customer, Order
from recibo.billing.recording import record
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    Fact,
    Money,
)
from recibo.inbox.models import Event, Source, Status
from recibo.processing import fold as folding
from recibo.processing.actions import replay
from recibo.processing.drain import drain
from tests.inboxes import received
from tests.recordings import recorded

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)


def paid(charge: str = "c1", order: str = "o1", hour: int = 0, email: str = "a@x.org") -> Fact:
    return ChargeFact(
        charge_id=charge,
        status=ChargeStatus.PAID,
        occurred_at=START + timedelta(hours=hour),
        amount=Money(Decimal(100), "BRL"),
        order_reference=order,
        customer=CustomerFact(email=email),
    )


def told(event: int, *facts: Fact, simulated: bool = False, again: bool = False) -> list[str]:
    """Record what one event tells; the kinds of change that follow."""
    account = Account.objects.get(gateway="hotmart", name=Account.DEFAULT).pk
    news = News(event, account, START, simulated, again, facts)
    return sorted(change.kind for change in record([news]))


def test_a_real_payment_after_a_simulated_one_is_a_change() -> None:
    told(1, paid(), simulated=True)
    assert told(2, paid()) == ["charge.paid", "order.paid"]


def test_a_charge_that_changes_its_order_leaves_nothing_paid_behind() -> None:
    told(1, paid(order="first"))
    told(2, paid(order="second", hour=1))
    order = Order.objects.get()
    assert (order.reference, order.paid_amount) == ("second", 100)


def test_an_order_that_keeps_another_charge_keeps_its_worth() -> None:
    told(1, paid("c1", order="first"))
    told(2, paid("c2", order="first"))
    told(3, paid("c1", order="second", hour=1))
    assert set(Order.objects.values_list("reference", "paid_amount")) == {
        ("first", 100),
        ("second", 100),
    }


def test_an_event_read_anew_that_tells_of_another_charge_takes_the_first_one_back() -> None:
    told(1, paid("wrong", order="wrong"))
    told(1, paid("right", order="right"), again=True)
    assert [charge.gateway_charge_id for charge in Charge.objects.all()] == ["right"]
    assert [order.reference for order in Order.objects.all()] == ["right"]
    assert ChargeNews.objects.count() == 1


def test_an_event_that_is_ignored_when_read_anew_takes_back_what_it_told(monkeypatch) -> None:
    event = received(recorded("hotmart/webhook-purchase-approved").body)
    drain()
    assert Charge.objects.exists()

    def ignoring(_: object) -> list[Fact]:
        raise folding.IgnoredError("a test after all")

    gateway = replace(folding.GATEWAYS["hotmart"], parse=ignoring)
    monkeypatch.setitem(folding.GATEWAYS, "hotmart", gateway)
    replay([event.pk], with_messages=False, actor="test")
    drain()
    assert not Charge.objects.exists()
    assert not Order.objects.exists()
    event.refresh_from_db()
    assert (event.status, event.result) == (Status.IGNORED, "a test after all")


def test_a_simulated_sale_changes_nobody_whom_we_know() -> None:
    told(1, paid(email="real@x.org"))
    fake = CustomerFact(email="real@x.org", name="Fake")
    told(2, replace_customer(paid("c2", "o2", hour=5), fake), simulated=True)
    assert Customer.objects.get().name == ""


def replace_customer(fact: Fact, customer: CustomerFact) -> Fact:
    import msgspec

    return msgspec.structs.replace(fact, customer=customer)


def test_a_simulated_buyer_is_a_lead() -> None:
    told(1, paid(), simulated=True)
    assert Customer.objects.get().segment == "lead"


def test_the_former_buyer_of_a_charge_is_no_buyer_any_more() -> None:
    told(1, paid(email="first@x.org"))
    told(2, paid(email="second@x.org", hour=1))
    assert dict(Customer.objects.values_list("email", "segment")) == {
        "first@x.org": "lead",
        "second@x.org": "buyer",
    }


@pytest.fixture
def reacted(monkeypatch) -> list[str]:
    """The kinds of change that were acted upon."""
    kinds: list[str] = []
    monkeypatch.setattr(folding, "react", lambda changes: kinds.extend(c.kind for c in changes))
    return kinds


def test_a_simulation_in_the_same_batch_hides_nothing_from_those_who_react(reacted) -> None:
    body = recorded("hotmart/webhook-purchase-approved").body
    received(body)
    received(body.replace(b"000000000001", b"000000000009"), source=Source.SIMULATE)
    drain()
    assert "order.paid" in reacted


def test_a_simulation_and_a_silent_replay_make_nobody_react(reacted) -> None:
    received(recorded("hotmart/webhook-purchase-approved").body, source=Source.SIMULATE)
    event = received(recorded("hotmart/webhook-purchase-refunded").body)
    Event.objects.filter(pk=event.pk).update(silent=True)
    drain()
    assert reacted == []
