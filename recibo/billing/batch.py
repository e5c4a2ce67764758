"""What a batch is made of while it is recorded."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from recibo.billing.states import Told
from recibo.gateways.facts import Fact
from recibo.work.sql import Row

Key = tuple[int, str]  # (account, the gateway's id)


class News(Struct, frozen=True, gc=False):
    """What one event told."""

    event_id: int
    account_id: int
    known_at: datetime
    simulated: bool
    again: bool  # the event was processed before: these facts replace those it told then
    facts: Sequence[Fact]


class Entry(Struct, frozen=True, gc=False):
    """One fact of the batch, ready to be kept."""

    event_id: int
    position: int
    known_at: datetime
    told: Told[Any]
    status: str

    def row(self, subject_id: int, customers: Mapping[str, int]) -> Row:
        """The fact as a row of its news table."""
        return {
            "event_id": self.event_id,
            "position": self.position,
            "subject_id": subject_id,
            "customer_id": customers.get(self.told.customer),
            "status": self.status,
            "occurred_at": self.told.fact.occurred_at,
            "known_at": self.known_at,
            "simulated": self.told.simulated,
            "fact": self.told.text,
        }


class Mirror(Struct, frozen=True):
    """Rows of one table as they were found, and the states that their facts add up to now."""

    rows: Mapping[Key, Row] = {}
    states: Mapping[Key, Any] = {}
    #: Rows of which no fact is left, because an event was read anew and tells of something else.
    gone: Sequence[Key] = ()

    def before(self, key: Key) -> Row | None:
        """The row as people knew it. What was only simulated does not count once it is real."""
        row = self.rows.get(key)
        if row is None or (row["simulated"] and not self.states[key].simulated):
            return None
        return row
