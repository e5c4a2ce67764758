"""Writes of messages: asking for one, sealing what it may tell, trying again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from msgspec import Struct, structs

from recibo.journal.actions import audit
from recibo.messaging.kinds import RULES, Kind
from recibo.messaging.models import Channel, Message, MessageStatus
from recibo.work.engine import nudge
from recibo.work.sql import document, execute

#: The task that sends, by its name: those who ask for messages stand below it.
SEND = "messaging.send"
#: How long secrets wait to be told.
LONGEST_SEALED = timedelta(days=7)

#: Ask for messages; one that was asked for before stays as it is. A charge tells the order, an
#: order the customer, where they were not named.
QUEUE = """
    insert into messaging_message
        (key, order_id, customer_id, channel, kind, "to", details, sealed, status, attempts,
         next_attempt_at, error, message_id, provider_id, created_at)
    select r.key, coalesce(r.order_id, c.order_id),
        coalesce(r.customer_id, c.customer_id, o.customer_id),
        r.channel, r.kind, r."to", r.details, '', 'queued', 0,
        now() + make_interval(secs => r.wait), '', '', '', now()
    from json_to_recordset(%s::json) as r(key text, order_id bigint, charge_id bigint,
        customer_id bigint, channel text, kind text, "to" text, details jsonb, wait float)
    left join billing_charge c on c.id = r.charge_id
    left join billing_order o on o.id = coalesce(r.order_id, c.order_id)
    on conflict (key) do nothing
"""


class Wish(Struct, frozen=True, kw_only=True):
    """A message that somebody asks for. ``subject`` makes it one of its kind: ``order:17``."""

    kind: Kind
    subject: str
    order_id: int | None = None
    charge_id: int | None = None
    customer_id: int | None = None
    to: str = ""  # "": the customer, by what is known of him when it is sent
    details: Mapping[str, Any] = {}
    wait: float = 0.0  # seconds


def queue(wishes: Iterable[Wish]) -> None:
    """Have messages sent by every channel that is configured, once each.

    Part of the caller's transaction. One statement for all of them.
    """
    rows = [
        {
            **structs.asdict(wish),
            "key": key_of(wish.kind, wish.subject, channel),
            "channel": channel,
        }
        for wish in wishes
        for channel in channels_of(wish.kind)
    ]
    if rows:
        execute(QUEUE, document(rows))
        nudge(SEND)


def key_of(kind: Kind, subject: str, channel: Channel) -> str:
    """What a message is known by."""
    return f"{kind}:{subject}:{channel}"


def channels_of(kind: Kind) -> Sequence[Channel]:
    """The ways by which a kind goes, of those that are configured."""
    configured = {
        Channel.EMAIL: settings.RECIBO_MAIL,
        Channel.WHATSAPP: settings.RECIBO_WHATSAPP,
    }
    return [channel for channel in RULES[kind].channels if configured[channel] is not None]


def hold(wish: Wish, channel: Channel, sealed: bytes) -> Message:
    """A message that whoever asks for it sends himself (``sending.deliver``), with its secrets.

    The one there is already keeps what it has, unless it was not sent and has none.
    """
    message, is_new = Message.objects.get_or_create(
        key=key_of(wish.kind, wish.subject, channel),
        defaults={
            "order_id": wish.order_id,
            "customer_id": wish.customer_id,
            "channel": channel,
            "kind": wish.kind,
            "details": dict(wish.details),
            "sealed": sealed,
            "created_at": timezone.now(),
        },
    )
    if not is_new and not message.sealed and not is_sent(message):
        message.sealed, message.details = sealed, dict(wish.details)
        message.save(update_fields=["sealed", "details"])
    return message


def is_sent(message: Message) -> bool:
    """Whether it went out."""
    return message.sent_at is not None


def try_again(message: Message, *, actor: str) -> bool:
    """Have a message that was given up sent after all. Whether it was."""
    given_up = (MessageStatus.FAILED, MessageStatus.SKIPPED)
    with transaction.atomic():
        found = Message.objects.filter(pk=message.pk, status__in=given_up)
        changed = found.update(
            status=MessageStatus.QUEUED,
            attempts=0,
            error="",
            # It may have gone out once, and been refused on its way.
            sent_at=None,
            provider_id="",
            next_attempt_at=timezone.now(),
        )
        if changed:
            audit(actor, "message.retry", f"message:{message.pk}")
            nudge(SEND)
    return bool(changed)


def give_up(message: Message) -> None:
    """Show that whoever sends a message himself has given up."""
    waiting = Message.objects.filter(pk=message.pk, status=MessageStatus.QUEUED)
    waiting.update(status=MessageStatus.FAILED)


def forget(message: Message, reason: str) -> None:
    """A message that whoever sends it himself no longer wants sent: its secrets go."""
    Message.objects.filter(pk=message.pk, sent_at=None).update(
        status=MessageStatus.SKIPPED, error=reason, sealed=b""
    )


def forget_old(now: datetime) -> int:
    """Forget what was never told in a week: only new credentials help then. Gives how many."""
    old = Message.objects.filter(created_at__lt=now - LONGEST_SEALED).exclude(sealed=b"")
    return old.update(sealed=b"")
