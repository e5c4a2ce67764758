"""What a service's notice says, in one vocabulary."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from msgspec import Struct

from recibo.messaging.models import Channel, MessageStatus, Suppression


class UnreadableError(Exception):
    """The notice proved itself, and is not what the service documents."""


class DeliveryEvent(Struct, frozen=True, kw_only=True):
    """One thing that became known about one message."""

    channel: Channel
    at: datetime
    #: What the message is by that; None: nothing about it, only about its reader.
    status: MessageStatus | None = None
    #: Why its reader is not to be written to from now on.
    suppression: Suppression.Reason | None = None
    #: Which message: the service's id, or what we gave along with it.
    provider_id: str = ""
    key: str = ""
    mark: str = ""  # of the Message-ID; services are shared, and keys of two installations alike
    address: str = ""  # where the service tells it
    detail: str = ""  # why, without addresses


@dataclass(frozen=True, slots=True)
class Listener:
    """The ear for one service, as it is configured."""

    #: Raises SignatureError unless the service sent the request.
    prove: Callable[[HttpRequest], None]
    #: Raises UnreadableError.
    read: Callable[[HttpRequest], list[DeliveryEvent]]
    #: What to say to a service that asks first whether we want its notices; None: it does not
    #: ask. Raises SignatureError.
    greet: Callable[[HttpRequest], str] | None = None
