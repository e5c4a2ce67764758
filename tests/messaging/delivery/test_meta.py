"""What Meta's status webhooks say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import RequestFactory

from recibo.gateways.errors import SignatureError
from recibo.messaging.configuration import WhatsApp
from recibo.messaging.delivery import meta
from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus, Suppression
from tests.messaging.delivery.requests import request
from tests.messaging.exchanges import recorded

WHATSAPP = WhatsApp(
    provider="meta",
    url="https://graph.example.com",
    token="token",
    sender="106540352242922",
    webhook_secret="secret of the app",
)
WAMID = "wamid.HBgMNTUzMTg3NjU0MzIxFQIAERgSRVhBTVBMRTAwMDEA"


def notice(name: str) -> dict[str, Any]:
    body: dict[str, Any] = recorded(f"meta/webhook-status-{name}")["body"]
    return body


def read(body: Any) -> list[DeliveryEvent]:
    return meta.read(request(body), whatsapp=WHATSAPP)


@pytest.mark.parametrize("name", ["delivered", "read"])
def test_a_message_that_was_read_was_delivered(name: str) -> None:
    assert read(notice(name)) == [
        DeliveryEvent(
            channel=Channel.WHATSAPP,
            at=datetime(2026, 3, 10, 12, 1, 10, tzinfo=UTC),
            status=MessageStatus.DELIVERED,
            provider_id=WAMID,
            key="message:0001",
        )
    ]


def test_that_it_was_sent_is_no_news() -> None:
    assert read(notice("sent")) == []


@pytest.mark.parametrize(
    ("code", "status", "suppression"),
    [
        (131026, MessageStatus.BOUNCED, Suppression.Reason.BOUNCED),
        (131047, MessageStatus.FAILED, None),
        (131049, MessageStatus.FAILED, None),
    ],
)
def test_what_failed_says_why(
    code: int, status: MessageStatus, suppression: Suppression.Reason | None
) -> None:
    [event] = read(notice(f"failed-{code}"))
    assert (event.status, event.suppression) == (status, suppression)
    assert event.detail.startswith(f"{code} ")


def test_who_wants_no_marketing_gets_none() -> None:
    body = json.loads(json.dumps(notice("failed-131049")).replace("131049", "131050"))
    [event] = read(body)
    assert event.suppression == Suppression.Reason.OPTED_OUT


def test_messages_of_another_number_are_not_ours() -> None:
    body = json.loads(json.dumps(notice("delivered")).replace("106540352242922", "1"))
    assert read(body) == []


@pytest.mark.parametrize("body", [{}, {"entry": [{"changes": [{"field": "messages"}]}]}])
def test_other_notices_are_no_events(body: Any) -> None:
    assert read(body) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"entry": 1}'])
def test_what_cannot_be_read_is_one_error(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(body)


def test_an_impossible_time_is_one_error() -> None:
    body = json.loads(json.dumps(notice("delivered")).replace("1773144070", "9" * 18))
    with pytest.raises(UnreadableError):
        read(body)


def greeted(**query: str) -> str:
    names = {f"hub.{name}": value for name, value in query.items()}
    return meta.greet(RequestFactory().get("/", names), whatsapp=WHATSAPP)


@pytest.mark.parametrize("token", ["106540352242922", "secret of the app"])
def test_the_challenge_is_given_back_to_who_knows_the_token(token: str) -> None:
    assert greeted(mode="subscribe", verify_token=token, challenge="1158201444") == "1158201444"


@pytest.mark.parametrize(
    "query",
    [
        {"mode": "subscribe", "verify_token": "guessed", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "", "challenge": "1"},
        {"mode": "unsubscribe", "verify_token": "106540352242922", "challenge": "1"},
        {},
    ],
)
def test_anybody_else_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        greeted(**query)
