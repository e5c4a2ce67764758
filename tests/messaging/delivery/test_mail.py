"""What the e-mail services' notices say, as their documentation writes them."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from recibo.messaging.delivery import mail
from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus, Suppression
from tests.messaging.delivery.requests import request
from tests.messaging.exchanges import recorded

Reason = Suppression.Reason
DELIVERED, BOUNCED, FAILED = MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.FAILED
ANA = "ana.souza@example.com"
METADATA = {"key": "welcome_credentials:access:9:email", "mark": "4f1c0e"}


def read(service: str, body: Any) -> list[DeliveryEvent]:
    return mail.read(request(body), service=service)


def resend(name: str, **data: Any) -> dict[str, Any]:
    body: dict[str, Any] = recorded(f"resend/webhook-{name}")["body"]
    body["data"].update(data)
    return body


def sns(event: dict[str, Any]) -> dict[str, Any]:
    """An event of Amazon in its envelope."""
    mail_object = {
        "messageId": "0100-abc",
        "destination": [ANA],
        "headers": [{"name": "X-Metadata", "value": json.dumps(METADATA)}],
    }
    message = {"mail": mail_object, **event}
    return {
        "Type": "Notification",
        "MessageId": "sns-1",
        "Timestamp": "2026-03-10T12:01:00.000Z",
        "Message": json.dumps(message),
    }


def bounce(kind: str) -> dict[str, Any]:
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": ANA, "diagnosticCode": "smtp; 550 5.1.1"}],
        },
    }


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    data = {
        "event": event,
        "timestamp": 1773144060.0,
        "recipient": ANA,
        "message": {"headers": {"message-id": "4f1c0e@escola.example.com"}},
        "user-variables": METADATA,
        **more,
    }
    return {"signature": {"token": "t"}, "event-data": data}


def brevo(event: str) -> dict[str, Any]:
    return {
        "event": event,
        "email": ANA,
        "message-id": "<1@smtp-relay.mailin.fr>",
        "ts_epoch": 1773144060000,
        "X-Mailin-custom": json.dumps(METADATA),
    }


def postmark(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "RecordType": kind,
        "MessageID": "b7bc2f4a",
        "Email": ANA,
        "Metadata": METADATA,
        **more,
    }


def sendgrid(event: str, **more: Any) -> list[dict[str, Any]]:
    told = {"event": event, "email": ANA, "timestamp": 1773144060, "anymail_id": "sg-1"}
    return [{**told, **METADATA, **more}]


NOTHING: tuple[None, None] = (None, None)
NOTICES: list[tuple[str, Any, tuple[MessageStatus | None, Suppression.Reason | None]]] = [
    ("resend", resend("delivered"), (DELIVERED, None)),
    ("resend", resend("bounced"), (BOUNCED, Reason.BOUNCED)),
    (
        "resend",
        resend("bounced", bounce={"type": "Permanent", "message": "…"}),
        (BOUNCED, Reason.BOUNCED),
    ),
    ("resend", resend("bounced", bounce={"type": "Transient", "message": "…"}), (FAILED, None)),
    ("resend", resend("complained"), (DELIVERED, Reason.COMPLAINED)),
    ("resend", resend("delayed"), NOTHING),
    ("resend", {**resend("delivered"), "type": "email.opened"}, (DELIVERED, None)),
    ("resend", {**resend("delivered"), "type": "email.sent"}, NOTHING),
    ("resend", {**resend("delivered"), "type": "contact.created"}, NOTHING),
    ("ses", sns(bounce("Permanent")), (BOUNCED, Reason.BOUNCED)),
    ("ses", sns(bounce("Transient")), (FAILED, None)),
    ("ses", sns({"eventType": "Delivery", "delivery": {"recipients": [ANA]}}), (DELIVERED, None)),
    (
        "ses",
        sns(
            {
                "notificationType": "Complaint",
                "complaint": {"complainedRecipients": [{"emailAddress": ANA}]},
            }
        ),
        (DELIVERED, Reason.COMPLAINED),
    ),
    ("ses", sns({"eventType": "Reject", "reject": {"reason": "Bad content"}}), (FAILED, None)),
    ("ses", sns({"eventType": "Send", "send": {}}), NOTHING),
    ("postmark", postmark("Delivery", Recipient=ANA), (DELIVERED, None)),
    ("postmark", postmark("Bounce", Type="HardBounce"), (BOUNCED, Reason.BOUNCED)),
    ("postmark", postmark("Bounce", Type="SoftBounce"), (FAILED, None)),
    ("postmark", postmark("Bounce", Type="Transient"), NOTHING),
    ("postmark", postmark("Bounce", Type="BadEmailAddress"), (BOUNCED, Reason.BOUNCED)),
    ("postmark", postmark("SpamComplaint", Type="SpamComplaint"), (DELIVERED, Reason.COMPLAINED)),
    (
        "postmark",
        postmark("SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"),
        (None, Reason.OPTED_OUT),
    ),
    ("sendgrid", sendgrid("delivered"), (DELIVERED, None)),
    ("sendgrid", sendgrid("bounce", type="bounce", reason="550 no"), (BOUNCED, Reason.BOUNCED)),
    ("sendgrid", sendgrid("bounce", type="blocked", reason="spam"), (FAILED, None)),
    ("sendgrid", sendgrid("dropped", reason="Bounced Address"), (BOUNCED, Reason.BOUNCED)),
    ("sendgrid", sendgrid("dropped", reason="Unsubscribed Address"), (FAILED, Reason.OPTED_OUT)),
    ("sendgrid", sendgrid("spamreport"), (DELIVERED, Reason.COMPLAINED)),
    ("sendgrid", sendgrid("deferred"), NOTHING),
    ("mailgun", mailgun("delivered"), (DELIVERED, None)),
    (
        "mailgun",
        mailgun("failed", severity="permanent", reason="bounce"),
        (BOUNCED, Reason.BOUNCED),
    ),
    ("mailgun", mailgun("failed", severity="permanent", reason="generic"), (FAILED, None)),
    ("mailgun", mailgun("failed", severity="temporary", reason="generic"), NOTHING),
    ("mailgun", mailgun("complained"), (DELIVERED, Reason.COMPLAINED)),
    ("mailgun", mailgun("unsubscribed"), (None, Reason.OPTED_OUT)),
    ("brevo", brevo("delivered"), (DELIVERED, None)),
    ("brevo", brevo("hard_bounce"), (BOUNCED, Reason.BOUNCED)),
    ("brevo", brevo("invalid_email"), (BOUNCED, Reason.BOUNCED)),
    ("brevo", brevo("soft_bounce"), (FAILED, None)),
    ("brevo", brevo("blocked"), (FAILED, None)),
    ("brevo", brevo("spam"), (DELIVERED, Reason.COMPLAINED)),
    ("brevo", brevo("unique_opened"), (DELIVERED, None)),
    ("brevo", brevo("request"), NOTHING),
]


@pytest.mark.parametrize(("service", "body", "expected"), NOTICES)
def test_a_notice_says_what_became_of_the_message_and_whether_to_write_again(
    service: str,
    body: Any,
    expected: tuple[MessageStatus | None, Suppression.Reason | None],
) -> None:
    events = read(service, body)
    assert [(event.status, event.suppression) for event in events] == (
        [] if expected == NOTHING else [expected]
    )
    assert all(event.channel == Channel.EMAIL for event in events)
    assert all(event.address == ANA for event in events)


#: By the id that sending gave, and by what went along with the message.
IDS = [
    ("ses", sns(bounce("Permanent")), "0100-abc"),
    ("postmark", postmark("Delivery"), "b7bc2f4a"),
    ("sendgrid", sendgrid("delivered"), "sg-1"),
    ("mailgun", mailgun("delivered"), "<4f1c0e@escola.example.com>"),
    ("brevo", brevo("delivered"), "<1@smtp-relay.mailin.fr>"),
    (
        "resend",
        resend("delivered", headers=[{"name": "X-Metadata", "value": json.dumps(METADATA)}]),
        "4a1f0b5e-3d5c-4a1e-8a52-6f0f7a5e1c01",
    ),
]


@pytest.mark.parametrize(("service", "body", "provider_id"), IDS)
def test_a_notice_says_which_message_it_is_about(service: str, body: Any, provider_id: str) -> None:
    [event] = read(service, body)
    assert event.provider_id == provider_id
    assert (event.key, event.mark) == ("welcome_credentials:access:9:email", "4f1c0e")


def test_a_notice_says_when_and_why() -> None:
    [event] = read("ses", sns(bounce("Permanent")))
    assert event.at == datetime(2026, 3, 10, 12, 1, tzinfo=UTC)
    assert event.detail == "smtp; 550 5.1.1"


def test_a_reason_tells_no_address() -> None:
    told = sendgrid("bounce", type="bounce", reason=f"550 <{ANA}>: no such user")
    [event] = read("sendgrid", told)
    assert event.detail == "550 <…>: no such user"


def test_a_batch_says_all_of_it() -> None:
    batch = [*sendgrid("delivered"), *sendgrid("deferred"), *sendgrid("spamreport")]
    assert len(read("sendgrid", batch)) == 2


def test_amazon_s_question_is_put_before_a_person(caplog: pytest.LogCaptureFixture) -> None:
    url = "https://sns.sa-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"
    question = {"Type": "SubscriptionConfirmation", "SubscribeURL": url}
    with caplog.at_level(logging.WARNING):
        assert read("ses", question) == []
    assert url in caplog.text


def test_amazon_s_greeting_is_no_event() -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert read("ses", {"Type": "Notification", "Message": text}) == []


@pytest.mark.parametrize("service", mail.VIEWS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"1", b'"x"', b"{}", b"[1]", b"null"])
def test_what_cannot_be_read_is_one_error(service: str, body: bytes) -> None:
    try:
        events = read(service, body)
    except UnreadableError:
        return
    assert events == []
