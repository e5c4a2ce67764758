"""The engine's edges: nudges in transactions, and jobs of workers that died."""

import asyncio

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from recibo.billing.models import Customer
from recibo.work import engine
from recibo.work.engine import FOLD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_jobs():
    """Jobs are not Django's to flush."""
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")


def jobs() -> list[tuple[str, str]]:
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "status"))


def test_one_waiting_job_is_enough():
    engine.nudge(FOLD)
    engine.nudge(FOLD)
    assert jobs() == [(FOLD, "todo")]


def test_a_second_nudge_does_not_spoil_the_transaction_around_it():
    engine.nudge(FOLD)
    with transaction.atomic():
        engine.nudge(FOLD)
        Customer.objects.create(
            email="a@example.com",
            name_at="2026-01-01T00:00Z",
            phone_at="2026-01-01T00:00Z",
            document_at="2026-01-01T00:00Z",
            created_at="2026-01-01T00:00Z",
        )
    assert Customer.objects.count() == 1


def test_a_roll_back_takes_the_nudge_with_it():
    with transaction.atomic():
        engine.nudge(FOLD)
        transaction.set_rollback(True)
    assert jobs() == []


def test_a_roll_back_takes_the_nudge_with_it_in_a_worker_too():
    with app.replace_connector(app.connector.get_worker_connector()), transaction.atomic():
        engine.nudge(FOLD)
        transaction.set_rollback(True)
    assert jobs() == []


def test_a_running_job_does_not_keep_the_next_from_waiting():
    engine.nudge(FOLD)
    left_by_a_dead_worker()
    engine.nudge(FOLD)
    assert [status for _, status in jobs()] == ["doing", "todo"]


def test_the_sweep_nudges_every_kind_of_work():
    engine.sweep()
    assert {task for task, _ in jobs()} == engine.DRAINS


def rescued() -> int:
    async def rescue() -> int:
        connector = app.connector.get_worker_connector()
        with app.replace_connector(connector) as worker_app:
            async with worker_app.open_async():
                return await engine.rescue()

    return asyncio.run(rescue())


def left_by_a_dead_worker() -> None:
    """A job that runs on a worker which has not beaten for a minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_workers (last_heartbeat)"
            " values (now() - interval '1 minute') returning id"
        )
        cursor.execute(
            "update procrastinate_jobs set status = 'doing', worker_id = %s where status = 'todo'",
            cursor.fetchone(),
        )


def test_the_job_of_a_dead_worker_is_tried_again():
    engine.nudge(FOLD)
    left_by_a_dead_worker()
    assert rescued() == 1
    assert jobs() == [(FOLD, "todo")]


def test_the_job_of_a_dead_worker_gives_way_to_one_that_waits():
    engine.nudge(FOLD)
    left_by_a_dead_worker()
    engine.nudge(FOLD)
    assert rescued() == 1
    assert jobs() == [(FOLD, "todo")]


def test_the_job_of_a_live_worker_is_left_alone():
    engine.nudge(FOLD)
    left_by_a_dead_worker()
    with connection.cursor() as cursor:
        cursor.execute("update procrastinate_workers set last_heartbeat = now()")
    assert rescued() == 0
    assert jobs() == [(FOLD, "doing")]
