"""What a sender gets and gives."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from recibo.journal.actions import About


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message ready to go. Which of the fields count depends on the channel."""

    key: str  # the same over all tries: the idempotency key where a service has such a thing
    kind: str
    language: str  # pt-br or en
    to: str  # an e-mail address, or a phone in E.164
    name: str = ""
    text: str  # e-mail: the plain part; WhatsApp: the whole message
    subject: str = ""
    html: str = ""
    message_id: str = ""  # with its angle brackets
    #: One click ends reminders; "" where the message has to be sent anyhow.
    unsubscribe_url: str = ""
    #: What a template registered at Meta is filled with, in its order.
    parameters: Sequence[str] = ()


class Send(Protocol):
    """Sends one message."""

    def __call__(self, outgoing: Outgoing, about: About) -> str:
        """What the service calls the message ("" where it gives no name); a row is kept of the
        call. Raises DelayedError, ChannelError, RejectedError, NoSuchAddressError.
        """
