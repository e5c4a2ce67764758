from procrastinate.contrib.django import app

from recibo.processing import actions, retries
from recibo.processing.drain import drain
from recibo.work.engine import DRAINS, FOLD

DRAINS.add(FOLD)
#: Failed events that an hour tries again.
RETRIED = 50


@app.task(name=FOLD, queueing_lock=FOLD)
def drain_inbox() -> None:
    """Process every event that is due."""
    drain()


@app.periodic(cron="17 * * * *")
@app.task(name="processing.retry", queueing_lock="processing.retry")
def retry_failed(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every hour: try failed events again that have tries left."""
    if ids := [event.pk for event in retries.retryable(RETRIED)]:
        actions.requeue(ids, actor="schedule")
