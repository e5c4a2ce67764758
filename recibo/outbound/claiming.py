"""Which deliveries go now: so many at a time to each endpoint, so many a second, in order if asked.

One claim at a time over all workers, so the counts are exact. An endpoint that fails gets one slot,
and all of those together leave some free: however many hang, the healthy ones are not delayed.
"""

from django.db import transaction

from recibo.outbound.models import Delivery
from recibo.work.lease import LEASE
from recibo.work.sql import execute

TABLE = Delivery._meta.db_table
#: Slots of a worker that endpoints which fail cannot take.
RESERVED = 8

#: Until the end of the transaction nobody else claims. What follows is a statement of its own, so
#: it sees what was claimed before.
ALONE = "select pg_advisory_xact_lock(hashtext('recibo.outbound.claiming'))"
#: What an endpoint may have by its rate: a second's worth is in stock at most.
STOCK = """
    least(greatest(1, e.per_second), e.turns + e.per_second * extract(
        epoch from statement_timestamp() - coalesce(e.turns_at, to_timestamp(0))))
"""
OPEN = """
    e.disabled_at is null
    and (e.resting_until is null or e.resting_until <= statement_timestamp())
"""
#: Its time has come, nobody has it, and nothing goes before it.
DUE = """
    d.endpoint_id = e.id and d.next_attempt_at <= statement_timestamp()
    and (d.claimed_until is null or d.claimed_until < statement_timestamp())
    and (d.lane = '' or not exists (
        select from outbound_delivery o
        where o.endpoint_id = d.endpoint_id and o.lane = d.lane and o.lane <> '' and o.id < d.id
            and o.next_attempt_at is not null))
"""
CLAIM = f"""
    with known as (
        select e.*, (
            select count(*) from outbound_delivery d
            where d.endpoint_id = e.id and d.claimed_until is not null
                and d.claimed_until > statement_timestamp()
        ) as busy, case when e.per_second is not null then floor({STOCK}) end as stock
        from outbound_endpoint e where {OPEN}
    ), live as (
        -- What has no rate has no stock, and of a number and nothing the number is the least.
        select *, least(
            stock, case when failing_since is null then concurrency else 1 end - busy) as free
        from known
    ), due as (
        select e.id as endpoint_id, e.failing_since is not null as is_failing, d.id,
            e.busy + row_number() over (partition by e.id order by d.next_attempt_at, d.id) as turn
        from live e cross join lateral (
            select d.id, d.next_attempt_at from outbound_delivery d where {DUE}
            order by d.next_attempt_at, d.id limit greatest(e.free, 0)::int
        ) d
    ), ranked as (
        select *, row_number() over (partition by is_failing order by turn, endpoint_id) as rank
        from due
    ), chosen as (
        select * from ranked where not is_failing or rank <= %s
        order by is_failing, turn limit %s
    ), taken as (
        update outbound_endpoint e set turns = {STOCK} - c.count, turns_at = statement_timestamp()
        from (select endpoint_id, count(*) from chosen group by endpoint_id) c
        where e.id = c.endpoint_id and e.per_second is not null
    )
    update outbound_delivery d set claimed_until = now() + make_interval(secs => %s)
    from chosen where d.id = chosen.id returning d.id
"""  # noqa: S608  # of our own words
#: Whether something waits for nothing but its turn.
SOON = f"""
    select exists(
        select from outbound_endpoint e
        where {OPEN} and e.per_second is not null and exists (
            select from outbound_delivery d where {DUE})
    ) as found
"""  # noqa: S608


def claim(limit: int) -> list[int]:
    """Take at most ``limit`` deliveries for the time of a lease."""
    with transaction.atomic():
        execute(ALONE)
        found = execute(CLAIM, max(limit - RESERVED, 0), limit, LEASE)
    return sorted(row["id"] for row in found)


def has_soon() -> bool:
    """Whether a delivery waits for nothing but its endpoint's rate."""
    return bool(execute(SOON)[0]["found"])
