from datetime import UTC, datetime

from procrastinate.contrib.django import app

from recibo.reconciliation import (
    customers,
    lookups,
    notices,
    payment_checks,
    polling,
    syncing,
)
from recibo.work.engine import DRAINS

FETCH = "reconciliation.notices"
DRAINS.update({FETCH, customers.LOOK_UP, lookups.LOOK, payment_checks.POLL, syncing.SYNC})


@app.task(name=FETCH, queueing_lock=FETCH)
def ask_about_notices() -> None:
    """Ask the gateways about every thin notice that is due."""
    notices.fetch_all()


@app.task(name=customers.LOOK_UP, queueing_lock=customers.LOOK_UP)
def look_customers_up() -> None:
    """Ask the gateways for every buyer who is due."""
    customers.look_up_all()


@app.task(name=lookups.LOOK, queueing_lock=lookups.LOOK)
def look_at_charges() -> None:
    """Ask the gateways about every charge that somebody named."""
    lookups.look_at_all()


@app.task(name=payment_checks.POLL, queueing_lock=payment_checks.POLL)
def poll_unpaid_orders() -> None:
    """Ask the gateways about every unpaid order that is due."""
    polling.poll_due()


@app.task(name=syncing.SYNC, queueing_lock=syncing.SYNC)
def read_lists() -> None:
    """Read the gateways' lists that are being read."""
    syncing.sync_due()


@app.periodic(cron="*/15 * * * *")
@app.task(name="reconciliation.daily", queueing_lock="reconciliation.daily")
def sync_daily(timestamp: int) -> None:
    """Every quarter of an hour: begin the daily runs that are due, at 2 in our zone."""
    syncing.start_daily(datetime.fromtimestamp(timestamp, UTC))
