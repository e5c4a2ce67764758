"""Time as PagSeguro's searches take it: to the minute, in short spans, each in pages.

Source: "Consultas", PagSeguro developers v1, and its errors 13004 to 13020.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from recibo.gateways.pagseguro.reading import ZONE

ALMOST_A_MINUTE = timedelta(minutes=1, microseconds=-1)
#: A search reaches 180 days back; a day less, for the clocks and the time of the call.
FARTHEST = timedelta(days=179)
LONGEST_SPAN = timedelta(days=30)
DAY = timedelta(days=1)
#: More pages than a span can have: a count beyond it is wrong.
MOST_PAGES = 1000


class Place(NamedTuple):
    """Where a search by time stands: a page of a span; ``limit`` is where its last span ends."""

    start: datetime
    end: datetime
    limit: datetime
    page: int = 1

    def cursor(self) -> str:
        times = (self.start, self.end, self.limit)
        return "|".join([*(time.isoformat() for time in times), str(self.page)])

    def parameters(self) -> dict[str, str]:
        """The span, as a search wants it."""
        return {"initialDate": local(self.start), "finalDate": local(self.end)}

    def after(self, pages: int) -> "Place | None":
        """The next place if this span has ``pages`` pages; None after the last."""
        if self.page < min(pages, MOST_PAGES):
            return self._replace(page=self.page + 1)
        return spans_from(self.end, self.limit)


def first(since: datetime, until: datetime) -> Place | None:
    """Where a search begins; None where there is nothing to search.

    Spans begin and end on whole minutes, the last one not in the future: what is of the last
    minute is found by the next search, which begins in the same minute.
    """
    now = whole(datetime.now(UTC))
    start, limit = max(whole(since), now - FARTHEST), min(whole(until + ALMOST_A_MINUTE), now)
    return spans_from(start, limit)


def spans_from(start: datetime, limit: datetime) -> Place | None:
    """The first page of the span that begins at ``start``; None where none is left."""
    return Place(start, min(start + LONGEST_SPAN, limit), limit) if start < limit else None


def spans(since: datetime, until: datetime) -> Iterator[Place]:
    """The first page of every span."""
    place = first(since, until)
    while place:
        yield place
        place = place.after(0)


def place_of(cursor: str) -> Place:
    """The place that a cursor stands for."""
    *times, page = cursor.split("|")
    start, end, limit = (datetime.fromisoformat(time) for time in times)
    return Place(start, end, limit, int(page))


def cursor_after(place: Place, pages: int) -> str:
    """What asks for the next page, if this span has ``pages`` pages; "" after the last."""
    following = place.after(pages)
    return following.cursor() if following else ""


def days_since(since: datetime) -> int:
    """Days from ``since`` until now, begun ones too; 1 to 30, as far as a search by days goes."""
    days = -((since - datetime.now(UTC)) // DAY)
    return min(max(days, 1), LONGEST_SPAN // DAY)


def whole(time: datetime) -> datetime:
    """The minute's beginning."""
    return time.replace(second=0, microsecond=0)


def local(time: datetime) -> str:
    """A time as searches want it: the seller's, to the minute."""
    return time.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
