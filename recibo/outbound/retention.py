"""How long what was told stays: long enough to tell it again, and not for ever."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from recibo.work.sql import execute

#: Changes older than this are neither walked nor replayed.
KEPT = timedelta(days=90)
#: Changes of one transaction.
BATCH = 5_000

#: What is still on its way stays, and so does the newest of the walk: it says where to go on.
OLD = """
    select k.id from outbound_publishedchange k
    where k.at < %s
        and k.position is distinct from (select max(position) from outbound_publishedchange)
        and not exists (
            select from outbound_delivery d
            where d.change_id = k.id and d.next_attempt_at is not null)
    limit %s
"""
FORGET = """
    with tries as (
        delete from outbound_attempt a using outbound_delivery d
        where a.delivery_id = d.id and d.change_id = any(%s)
    )
    delete from outbound_publishedchange where id = any(%s)
"""
FORGET_DELIVERIES = "delete from outbound_delivery where change_id = any(%s)"


def forget_old() -> int:
    """Forget old changes with their deliveries. Gives how many changes."""
    total = 0
    while count := forget_batch():
        total += count
    return total


@transaction.atomic
def forget_batch() -> int:
    """Forget some. Gives how many."""
    ids = [row["id"] for row in execute(OLD, timezone.now() - KEPT, BATCH)]
    if ids:
        execute(FORGET, ids, ids)
        execute(FORGET_DELIVERIES, ids)
    return len(ids)
