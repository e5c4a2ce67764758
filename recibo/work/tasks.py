"""The engine's own periodic tasks. They carry no lock: a stuck job must never hold them back."""

from procrastinate.contrib.django import app

from recibo.work import engine


@app.periodic(cron="* * * * * */10")
@app.task(name="work.sweep", queueing_lock="work.sweep")
def sweep(timestamp: int) -> None:  # noqa: ARG001  # the engine hands it over
    """Every ten seconds: nudge every kind of work."""
    engine.sweep()


@app.periodic(cron="* * * * *")
@app.task(name="work.rescue", queueing_lock="work.rescue")
async def rescue(timestamp: int) -> None:  # noqa: ARG001
    """Every minute: retry the jobs of workers that died."""
    await engine.rescue()
