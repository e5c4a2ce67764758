"""The jobs whose outcome others react to: they are handed the table of reactions."""

from procrastinate.contrib.django import app

from recibo.access import reviewing, stages
from recibo.access.actions import PROVISION
from recibo.access.stages import REVIEW
from recibo.automation.reactions import react
from recibo.messaging import sending
from recibo.messaging.actions import SEND
from recibo.work.engine import DRAINS

DRAINS.update({PROVISION, REVIEW, SEND})


@app.task(name=PROVISION, queueing_lock=PROVISION)
def give_access() -> None:
    """Take every provisioning that is due as far as it goes."""
    stages.advance_all(react)


@app.task(name=REVIEW, queueing_lock=REVIEW)
def review_access() -> None:
    """Bring every access that is due in line with what is owed."""
    reviewing.review_all(react)


@app.task(name=SEND, queueing_lock=SEND)
def send_messages() -> None:
    """Send every message that is due."""
    sending.send_all()
