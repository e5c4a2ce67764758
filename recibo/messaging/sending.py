"""Sending what is due: each message once, or again under the same Message-ID.

A try goes: claim the row, make the text, hand it over, write how it ended. Who dies between the
server's acceptance and our commit sends it again, and the receiver recognises it.
"""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from recibo.journal.actions import About
from recibo.messaging import composing, suppression
from recibo.messaging.composing import SkippedError
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    NotYetError,
    RejectedError,
    SendingError,
    TakenBeforeError,
)
from recibo.messaging.kinds import RULES, Kind
from recibo.messaging.models import Channel, Message, MessageStatus
from recibo.messaging.senders.registry import OutOfTurnsError, sender_of
from recibo.work import draining, lease

TABLE = Message._meta.db_table
#: Hours between which nobody is disturbed by WhatsApp without need.
NIGHT_BEGINS, NIGHT_ENDS = 21, 8
#: Until the next try where there was no turn left.
OUT_OF_TURNS = timedelta(seconds=5)
#: The same where what it tells is not known yet.
NOT_YET = timedelta(seconds=30)
#: What is no longer to be tried.
DONE = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED, MessageStatus.SKIPPED)


def send_all() -> int:
    """Send every message that is due. Gives how many there were."""
    return draining.drain(MESSAGES)


def take(message_id: int) -> None:
    """Send one message of the queue, or have it sent later."""
    message = loaded(message_id)
    if message.status in DONE:
        rest(message)
        return
    if (morning := morning_of(message, timezone.now())) is not None:
        settle(message, next_attempt_at=morning)
        return
    try:
        attempt(message)
    except SendingError as error:
        postpone(message, error)


def deliver(message_id: int) -> None:
    """Send one message now, for a work that tries again by itself. One that went out stays so.

    Raises SendingError, lease.BusyError.
    """
    with lease.alone(TABLE, message_id):
        message = loaded(message_id)
        if message.sent_at is None:
            attempt(message)
            message.refresh_from_db()
            if message.status == MessageStatus.SKIPPED:
                raise RejectedError(message.error)


def loaded(message_id: int) -> Message:
    """A message with what it speaks of."""
    related = ("order__account", "order__customer", "customer")
    return Message.objects.select_related(*related).get(pk=message_id)


def attempt(message: Message) -> None:
    """One try. Raises SendingError, and keeps why on the message."""
    try:
        outgoing = composing.outgoing(message, message_id_of(message))
        suppression.require_wanted(message, outgoing.to)
        send = sender_of(Channel(message.channel))
        if send is None:
            raise ChannelError("This channel is not configured.")
        message.to = outgoing.to
        Message.objects.filter(pk=message.pk).update(to=outgoing.to, message_id=outgoing.message_id)
        about = About(message.channel, order_id=message.order_id, stage=f"message.{message.kind}")
        provider_id = send(outgoing, about)
    except SkippedError as reason:
        skip(message, str(reason))
    except TakenBeforeError:
        sent(message, "")
    except (OutOfTurnsError, NotYetError):
        raise
    except SendingError as error:
        Message.objects.filter(pk=message.pk).update(attempts=F("attempts") + 1, error=str(error))
        message.attempts += 1
        raise
    else:
        sent(message, provider_id)


def message_id_of(message: Message) -> str:
    """E-mail's Message-ID: the same over all tries, and nobody can guess it."""
    seed = f"{settings.SECRET_KEY}:{message.pk}:{message.key}".encode()
    mail = settings.RECIBO_MAIL
    domain = mail.sender.rpartition("@")[2] if mail else "recibo"
    return f"<{hashlib.sha256(seed).hexdigest()[:40]}@{domain}>"


def sent(message: Message, provider_id: str) -> None:
    """It went out: its secrets are forgotten."""
    settle(
        message,
        status=MessageStatus.SENT,
        sent_at=timezone.now(),
        attempts=message.attempts + 1,
        provider_id=provider_id,
        sealed=b"",
    )


def skip(message: Message, reason: str) -> None:
    """It is no longer to be sent."""
    settle(message, status=MessageStatus.SKIPPED, error=reason)


def rest(message: Message) -> None:
    """Nothing is left to do."""
    Message.objects.filter(pk=message.pk).update(next_attempt_at=None, claimed_until=None)


def settle(message: Message, **values: object) -> None:
    """Write how a try ended. A message that went out meanwhile stays so."""
    fresh = {"next_attempt_at": None, "claimed_until": None, "error": "", **values}
    Message.objects.filter(pk=message.pk, sent_at=None).update(**fresh)


def postpone(message: Message, error: SendingError) -> None:
    """Try again later, or give up with the error for a person to see."""
    wait = wait_after(error, message.attempts)
    if wait is not None:
        settle(message, error=str(error), next_attempt_at=timezone.now() + wait)
        return
    is_bounce = isinstance(error, NoSuchAddressError)
    if is_bounce:
        suppression.suppress_bounced(message)
    status = MessageStatus.BOUNCED if is_bounce else MessageStatus.FAILED
    settle(message, status=status, error=str(error))


def wait_after(error: SendingError, attempts: int) -> timedelta | None:
    """How long to wait when the try with this number failed; None: give up."""
    if isinstance(error, OutOfTurnsError):
        return OUT_OF_TURNS
    if isinstance(error, NotYetError):
        return NOT_YET
    delays = settings.RECIBO_MESSAGE_DELAYS
    can_change = isinstance(error, DelayedError | ChannelError)
    if not can_change or attempts > len(delays):
        return None
    asked_for = error.retry_after if isinstance(error, DelayedError) else None
    return max(delays[max(attempts, 1) - 1], asked_for or timedelta(0))


def morning_of(message: Message, now: datetime) -> datetime | None:
    """When the night ends, for what must not disturb it; None: it may go now."""
    rule = RULES[Kind(message.kind)]
    if message.channel != Channel.WHATSAPP or not rule.is_quiet_at_night:
        return None
    here = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    if NIGHT_ENDS <= here.hour < NIGHT_BEGINS:
        return None
    day = here.date() + timedelta(days=here.hour >= NIGHT_BEGINS)
    return datetime(day.year, day.month, day.day, NIGHT_ENDS, tzinfo=here.tzinfo)


def broke(message_id: int, error: Exception) -> None:
    """A message that broke in a way that nobody foresaw waits longer each time."""
    message = Message.objects.get(pk=message_id)
    message.attempts += 1
    Message.objects.filter(pk=message_id).update(attempts=message.attempts)
    postpone(message, DelayedError(f"{type(error).__name__}: {error}"))


MESSAGES = draining.Kind(TABLE, take, broke)
