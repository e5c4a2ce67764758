"""Status webhooks of Meta's Cloud API.

Source: Meta's "Status messages webhook" and "Webhooks: verification requests" (2026). The order is
not that of what happened; "delivered" is left out when "read" comes at once.
"""

from datetime import UTC, datetime

import msgspec
from django.http import HttpRequest
from msgspec import Struct

from recibo.gateways.errors import Refused, SignatureError
from recibo.gateways.signatures import same
from recibo.messaging.configuration import WhatsApp
from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus, Suppression
from recibo.messaging.senders.replies import plain

STATUSES = {
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.DELIVERED,
    "failed": MessageStatus.FAILED,  # or BOUNCED: by the code
}
#: No WhatsApp there, a client too old, or its terms not accepted.
UNDELIVERABLE = 131026
#: The reader wants no marketing of ours.
OPTED_OUT = 131050
SUPPRESSIONS = {
    UNDELIVERABLE: Suppression.Reason.BOUNCED,
    OPTED_OUT: Suppression.Reason.OPTED_OUT,
}


class Details(Struct, frozen=True):
    details: str = ""


class Failure(Struct, frozen=True):
    code: int
    title: str = ""
    error_data: Details = Details()


class Status(Struct, frozen=True):
    id: str
    status: str
    timestamp: int  # seconds since 1970
    biz_opaque_callback_data: str = ""
    errors: list[Failure] = []


class Metadata(Struct, frozen=True):
    phone_number_id: str = ""


class Value(Struct, frozen=True):
    metadata: Metadata = Metadata()
    statuses: list[Status] = []


class Change(Struct, frozen=True):
    value: Value = Value()


class Entry(Struct, frozen=True):
    changes: list[Change] = []


class Notice(Struct, frozen=True):
    entry: list[Entry] = []


def read(request: HttpRequest, *, whatsapp: WhatsApp) -> list[DeliveryEvent]:
    """What a notice says of messages from our number. Raises UnreadableError."""
    try:
        notice = msgspec.json.decode(request.body, type=Notice, strict=False)
        values = [change.value for entry in notice.entry for change in entry.changes]
        return [
            event_of(status)
            for value in values
            if value.metadata.phone_number_id == whatsapp.sender
            for status in value.statuses
            if status.status in STATUSES
        ]
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
        raise UnreadableError(f"meta: {type(error).__name__}") from error


def event_of(status: Status) -> DeliveryEvent:
    """One status in our vocabulary; without the number, which Meta writes in its own way."""
    failure = status.errors[0] if status.errors else None
    code = failure.code if failure else None
    is_bounce = code == UNDELIVERABLE
    return DeliveryEvent(
        channel=Channel.WHATSAPP,
        at=datetime.fromtimestamp(status.timestamp, UTC),
        status=MessageStatus.BOUNCED if is_bounce else STATUSES[status.status],
        suppression=SUPPRESSIONS.get(code) if code else None,
        provider_id=status.id,
        key=status.biz_opaque_callback_data,
        detail=plain(f"{code} {failure.error_data.details or failure.title}") if failure else "",
    )


def greet(request: HttpRequest, *, whatsapp: WhatsApp) -> str:
    """The challenge, given back to who knows our token. Raises SignatureError.

    The token goes over the wire in an address, so the number's id will do, which is no secret:
    what is believed is signed.
    """
    given = request.GET.get("hub.verify_token", "").encode()
    known = [text.encode() for text in (whatsapp.webhook_secret, whatsapp.sender) if text]
    is_asked = request.GET.get("hub.mode") == "subscribe"
    if not sum(same(given, one) for one in known) or not is_asked:
        raise SignatureError(Refused.SIGNATURE_INVALID)
    return request.GET.get("hub.challenge", "")
