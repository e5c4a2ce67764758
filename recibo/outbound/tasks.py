from procrastinate.contrib.django import app

from recibo.outbound import retention, rounds
from recibo.outbound.log import DELIVER
from recibo.work.engine import DRAINS

DRAINS.add(DELIVER)


@app.task(name=DELIVER, queueing_lock=DELIVER)
def deliver() -> None:
    """Deliver every change that is due."""
    rounds.deliver_due()


@app.periodic(cron="43 4 * * *")
@app.task(name="outbound.forget", queueing_lock="outbound.forget")
def forget(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every night: forget changes that everybody has had."""
    retention.forget_old()
