"""Notices of the e-mail services, read by what django-anymail knows of each one's words.

Of Anymail's webhook views only the parsing is used, on a view that was never set up: not their
settings, their proof (see ``proof.py``) or their signals.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailError
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus, Suppression
from recibo.messaging.senders.replies import plain

logger = logging.getLogger(__name__)

VIEWS = {
    "resend": "anymail.webhooks.resend.ResendTrackingWebhookView",
    "ses": "anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
}

#: What a message is by an event; "queued", "sent" and "deferred" tell nothing new. Who opens a
#: message, answers it or complains about it has got it.
STATUSES = {
    EventType.DELIVERED: MessageStatus.DELIVERED,
    EventType.OPENED: MessageStatus.DELIVERED,
    EventType.CLICKED: MessageStatus.DELIVERED,
    EventType.AUTORESPONDED: MessageStatus.DELIVERED,
    EventType.COMPLAINED: MessageStatus.DELIVERED,
    EventType.BOUNCED: MessageStatus.FAILED,  # or BOUNCED, see ``status_of``
    EventType.REJECTED: MessageStatus.FAILED,
    EventType.FAILED: MessageStatus.FAILED,
}
#: Why services drop a message before they try: what they know of the address.
BAD_ADDRESS = frozenset({RejectReason.INVALID, RejectReason.BOUNCED})
COMPLAINED = frozenset({EventType.COMPLAINED, RejectReason.SPAM})
OPTED_OUT = frozenset({EventType.UNSUBSCRIBED, RejectReason.UNSUBSCRIBED})

Raw = Mapping[str, Any]
#: Whether what came back will always come back, by the service's own words: a full mailbox is no
#: reason never to write again.
IS_FOR_GOOD: Mapping[str, Callable[[Raw], bool]] = {
    "resend": lambda raw: raw["data"].get("bounce", {}).get("type", "Permanent") == "Permanent",
    "ses": lambda raw: raw["bounce"]["bounceType"] == "Permanent",
    "postmark": lambda raw: raw.get("Type") == "HardBounce",
    "sendgrid": lambda raw: raw.get("type") == "bounce",  # "blocked" is the other
    "mailgun": lambda raw: raw["event-data"].get("reason") in {"bounce", "suppress-bounce"},
    "brevo": lambda raw: raw["event"] in {"hard_bounce", "invalid_email"},
}
MALFORMED = (
    AnymailError,
    AnymailConfigurationError,  # a notice of incoming mail
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
)


def read(request: HttpRequest, *, service: str) -> list[DeliveryEvent]:
    """What a notice says. Raises UnreadableError."""
    try:
        told = [event_of(service, one) for one in parsed(service, request)]
    except MALFORMED as error:
        raise UnreadableError(f"{service}: {type(error).__name__}") from error
    return [event for event in told if event.status or event.suppression]


def parsed(service: str, request: HttpRequest) -> list[AnymailTrackingEvent]:
    """What Anymail makes of the notice."""
    view_class = import_string(VIEWS[service])
    view = view_class.__new__(view_class)
    events = amazon_events(view, request) if service == "ses" else view.parse_events(request)
    return list(events)


def amazon_events(view: Any, request: HttpRequest) -> list[AnymailTrackingEvent]:
    """What lies in an envelope of Amazon's notification service (SNS)."""
    envelope = json.loads(request.body)
    if envelope["Type"] == "SubscriptionConfirmation":
        logger.warning(
            "Amazon asks whether its notices are wanted: open %s", envelope["SubscribeURL"]
        )
    if envelope["Type"] != "Notification" or not envelope["Message"].startswith("{"):
        return []  # it also says in plain words that it will begin
    found: list[AnymailTrackingEvent] = view.esp_to_anymail_events(
        json.loads(envelope["Message"]), envelope
    )
    return found


def event_of(service: str, told: AnymailTrackingEvent) -> DeliveryEvent:
    """The same in our vocabulary."""
    status = status_of(service, told)
    metadata = told.metadata if isinstance(told.metadata, dict) else {}
    at = told.timestamp or timezone.now()
    return DeliveryEvent(
        channel=Channel.EMAIL,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        status=status,
        suppression=suppression_of(told, status),
        provider_id=str(told.message_id or ""),
        key=str(metadata.get("key", "")),
        mark=str(metadata.get("mark", "")),
        address=str(told.recipient or "").strip().lower(),
        detail=plain(str(told.mta_response or told.description or told.reject_reason or "")),
    )


def status_of(service: str, told: AnymailTrackingEvent) -> MessageStatus | None:
    """What the message is by this event."""
    came_back = told.event_type == EventType.BOUNCED and IS_FOR_GOOD[service](told.esp_event)
    was_dropped = told.event_type == EventType.REJECTED and told.reject_reason in BAD_ADDRESS
    return MessageStatus.BOUNCED if came_back or was_dropped else STATUSES.get(told.event_type)


def suppression_of(
    told: AnymailTrackingEvent, status: MessageStatus | None
) -> Suppression.Reason | None:
    """Why its reader is not to be written to."""
    words = {told.event_type, told.reject_reason}
    if status == MessageStatus.BOUNCED:
        return Suppression.Reason.BOUNCED
    if words & COMPLAINED:
        return Suppression.Reason.COMPLAINED
    return Suppression.Reason.OPTED_OUT if words & OPTED_OUT else None
