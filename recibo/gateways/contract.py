"""What a gateway is: a record of functions. One that is None is not supported by that gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recibo.gateways.facts import EventType, Fact


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request exactly as it came over the wire.

    ``headers`` has lower-case names and raw values; where a name repeats, the last value stands.
    ``query`` is the raw query string without its question mark.
    """

    headers: Mapping[bytes, bytes]
    body: bytes
    query: bytes = b""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which piece of news this is: the same ``event_id`` twice in an account is one event."""

    event_id: str
    gateway_event: str  # the gateway's own word
    event_type: EventType
    charge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """The sale that a simulated webhook tells about. ``number`` makes its ids distinct."""

    number: int
    at: datetime
    reference: str = ""  # the gateway's id of the sale; derived from ``number`` when empty


#: Builds the body of one simulated webhook.
Sample = Callable[[Sale], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway: what it is called, and what can be asked of it.

    The functions are pure: no database, network, clock or settings.

    verify(request, secrets): raises SignatureError unless one of ``secrets`` proves the sender.
    identify(request): the Identity; raises PayloadError if the body cannot be read.
    parse(request): the facts; raises PayloadError, UnknownStatusError or IgnoredError.
    sign(body, secret): the headers that make ``verify`` accept ``body``; its mirror.
    """

    slug: str
    name: str
    verify: Callable[[RawRequest, Sequence[bytes]], None]
    identify: Callable[[RawRequest], Identity]
    parse: Callable[[RawRequest], list[Fact]]
    sign: Callable[[bytes, bytes], Mapping[bytes, bytes]]
    #: The gateway's word -> ours: the list of what we understand.
    events: Mapping[str, EventType]
    #: Names of JSON keys whose values are personal: scrubbed in logs, erased on request.
    personal_fields: frozenset[str]
    #: What ``recibo simulate`` can send, by the name that is typed.
    samples: Mapping[str, Sample]
    #: The environment variable that holds the secret of the account ``default``.
    secret_setting: str
    #: Headers that carry a secret: never kept with the event.
    secret_headers: frozenset[bytes]
    #: Further addresses (below /api/) that sellers already have configured.
    aliases: tuple[str, ...] = field(default=())
