"""Requests that were refused: counted, so that the seller sees who knocks and why it failed.

Recording never waits: it counts in memory, and a thread writes the counts each second. What a
flood can write is bounded in memory, per second and in the table.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recibo.gateways.errors import Refused

#: Different refusals kept apart in one second; further ones are counted without their address.
MOST_KINDS = 200
MOST_ROWS = 10_000
KEPT = timedelta(days=7)
#: Bytes of the body that are kept.
EXCERPT = 500
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


class Refusals:
    """Counts of this second, and their way to the table."""

    def __init__(self) -> None:
        self.counts: dict[Kind, Count] = {}
        self.lock = threading.Lock()

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
        """Write the counts. If that fails they are gone: refusals are not worth the memory."""
        with self.lock:
            counts, self.counts = self.counts, {}
        if counts:
            write(counts)


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


def clipped(name: str) -> str:
    """A name from the wire as the table can hold it."""
    return name[:LONGEST_NAME].replace("\0", "").encode(errors="replace").decode()
