from django.utils import timezone
from procrastinate.contrib.django import app

from recibo.operations import alerts


@app.periodic(cron="* * * * *")
@app.task(name="operations.alerts", queueing_lock="operations.alerts")
def review_alerts(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every minute: open and resolve alerts."""
    alerts.review(timezone.now())
