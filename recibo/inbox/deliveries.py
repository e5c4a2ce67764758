"""The one door: how what we learned becomes a row and its bytes, whichever way we learned it."""

import hashlib
import logging
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from msgspec import Struct

from recibo.gateways.contract import Gateway, Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import EventType
from recibo.inbox import imported, own
from recibo.inbox.models import Retention, Source

logger = logging.getLogger(__name__)

#: Characters of an id that is indexed; PostgreSQL's index takes about 2,700 bytes at most.
LONGEST_ID = 500
#: Headers that carry secrets, whichever the gateway.
HIDDEN_HEADERS = frozenset({b"authorization", b"proxy-authorization", b"cookie"})
UNREADABLE = "unreadable"

PRIORITIES = {kind: 0 if kind.is_critical else 1 for kind in EventType}
#: Of what is read in bulk, whatever it tells: it waits while there is news.
LAST = 2
OF_CHARGE = ("charge.", "subscription.", "payment.")
RETENTIONS = {
    kind: Retention.CHARGE if kind.startswith(OF_CHARGE) else Retention.OTHER for kind in EventType
}


#: What is in words of our own, not in a gateway's.
OURS = {Source.API: own.identify, Source.IMPORT: imported.identify}

COUNTED = "do update set duplicates = inbox_event.duplicates + excluded.duplicates + 1"
UNCOUNTED = "do nothing"
#: Events and the bodies of the new ones. In key order, so that two processes cannot deadlock.
#: What is short travels as one JSON document, which costs Python the least; bytes as arrays.
STORE = """
with given as materialized (
    select *, substring(sha256(convert_to(event_id, 'UTF8')) for 16) as key
    from rows from (
        json_to_recordset({rows}::json) as (
            account_id bigint, event_id text, charge_id text, source text, gateway_event text,
            event_type text, priority smallint, received_at float8, retention text,
            is_thin boolean, silent boolean, duplicates bigint
        ),
        unnest({headers}::bytea[]), unnest({query}::bytea[]), unnest({body}::bytea[])
    ) as given (
        account_id, event_id, charge_id, source, gateway_event, event_type, priority,
        received_at, retention, is_thin, silent, duplicates, headers, query, body
    )
), stored as (
    insert into inbox_event (
        account_id, key, gateway_event_id, gateway_charge_id, source, gateway_event, event_type,
        priority, received_at, next_attempt_at, is_thin, duplicates,
        status, attempts, silent, error, result
    )
    select
        account_id, key, event_id, charge_id, source, gateway_event, event_type,
        priority, to_timestamp(received_at), statement_timestamp(), is_thin, duplicates,
        case when is_thin then 'processing' else 'pending' end, 0, silent, '', ''
    from given
    order by account_id, key
    on conflict (account_id, key) {repeated}
    returning id, account_id, key, xmax = 0 as is_new
)
insert into inbox_eventbody (event_id, retention, received_at, headers, query, body)
select id, retention, to_timestamp(received_at), headers, query, body
from stored join given using (account_id, key)
where is_new
"""


class Row(Struct, gc=False):
    """One delivery on its way to the disk."""

    account_id: int
    event_id: str
    charge_id: str
    source: Source
    gateway_event: str
    event_type: EventType
    priority: int
    received_at: float  # seconds since 1970
    retention: Retention
    is_thin: bool
    silent: bool = False
    duplicates: int = 0


class Delivery(NamedTuple):
    """A row and the bytes that are kept beside it."""

    row: Row
    headers: bytes
    query: bytes
    body: bytes


def delivery_of(
    gateway: Gateway,
    account_id: int,
    request: RawRequest,
    source: Source,
    *,
    hidden: AbstractSet[bytes] = HIDDEN_HEADERS,
    is_hint: bool = False,
) -> Delivery:
    """What is written to disk. Never fails: what cannot be read is kept for a person to see.

    ``hidden``: headers that are not kept. ``is_hint``: nothing proves the request, so that it is
    only a reason to ask the gateway, and its word about a charge is not taken.
    """
    identity = identified(gateway, request, source)
    kind = identity.event_type
    row = Row(
        account_id,
        storable(identity.event_id),
        "" if is_hint else storable(identity.charge_id[:LONGEST_ID]),
        source,
        storable(identity.gateway_event),
        kind,
        PRIORITIES[kind],
        time.time(),
        Retention.CHARGE if identity.charge_id else RETENTIONS[kind],
        is_hint or identity.is_thin,
    )
    kept = lines(request.headers.items(), hidden)
    query = without_secrets(request.query, gateway.secret_parameters) if request.query else b""
    return Delivery(row, kept, query, request.body)


def storable(text: str) -> str:
    """Text that PostgreSQL holds, whatever a sender put into it."""
    return text if text.isascii() and "\0" not in text else cleaned(text)


def cleaned(text: str) -> str:
    """Without NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()


def identified(gateway: Gateway, request: RawRequest, source: Source) -> Identity:
    """Which news it is; for what cannot be read, its bytes are its name."""
    try:
        return OURS.get(source, gateway.identify)(request)
    except PayloadError:
        return unreadable(request.body)
    except Exception:
        logger.exception("%s: a webhook could not be identified", gateway.slug)
        return unreadable(request.body)


def unreadable(body: bytes) -> Identity:
    """The identity of a body that cannot be read."""
    digest = hashlib.sha256(body).hexdigest()
    return Identity(f"sha256:{digest}", UNREADABLE, EventType.UNKNOWN)


def lines(headers: Iterable[tuple[bytes, bytes]], hidden: AbstractSet[bytes]) -> bytes:
    """Headers as they are kept: ``name: value`` and a line feed each."""
    return b"".join([b"%b: %b\n" % pair for pair in headers if pair[0] not in hidden])


def without_secrets(query: bytes, secret: AbstractSet[bytes]) -> bytes:
    """The query string without the parameters that carry a secret."""
    parts = query.split(b"&")
    return b"&".join([part for part in parts if part.partition(b"=")[0] not in secret])


def headers_of(kept: bytes) -> dict[bytes, bytes]:
    """Headers from the form in which they are kept."""
    pairs = (line.partition(b": ") for line in kept.splitlines())
    return {name: value for name, _, value in pairs}
