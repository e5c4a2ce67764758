"""What a gateway is: a record of functions. One that is None is not supported by that gateway."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


class Tokens(Protocol):
    """The access tokens (OAuth 2.0) of one account: asked for once, used by every process.

    A name has at most 64 characters.
    """

    def get(self, name: str) -> str:
        """The token of that name; "" if there is none that is good for a while yet."""

    def put(self, name: str, token: str, seconds: float) -> None:
        """Keep a token that is good for ``seconds`` from now."""

    def forget(self, name: str) -> None:
        """Give up a token that was refused."""


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
    tokens: Tokens = field(default_factory=lambda: MemoryTokens(), repr=False)


class MemoryTokens:
    """Tokens of this process only."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, float]] = {}

    def get(self, name: str) -> str:
        token, lapses_at = self.kept.get(name, ("", 0.0))
        return token if time.monotonic() < lapses_at else ""

    def put(self, name: str, token: str, seconds: float) -> None:
        self.kept[name] = (token, time.monotonic() + seconds)

    def forget(self, name: str) -> None:
        self.kept.pop(name, None)


#: The header of an answer that we fetched: which resource the body is. It stands in for what a
#: webhook says of itself, so that ``identify`` and ``parse`` read both.
ANSWER = b"x-recibo-answer"


class Fetch(Protocol):
    """Asks the gateway what a thin notice is about."""

    def __call__(self, api: Api, notice: RawRequest) -> list[RawRequest]:
        """The answers, each with the header ``ANSWER``; [] when there is nothing to tell.

        Raises UnavailableError, NotFoundError, DeniedError (see ``errors``).
        """


class FetchCharge(Protocol):
    """Asks how a charge stands: what polling an unpaid one does."""

    def __call__(self, api: Api, charge_id: str) -> list[RawRequest]:
        """The charge as it is now, each answer with the header ``ANSWER``.

        Raises UnavailableError, NotFoundError (the gateway has no such charge), DeniedError.
        """


class SearchCharges(Protocol):
    """Asks for every charge of the seller's own reference of an order."""

    def __call__(self, api: Api, reference: str) -> list[RawRequest]:
        """One answer for each, in any order; [] when the gateway knows none yet.

        Raises UnavailableError, DeniedError.
        """


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list: an answer for each thing in it, and what asks for the next page."""

    answers: Sequence[RawRequest]
    cursor: str = ""  # "": this is the last page


class List(Protocol):
    """Asks for what was sold, or which subscriptions there are, one page at a time."""

    def __call__(self, api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
        """The page at ``cursor`` ("" for the first) of what belongs to ``since <= t < until``.

        Where the gateway can tell what changed, t is when it changed, else when it was made. No
        filter is left to the gateway's defaults where those hide anything. The same page again is
        harmless. Raises UnavailableError, DeniedError.
        """


class ChangeSubscription(Protocol):
    """Has the gateway cancel a subscription, or take it up again."""

    def __call__(self, api: Api, code: str) -> list[RawRequest]:
        """What the gateway answers: how the subscription stands now. Safe to repeat: one that
        stands so already is an answer too. ``code`` is the ``SubscriptionFact.code``.

        Raises UnavailableError, NotFoundError, DeniedError, ApiError (the gateway refuses; the
        message says why).
        """


class ChangeDueDay(Protocol):
    """Has the gateway collect on another day."""

    def __call__(self, api: Api, code: str, day: int) -> list[RawRequest]:
        """How the subscription stands now. ``day``: of the month, 1 to 28. Raises likewise."""


class ChangePlan(Protocol):
    """Has the gateway move a subscription to another plan."""

    def __call__(self, api: Api, code: str, plan_id: str) -> list[RawRequest]:
        """How the subscription stands now. Raises likewise."""


@dataclass(frozen=True, slots=True)
class WebhookQueue:
    """How an address stands at the gateway that sends webhooks to it."""

    id: str
    url: str
    is_sending: bool  # False: paused, interrupted or switched off there
    problem: str = ""  # in the gateway's own words
    waiting: int | None = None  # notices that it holds back, where it says so


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
    #: Whether ``fetch_customer`` takes an e-mail too, for buyers of whom nothing else is known.
    finds_buyers_by_email: bool = False
    fetch_charge: FetchCharge | None = None
    search_charges: SearchCharges | None = None
    list_sales: List | None = None
    list_subscriptions: List | None = None
    #: Where a list tells when things were made and not when they changed: for so long a sale may
    #: be refunded or disputed, and a subscription run on. So much is read again each time.
    sales_change_for: timedelta = timedelta(0)
    subscriptions_change_for: timedelta = timedelta(0)
    cancel_subscription: ChangeSubscription | None = None
    reactivate_subscription: ChangeSubscription | None = None
    change_due_day: ChangeDueDay | None = None
    change_plan: ChangePlan | None = None
    #: How the gateway's own side of our webhooks stands; and sending again where it stopped.
    webhook_queues: Callable[[Api], list[WebhookQueue]] | None = None
    resume_webhooks: Callable[[Api, WebhookQueue], None] | None = None
    #: Proves that the credentials work; raises DeniedError or UnavailableError.
    ping: Callable[[Api], None] | None = None
