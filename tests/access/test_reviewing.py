"""Access follows what is owed, by itself, with a word to the buyer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from recibo.access.models import Access, AccessState, Provisioning
from recibo.billing.models import Charge, Order, Subscription
from recibo.processing import actions
from tests.shop import Shop

NOW = datetime.now(UTC)


def state(shop: Shop) -> str:
    """What the application says of the only access."""
    [account] = shop.application.accounts.values()
    [told] = account.access.values()
    return told


def subscribed(body: dict, *, cycle: int = 1, sale: int = 1) -> None:
    """A charge of one subscription, by its cycle."""
    data = body["data"]
    data["buyer"]["email"] = "ana@example.com"
    data["product"]["id"] = 4242
    data["subscription"] = {
        "subscriber": {"code": "SUBANA01"},
        "status": "ACTIVE",
        "plan": {"id": 1, "name": "Mensal"},
    }
    data["purchase"]["recurrence_number"] = cycle
    data["purchase"]["transaction"] = f"HP00000000{sale}"
    data["purchase"].pop("order_bump", None)


@pytest.mark.parametrize("sample", ["purchase-refunded", "purchase-chargeback"])
def test_money_back_blocks(shop: Shop, sample: str) -> None:
    shop.tell("purchase-approved")
    shop.work()
    assert state(shop) == "active"
    shop.tell(sample)
    shop.work()
    assert state(shop) == "blocked"
    assert Access.objects.get().state == AccessState.BLOCKED
    assert "access_blocked" in shop.kinds


def test_a_refund_takes_only_what_nothing_else_pays_for(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1)
    email = Order.objects.get().customer.email

    def same_buyer(body: dict) -> None:
        body["data"]["buyer"]["email"] = email

    shop.tell("purchase-approved", number=2, change=same_buyer)
    shop.work()
    shop.tell("purchase-refunded", number=1)
    shop.work()
    assert state(shop) == "active"
    shop.tell("purchase-refunded", number=2, change=same_buyer)
    shop.work()
    assert state(shop) == "blocked"


def test_buying_again_restores_without_new_credentials(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1)
    email = Order.objects.get().customer.email
    shop.work()
    shop.tell("purchase-refunded", number=1)
    shop.work()

    def same_buyer(body: dict) -> None:
        body["data"]["buyer"]["email"] = email

    shop.tell("purchase-approved", number=2, change=same_buyer)
    shop.work()
    assert state(shop) == "active"
    assert shop.kinds.count("welcome_credentials") == 1
    assert "access_restored" in shop.kinds


def test_a_late_subscription_is_blocked_after_its_grace_and_a_renewal_restores(shop: Shop) -> None:
    begun = NOW - timedelta(days=40)
    shop.tell("purchase-approved", at=begun, change=subscribed)
    shop.work()
    assert state(shop) == "active"

    late_since(timezone.now() - timedelta(days=4))
    shop.come()
    shop.work()
    assert state(shop) == "active", "within the grace of five days"
    assert Access.objects.get().next_attempt_at > timezone.now()

    late_since(timezone.now() - timedelta(days=6))
    shop.come()
    shop.work()
    assert state(shop) == "blocked"
    assert "access_blocked" in shop.kinds

    shop.tell("purchase-approved", number=2, change=lambda body: subscribed(body, cycle=2, sale=2))
    Subscription.objects.update(status="active")
    shop.work()
    assert state(shop) == "active"
    assert shop.kinds.count("welcome_credentials") == 1
    assert shop.letter("access_restored")


def late_since(moment: datetime) -> None:
    """The subscription is past due since then."""
    Subscription.objects.update(status="past_due", status_at=moment)
    Charge.objects.update(paid_at=moment - timedelta(days=32))
    Access.objects.update(next_attempt_at=timezone.now())


def test_a_cancellation_keeps_access_to_the_end_of_the_paid_period(shop: Shop) -> None:
    shop.tell("purchase-approved", at=NOW - timedelta(days=10), change=subscribed)
    shop.work()
    Subscription.objects.update(status="cancelled", status_at=NOW, period="monthly")
    Access.objects.update(next_attempt_at=timezone.now())
    shop.work()
    access = Access.objects.get()
    assert access.state == AccessState.ACTIVE
    left = access.next_attempt_at - NOW
    assert timedelta(days=17) < left < timedelta(days=22)

    Charge.objects.update(paid_at=NOW - timedelta(days=32))
    shop.come()
    shop.work()
    assert state(shop) == "blocked"


def test_an_application_that_is_down_is_asked_again_until_it_blocks(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    shop.application.trouble(times=6, to="user.block")
    shop.tell("purchase-refunded")
    for _ in range(6):
        shop.work()
        assert state(shop) == "active"
        assert Access.objects.get().error
        shop.come()
    shop.work()
    assert state(shop) == "blocked"
    assert Access.objects.get().error == ""
    keys = [
        asked.headers["webhook-id"]
        for asked in shop.application.asked
        if json.loads(asked.body)["type"] == "user.block"
    ]
    assert len(keys) == 7
    assert len(set(keys)) == 1


def test_the_refund_that_comes_before_its_payment_gives_nothing(shop: Shop) -> None:
    shop.tell("purchase-refunded")
    shop.tell("purchase-approved")
    shop.work()
    assert shop.application.accounts == {}
    assert not Provisioning.objects.exists()


def test_a_silent_replay_neither_tells_nor_gives(shop: Shop) -> None:
    from recibo.inbox.models import Event

    shop.tell("purchase-approved")
    shop.work()
    told = list(shop.kinds)
    actions.replay([Event.objects.get().pk], with_messages=False, actor="test")
    shop.work()
    assert shop.kinds == told


def test_a_look_asked_for_during_a_call_is_not_forgotten(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    shop.application.trouble(way="hang", seconds=0.3, is_after=True, to="user.block")
    shop.tell("purchase-refunded")
    asked_for = timezone.now() + timedelta(days=300)

    def again() -> None:
        Access.objects.update(next_attempt_at=asked_for)

    from recibo.access import reviewing
    from recibo.automation.reactions import react

    access = Access.objects.select_related("customer").get()
    again()
    reviewing.settle(access, next_attempt_at=None)
    assert Access.objects.get().next_attempt_at == asked_for
    assert react is not None
