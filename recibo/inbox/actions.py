"""Writes of the inbox from the inside: what was asked for enters by the same door."""

from collections.abc import Sequence

from recibo.accounts.models import Account
from recibo.gateways.contract import RawRequest
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.deliveries import COUNTED, LAST, STORE, Row, delivery_of
from recibo.inbox.models import Source
from recibo.work.sql import document, execute

#: What is read in bulk, and waits while there is news to process.
IN_BULK = frozenset({Source.SYNC, Source.IMPORT})

STORE_NOW = STORE.format(repeated=COUNTED, rows="%s", headers="%s", query="%s", body="%s")
IDS = """
    select id from inbox_event e
    join json_to_recordset(%s::json) as r(account_id bigint, event_id text)
    on e.account_id = r.account_id
        and e.key = substring(sha256(convert_to(r.event_id, 'UTF8')) for 16)
    order by id
"""


def store(
    account: Account, requests: Sequence[RawRequest], source: Source, *, silent: bool = False
) -> list[int]:
    """Store what a gateway answered, as pending events. Gives their ids, also of known ones.

    The same news again is counted on its event. ``silent``: nobody is told of what it changes.
    Call it in the transaction of what asked.
    """
    gateway = GATEWAYS[account.gateway]
    deliveries = {
        delivery.row.event_id: delivery
        for delivery in (delivery_of(gateway, account.pk, one, source) for one in requests)
    }
    if not deliveries:
        return []
    for delivery in deliveries.values():
        delivery.row.silent = silent
        if source in IN_BULK:
            delivery.row.priority = LAST
    rows: tuple[Row, ...]
    rows, *bytes_beside = zip(*deliveries.values(), strict=True)
    execute(STORE_NOW, document(rows), *map(list, bytes_beside))
    return [row["id"] for row in execute(IDS, document(rows))]
