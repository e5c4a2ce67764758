"""Each message goes out once, and again later where it could not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recibo.messaging import actions, sending
from recibo.messaging.actions import Wish
from recibo.messaging.configuration import WhatsApp
from recibo.messaging.kinds import Kind
from recibo.messaging.models import Channel, Message, MessageStatus, Suppression
from tests.gateways.gateway_server import serving, told
from tests.shop import Shop

TO = "dono@example.com"


def ask(subject: str = "one") -> Message:
    """An alert, which needs no order."""
    details = {"title": "Olá", "lines": ["Uma linha"]}
    actions.queue([Wish(kind=Kind.ALERT, subject=subject, to=TO, details=details)])
    return Message.objects.get(key=f"alert:{subject}:email")


def test_asked_for_twice_it_is_sent_once(shop: Shop) -> None:
    ask()
    ask()
    sending.send_all()
    ask()
    sending.send_all()
    assert len(shop.mail.accepted) == 1
    message = Message.objects.get()
    assert (message.status, message.attempts) == (MessageStatus.SENT, 1)
    assert message.sent_at is not None


def test_a_server_that_is_away_is_tried_again_at_growing_waits(shop: Shop, settings: Any) -> None:
    settings.RECIBO_MESSAGE_DELAYS = (timedelta(seconds=30), timedelta(minutes=2))
    shop.mail.at_data = "451 Later"
    message = ask()
    for seconds in (30, 120):
        sending.send_all()
        message.refresh_from_db()
        assert message.status == MessageStatus.QUEUED
        left = message.next_attempt_at - timezone.now()
        assert timedelta(seconds=seconds - 5) < left <= timedelta(seconds=seconds)
        shop.come()
    sending.send_all()
    message.refresh_from_db()
    assert (message.status, message.attempts) == (MessageStatus.FAILED, 3)
    assert message.error

    shop.mail.at_data = "250 Taken"
    assert actions.try_again(message, actor="test")
    sending.send_all()
    assert [str(one["message-id"]) for one in shop.mail.letters] == [message.message_id]


def test_an_address_that_does_not_work_is_not_written_to_again(shop: Shop) -> None:
    shop.mail.at_recipient = "550 5.1.1 No such user"
    first = ask("one")
    sending.send_all()
    first.refresh_from_db()
    assert first.status == MessageStatus.BOUNCED
    assert Suppression.objects.get().address == TO

    shop.mail.at_recipient = "250 Taken"
    second = ask("two")
    sending.send_all()
    second.refresh_from_db()
    assert second.status == MessageStatus.SKIPPED
    assert shop.mail.accepted == []


def test_an_answer_that_is_lost_is_sent_again_under_the_same_name(shop: Shop) -> None:
    shop.mail.drops_after_accepting = True
    ask()
    sending.send_all()
    shop.mail.drops_after_accepting = False
    shop.come()
    sending.send_all()
    names = [str(one["message-id"]) for one in shop.mail.letters]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_the_rate_holds_and_costs_no_try(shop: Shop, settings: Any) -> None:
    from dataclasses import replace

    from recibo.messaging.senders import registry

    settings.RECIBO_MAIL = replace(settings.RECIBO_MAIL, per_second=1.0)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(registry, "LONGEST_TURN", 0.0)
    for number in range(3):
        ask(str(number))
    sending.send_all()
    monkey.undo()
    assert len(shop.mail.accepted) == 1
    waiting = Message.objects.filter(status=MessageStatus.QUEUED)
    assert {one.attempts for one in waiting} == {0}


def test_night_is_for_sleeping_by_whatsapp(settings: Any) -> None:
    settings.TIME_ZONE = "America/Sao_Paulo"
    reminder = Message(channel=Channel.WHATSAPP, kind=Kind.PAYMENT_REMINDER)
    night = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)  # 23:30 in São Paulo
    assert sending.morning_of(reminder, night) == datetime(2026, 3, 2, 11, tzinfo=UTC)
    early = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 6:00
    assert sending.morning_of(reminder, early) == datetime(2026, 3, 2, 11, tzinfo=UTC)
    noon = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    assert sending.morning_of(reminder, noon) is None
    receipt = Message(channel=Channel.WHATSAPP, kind=Kind.PURCHASE_CONFIRMATION)
    assert sending.morning_of(receipt, night) is None
    letter = Message(channel=Channel.EMAIL, kind=Kind.PAYMENT_REMINDER)
    assert sending.morning_of(letter, night) is None


def test_whatsapp_goes_beside_the_mail_and_tells_no_secret(shop: Shop, settings: Any) -> None:
    with serving() as meta:
        meta.routes["/v23.0/777/messages"] = told(
            {"contacts": [{"wa_id": "5511987654321"}], "messages": [{"id": "wamid.1"}]}
        )
        settings.RECIBO_WHATSAPP = WhatsApp(
            provider="meta",
            url=meta.url,
            token="t",
            sender="777",
            version="v23.0",
            per_second=1000,
        )
        shop.tell(
            "purchase-approved",
            change=lambda body: body["data"]["buyer"].update(
                checkout_phone_code="11", checkout_phone="987654321"
            ),
        )
        shop.work()
    by_whatsapp = Message.objects.filter(channel=Channel.WHATSAPP)
    assert {one.kind for one in by_whatsapp} == {"purchase_confirmation", "welcome_credentials"}
    assert {one.status for one in by_whatsapp} == {MessageStatus.SENT}
    assert {one.to for one in by_whatsapp} == {"+5511987654321"}
    [account] = shop.application.accounts.values()
    assert not any(account.password.encode() in asked.body for asked in meta.asked)
