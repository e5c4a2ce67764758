"""Requests that were refused: counted, so that the seller sees who knocks and why it failed.

Recording never waits: it counts in memory, and a thread writes the counts each second. What a
flood can write is bounded in memory, per second and in the table.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recibo.gateways.contract import Gateway, RawRequest
from recibo.gateways.errors import Refused
from recibo.inbox.deliveries import identified
from recibo.inbox.models import Source

#: Different refusals kept apart in one second; further ones are counted without their address.
MOST_KINDS = 200
MOST_ROWS = 10_000
KEPT = timedelta(days=7)
#: Bytes of the body that are kept.
EXCERPT = 500
#: Refused requests of one second that are looked into, and the largest that are. Bytes.
MOST_KNOCKS = 200
LARGEST_KNOCK = 64 * 1024
#: Characters of a name that came over the wire.
LONGEST_NAME = 64

#: What each reason means, and how to mend it.
REASONS: Mapping[Refused, Promise] = {
    Refused.SIGNATURE_MISSING: _(
        "The request carried no token or signature. A gateway always sends one: somebody else"
        " knocked, or a proxy in front of Recibo removes headers."
    ),
    Refused.SIGNATURE_INVALID: _(
        "The token or signature is wrong. If these are real sales, the secret at the gateway and"
        " the one in Recibo differ: copy it from the gateway's panel again."
    ),
    Refused.SIGNATURE_EXPIRED: _(
        "The signature is right but too old. Check this machine's clock; otherwise somebody sent"
        " an old request again."
    ),
    Refused.OTHER_ACCOUNT: _(
        "The token belongs to another account of this gateway: the address configured at the"
        " gateway ends with the wrong account name."
    ),
    Refused.NOT_CONFIGURED: _(
        "No webhook secret is set for this account, so nothing can prove who sent the request."
        " Set it as `recibo check` says."
    ),
    Refused.INVALID_GATEWAY: _(
        "There is no gateway of this name. The address configured at the gateway is misspelt."
    ),
    Refused.ACCOUNT_NOT_FOUND: _(
        "There is no open account of this name at this gateway. The address configured at the"
        " gateway is misspelt, or the account was closed."
    ),
    Refused.PAYLOAD_TOO_LARGE: _(
        "The body was larger than 1 MiB. No gateway sends that much: somebody else knocked."
    ),
    Refused.UNAVAILABLE: _(
        "Recibo could not store it and answered 503: the gateway sends it again. Check that the"
        " database runs; `recibo doctor` says whether the gateway has stopped sending."
    ),
}
#: Reasons under which the names in the address are free inventions of the sender.
INVENTED = frozenset({Refused.INVALID_GATEWAY, Refused.ACCOUNT_NOT_FOUND})

UPSERT = """
insert into inbox_refusal
    (hour, gateway, account, reason, remote_address, times, first_at, last_at, excerpt)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (hour, gateway, account, reason, remote_address) do update set
    times = inbox_refusal.times + excluded.times,
    last_at = excluded.last_at,
    excerpt = excluded.excerpt
"""
#: Too old, or beyond the newest so many. Index: refusal_newest.
PRUNE = """
delete from inbox_refusal where last_at < %s or last_at < (
    select last_at from inbox_refusal order by last_at desc offset %s limit 1
)
"""


class Kind(NamedTuple):
    """Refusals that are counted together."""

    gateway: str
    account: str
    reason: Refused
    remote_address: str

    def folded(self) -> "Kind":
        """Without what a flood could make different each time."""
        if self.reason in INVENTED:
            return Kind("", "", self.reason, "")
        return self._replace(remote_address="")


@dataclass(slots=True)
class Count:
    """How often, and when."""

    times: int
    first_at: datetime
    last_at: datetime
    excerpt: bytes


class Knock(NamedTuple):
    """A refused request to an account that there is: perhaps a true one under a wrong secret."""

    gateway: Gateway
    account_id: int
    request: RawRequest


#: Takes charges by account and the gateway's id, named by nobody whom we know.
Named = Callable[[Sequence[tuple[int, str]]], object]


class Refusals:
    """Counts of this second, and their way to the table."""

    def __init__(self, named: Named = lambda _: None) -> None:
        """``named`` is told, on a thread beside the requests, which charges were named."""
        self.counts: dict[Kind, Count] = {}
        self.knocks: list[Knock] = []
        self.named = named
        self.lock = threading.Lock()

    def look_into(self, gateway: Gateway, account_id: int, request: RawRequest) -> None:
        """Have a refused request looked into, if there is room. Never waits."""
        if len(self.knocks) < MOST_KNOCKS and len(request.body) <= LARGEST_KNOCK:
            self.knocks.append(Knock(gateway, account_id, request))

    def record(
        self, gateway: str, account: str, reason: Refused, remote_address: str, body: bytes = b""
    ) -> None:
        """Count one refusal. Never waits for the database."""
        now = datetime.now(UTC)
        kind = Kind(clipped(gateway), clipped(account), reason, clipped(remote_address))
        with self.lock:
            if kind not in self.counts and len(self.counts) >= MOST_KINDS:
                kind = kind.folded()
            count = self.counts.setdefault(kind, Count(0, now, now, b""))
            count.times += 1
            count.last_at = now
            count.excerpt = body[:EXCERPT]

    def flush(self) -> None:
        """Write the counts. If that fails they are gone: refusals are not worth the memory.

        What was named is worth it: it waits until something can be written again.
        """
        with self.lock:
            counts, self.counts = self.counts, {}
        if counts:
            write(counts)
        knocks, self.knocks = self.knocks, []
        if charges := sorted({charge for knock in knocks if (charge := charge_of(knock))}):
            self.named(charges)


def charge_of(knock: Knock) -> tuple[int, str] | None:
    """The charge that a refused request names, by account; None where it names none."""
    name = identified(knock.gateway, knock.request, Source.WEBHOOK).charge_id
    return (knock.account_id, name) if name else None


def write(counts: Mapping[Kind, Count]) -> None:
    """Add the counts to this hour's rows, and drop the oldest rows beyond the limits."""
    rows = [
        (
            count.last_at.replace(minute=0, second=0, microsecond=0),
            *kind,
            count.times,
            count.first_at,
            count.last_at,
            count.excerpt,
        )
        for kind, count in sorted(counts.items())  # one order, so that processes cannot deadlock
    ]
    with connection.cursor() as cursor:
        cursor.executemany(UPSERT, rows)
        cursor.execute(PRUNE, [datetime.now(UTC) - KEPT, MOST_ROWS - 1])


def note_turned_away(counts: Mapping[tuple[str, str], int]) -> None:
    """Write how often each account, by gateway and name, was answered 503 until now.

    Raises DatabaseError while nothing can be written.
    """
    now = datetime.now(UTC)
    write(
        {
            Kind(gateway, account, Refused.UNAVAILABLE, ""): Count(times, now, now, b"")
            for (gateway, account), times in counts.items()
        }
    )


def clipped(name: str) -> str:
    """A name from the wire as the table can hold it."""
    return name[:LONGEST_NAME].replace("\0", "").encode(errors="replace").decode()
