"""What an application did though we never heard of it, and what a gateway tells late or at once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recibo.access import actions
from recibo.access.models import Access, AccessRule, Provisioning, Stage
from recibo.accounts.models import Account
from recibo.billing.models import Charge, Customer, Order
from recibo.gateways.contract import RawRequest, Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.actions import store
from recibo.inbox.models import Source
from recibo.journal.models import Alert
from recibo.messaging.models import Message, Suppression
from recibo.operations import alerts
from recibo.operations.story import story
from recibo.processing.drain import drain
from tests.access.seller_application import Account as Member
from tests.shop import HOTMART, Shop

EMAIL = "ana@example.com"


def of(product_id: int = 1, name: str = "Curso") -> Callable[[dict[str, Any]], None]:
    """A sale of this product to Ana."""

    def change(body: dict[str, Any]) -> None:
        body["data"]["buyer"]["email"] = EMAIL
        body["data"]["product"]["id"] = product_id
        body["data"]["product"]["name"] = name

    return change


def member(shop: Shop) -> Member:
    """The one user of the application."""
    [found] = shop.application.accounts.values()
    return found


def texts(shop: Shop) -> list[str]:
    return [accepted.part("plain") for accepted in shop.mail.accepted]


def later(shop: Shop) -> None:
    shop.come()
    shop.work()


# Answers that were lost


def test_two_products_at_once_do_not_lose_the_password(shop: Shop) -> None:
    shop.application.trouble(way="die", to="user.create", is_after=True)
    shop.tell("purchase-approved", number=1, change=of(1))
    shop.work()
    shop.tell("purchase-approved", number=2, change=of(2, "Bônus"))
    shop.work()
    later(shop)
    assert {one.stage for one in Provisioning.objects.all()} == {Stage.COMPLETED}
    told = [text for text in texts(shop) if member(shop).password in text]
    assert len(told) == 1


def test_a_block_whose_answer_was_lost_is_taken_back_when_it_is_paid_again(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1, change=of())
    shop.work()
    shop.application.trouble(way="die", to="user.block", is_after=True)
    shop.tell("purchase-refunded", number=1, change=of())
    shop.work()
    shop.tell("purchase-approved", number=2, change=of())
    shop.work()
    later(shop)
    assert set(member(shop).access.values()) == {"active"}


def test_a_user_made_unheard_is_kept_out_when_the_money_went_back(shop: Shop) -> None:
    shop.application.trouble(way="die", to="user.create", is_after=True)
    shop.tell("purchase-approved", change=of())
    shop.work()
    shop.tell("purchase-refunded", change=of())
    shop.work()
    later(shop)
    assert "active" not in member(shop).access.values()
    assert not any(bytes(one.sealed) for one in Message.objects.all())


def test_a_restoration_whose_answer_was_lost_is_taken_back_with_the_money(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1, change=of())
    shop.work()
    shop.tell("purchase-refunded", number=1, change=of())
    shop.work()
    shop.application.trouble(way="die", to="user.unblock", is_after=True)
    shop.tell("purchase-approved", number=2, change=of())
    shop.work()
    shop.tell("purchase-refunded", number=2, change=of())
    shop.work()
    later(shop)
    assert "active" not in member(shop).access.values()


def test_a_change_that_was_refused_and_is_no_longer_wanted_is_no_trouble(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1, change=of())
    shop.work()
    shop.application.trouble(status=422, times=1, to="user.block")
    shop.tell("purchase-refunded", number=1, change=of())
    shop.work()
    assert Access.objects.get().error
    shop.tell("purchase-approved", number=2, change=of())
    shop.work()
    assert Access.objects.get().error == ""


def test_another_installation_never_says_the_same_names(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    shop.work()
    [asked] = shop.application.asked
    key = Access.objects.get().key
    assert len(key) == 32
    assert asked.headers["webhook-id"] == f"access-{key}-1"
    assert json.loads(asked.body)["data"]["access_id"] == f"acc_{key}"


# What gateways tell


def together(*samples: str) -> None:
    """Hotmart's news of one sale, folded in one batch."""
    requests = []
    for name in samples:
        request = HOTMART.samples[name](Sale(number=1, at=datetime.now(UTC)))
        requests.append(RawRequest(request.headers, request.body, request.query))
    hotmart = Account.objects.get(gateway="hotmart", name=Account.DEFAULT)
    store(hotmart, requests, Source.WEBHOOK)
    drain()


def test_paid_and_disputed_in_one_batch_gives_access(shop: Shop) -> None:
    together("purchase-approved", "purchase-protest")
    shop.work()
    assert Charge.objects.get().status == "disputed"
    assert shop.provisioning.stage == Stage.COMPLETED


def test_a_product_that_is_told_after_its_payment_keeps_its_access(shop: Shop) -> None:
    """Stone tells a paid charge first, and in another webhook what was bought."""
    stone = Account.objects.get(gateway="stone", name=Account.DEFAULT)
    sale = Sale(number=1, at=datetime.now(UTC))
    for sample in ("charge-paid", "order-paid"):
        store(stone, [GATEWAYS["stone"].samples[sample](sale)], Source.WEBHOOK)
        drain()
        shop.work()
    later(shop)
    assert shop.provisioning.stage == Stage.COMPLETED
    access = Access.objects.get()
    assert (access.state, access.product_id) == ("active", Charge.objects.get().product_id)
    assert "access_blocked" not in shop.kinds


def test_a_refund_that_is_found_late_takes_access_away_all_the_same(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    shop.work()
    week_ago = datetime.now(UTC) - timedelta(days=8)
    shop.tell("purchase-refunded", change=of(), source=Source.SYNC, at=week_ago)
    shop.work()
    assert "active" not in member(shop).access.values()


# What a person mends


def test_an_address_that_was_mended_gets_the_password(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    Suppression.objects.create(channel="email", address=EMAIL, reason="bounced", at=timezone.now())
    shop.work()
    for _ in range(4):
        later(shop)
    assert shop.provisioning.stage == Stage.FAILED_PERMANENT
    Suppression.objects.all().delete()
    actions.resync(shop.order, actor="test")
    shop.work()
    assert any(member(shop).password in text for text in texts(shop))


def test_a_corrected_address_is_the_one_that_is_written_to(shop: Shop) -> None:
    shop.mail.at_recipient = "550 5.1.1 No such user"
    shop.tell("purchase-approved", change=of())
    shop.work()
    for _ in range(4):
        later(shop)
    assert set(Suppression.objects.values_list("address", flat=True)) == {EMAIL}
    shop.mail.at_recipient = "250 Taken"
    Customer.objects.update(corrections={"email": "right@example.com"})
    actions.resync(shop.order, actor="test")
    shop.work()
    assert shop.provisioning.stage == Stage.COMPLETED
    assert Message.objects.get(kind="welcome_credentials").to == "right@example.com"


def test_what_was_forgotten_is_made_anew(shop: Shop) -> None:
    shop.mail.at_data = "451 Later"
    shop.tell("purchase-approved", change=of())
    shop.work()
    first = member(shop).password
    Message.objects.update(sealed=b"")
    shop.mail.at_data = "250 Taken"
    for _ in range(4):
        later(shop)
    if shop.provisioning.stage != Stage.COMPLETED:
        actions.resync(shop.order, actor="test")
        shop.work()
    assert member(shop).password != first
    assert any(member(shop).password in text for text in texts(shop))


def test_a_rule_that_was_mended_gives_what_it_did_not(shop: Shop) -> None:
    rule = AccessRule.objects.create(application="")
    shop.tell("purchase-approved", change=of())
    shop.work()
    assert shop.application.accounts == {}
    assert "minutos" not in shop.letter("purchase_confirmation")
    rule.delete()
    actions.resync(shop.order, actor="test")
    shop.work()
    assert set(member(shop).access.values()) == {"active"}


def test_what_failed_for_an_order_that_is_active_is_an_alert_too(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    shop.work()
    shop.application.trouble(status=422, times=9)
    actions.renew(shop.order, actor="test")
    shop.work()
    assert (shop.provisioning.stage, shop.order.status) == (Stage.FAILED_PERMANENT, "active")
    alerts.review(timezone.now())
    assert Alert.objects.filter(kind="access_not_given").exists()


def test_new_credentials_are_not_made_for_what_was_refunded(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    shop.work()
    shop.tell("purchase-refunded", change=of())
    shop.work()
    with pytest.raises(actions.NothingToDoError):
        actions.renew(Order.objects.get(), actor="test")
    assert shop.provisioning.stage == Stage.COMPLETED


# What is told


def test_an_access_for_some_days_is_told_its_end(shop: Shop) -> None:
    AccessRule.objects.create(days=30)
    shop.tell("purchase-approved", change=single)
    shop.work()
    [call] = shop.application.calls
    ends = datetime.fromisoformat(call["data"]["valid_until"])
    assert timedelta(days=29) < ends - datetime.now(UTC) < timedelta(days=31)


def single(body: dict[str, Any]) -> None:
    """No subscription."""
    body["data"].pop("subscription", None)
    body["data"]["purchase"].pop("recurrence_number", None)


def test_every_message_stands_in_the_orders_story(shop: Shop) -> None:
    shop.tell("purchase-approved", change=of())
    shop.work()
    shop.tell("purchase-refunded", change=of())
    shop.work()
    assert all(order for order in Message.objects.values_list("order", flat=True))
    told = " ".join(entry.text for entry in story(shop.order))
    assert "access_blocked" in told


def test_a_full_channel_is_no_failure(shop: Shop, settings: Any) -> None:
    from dataclasses import replace

    from recibo.messaging.senders import registry
    from recibo.work import limits

    shop.tell("purchase-approved", change=of())
    settings.RECIBO_MAIL = replace(settings.RECIBO_MAIL, per_second=1.0)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(registry, "LONGEST_TURN", 0.0)
    for _ in range(4):
        limits.take("send:email", 1.0, longest=0.0)
        shop.come()
        from recibo.access import stages
        from recibo.automation.reactions import react

        stages.advance_all(react)
        assert shop.provisioning.stage == Stage.SENDING_CREDENTIALS
        assert shop.provisioning.attempts == 0
    monkey.undo()
