from datetime import UTC, datetime

from procrastinate.contrib.django import app

from recibo.analytics import churn, rollups, snapshots
from recibo.work.draining import SHIFT
from recibo.work.engine import DRAINS

DRAIN = "analytics.drain"
DRAINS.add(DRAIN)


@app.task(name=DRAIN, queueing_lock=DRAIN)
def count_anew() -> None:
    """Count whoever is marked, or whose time has come, for a while: the sweep brings the rest."""
    rollups.drain(seconds=SHIFT)


@app.periodic(cron="0 * * * *")
@app.task(name="analytics.hourly", queueing_lock="analytics.hourly")
def look_at_the_clock(timestamp: int) -> None:
    """Every hour: after a month its snapshot; on Sundays at 3 in our zone the week's churn."""
    now = datetime.fromtimestamp(timestamp, UTC)
    snapshots.take_if_due(now)
    churn.report_if_due(now)


@app.periodic(cron="40 6 * * *")
@app.task(name="analytics.verify", queueing_lock="analytics.verify")
def verify(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every night: count everybody anew, and say so if that is not what was kept."""
    rollups.verify()
