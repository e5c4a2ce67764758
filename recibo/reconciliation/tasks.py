from procrastinate.contrib.django import app

from recibo.reconciliation import customers, notices
from recibo.work.engine import DRAINS

FETCH = "reconciliation.notices"
DRAINS.update({FETCH, customers.LOOK_UP})


@app.task(name=FETCH, queueing_lock=FETCH)
def ask_about_notices() -> None:
    """Ask the gateways about every thin notice that is due."""
    notices.fetch_all()


@app.task(name=customers.LOOK_UP, queueing_lock=customers.LOOK_UP)
def look_customers_up() -> None:
    """Ask the gateways for every buyer who is due."""
    customers.look_up_all()
