"""The log of changes: written with the change in one statement, walked without gaps.

Transactions end in another order than they begin, so an id that is lower may come into sight later.
A *position* is therefore given by whoever walks the log, to changes that can be seen already, one
walker at a time: what comes into sight afterwards gets a higher one. No transaction, however long,
holds up the others.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from msgspec import Struct

from recibo.outbound.models import PublishedChange
from recibo.outbound.payloads import Message
from recibo.outbound.telling import messages_of
from recibo.work.engine import nudge
from recibo.work.sql import document, execute

#: The task that delivers, by its name: those who publish stand above this part.
DELIVER = "outbound.deliver"
#: Positions given at a time.
PLACED = 5_000
#: Characters of the key that a cursor repeats, so that one of another history is noticed.
PROOF = 8

#: What a change ``k`` is about, for filters: of billing's rows as they stand, else as it was kept.
ABOUT = """
    left join billing_order o on k.subject = 'order' and o.id = k.subject_id
    left join billing_charge c on k.subject = 'charge' and c.id = k.subject_id
    left join billing_subscription s on k.subject = 'subscription' and s.id = k.subject_id
    left join accounts_account a on a.id = coalesce(o.account_id, c.account_id, s.account_id)
"""
#: Whether it goes to an endpoint ``e``.
WANTED = """
    (e.events = '[]' or e.events ? k.type or e.events ? (k.subject || '.*'))
    and (e.gateways = '[]' or e.gateways ? coalesce(a.gateway, k.gateway))
    and (e.accounts = '[]' or e.accounts ?
        (coalesce(a.gateway, k.gateway) || '/' || coalesce(a.name, k.account)))
    and (e.products = '[]' or e.products ?
        coalesce(o.product_id, c.product_id, s.product_id, k.product_id))
"""
#: Of an endpoint that wants order: what is told of one thing goes one after the other.
LANE = "case when e.is_ordered then k.subject || ':' || k.subject_id else '' end"
PUBLISH = f"""
    with told as materialized (
        select * from rows from (json_to_recordset(%s::json) as (
            type text, subject text, id bigint, before text, after text, event_id bigint,
            customer_id bigint, gateway text, account text, product_id text, data json))
        with ordinality as r(type, subject, id, before, after, event_id, customer_id, gateway,
            account, product_id, data, place)
    ), kept as (
        insert into outbound_publishedchange
            (key, type, version, at, event_id, subject, subject_id, before, after, gateway,
             account, product_id, customer_id, data)
        select md5(%s || place)::uuid, type, 1, now(), event_id, subject, id,
            coalesce(before, ''), coalesce(after, ''), coalesce(gateway, ''),
            coalesce(account, ''), coalesce(product_id, ''), customer_id,
            coalesce(data::text, '')
        from told order by place
        returning id, type, subject, subject_id, gateway, account, product_id
    ), queued as (
        insert into outbound_delivery
            (endpoint_id, change_id, lane, status, attempts, next_attempt_at, error, created_at)
        select e.id, k.id, {LANE}, 'pending', 0, statement_timestamp(), '', now()
        from kept k join outbound_endpoint e on e.disabled_at is null {ABOUT}
        where exists (select from outbound_endpoint where disabled_at is null) and {WANTED}
        order by k.id
        returning 1
    )
    select count(*) as queued from queued
"""  # noqa: S608  # of our own words

UNPLACED = "select exists(select from outbound_publishedchange where position is null) as found"
#: Until the end of the transaction nobody else gives positions. What follows is a statement of its
#: own, so it sees those that were given before.
ALONE = "select pg_advisory_xact_lock(hashtext('recibo.outbound.positions'))"
PLACE = """
    with unplaced as (
        select id, row_number() over (order by id) as place from (
            select id from outbound_publishedchange where position is null order by id limit %s
        ) first
    ), newest as (
        select coalesce(max(position), 0) as position from outbound_publishedchange
    )
    update outbound_publishedchange k set position = newest.position + unplaced.place
    from unplaced, newest where k.id = unplaced.id
"""


class News(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change to publish. ``data`` and what stands beside it: of what has no row in billing."""

    type: str
    subject: str
    id: int
    before: str = ""
    after: str = ""
    event_id: int | None = None
    customer_id: int | None = None
    gateway: str = ""
    account: str = ""
    product_id: str = ""
    data: Mapping[str, Any] | None = None


class UnknownCursorError(Exception):
    """The cursor is of changes that are not here, or no longer."""


class Walk(Struct, frozen=True):
    """A part of the log: what it has, where to go on, and whether more is there already."""

    items: list[Message]
    cursor: str
    has_more: bool


def publish(news: Sequence[News]) -> None:
    """Keep changes, and have them delivered. Part of the caller's transaction; one statement."""
    if not news:
        return
    # One seed for a batch: random numbers of PostgreSQL's own cost as much as writing the rows.
    seed = secrets.token_hex(16)
    if execute(PUBLISH, document(news), seed)[0]["queued"]:
        nudge(DELIVER)


def walk(*, after: str = "", since: datetime | None = None, limit: int) -> Walk:
    """The changes after a cursor; without one from the first that is kept, or that is ``since``.

    Call it outside of a transaction. Raises UnknownCursorError; ValueError if it is none.
    """
    place()
    begin = position_of(after) if after else position_before(since)
    found = PublishedChange.objects.filter(position__gt=begin).order_by("position")
    changes = list(found[: limit + 1])
    shown = changes[:limit]
    cursor = cursor_of(shown[-1]) if shown else after or cursor_at(begin)
    return Walk(messages_of(shown), cursor, len(changes) > limit)


def place() -> None:
    """Give positions to changes that have none."""
    [row] = execute(UNPLACED)
    if row["found"]:
        with transaction.atomic():
            execute(ALONE)
            execute(PLACE, PLACED)


def position_of(cursor: str) -> int:
    """Where a cursor stands. Raises UnknownCursorError; ValueError if it is none."""
    written, _, proof = cursor.partition("-")
    position = int(written)
    if position == 0:
        return 0
    change = PublishedChange.objects.filter(position=position).first()
    if change is None or proof != change.key.hex[:PROOF]:
        raise UnknownCursorError
    return position


def position_before(since: datetime | None) -> int:
    """The position before the first change of a time or later."""
    if since is None:
        return 0
    first = PublishedChange.objects.filter(at__gte=since).aggregate(Min("position"))
    if first["position__min"] is not None:
        return int(first["position__min"]) - 1
    return PublishedChange.objects.aggregate(Max("position"))["position__max"] or 0


def cursor_at(position: int) -> str:
    """The cursor of a position, for who found nothing after it."""
    change = PublishedChange.objects.filter(position__lte=position).order_by("-position").first()
    return cursor_of(change) if change else "0"


def cursor_of(change: PublishedChange) -> str:
    """Where to go on after a change."""
    return f"{change.position}-{change.key.hex[:PROOF]}"
