from django.utils import timezone
from procrastinate.contrib.django import app

from recibo.inbox import partitions
from recibo.operations import alerts


@app.periodic(cron="* * * * *")
@app.task(name="operations.alerts", queueing_lock="operations.alerts")
def review_alerts(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every minute: open and resolve alerts."""
    alerts.review(timezone.now())


@app.periodic(cron="10 2 * * *")
@app.task(name="operations.partitions", queueing_lock="operations.partitions")
def make_room(timestamp: int) -> None:  # noqa: ARG001
    """Every night: room for the bodies of the coming months."""
    partitions.ensure(timezone.now())
