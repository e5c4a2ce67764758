"""The receiver: a raw ASGI application in front of Django, for webhooks only.

Between the headers and the answer happens the least that must: prove the sender, find out which
news it is, wait for the disk. What can be known beforehand is.
"""

import asyncio
import hashlib
import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recibo.accounts.queries import Door
from recibo.gateways.contract import Gateway, Identity, RawRequest
from recibo.gateways.errors import PayloadError, Refused, SignatureError
from recibo.gateways.facts import EventType
from recibo.inbox import answers
from recibo.inbox.answers import Answer, Receive, Scope, Send
from recibo.inbox.background import Nudger, Repeater
from recibo.inbox.batch import Committer, Delivery, FullError, Row
from recibo.inbox.bodies import Bodies, DeclinedError, DisconnectedError, decline
from recibo.inbox.models import Retention, Source
from recibo.inbox.refusals import Refusals

logger = logging.getLogger(__name__)

PREFIX = "/api/webhooks/"
#: Seconds for which a changed secret or a new account may still be unknown.
DOORS_AGE = 5.0
#: Characters of an id that is indexed; PostgreSQL's index takes about 2,700 bytes at most.
LONGEST_ID = 500
#: Headers that carry secrets, whichever the gateway.
HIDDEN_HEADERS = frozenset({b"authorization", b"proxy-authorization", b"cookie"})
#: The query parameter that carries a secret.
HIDDEN_PARAMETER = b"token="
SIMULATION = b"x-recibo-simulation"
UNREADABLE = "unreadable"

PRIORITIES = {kind: 0 if kind.is_critical else 1 for kind in EventType}
OF_CHARGE = ("charge.", "subscription.", "payment.")
RETENTIONS = {
    kind: Retention.CHARGE if kind.startswith(OF_CHARGE) else Retention.OTHER for kind in EventType
}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What stands behind an address: an account's door."""

    gateway: Gateway
    account: str
    account_id: int
    secrets: tuple[bytes, ...]
    #: Accepted besides ``secrets`` on requests that say that they are simulations.
    simulation_secret: bytes
    hidden_headers: frozenset[bytes]


class Receiver:
    """The ASGI application. ``start`` and ``stop`` belong to the server's lifespan."""

    def __init__(
        self,
        *,
        gateways: Mapping[str, Gateway],
        doors: Callable[[], Mapping[tuple[str, str], Door]],
        simulation_secret: Callable[[str], bytes],
        committer: Committer,
        refusals: Refusals,
        nudger: Nudger,
    ) -> None:
        """``doors`` reads the accounts from the database, in a thread."""
        self.gateways = gateways
        self.doors = doors
        self.simulation_secret = simulation_secret
        self.committer = committer
        self.refusals = refusals
        self.nudger = nudger
        self.bodies = Bodies()
        self.aliases = {
            f"/api/{alias}": slug for slug, gateway in gateways.items() for alias in gateway.aliases
        }
        #: By path; empty until the accounts were read for the first time.
        self.places: Mapping[str, Place] = {}
        self.read_at: float | None = None
        self.tending = Repeater("inbox-tending", self.tend, every=1.0)

    async def start(self) -> None:
        """Begin to take webhooks; they are answered 503 until the database can be reached."""
        self.committer.start()
        self.nudger.start()
        self.tending.start()
        await asyncio.to_thread(self.tending.has_begun.wait)

    async def stop(self) -> None:
        """Finish what was accepted."""
        await self.committer.close()
        await asyncio.to_thread(self.nudger.stop)
        await asyncio.to_thread(self.tending.stop)

    def handles(self, path: str) -> bool:
        """Whether ``path`` is a webhook's."""
        bare = path.rstrip("/")
        return path.startswith(PREFIX) or bare in self.aliases or bare == PREFIX.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            given = await self.answer(scope, receive)
        except DisconnectedError:
            return
        except DeclinedError as declined:
            await decline(declined.answer, scope, receive, send)
            return
        await send(given.start)
        await send(given.body)

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Take one webhook. Raises DeclinedError, DisconnectedError."""
        place = self.place(scope)
        headers = dict(scope["headers"])
        try:
            body = await self.bodies.read(headers, receive)
        except DeclinedError as declined:
            if declined.answer is answers.TOO_LARGE:
                self.refuse(scope, place.gateway.slug, place.account, Refused.PAYLOAD_TOO_LARGE)
            raise
        taken = self.judged(scope, place, RawRequest(headers, body, scope["query_string"]))
        return taken if isinstance(taken, Answer) else answers.stored(await taken)

    def take(self, scope: Scope, body: bytes) -> Answer | asyncio.Future[bool] | None:
        """The same without a task, for a request that came in one piece (most do).

        The answer, or what tells whether it was stored; None where ``__call__`` has to see it.
        """
        place = self.places.get(scope["path"])
        if place is None or scope["method"] != "POST":
            return None
        request = RawRequest(dict(scope["headers"]), body, scope["query_string"])
        return self.judged(scope, place, request)

    def judged(
        self, scope: Scope, place: Place, request: RawRequest
    ) -> Answer | asyncio.Future[bool]:
        """The answer to a whole request, or what tells whether it was stored."""
        try:
            source = authenticated(place, request)
        except SignatureError as error:
            return self.refused(scope, place, request, error.reason)
        try:
            return self.committer.add(delivery_of(place, request, scope["headers"], source))
        except FullError:
            return answers.UNAVAILABLE

    def place(self, scope: Scope) -> Place:
        """The account addressed. Raises DeclinedError."""
        if scope["method"] != "POST":
            raise DeclinedError(answers.WRONG_METHOD)
        path: str = scope["path"]
        if place := self.places.get(path) or self.places.get(path.rstrip("/")):
            return place
        if self.read_at is None:
            raise DeclinedError(answers.NO_ROOM)
        gateway, account = self.names(path)
        if gateway not in self.gateways:
            self.refuse(scope, gateway, account, Refused.INVALID_GATEWAY)
            raise DeclinedError(answers.NO_GATEWAY)
        self.refuse(scope, gateway, account, Refused.ACCOUNT_NOT_FOUND)
        raise DeclinedError(answers.NO_ACCOUNT)

    def names(self, path: str) -> tuple[str, str]:
        """The names of gateway and account in an address that leads nowhere."""
        bare = path.rstrip("/")
        gateway, _, account = bare.removeprefix(PREFIX).partition("/")
        return self.aliases.get(bare, gateway), account

    def refused(self, scope: Scope, place: Place, request: RawRequest, reason: Refused) -> Answer:
        """Note why a sender was not believed."""
        if reason is Refused.SIGNATURE_MISSING:
            self.refuse(scope, place.gateway.slug, place.account, reason, request.body)
            return answers.MISSING
        if self.is_of_another(place, request):
            reason = Refused.OTHER_ACCOUNT
        self.refuse(scope, place.gateway.slug, place.account, reason, request.body)
        return answers.INVALID

    def refuse(
        self, scope: Scope, gateway: str, account: str, reason: Refused, body: bytes = b""
    ) -> None:
        """Record a refusal."""
        self.refusals.record(gateway, account, reason, remote_address(scope), body)

    def is_of_another(self, place: Place, request: RawRequest) -> bool:
        """Whether the proof is right for another account of the same gateway."""
        return any(
            is_proven(other, request)
            for other in set(self.places.values())
            if other.gateway is place.gateway and other is not place
        )

    def tend(self) -> None:
        """Each second, in a thread: look for new accounts and secrets, write refusals."""
        if self.read_at is None or time.monotonic() - self.read_at >= DOORS_AGE:
            self.places = self.places_of(self.doors())
            self.read_at = time.monotonic()
        self.refusals.flush()

    def places_of(self, doors: Mapping[tuple[str, str], Door]) -> dict[str, Place]:
        """Every address that leads to an account."""
        places = {}
        for (slug, account), door in doors.items():
            if gateway := self.gateways.get(slug):
                place = self.place_of(gateway, account, door)
                places.update(dict.fromkeys(self.addresses(gateway, account), place))
        return places

    def place_of(self, gateway: Gateway, account: str, door: Door) -> Place:
        """What stands behind the addresses of one account."""
        return Place(
            gateway=gateway,
            account=account,
            account_id=door.account_id,
            secrets=door.secrets,
            simulation_secret=self.simulation_secret(gateway.slug),
            hidden_headers=HIDDEN_HEADERS | gateway.secret_headers,
        )

    def addresses(self, gateway: Gateway, account: str) -> list[str]:
        """Where an account's webhooks come in; ``default`` has the short addresses too."""
        named = f"{PREFIX}{gateway.slug}/{account}"
        if account != "default":
            return [named]
        return [named, f"{PREFIX}{gateway.slug}", *(f"/api/{alias}" for alias in gateway.aliases)]


def authenticated(place: Place, request: RawRequest) -> Source:
    """The source of a proven request. Raises SignatureError, and nothing else."""
    is_simulated = request.headers.get(SIMULATION) == b"1"
    secrets = (*place.secrets, place.simulation_secret) if is_simulated else place.secrets
    try:
        place.gateway.verify(request, secrets)
    except SignatureError:
        raise
    except Exception:
        logger.exception("%s: the proof of a webhook could not be judged", place.gateway.slug)
        raise SignatureError from None
    return Source.SIMULATE if is_simulated else Source.WEBHOOK


def is_proven(place: Place, request: RawRequest) -> bool:
    """Whether the request would be believed at that place."""
    try:
        authenticated(place, request)
    except SignatureError:
        return False
    return True


def delivery_of(
    place: Place, request: RawRequest, headers: list[tuple[bytes, bytes]], source: Source
) -> Delivery:
    """What is written to disk. Never fails: what cannot be read is kept for a person to see."""
    identity = identified(place.gateway, request)
    kind = identity.event_type
    row = Row(
        place.account_id,
        storable(identity.event_id),
        storable(identity.charge_id[:LONGEST_ID]),
        source,
        storable(identity.gateway_event),
        kind,
        PRIORITIES[kind],
        time.time(),
        Retention.CHARGE if identity.charge_id else RETENTIONS[kind],
    )
    kept = lines(headers, place.hidden_headers)
    return Delivery(row, kept, without_secret(request.query), request.body)


def storable(text: str) -> str:
    """Text that PostgreSQL holds, whatever a sender put into it."""
    return text if text.isascii() and "\0" not in text else cleaned(text)


def cleaned(text: str) -> str:
    """Without NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()


def identified(gateway: Gateway, request: RawRequest) -> Identity:
    """Which news it is; for what cannot be read, its bytes are its name."""
    try:
        return gateway.identify(request)
    except PayloadError:
        return unreadable(request.body)
    except Exception:
        logger.exception("%s: a webhook could not be identified", gateway.slug)
        return unreadable(request.body)


def unreadable(body: bytes) -> Identity:
    """The identity of a body that cannot be read."""
    digest = hashlib.sha256(body).hexdigest()
    return Identity(f"sha256:{digest}", UNREADABLE, EventType.UNKNOWN)


def lines(headers: list[tuple[bytes, bytes]], hidden: frozenset[bytes]) -> bytes:
    """Headers as they are kept: ``name: value`` and a line feed each."""
    return b"".join([b"%b: %b\n" % pair for pair in headers if pair[0] not in hidden])


def without_secret(query: bytes) -> bytes:
    """The query string without the parameter that carries a secret."""
    if HIDDEN_PARAMETER not in query:
        return query
    kept = [part for part in query.split(b"&") if not part.startswith(HIDDEN_PARAMETER)]
    return b"&".join(kept)


def remote_address(scope: Scope) -> str:
    """Who knocks; behind a proxy of our own network, whom that proxy names."""
    host: str = (scope.get("client") or ("", 0))[0]
    forwarded: bytes = dict(scope["headers"]).get(b"x-forwarded-for", b"")
    if not forwarded or not is_private(host):
        return host
    return forwarded.rpartition(b",")[2].strip().decode("latin-1")


def is_private(host: str) -> bool:
    """Whether an address can only be of our own network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
