"""Writes of endpoints, each audited; secrets are shown when they are made, and never again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from msgspec import Struct

from recibo.accounts.encryption import SealedError, sealed
from recibo.gateways.registry import GATEWAYS
from recibo.journal.actions import audit
from recibo.outbound import signing, wire
from recibo.outbound.addresses import AddressError, known_url, require_public
from recibo.outbound.log import ABOUT, DELIVER, LANE, WANTED
from recibo.outbound.models import Delivery, DeliveryStatus, Disabled, Endpoint
from recibo.outbound.payloads import CATALOGUE, TestData, encoded, message
from recibo.outbound.signing import Secret
from recibo.outbound.wire import Answer
from recibo.work.engine import nudge
from recibo.work.sql import execute

MOST_CONCURRENCY = 16
#: How long an old secret stays valid, unless somebody says otherwise.
KEEP_OLD = timedelta(hours=24)
#: Characters of a word of a filter, and how many words it has.
LONGEST_WORD, MOST_WORDS = 200, 100

#: Tell an endpoint of a time again, or for the first time what it missed.
REPLAY = f"""
    with again as (
        insert into outbound_delivery
            (endpoint_id, change_id, lane, status, attempts, next_attempt_at, error, created_at)
        select e.id, k.id, {LANE}, 'pending', 0, statement_timestamp(), '', now()
        from outbound_publishedchange k join outbound_endpoint e on e.id = %s {ABOUT}
        where k.at >= %s and k.at < %s and {WANTED}
        order by k.id
        on conflict (endpoint_id, change_id) do update
        set status = 'pending', attempts = 0, next_attempt_at = statement_timestamp(),
            error = '', delivered_at = null
        where outbound_delivery.claimed_until is null
            or outbound_delivery.claimed_until < statement_timestamp()
        returning 1
    )
    select count(*) as count from again
"""  # noqa: S608  # of our own words

REMOVE = (
    """delete from outbound_attempt a using outbound_delivery d
    where a.delivery_id = d.id and d.endpoint_id = %s""",
    "delete from outbound_delivery where endpoint_id = %s",
    "delete from outbound_endpoint where id = %s",
)


class EndpointError(Exception):
    """That cannot be done with an endpoint. The message says why, and tells no secret."""


class Wish(Struct, frozen=True, kw_only=True):
    """What an endpoint is to be like. An empty filter takes everything."""

    url: str
    description: str = ""
    events: Sequence[str] = ()
    gateways: Sequence[str] = ()
    accounts: Sequence[str] = ()
    products: Sequence[str] = ()
    is_ordered: bool = False
    concurrency: int = 4
    per_second: float | None = None


@transaction.atomic
def add(wish: Wish, *, actor: str) -> tuple[Endpoint, str]:
    """A further endpoint, and its secret, this once. Raises EndpointError."""
    values = checked(wish)
    secret = signing.generate()
    endpoint = Endpoint.objects.create(**values, sealed_secrets=sealed([secret]))
    audit(actor, "endpoint.add", subject(endpoint), after=values)
    return endpoint, secret.value


def checked(wish: Wish) -> dict[str, Any]:
    """The columns of what is wished for. Raises EndpointError."""
    if not 1 <= wish.concurrency <= MOST_CONCURRENCY:
        raise EndpointError(f"An endpoint takes 1 to {MOST_CONCURRENCY} deliveries at a time.")
    if wish.per_second is not None and not 0 < wish.per_second <= 1000:
        raise EndpointError("A rate is a number above 0, 1000 a second at most.")
    return {
        "url": known_address(wish.url),
        "description": wish.description.strip()[:200],
        "events": known_events(wish.events),
        "gateways": known_words("gateway", wish.gateways, GATEWAYS),
        "accounts": words(wish.accounts),
        "products": words(wish.products),
        "is_ordered": wish.is_ordered,
        "concurrency": wish.concurrency,
        "per_second": wish.per_second,
    }


def known_address(text: str) -> str:
    """An address that messages may be sent to. Raises EndpointError."""
    try:
        url = known_url(text)
        require_public(url)
    except AddressError as error:
        raise EndpointError(str(error)) from None
    return url


def known_events(events: Sequence[str]) -> list[str]:
    """Types of the catalogue, or ``order.*`` for all of one kind. Raises EndpointError."""
    groups = {f"{name.partition('.')[0]}.*" for name in CATALOGUE}
    found = words(events)
    return [] if "*" in found else known_words("event", found, CATALOGUE.keys() | groups)


def known_words(what: str, given: Sequence[str], known: Iterable[str]) -> list[str]:
    """The words, each of which must be known. Raises EndpointError."""
    found = words(given)
    if unknown := sorted(set(found) - set(known)):
        raise EndpointError(
            f"There is no {what} {', '.join(unknown)}. There are: {', '.join(sorted(known))}."
        )
    return found


def words(given: Sequence[str]) -> list[str]:
    """The words of a filter, each once. Raises EndpointError."""
    found = list(dict.fromkeys(word.strip() for word in given if word.strip()))
    if len(found) > MOST_WORDS or any(len(word) > LONGEST_WORD or "\0" in word for word in found):
        raise EndpointError(f"A filter has {MOST_WORDS} words at most, of {LONGEST_WORD} letters.")
    return found


@transaction.atomic
def change(endpoint: Endpoint, fields: Mapping[str, Any], *, actor: str) -> Endpoint:
    """Change some of what an endpoint is like; the rest stays. Raises EndpointError."""
    found = locked(endpoint)
    before = {name: getattr(found, name) for name in Wish.__struct_fields__}
    values = checked(Wish(**{**before, **fields}))
    Endpoint.objects.filter(pk=found.pk).update(**values)
    audit(actor, "endpoint.change", subject(found), before=before, after=values)
    nudge(DELIVER)
    return Endpoint.objects.get(pk=found.pk)


@transaction.atomic
def disable(endpoint: Endpoint, *, actor: str) -> None:
    """Tell it of nothing more; what is under way waits. Safe to repeat."""
    standing = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if standing.update(disabled_at=timezone.now(), disabled_reason=Disabled.OPERATOR):
        audit(actor, "endpoint.disable", subject(endpoint))


@transaction.atomic
def enable(endpoint: Endpoint, *, actor: str) -> None:
    """Tell it again, as one that never failed. What it missed can be replayed. Safe to repeat."""
    closed = Endpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    fresh = {"failing_since": None, "error": "", "resting_until": None}
    if closed.update(disabled_at=None, disabled_reason=Disabled.NO, **fresh):
        audit(actor, "endpoint.enable", subject(endpoint))
        nudge(DELIVER)


@transaction.atomic
def remove(endpoint: Endpoint, *, actor: str) -> None:
    """Forget an endpoint, and all that went to it."""
    audit(actor, "endpoint.remove", subject(endpoint), before={"url": endpoint.url})
    for sql in REMOVE:  # there may be millions of them: Django would read each before it deletes it
        execute(sql, endpoint.pk)


@transaction.atomic
def rotate(endpoint: Endpoint, *, actor: str, keep: timedelta = KEEP_OLD) -> str:
    """A new secret, this once. The old ones sign beside it for as long as ``keep``."""
    found = locked(endpoint)
    try:
        kept = signing.unsealed(found.sealed_secrets)
    except SealedError:  # a new one is what mends that
        kept = []
    new, signing_now = signing.rotated(kept, timezone.now(), keep)
    keep_secrets(found, signing_now)
    audit(actor, "endpoint.rotate", subject(found), after={"secrets": len(signing_now)})
    return new.value


def keep_secrets(endpoint: Endpoint, secrets: Sequence[Secret]) -> None:
    """Write an endpoint's secrets."""
    Endpoint.objects.filter(pk=endpoint.pk).update(sealed_secrets=sealed(list(secrets)))


def locked(endpoint: Endpoint) -> Endpoint:
    """The endpoint as it is now, and nobody else's until the end of the transaction."""
    return Endpoint.objects.select_for_update().get(pk=endpoint.pk)


def test(endpoint: Endpoint) -> Answer:
    """Send an ``endpoint.test`` now, disabled or not, and give what came back. Nothing is kept.

    Raises EndpointError.
    """
    now = timezone.now()
    key = f"test_{now:%Y%m%d%H%M%S%f}"
    body = encoded(message("endpoint.test", key, now, TestData(endpoint_id=endpoint.pk)))
    try:
        secrets = signing.unsealed(endpoint.sealed_secrets)
    except SealedError as error:
        raise EndpointError(f"Its secrets cannot be opened ({error}): rotate them.") from None
    return wire.post(endpoint.url, signing.headers(secrets, key, body, now), body)


@transaction.atomic
def replay(delivery: Delivery, *, actor: str) -> bool:
    """Deliver one again, under the same id, or now instead of later. False: it is being sent."""
    idle = Delivery.objects.filter(idle_now(), pk=delivery.pk)
    return bool(start(idle, "delivery.replay", f"delivery:{delivery.pk}", actor))


@transaction.atomic
def replay_failed(endpoint: Endpoint, *, actor: str) -> int:
    """Deliver now all that was given up, or waits to be tried again. Gives how many."""
    missing = Delivery.objects.filter(idle_now(), endpoint=endpoint)
    failed = missing.filter(
        Q(status=DeliveryStatus.FAILED) | Q(status=DeliveryStatus.PENDING, attempts__gt=0)
    )
    return start(failed, "endpoint.replay_failed", subject(endpoint), actor)


def idle_now() -> Q:
    """Deliveries that nobody is sending."""
    return Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())


def start(deliveries: QuerySet[Delivery], action: str, about: str, actor: str) -> int:
    """Have deliveries tried anew."""
    count = deliveries.update(
        status=DeliveryStatus.PENDING,
        attempts=0,
        next_attempt_at=timezone.now(),
        error="",
        delivered_at=None,
    )
    audit(actor, action, about, after={"count": count})
    nudge(DELIVER)
    return count


@transaction.atomic
def replay_time(endpoint: Endpoint, since: datetime, until: datetime, *, actor: str) -> int:
    """Deliver all that its filters take of a time, ``until`` not included: again, or for the first
    time what it missed while it was disabled or not there. Gives how many.
    """
    [row] = execute(REPLAY, endpoint.pk, since, until)
    after = {"since": since.isoformat(), "until": until.isoformat(), "count": row["count"]}
    audit(actor, "endpoint.replay_time", subject(endpoint), after=after)
    nudge(DELIVER)
    return int(row["count"])


def subject(endpoint: Endpoint) -> str:
    """The endpoint as the audit calls it."""
    return f"endpoint:{endpoint.pk}"
