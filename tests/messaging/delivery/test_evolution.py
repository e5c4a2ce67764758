"""What an Evolution API server's webhooks say, in the forms of its versions."""

from typing import Any

import pytest

from recibo.messaging.configuration import WhatsApp
from recibo.messaging.delivery import evolution
from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus
from tests.messaging.delivery.requests import request

WHATSAPP = WhatsApp(
    provider="evolution", url="http://evolution.example.com", token="token", sender="escola"
)
DELIVERED, FAILED = MessageStatus.DELIVERED, MessageStatus.FAILED


def read(
    data: Any, event: str = "messages.update", instance: str = "escola"
) -> list[DeliveryEvent]:
    body = {"event": event, "instance": instance, "data": data, "apikey": "INSTANCE_KEY"}
    return evolution.read(request(body), whatsapp=WHATSAPP)


@pytest.mark.parametrize(
    "data",
    [
        {"keyId": "3EB0", "messageId": "cmfy", "fromMe": True, "status": "DELIVERY_ACK"},
        {"keyId": "3EB0", "messageId": "cmfy", "status": "READ"},
        {"id": "3EB0", "remoteJid": "5531@s.whatsapp.net", "status": "PLAYED"},
        {"key": {"id": "3EB0", "fromMe": True}, "update": {"status": 3}},
        [{"key": {"id": "3EB0"}, "update": {"status": "READ"}}],
    ],
)
def test_each_version_says_that_a_message_arrived(data: Any) -> None:
    [event] = read(data)
    assert (event.provider_id, event.status) == ("3EB0", DELIVERED)
    assert event.channel == Channel.WHATSAPP


@pytest.mark.parametrize("status", ["ERROR", 0])
def test_what_whatsapp_did_not_take_failed(status: str | int) -> None:
    [event] = read({"keyId": "3EB0", "status": status})
    assert event.status == FAILED
    assert event.detail


@pytest.mark.parametrize("status", ["PENDING", "SERVER_ACK", "DELETED", 1, 2, None])
def test_what_is_under_way_is_no_news(status: str | int | None) -> None:
    assert read({"keyId": "3EB0", "status": status}) == []


def test_older_servers_write_the_event_in_capitals() -> None:
    assert len(read({"keyId": "3EB0", "status": "READ"}, event="MESSAGES_UPDATE")) == 1


def test_other_events_and_other_instances_are_not_read() -> None:
    assert read({"keyId": "3EB0", "status": "READ"}, event="messages.upsert") == []
    assert read({"keyId": "3EB0", "status": "READ"}, instance="outra") == []
    assert read({"anything": 1}, event="connection.update") == []


@pytest.mark.parametrize("data", ["x", 1, None, [1], {"key": 1}, {"keyId": 1}])
def test_what_cannot_be_read_is_one_error(data: Any) -> None:
    with pytest.raises(UnreadableError):
        read(data)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff"])
def test_what_is_no_notice_is_one_error(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        evolution.read(request(body), whatsapp=WHATSAPP)
