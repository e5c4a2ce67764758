"""What a gateway is: a record of functions. One that is None is not supported by that gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from recibo.gateways.facts import EventType, Fact

if TYPE_CHECKING:
    import httpx  # only those who ask a gateway need it


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request exactly as it came over the wire.

    ``headers`` has lower-case names and raw values; those of a repeated name are joined by commas.
    ``query`` is the raw query string without its question mark. ``received_at`` is our clock, for
    signatures that age; None when an old request is looked at again.
    """

    headers: Mapping[bytes, bytes]
    body: bytes
    query: bytes = b""
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which piece of news this is: the same ``event_id`` twice in an account is one event."""

    event_id: str
    gateway_event: str  # the gateway's own word
    event_type: EventType
    charge_id: str = ""
    #: The notice tells too little, or cannot be trusted: ``Gateway.fetch`` has to ask for the rest.
    is_thin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """The sale that a simulated webhook tells about. ``number`` makes its ids distinct."""

    number: int
    at: datetime
    reference: str = ""  # the gateway's id of the sale; derived from ``number`` when empty


#: Builds one simulated webhook, not yet signed.
Sample = Callable[[Sale], RawRequest]


@dataclass(frozen=True, slots=True)
class Api:
    """A gateway's API as one account sees it: a ready client, and what proves us.

    ``client`` has a timeout and counts and records every call. ``credentials`` are named as in
    ``Gateway.credentials``; ``base_url`` is scheme, host and port without a path, the gateway's
    own unless a sandbox is set.
    """

    client: "httpx.Client"
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)


#: The header of an answer that we fetched: which resource the body is. It stands in for what a
#: webhook says of itself, so that ``identify`` and ``parse`` read both.
ANSWER = b"x-recibo-answer"


class Fetch(Protocol):
    """Asks the gateway what a thin notice is about."""

    def __call__(self, api: Api, notice: RawRequest) -> list[RawRequest]:
        """The answers, each with the header ``ANSWER``; [] when there is nothing to tell.

        Raises UnavailableError, NotFoundError, DeniedError (see ``errors``).
        """


class FetchCustomer(Protocol):
    """Asks the gateway who a buyer is."""

    def __call__(self, api: Api, gateway_id: str) -> RawRequest:
        """The answer with the header ``ANSWER``; parsed, it is a LeadFact with e-mail and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One gateway: what it is called, and what can be asked of it.

    The first four functions are pure: no database, network, clock or settings.

    verify(request, secrets): raises SignatureError unless one of ``secrets`` proves the sender,
    and UnprovenError where only asking the gateway itself can (see ``errors``).
    identify(request): the Identity; raises PayloadError if the body cannot be read.
    parse(request): the facts; raises PayloadError, UnknownStatusError or IgnoredError.
    sign(request, secret): the request that ``verify`` accepts; its mirror.
    """

    slug: str
    name: str
    verify: Callable[[RawRequest, Sequence[bytes]], None]
    identify: Callable[[RawRequest], Identity]
    parse: Callable[[RawRequest], list[Fact]]
    sign: Callable[[RawRequest, bytes], RawRequest]
    #: The gateway's word -> ours: the list of what we understand.
    events: Mapping[str, EventType]
    #: Names of JSON keys whose values are personal: scrubbed in logs, erased on request.
    personal_fields: frozenset[str]
    #: What ``recibo simulate`` can send, by the name that is typed.
    samples: Mapping[str, Sample]
    #: The settings that hold the webhook secrets of the account ``default``. One that is made of
    #: several settings joins them with a colon: "STONE_WEBHOOK_USER:STONE_WEBHOOK_PASSWORD".
    secret_settings: tuple[str, ...]
    #: Headers and parameters of the address that carry a secret: never kept with the event.
    secret_headers: frozenset[bytes] = frozenset()
    secret_parameters: frozenset[bytes] = frozenset()
    #: Further addresses (below /api/) that sellers already have configured.
    aliases: tuple[str, ...] = ()
    #: What the API wants of us -> the setting that holds it for the account ``default``.
    credentials: Mapping[str, str] = field(default_factory=dict)
    #: Where the API is, and the setting that points elsewhere.
    api_url: str = ""
    api_url_setting: str = ""
    #: How many calls a second one account may make.
    calls_per_second: float = 5.0
    # Over HTTP; None where the gateway has no such thing.
    fetch: Fetch | None = None
    fetch_customer: FetchCustomer | None = None
    #: Proves that the credentials work; raises DeniedError or UnavailableError.
    ping: Callable[[Api], None] | None = None
