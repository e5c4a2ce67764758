"""Going round the endpoints: whoever waits for a slow one holds up nobody.

Deliveries run on threads that outlive the job which began them. A job looks for what is due every
``LOOK`` seconds while anything is under way, so a hanging receiver never stands between a change
and another receiver; its shift ends without waiting for those that hang, and the next job goes on.
"""

import functools
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from recibo.outbound.claiming import claim, has_soon
from recibo.outbound.log import DELIVER
from recibo.outbound.sending import DELIVERIES
from recibo.work.draining import alone
from recibo.work.engine import nudge

#: Deliveries of one worker at the same time.
SLOTS = 32
#: Seconds of a job; then other work has its turn, and another job goes on.
SHIFT = 10.0
#: Seconds between two looks.
LOOK = 0.2

#: One job goes round in a process; it alone touches ``UNDER_WAY``.
ROUND = threading.Lock()
UNDER_WAY: set[Future[None]] = set()


@functools.cache
def crew() -> ThreadPoolExecutor:
    """The threads that deliver, made when there is something to deliver."""
    return ThreadPoolExecutor(SLOTS, thread_name_prefix="outbound")


def deliver_due() -> int:
    """Deliver what is due, for a while. Gives how many deliveries were begun."""
    if not ROUND.acquire(blocking=False):
        return 0
    try:
        return go_round(time.monotonic() + SHIFT)
    finally:
        ROUND.release()


def go_round(end: float) -> int:
    """Begin what is due until nothing is, or until ``end``. Gives how many were begun."""
    total = 0
    while time.monotonic() < end:
        begun = begin_due()
        total += begun
        if not begun and not UNDER_WAY and not has_soon():
            return total
        pause()
    nudge(DELIVER)
    return total


def begin_due() -> int:
    """Begin as many as there are slots for. Gives how many."""
    UNDER_WAY.difference_update([one for one in UNDER_WAY if one.done()])
    free = SLOTS - len(UNDER_WAY)
    ids = claim(free) if free else []
    UNDER_WAY.update(crew().submit(alone, DELIVERIES, delivery_id) for delivery_id in ids)
    return len(ids)


def pause() -> None:
    """Until one of those under way is through, or it is time to look again."""
    if UNDER_WAY:
        wait(UNDER_WAY, timeout=LOOK, return_when=FIRST_COMPLETED)
    else:
        time.sleep(LOOK)
