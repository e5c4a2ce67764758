from procrastinate.contrib.django import app

from recibo.api import idempotency


@app.periodic(cron="20 2 * * *")
@app.task(name="api.answers.clean", queueing_lock="api.answers.clean")
def clean_answers(timestamp: int) -> None:  # the engine hands it over
    """Every night: forget answers to idempotency keys whose time is over."""
    idempotency.clean()
