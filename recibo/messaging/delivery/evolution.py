"""Webhooks of an Evolution API server: MESSAGES_UPDATE, as versions 1 and 2 write it.

Source: EvolutionAPI/evolution-api (webhook controller, Baileys channel) and issues with payloads of
both versions. ``date_time`` is the server's local time with the mark of UTC: it is not read.
"""

import msgspec
from django.http import HttpRequest
from django.utils import timezone
from msgspec import Struct

from recibo.messaging.configuration import WhatsApp
from recibo.messaging.delivery.contract import DeliveryEvent, UnreadableError
from recibo.messaging.models import Channel, MessageStatus

EVENT = "messages.update"
#: WhatsApp's words, and the numbers that stand for them.
STATUSES: dict[str | int, MessageStatus] = {
    "DELIVERY_ACK": MessageStatus.DELIVERED,
    "READ": MessageStatus.DELIVERED,
    "PLAYED": MessageStatus.DELIVERED,
    "ERROR": MessageStatus.FAILED,
    3: MessageStatus.DELIVERED,
    4: MessageStatus.DELIVERED,
    5: MessageStatus.DELIVERED,
    0: MessageStatus.FAILED,
}


class Key(Struct, frozen=True):
    id: str = ""


class Inner(Struct, frozen=True):
    status: str | int | None = None


class Update(Struct, frozen=True):
    """One message; version 2 says ``keyId``, version 1 ``id``, older ones nest what they say."""

    keyId: str = ""  # noqa: N815
    id: str = ""
    key: Key = Key()
    status: str | int | None = None
    update: Inner = Inner()


class Notice(Struct, frozen=True):
    event: str
    instance: str
    data: msgspec.Raw = msgspec.Raw(b"[]")


def read(request: HttpRequest, *, whatsapp: WhatsApp) -> list[DeliveryEvent]:
    """What a notice says of our instance's messages. Raises UnreadableError."""
    try:
        notice = msgspec.json.decode(request.body, type=Notice)
        event = notice.event.lower().replace("_", ".")
        if event != EVENT or notice.instance != whatsapp.sender:
            return []
        updates = updates_in(bytes(notice.data))
    except msgspec.MsgspecError as error:
        raise UnreadableError(f"evolution: {type(error).__name__}") from error
    told = [event_of(update) for update in updates]
    return [event for event in told if event.status and event.provider_id]


def updates_in(data: bytes) -> list[Update]:
    """One update, or many."""
    if data.lstrip().startswith(b"["):
        return msgspec.json.decode(data, type=list[Update])
    return [msgspec.json.decode(data, type=Update)]


def event_of(update: Update) -> DeliveryEvent:
    """One update in our vocabulary."""
    told = update.status if update.status is not None else update.update.status
    status = STATUSES.get(told) if told is not None else None
    return DeliveryEvent(
        channel=Channel.WHATSAPP,
        at=timezone.now(),
        status=status,
        provider_id=update.keyId or update.key.id or update.id,
        detail="WhatsApp did not take it." if status == MessageStatus.FAILED else "",
    )
