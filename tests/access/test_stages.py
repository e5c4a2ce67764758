"""Who paid gets in, and is told so, whatever fails on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recibo.access import actions, stages
from recibo.access.models import Access, AccessRule, Provisioning, Stage, Step, UserAccount
from recibo.billing.models import Order
from recibo.messaging.models import Message
from tests.shop import Shop

BUYER = "ana.souza@example.com"


def test_a_paid_order_ends_with_a_buyer_who_is_in(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()

    assert shop.provisioning.stage == Stage.COMPLETED
    assert shop.order.status == "active"
    assert shop.kinds == ["purchase_confirmation", "welcome_credentials"]
    [account] = shop.application.accounts.values()
    assert account.password in shop.letter("welcome_credentials")
    assert shop.application.may_log_in(account.email, account.password)


def test_the_confirmation_is_out_while_the_application_is_down(shop: Shop) -> None:
    shop.application.trouble(times=9)
    shop.tell("purchase-approved")
    shop.work()

    assert shop.kinds == ["purchase_confirmation"]
    confirmation = shop.letter("purchase_confirmation")
    assert shop.order.reference in confirmation
    assert "/pedido/" in confirmation
    assert shop.provisioning.stage == Stage.FAILED_AT_USER
    assert shop.order.status == "paid"


def test_a_failure_is_tried_again_after_each_delay_and_then_by_a_person(shop: Shop) -> None:
    shop.application.trouble(times=9)
    shop.tell("purchase-approved")
    for attempt, minutes in enumerate((5, 10, 20), start=1):
        shop.work()
        failed = shop.provisioning
        assert (failed.stage, failed.attempts) == (Stage.FAILED_AT_USER, attempt)
        wait = failed.next_attempt_at - timezone.now()
        assert timedelta(minutes=minutes - 1) < wait <= timedelta(minutes=minutes)
        shop.come()
    shop.work()
    assert shop.provisioning.stage == Stage.FAILED_PERMANENT
    assert "503" in shop.provisioning.error

    shop.application.troubles.clear()
    actions.resync(shop.order, actor="test")
    shop.work()
    assert shop.provisioning.stage == Stage.COMPLETED


def test_it_recovers_by_itself_after_its_delay(shop: Shop) -> None:
    shop.application.trouble(times=1)
    shop.tell("purchase-approved")
    shop.work()
    shop.come()
    shop.work()
    assert shop.provisioning.stage == Stage.COMPLETED
    assert list(shop.application.created.values()) == [1]


def test_a_failure_of_the_mail_never_makes_a_second_user(shop: Shop) -> None:
    shop.mail.at_data = "451 Come again"
    shop.tell("purchase-approved")
    shop.work()
    assert shop.provisioning.stage == Stage.FAILED_AT_EMAIL
    calls = len(shop.application.asked)

    shop.mail.at_data = "250 Taken"
    shop.come()
    shop.work()
    assert shop.provisioning.stage == Stage.COMPLETED
    assert len(shop.application.asked) == calls
    [account] = shop.application.accounts.values()
    assert account.password in shop.letter("welcome_credentials")


def test_an_answer_that_is_lost_does_not_make_a_second_user(shop: Shop) -> None:
    shop.application.trouble(way="die", to="user.create", is_after=True)
    shop.tell("purchase-approved")
    shop.work()
    shop.come()
    shop.work()
    assert shop.provisioning.stage == Stage.COMPLETED
    assert list(shop.application.created.values()) == [1]
    [account] = shop.application.accounts.values()
    assert account.password in shop.letter("welcome_credentials")


def test_who_had_a_user_before_keeps_his_password(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.application.enrol(shop.order.customer.email)
    shop.work()
    [account] = shop.application.accounts.values()
    assert account.password == "his own"
    letter = shop.letter("welcome_credentials")
    assert "his own" not in letter
    assert shop.provisioning.stage == Stage.COMPLETED


def test_a_second_order_of_the_same_product_sends_no_second_credentials(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1)
    shop.work()
    email = shop.order.customer.email
    shop.tell("purchase-approved", number=2, change=lambda body: buyer(body, email))
    shop.work()
    assert Access.objects.count() == 1
    assert {one.status for one in Order.objects.all()} == {"active"}
    assert shop.kinds.count("welcome_credentials") == 1
    assert len([call for call in shop.application.calls if call["type"] == "user.create"]) == 1


def buyer(body: dict, email: str) -> None:
    body["data"]["buyer"]["email"] = email


def product(body: dict, email: str, product_id: int, name: str) -> None:
    buyer(body, email)
    body["data"]["product"]["id"] = product_id
    body["data"]["product"]["name"] = name


def test_another_product_is_another_access_of_the_same_user(shop: Shop) -> None:
    shop.tell("purchase-approved", number=1)
    shop.work()
    email = shop.order.customer.email
    shop.tell("purchase-approved", number=2, change=lambda body: product(body, email, 77, "Bônus"))
    shop.work()
    assert Access.objects.count() == 2
    assert UserAccount.objects.count() == 1
    [account] = shop.application.accounts.values()
    assert len(account.access) == 2
    second = shop.application.calls[-1]
    assert (second["type"], "password" in second["data"]) == ("user.create", False)


def test_a_rule_says_which_plan_and_which_product_gives_nothing(shop: Shop) -> None:
    AccessRule.objects.create(gateway="hotmart", plan="pro", days=365)
    AccessRule.objects.create(gateway="hotmart", product_id="77", application="")
    shop.tell("purchase-approved", number=1)
    shop.tell(
        "purchase-approved", number=2, change=lambda body: product(body, BUYER, 77, "Camiseta")
    )
    shop.work()
    [call] = shop.application.calls
    assert call["data"]["plan"] == "pro"
    assert {one.status for one in Order.objects.all()} == {"active"}
    [access] = Access.objects.all()
    assert access.scope == "plan:pro"


def test_what_the_application_never_takes_waits_for_a_person(shop: Shop) -> None:
    shop.application.trouble(status=422, times=9)
    shop.tell("purchase-approved")
    shop.work()
    assert shop.provisioning.stage == Stage.FAILED_PERMANENT


def test_an_order_refunded_before_it_was_given_gives_nothing(shop: Shop) -> None:
    shop.application.trouble(times=1)
    shop.tell("purchase-approved")
    shop.work()
    shop.tell("purchase-refunded")
    shop.come()
    shop.work()
    assert shop.application.accounts == {}
    assert shop.provisioning.next_attempt_at is None


def test_new_credentials_are_made_and_sent_when_asked_for(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    [account] = shop.application.accounts.values()
    first = account.password
    actions.renew(shop.order, actor="test")
    shop.work()
    assert account.password != first
    assert shop.kinds.count("welcome_credentials") == 2
    assert list(shop.application.created.values()) == [1]


def test_a_resync_of_what_is_done_says_so(shop: Shop) -> None:
    shop.tell("purchase-approved")
    shop.work()
    with pytest.raises(actions.NothingToDoError):
        actions.resync(shop.order, actor="test")


def test_passwords_lie_nowhere_in_plain_and_are_forgotten_once_sent(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    shop.mail.at_data = "451 Come again"
    shop.tell("purchase-approved")
    shop.work()
    [account] = shop.application.accounts.values()
    assert account.password not in dump()
    assert any(bytes(message.sealed) for message in Message.objects.all())

    shop.mail.at_data = "250 Taken"
    shop.come()
    shop.work()
    assert account.password not in dump()
    ours = [one.getMessage() for one in caplog.records if one.name != "mail.log"]  # the server's
    assert account.password not in "\n".join(ours)
    assert not any(bytes(message.sealed) for message in Message.objects.all())
    assert not any(bytes(access.sealed_password) for access in Access.objects.all())


def dump() -> str:
    """Everything that the database holds."""
    from django.apps import apps
    from django.core import serializers

    models = [model for model in apps.get_models() if model._meta.app_label != "procrastinate"]
    kept = [row for model in models if model._meta.managed for row in rows_of(model)]
    return serializers.serialize("json", kept)


def rows_of(model: type) -> list:
    is_news = model.__name__.endswith("News")  # no serializer takes their composite keys
    return [] if is_news else list(model._default_manager.all())


def test_every_step_is_kept_for_the_timeline(shop: Shop) -> None:
    shop.application.trouble(times=1)
    shop.tell("purchase-approved")
    shop.work()
    shop.come()
    shop.work()
    assert list(Step.objects.values_list("stage", flat=True)) == [
        "queued",
        "creating_user",
        "failed_at_user",
        "sending_credentials",
        "completed",
    ]


def test_without_an_application_nothing_is_begun(shop: Shop, settings: Any) -> None:
    settings.RECIBO_APPLICATION = None
    shop.tell("purchase-approved")
    shop.work()
    assert not Provisioning.objects.exists()
    assert shop.kinds == ["purchase_confirmation"]


def test_two_workers_give_one_access(shop: Shop) -> None:
    """Two orders of one buyer at once: the one waits while the other speaks of the user."""
    shop.tell("purchase-approved", number=1)
    email = shop.order.customer.email
    shop.tell("purchase-approved", number=2, change=lambda body: buyer(body, email))
    shop.application.trouble(way="hang", seconds=1.0, is_after=True, to="user.create")
    shop.work()
    for _ in range(5):
        shop.come()
        shop.work()
    assert {one.stage for one in Provisioning.objects.all()} == {Stage.COMPLETED}
    assert list(shop.application.created.values()) == [1]
    assert shop.kinds.count("welcome_credentials") == 1


def test_a_provisioning_that_somebody_moved_is_left_alone(shop: Shop) -> None:
    shop.tell("purchase-approved")
    row = shop.provisioning
    Provisioning.objects.filter(pk=row.pk).update(stage=Stage.COMPLETED, next_attempt_at=None)
    with pytest.raises(stages.lease.BusyError):
        stages.move(row, Stage.CREATING_USER)
