"""Writes of what services tell: about messages, and about addresses that are not to be written to.

Services tell things late, twice and in any order: a message keeps the strongest.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from recibo.messaging.delivery.contract import DeliveryEvent
from recibo.messaging.models import Channel, Message, MessageStatus, Suppression
from recibo.messaging.senders.letters import mark

#: What outlives what; a later one wins. A mailbox that was full for a while may still be reached;
#: a letter that was taken may still come back. SKIPPED is not in it: nothing went out.
OUTLIVES = (
    MessageStatus.QUEUED,
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.DELIVERED,
    MessageStatus.BOUNCED,
)
RANKS: dict[str, int] = {status: rank for rank, status in enumerate(OUTLIVES)}
WRITTEN = (
    "status",
    "error",
    "sent_at",
    "delivered_at",
    "provider_id",
    "sealed",
    "next_attempt_at",
    "claimed_until",
)


@transaction.atomic
def apply(events: Sequence[DeliveryEvent]) -> None:
    """Write what the events say. Repeated ones, and those about no message of ours, do no harm."""
    told = matched(events, locked(events))
    changed = [message for message, about_it in told if learn(message, about_it)]
    Message.objects.bulk_update(changed, WRITTEN)
    suppress(events, told)


Told = list[tuple[Message, list[DeliveryEvent]]]


def locked(events: Iterable[DeliveryEvent]) -> list[Message]:
    """The messages that may be meant, held in one order. Indexes: message_by_provider_id, key."""
    ids = {event.provider_id for event in events if event.provider_id}
    keys = {event.key for event in events if event.key}
    meant = (Q(provider_id__in=ids) & ~Q(provider_id="")) | Q(key__in=keys)
    return list(Message.objects.filter(meant).order_by("id").select_for_update())


def matched(events: Iterable[DeliveryEvent], messages: Iterable[Message]) -> Told:
    """Each message with the events about it."""
    by_name = defaultdict(list)
    for event in events:
        for name in {event.provider_id, event.key} - {""}:
            by_name[name].append(event)
    return [
        (message, [event for event in candidates(message, by_name) if is_about(event, message)])
        for message in messages
    ]


def candidates(
    message: Message, by_name: dict[str, list[DeliveryEvent]]
) -> Iterable[DeliveryEvent]:
    """Events that name this message by one of its names."""
    yield from by_name.get(message.provider_id, ())
    yield from by_name.get(message.key, ())


def is_about(event: DeliveryEvent, message: Message) -> bool:
    """Whether an event is about this message.

    Our key counts where the service's id is not known yet, and not where the mark says that the
    message is of another installation that uses the same service.
    """
    if event.channel != message.channel:
        return False
    if event.provider_id and event.provider_id == message.provider_id:
        return True
    is_ours = not event.mark or event.mark == mark(message.message_id)
    return event.key == message.key and not message.provider_id and is_ours


def learn(message: Message, events: Iterable[DeliveryEvent]) -> bool:
    """Have a message know what the events say. Whether any of it was new."""
    before = [getattr(message, name) for name in WRITTEN]
    for event in events:
        if event.status and message.status in RANKS:
            learn_one(message, event, event.status)
    return [getattr(message, name) for name in WRITTEN] != before


def learn_one(message: Message, event: DeliveryEvent, status: MessageStatus) -> None:
    """Keep the stronger status. Whatever it is, the message went out, even if we died over it."""
    if RANKS[status] > RANKS[message.status]:
        message.status = status
        message.error = event.detail if status != MessageStatus.DELIVERED else ""
    if status == MessageStatus.DELIVERED:
        message.delivered_at = min(message.delivered_at or event.at, event.at)
    message.sent_at = message.sent_at or event.at
    message.provider_id = message.provider_id or event.provider_id
    message.sealed = b""
    message.next_attempt_at = message.claimed_until = None


def suppress(events: Iterable[DeliveryEvent], told: Told) -> None:
    """Keep whom not to write to.

    That an address does not work counts for whatever came back from it; what its owner wants, only
    for messages of ours: others may write by the same account.
    """
    ours = [(event, message.to) for message, about_it in told for event in about_it]
    others = [(event, event.address) for event in events if is_bounce(event)]
    rows = [
        Suppression(
            channel=event.channel,
            address=address.lower() if event.channel == Channel.EMAIL else address,
            reason=event.suppression,
            at=event.at,
        )
        for event, address in (*ours, *others)
        if event.suppression and address
    ]
    rows.sort(key=lambda row: (row.address, row.reason))  # two batches never wait for each other
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)


def is_bounce(event: DeliveryEvent) -> bool:
    """Whether an event says that an address does not work."""
    return event.suppression == Suppression.Reason.BOUNCED
