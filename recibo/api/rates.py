"""How many requests a token may make: so many a minute of the clock, counted by each process.

In memory, because a count in the database would cost each request a write. With several web
processes a token has its share in each of them.
"""

import threading
import time
from collections import Counter
from typing import NamedTuple

from django.conf import settings
from django.http import HttpResponseBase

#: Seconds after which counting begins anew.
WINDOW = 60


class Share(NamedTuple):
    """What a token has left of this minute."""

    limit: int
    used: int  # this request with it
    reset: int  # seconds until counting begins anew

    @property
    def is_spent(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.limit


class Counts:
    """The requests of this minute, by token; those of the last one are forgotten."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.window = 0
        self.used: Counter[int] = Counter()

    def add(self, token_id: int, now: float) -> int:
        """Count a request; gives how many there were in this minute."""
        with self.lock:
            if (window := int(now // WINDOW)) != self.window:
                self.window, self.used = window, Counter()
            self.used[token_id] += 1
            return self.used[token_id]


COUNTS = Counts()


def take(token_id: int) -> Share | None:
    """Count a request of this token. None: there is no limit."""
    if not (limit := settings.RECIBO_API_RATE):
        return None
    now = time.time()
    return Share(limit, COUNTS.add(token_id, now), WINDOW - int(now % WINDOW))


def tell(response: HttpResponseBase, share: Share) -> None:
    """Say in an answer's headers what is left."""
    response.headers["RateLimit-Limit"] = str(share.limit)
    response.headers["RateLimit-Remaining"] = str(max(0, share.limit - share.used))
    response.headers["RateLimit-Reset"] = str(share.reset)
    if share.is_spent:
        response.headers["Retry-After"] = str(share.reset)
