"""The receiver: a raw ASGI application in front of Django, for webhooks only.

Between the headers and the answer happens the least that must: prove the sender, find out which
news it is, wait for the disk. What can be known beforehand is.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from recibo.accounts.queries import Door, paths_of
from recibo.gateways import signatures
from recibo.gateways.contract import Gateway, RawRequest
from recibo.gateways.errors import Refused, SignatureError, UnprovenError
from recibo.inbox import answers
from recibo.inbox.answers import Answer, Receive, Scope, Send
from recibo.inbox.background import Nudger, Repeater
from recibo.inbox.batch import Committer, FullError
from recibo.inbox.bodies import Bodies, DeclinedError, DisconnectedError, decline
from recibo.inbox.deliveries import HIDDEN_HEADERS, delivery_of
from recibo.inbox.models import Source
from recibo.inbox.refusals import Refusals, note_turned_away

logger = logging.getLogger(__name__)

PREFIX = "/api/webhooks/"
#: Seconds for which a changed secret or a new account may still be unknown.
DOORS_AGE = 5.0
SIMULATION = b"x-recibo-simulation"
PROOF = b"x-recibo-proof"
#: Refused, and yet the proof may be a good one.
MAY_BE_RIGHT = frozenset({Refused.OTHER_ACCOUNT, Refused.NOT_CONFIGURED})
#: Headers by which we speak to ourselves: from outside they would pass for what we fetched.
OUR_HEADERS = b"x-recibo-"
#: Requests that nothing proves and that are only a reason to ask the gateway: so many a second,
#: and so many at once: a launch passes, and a flood of forged ones does not fill the disk.
HINTS_PER_SECOND = 5.0
HINTS_AT_ONCE = 10_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What stands behind an address: an account's door."""

    gateway: Gateway
    account: str
    account_id: int
    secrets: tuple[bytes, ...] = field(repr=False)
    #: Whether the gateway can be asked about what nothing proves.
    can_ask: bool
    #: Accepted besides ``secrets`` on requests that say that they are simulations.
    simulation_secret: bytes = field(repr=False)
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
        self.hints = Allowance(HINTS_PER_SECOND, HINTS_AT_ONCE)
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
            if declined.answer is answers.NO_ROOM:
                self.turned_away(place)
            raise
        taken = self.judged(scope, place, request_of(scope, body))
        return taken if isinstance(taken, Answer) else answers.stored(await taken)

    def take(self, scope: Scope, body: bytes) -> Answer | asyncio.Future[bool] | None:
        """The same without a task, for a request that came in one piece (most do).

        The answer, or what tells whether it was stored; None where ``__call__`` has to see it.
        """
        place = self.places.get(scope["path"])
        if place is None or scope["method"] != "POST":
            return None
        return self.judged(scope, place, request_of(scope, body))

    def judged(
        self, scope: Scope, place: Place, request: RawRequest
    ) -> Answer | asyncio.Future[bool]:
        """The answer to a whole request, or what tells whether it was stored."""
        try:
            source = authenticated(place, request, is_simulated(scope))
        except UnprovenError as error:
            if is_simulated(scope) and is_ours(scope, place):
                return self.kept(place, request, Source.SIMULATE, is_hint=True)
            return self.hinted(scope, place, request, error.reason)
        except SignatureError as error:
            return self.refused(scope, place, request, error.reason)
        return self.kept(place, request, source)

    def hinted(
        self, scope: Scope, place: Place, request: RawRequest, reason: Refused
    ) -> Answer | asyncio.Future[bool]:
        """Keep what nothing proves as a reason to ask the gateway, if it can be asked."""
        if not place.can_ask:
            return self.refused(scope, place, request, reason)
        if not self.hints.take():
            return self.turned_away(place)
        return self.kept(place, request, Source.WEBHOOK, is_hint=True)

    def kept(
        self, place: Place, request: RawRequest, source: Source, *, is_hint: bool = False
    ) -> Answer | asyncio.Future[bool]:
        """Have the committer write it."""
        delivery = delivery_of(
            place.gateway,
            place.account_id,
            request,
            source,
            hidden=place.hidden_headers,
            is_hint=is_hint,
        )
        try:
            return self.committer.add(delivery)
        except FullError:
            return self.turned_away(place)

    def turned_away(self, place: Place) -> Answer:
        """Have a sender come again, and count it."""
        self.committer.turned_away.add([place.account_id])
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
        """Note why a sender was not believed, and have what he named looked at."""
        self.refusals.look_into(place.gateway, place.account_id, request)
        if reason is Refused.SIGNATURE_MISSING:
            self.refuse(scope, place.gateway.slug, place.account, reason, request.body)
            return answers.MISSING
        if self.is_of_another(place, request):
            reason = Refused.OTHER_ACCOUNT
        # A proof that is right somewhere may stand in the body, which is shown to people.
        excerpt = b"" if reason in MAY_BE_RIGHT else request.body
        self.refuse(scope, place.gateway.slug, place.account, reason, excerpt)
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
        self.note_turned_away()

    def note_turned_away(self) -> None:
        """Write who was answered 503, as soon as something can be written again."""
        if not (taken := self.committer.turned_away.take()):
            return
        names = {one.account_id: (one.gateway.slug, one.account) for one in self.places.values()}
        try:
            note_turned_away({names[who]: times for who, times in taken.items() if who in names})
        except Exception:
            self.committer.turned_away.add(taken.elements())
            raise

    def places_of(self, doors: Mapping[tuple[str, str], Door]) -> dict[str, Place]:
        """Every address that leads to an account."""
        places = {}
        for (slug, account), door in doors.items():
            if gateway := self.gateways.get(slug):
                place = self.place_of(gateway, account, door)
                places.update(dict.fromkeys(paths_of(gateway, account), place))
        return places

    def place_of(self, gateway: Gateway, account: str, door: Door) -> Place:
        """What stands behind the addresses of one account."""
        return Place(
            gateway=gateway,
            account=account,
            account_id=door.account_id,
            secrets=door.secrets,
            can_ask=door.has_credentials and gateway.fetch is not None,
            simulation_secret=self.simulation_secret(gateway.slug),
            hidden_headers=HIDDEN_HEADERS | gateway.secret_headers,
        )


class Allowance:
    """A bucket of turns that fills again with time."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self.per_second = per_second
        self.at_once = at_once
        self.left = at_once
        self.seen = time.monotonic()

    def take(self) -> bool:
        """Whether there was a turn left."""
        now = time.monotonic()
        self.left = min(self.at_once, self.left + (now - self.seen) * self.per_second)
        self.seen = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def request_of(scope: Scope, body: bytes) -> RawRequest:
    """The request as gateways see it."""
    headers = {k: v for k, v in scope["headers"] if not k.startswith(OUR_HEADERS)}
    if len(headers) < len(scope["headers"]):
        headers = merged(scope["headers"])
    return RawRequest(headers, body, scope["query_string"], datetime.now(UTC))


def merged(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers with the values of a repeated name joined by commas (RFC 9110, section 5.3)."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        if not name.startswith(OUR_HEADERS):
            headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value
    return headers


def is_simulated(scope: Scope) -> bool:
    """Whether the request says of itself that it is a simulation."""
    return (SIMULATION, b"1") in scope["headers"]


def is_ours(scope: Scope, place: Place) -> bool:
    """Whether a simulation proves itself where its gateway's own requests cannot."""
    proofs = [value for name, value in scope["headers"] if name == PROOF]
    return len(proofs) == 1 and signatures.same(proofs[0], place.simulation_secret)


def authenticated(place: Place, request: RawRequest, is_simulation: bool) -> Source:
    """The source of a proven request. Raises SignatureError, and nothing else."""
    secrets = (*place.secrets, place.simulation_secret) if is_simulation else place.secrets
    try:
        place.gateway.verify(request, secrets)
    except SignatureError:
        raise
    except Exception:
        logger.exception("%s: the proof of a webhook could not be judged", place.gateway.slug)
        raise SignatureError from None
    return Source.SIMULATE if is_simulation else Source.WEBHOOK


def is_proven(place: Place, request: RawRequest) -> bool:
    """Whether the request would be believed at that place."""
    try:
        authenticated(place, request, is_simulation=False)
    except SignatureError:
        return False
    return True


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
