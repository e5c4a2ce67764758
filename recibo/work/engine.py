"""The engine's edges, rounded off: nudging, sweeping, rescuing, and running a worker.

Procrastinate 3.10 as found: ``AlreadyEnqueued`` spoils the transaction around it; a job of a
killed worker stays ``doing`` for ever; a worker whose database went away ends with code 0 or 1,
late, or limps on without listening if it has no periodic task. So every nudge is deferred in a
savepoint, stalled jobs are retried at start and each minute, every worker carries a periodic
task and gives up on its database within seconds, and an end that nobody asked for is an error,
so that whoever started the worker starts it again.
"""

import asyncio
import logging
import signal
from contextlib import suppress

from django.db import transaction
from procrastinate import App, exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.tasks import configure_task

logger = logging.getLogger(__name__)

#: The task that folds what is in the inbox, by its name: those who defer it stand below it.
FOLD = "processing.drain"
#: Tasks that drain one kind of work each. The sweep nudges them all.
DRAINS: set[str] = set()

#: Defers on Django's connection. The connection of a worker's app is another one, outside our
#: transactions.
ON_DJANGO = JobManager(DjangoConnector())

#: A worker beats this often, and counts as dead after three missed beats. Seconds.
HEARTBEAT = 5.0
DEAD_AFTER = 15.0
#: How long a worker waits for a database that went away before it ends. Seconds.
PATIENCE = 5.0


class WorkerEndedError(Exception):
    """The worker ended though nobody asked it to: start it again."""


def nudge(task: str) -> None:
    """Have ``task`` run soon. One waiting job is enough, so a second nudge does nothing.

    In a transaction the nudge is part of it: a roll-back takes it away.
    """
    with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
        configure_task(name=task, job_manager=ON_DJANGO, queueing_lock=task).defer()


def sweep() -> None:
    """Nudge every kind of work: what lost its nudge is found within seconds."""
    for task in sorted(DRAINS):
        nudge(task)


async def rescue() -> int:
    """Retry the jobs of workers that died. Gives how many there were."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER))
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except exceptions.ConnectorException:
            # A job with the same queueing lock waits already: that one will do the work.
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    return len(stalled)


def run_worker(*, concurrency: int) -> None:
    """Work until SIGINT or SIGTERM. Raises WorkerEndedError on any other end."""
    connector = PsycopgConnector(
        kwargs=connector_params(),
        min_size=1,
        max_size=concurrency + 3,
        timeout=PATIENCE,
        reconnect_timeout=PATIENCE,
    )
    with app.replace_connector(connector) as worker_app:
        asyncio.run(work(worker_app, concurrency))


async def work(worker_app: App, concurrency: int) -> None:
    """Rescue what dead workers left, then work until asked to stop."""
    asked = asyncio.Event()
    async with worker_app.open_async():
        await rescue()
        worker = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=1.0,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=DEAD_AFTER,
                shutdown_graceful_timeout=20.0,
            )
        )
        stop_on_signal(asked, worker)
        with suppress(asyncio.CancelledError):
            await worker
    if not asked.is_set():
        raise WorkerEndedError("The worker ended by itself, most often because its database did.")


def stop_on_signal(asked: asyncio.Event, worker: asyncio.Task[None]) -> None:
    """Finish the running jobs and end when somebody asks for it."""

    def stop() -> None:
        asked.set()
        worker.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
