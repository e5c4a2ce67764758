from procrastinate.contrib.django import app

from recibo.processing.drain import drain
from recibo.work.engine import DRAINS

DRAIN = "processing.drain"
DRAINS.add(DRAIN)


@app.task(name=DRAIN, queueing_lock=DRAIN)
def drain_inbox() -> None:
    """Process every event that is due."""
    drain()
