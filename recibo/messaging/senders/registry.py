"""Which sender serves a channel, as the settings say, and at which rate."""

import time
from functools import partial

from django.conf import settings

from recibo.journal.actions import About
from recibo.messaging.configuration import Mail, Seller, WhatsApp
from recibo.messaging.errors import DelayedError
from recibo.messaging.models import Channel
from recibo.messaging.senders import evolution, mail_apis, meta, smtp
from recibo.messaging.senders.contract import Outgoing, Send
from recibo.work import limits

#: Seconds that a message waits for its turn; beyond it comes back later instead.
LONGEST_TURN = 5.0

BY_MAIL = {"smtp": smtp.send, **dict.fromkeys(mail_apis.SERVICES, mail_apis.send)}
BY_WHATSAPP = {"meta": meta.send, "evolution": evolution.send}


class OutOfTurnsError(DelayedError):
    """The channel's rate is used up: nobody was asked, so it counts as no try."""


def sender_of(channel: Channel) -> Send | None:
    """What sends by that channel, at its rate; None if it is not configured."""
    mail: Mail | None = settings.RECIBO_MAIL
    whatsapp: WhatsApp | None = settings.RECIBO_WHATSAPP
    if channel == Channel.EMAIL and mail is not None:
        return by_mail(mail, settings.RECIBO_SELLER)
    if channel == Channel.WHATSAPP and whatsapp is not None:
        return by_whatsapp(whatsapp)
    return None


def by_mail(mail: Mail, seller: Seller) -> Send:
    """What sends e-mail."""
    send = partial(BY_MAIL[mail.provider], mail=mail, seller=seller)
    return in_turn(send, Channel.EMAIL, mail.per_second)


def by_whatsapp(whatsapp: WhatsApp) -> Send:
    """What sends WhatsApp messages."""
    send = partial(BY_WHATSAPP[whatsapp.provider], whatsapp=whatsapp)
    return in_turn(send, Channel.WHATSAPP, whatsapp.per_second)


def in_turn(send: Send, channel: Channel, per_second: float) -> Send:
    """The same, at the channel's rate over all workers."""

    def send_in_turn(outgoing: Outgoing, about: About) -> str:
        take_turn(channel, per_second)
        return send(outgoing, about)

    return send_in_turn


def take_turn(channel: Channel, per_second: float) -> None:
    """Wait until the next message may go. Raises OutOfTurnsError."""
    seconds = limits.take(f"send:{channel}", per_second, longest=LONGEST_TURN)
    if seconds is None:
        raise OutOfTurnsError("The channel has used up its rate for now.")
    time.sleep(seconds)
