"""How we learned of payments: the more by polling, the less the gateway's webhooks reach us."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from msgspec import Struct

from recibo.accounts.models import Account
from recibo.work.sql import execute

FOLDER = Path(__file__).parent / "sql"
WEBHOOK, POLL = "webhook", "poll"
#: Webhooks count as missed where they told first of fewer than this share …
ENOUGH = 0.8
#: … of the newest so many payments, of which there must be some to say anything …
NEWEST, FEWEST = 20, 5
#: … that we learned of within this time. Some are told days after the money came.
RECENT, LATE = timedelta(days=2), timedelta(days=7)


class Coverage(Struct, frozen=True):
    """How the payments of one day, of one account, were learned first: counts by way."""

    gateway: str
    account: str
    day: date
    ways: dict[str, int]

    @property
    def total(self) -> int:
        """How many payments there were."""
        return sum(self.ways.values())

    @property
    def by_webhook(self) -> float:
        """The share that webhooks told first, from 0 to 1."""
        return self.ways.get(WEBHOOK, 0) / self.total


def coverage(since: datetime, until: datetime, *, gateway: str = "") -> list[Coverage]:
    """How payments of this time were learned first, by account and day, the newest day first.

    Ways: webhook, poll, sync, import, person. A day ends at midnight in ``settings.TIME_ZONE``.
    """
    days: dict[tuple[str, str, date], dict[str, int]] = defaultdict(dict)
    for row in execute(sql("coverage"), settings.TIME_ZONE, since, until):
        if gateway in {"", row["gateway"]}:
            days[row["gateway"], row["account"], row["day"]][row["way"]] = row["charges"]
    return [Coverage(*key, ways) for key, ways in days.items()]


class Missed(Struct, frozen=True):
    """An account whose webhooks stopped telling what polling finds."""

    account: Account
    told: int  # by webhooks
    found: int  # by polls


def missed(now: datetime) -> Iterator[Missed]:
    """Accounts of whose newest payments polls found too many."""
    ways: dict[int, dict[str, int]] = defaultdict(dict)
    for row in execute(sql("recent_ways"), now - RECENT - LATE, now - RECENT, NEWEST):
        ways[row["account_id"]][row["way"]] = row["charges"]
    accounts = Account.objects.in_bulk(list(ways))
    for account_id, counts in sorted(ways.items()):
        told, found = counts.get(WEBHOOK, 0), counts.get(POLL, 0)
        if found and told + found >= FEWEST and told < ENOUGH * (told + found):
            yield Missed(accounts[account_id], told, found)


def sql(question: str) -> str:
    """The statement that answers a question."""
    return (FOLDER / f"{question}.sql").read_text()
