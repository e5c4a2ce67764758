"""Sending webhooks as a gateway would: over HTTP, signed, many at a time."""

import asyncio
import hashlib
import itertools
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext

from recibo.gateways.contract import Gateway, RawRequest, Sale, Sample

#: Webhooks that wait for an answer at the same time.
CONCURRENCY = 32
#: Seconds for one answer.
PATIENCE = 30.0
#: What makes a signed request a simulation: shown, but neither acted upon nor counted as revenue.
MARK = {b"x-recibo-simulation": b"1"}
PROOF = b"X-Recibo-Proof"
#: A proxy that the environment names never stands between this machine and itself.
DIRECT = {f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")}
#: Numbers of sales begin anywhere below it: two runs do not meet, not even when they overlap.
NUMBERS = 10**12


class UnknownSampleError(Exception):
    """No sample of the gateway has that name. The message lists those that it has."""


class UnreachableError(Exception):
    """Nobody answers at that address."""


class Listed(NamedTuple):
    """A sample as it is offered."""

    name: str
    gateway_event: str  # the gateway's own word
    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is sent where."""

    gateway: Gateway
    sample: Sample
    url: str
    secret: bytes = field(repr=False)
    #: Proves a simulation to this installation where the gateway's own requests prove nothing.
    proof: bytes = field(default=b"", repr=False)
    is_live: bool = False

    def request(self, sale: Sale) -> RawRequest:
        """The webhook as the gateway would send it, and the mark unless it is live."""
        sample = self.sample(sale)
        dated = replace(sample, received_at=sample.received_at or sale.at)  # signatures age
        signed = self.gateway.sign(dated, self.secret)
        mark = {} if self.is_live else {**MARK, PROOF: self.proof}
        return replace(signed, headers={**signed.headers, **mark})

    def address(self, query: bytes) -> httpx.URL:
        """Where a webhook with this query string goes. Raises httpx.InvalidURL."""
        url = httpx.URL(self.url)
        whole = b"&".join(part for part in (url.query, query) if part)
        return url.copy_with(query=whole) if query else url


@dataclass(slots=True)
class Tally:
    """How the webhooks were answered."""

    #: By status code; by the name of the error where there was no answer.
    answers: Counter[str] = field(default_factory=Counter)
    #: Seconds that each answer took.
    waits: list[float] = field(default_factory=list)
    #: Of the whole.
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers.total() / self.seconds if self.seconds else 0.0

    @property
    def is_clean(self) -> bool:
        """Whether every webhook was accepted."""
        return all(answer.startswith("2") for answer in self.answers)

    def wait(self, percent: int) -> float:
        """The time in seconds within which ``percent`` of the answers came."""
        if len(self.waits) < 2:
            return sum(self.waits)
        return statistics.quantiles(self.waits, n=100, method="inclusive")[percent - 1]


def listed(gateway: Gateway) -> list[Listed]:
    """The samples of a gateway, with what each is called by the gateway and by us."""
    return [offered(gateway, name, sample) for name, sample in gateway.samples.items()]


def offered(gateway: Gateway, name: str, sample: Sample) -> Listed:
    """One sample, read as a receiver reads it."""
    identity = gateway.identify(sample(Sale(number=1, at=datetime.now(UTC))))
    return Listed(name, identity.gateway_event, identity.event_type.value)


def sample_of(gateway: Gateway, event: str) -> Sample:
    """The sample by its name or by the gateway's word, in any case. Raises UnknownSampleError."""
    names = {one.gateway_event.lower(): one.name for one in reversed(listed(gateway))}
    wanted = event.strip().lower()
    if (found := gateway.samples.get(names.get(wanted, wanted))) is not None:
        return found
    sentence = gettext("%(gateway)s has no event %(event)r to simulate. There are: %(known)s.")
    facts = {"gateway": gateway.name, "event": event, "known": ", ".join(gateway.samples)}
    raise UnknownSampleError(sentence % facts)


def address(base: str, slug: str) -> str:
    """Where webhooks of a gateway go: ``base`` and our path, or ``base`` if it has that already."""
    if "/api/" in urlsplit(base).path:
        return base
    return f"{base.rstrip('/')}/api/webhooks/{slug}"


def sales(count: int, reference: str = "") -> Iterator[Sale]:
    """``count`` sales that nobody has heard of.

    With ``reference`` always the same one, so that several runs tell its several events.
    """
    first = number_of(reference) if reference else secrets.randbelow(NUMBERS)
    for number in range(first, first + count):
        yield Sale(number=number, at=datetime.now(UTC), reference=reference)


def number_of(reference: str) -> int:
    """The number of the sale with that reference: the same each time."""
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()) % NUMBERS


def run(
    simulation: Simulation,
    told: Iterator[Sale],
    *,
    rate: float | None = None,
    answered: Callable[[], object] = lambda: None,
) -> Tally:
    """Send a webhook for each sale, at most ``rate`` a second; ``answered`` is called after each.

    Raises UnreachableError if the first one finds nobody.
    """
    return asyncio.run(send_all(simulation, told, rate, answered))


async def send_all(
    simulation: Simulation,
    told: Iterator[Sale],
    rate: float | None,
    answered: Callable[[], object],
) -> Tally:
    """The first webhook alone, to see whether somebody is there; the others side by side."""
    began = time.perf_counter()
    sender = Sender(simulation, answered)
    for sale in itertools.islice(told, 1):
        await sender.knock(sale)
    pause = 1 / rate if rate else 0.0
    turns = ((began + turn * pause, sale) for turn, sale in enumerate(told, start=1))
    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(sender.keep_sending(turns))
    sender.tally.seconds = time.perf_counter() - began
    return sender.tally


class Sender:
    """Sends, and keeps count of the answers."""

    def __init__(self, simulation: Simulation, answered: Callable[[], object]) -> None:
        self.simulation = simulation
        self.answered = answered
        self.tally = Tally()
        self.trust = httpx.create_ssl_context()

    def client(self) -> httpx.AsyncClient:
        """A client for one connection: a pool of 32 costs httpx twice the time for a request."""
        return httpx.AsyncClient(timeout=PATIENCE, verify=self.trust, mounts=DIRECT)

    async def knock(self, sale: Sale) -> None:
        """Send the first one. Raises UnreachableError."""
        try:
            async with self.client() as client:
                await self.send(client, sale)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            sentence = gettext("Nobody answers at %(url)s (%(reason)s).")
            facts = {"url": self.simulation.url, "reason": describe(error)}
            raise UnreachableError(sentence % facts) from error

    async def keep_sending(self, turns: Iterator[tuple[float, Sale]]) -> None:
        """Take turn after turn, each when it is due, until there is none."""
        async with self.client() as client:
            for due, sale in turns:
                await asyncio.sleep(due - time.perf_counter())
                await self.attempt(client, sale)

    async def attempt(self, client: httpx.AsyncClient, sale: Sale) -> None:
        """Send one webhook and note how it went."""
        try:
            await self.send(client, sale)
        except httpx.TransportError as error:
            self.note(describe(error))

    async def send(self, client: httpx.AsyncClient, sale: Sale) -> None:
        """Tell of a sale that happens now and note the answer. Raises httpx.TransportError."""
        request = self.simulation.request(replace(sale, at=datetime.now(UTC)))
        address = self.simulation.address(request.query)
        began = time.perf_counter()
        answer = await client.post(address, content=request.body, headers=request.headers)
        self.tally.waits.append(time.perf_counter() - began)
        self.note(str(answer.status_code))

    def note(self, answer: str) -> None:
        """Count an answer."""
        self.tally.answers[answer] += 1
        self.answered()


def describe(error: Exception) -> str:
    """What went wrong, in a word."""
    return type(error).__name__


def summary(tally: Tally) -> Mapping[str, object]:
    """The tally as scripts read it: times in milliseconds."""
    return {
        "answers": dict(sorted(tally.answers.items())),
        "seconds": round(tally.seconds, 3),
        "rate": round(tally.rate, 1),
        "p50_ms": round(tally.wait(50) * 1000, 2),
        "p99_ms": round(tally.wait(99) * 1000, 2),
    }
