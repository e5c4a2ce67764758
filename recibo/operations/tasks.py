from django.utils import timezone
from procrastinate.contrib.django import app

from recibo.inbox import partitions
from recibo.messaging.actions import forget_old
from recibo.operations import alerts, doctor, exports


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


@app.periodic(cron="20 2 * * *")
@app.task(name="operations.secrets", queueing_lock="operations.secrets")
def forget_secrets(timestamp: int) -> None:  # noqa: ARG001
    """Every night: forget passwords that nobody was told in a week."""
    forget_old(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="operations.doctor", queueing_lock="operations.doctor")
def examine_gateways(timestamp: int) -> None:  # noqa: ARG001
    """Every ten minutes: ask gateways whose webhooks we did not take whether they still send."""
    doctor.examine_after_spells(timezone.now())


@app.task(name=exports.TASK, queueing_lock=exports.TASK)
def write_exports() -> None:
    """Write every file that somebody asked for."""
    exports.write_all()


@app.periodic(cron="40 2 * * *")
@app.task(name="operations.exports.clean", queueing_lock="operations.exports.clean")
def clean_exports(timestamp: int) -> None:  # noqa: ARG001
    """Every night: delete files whose time is over."""
    exports.clean()
