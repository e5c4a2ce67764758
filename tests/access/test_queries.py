"""What is asked in the fold and for each access is found by indexes, however much there is."""

import pytest

from recibo.access import actions, queries
from recibo.billing.changes import Subject
from recibo.work.sql import execute

pytestmark = pytest.mark.django_db


def read_whole(sql: str, *parameters: object) -> list[str]:
    """Steps that no index serves: they stay even where they are forbidden."""
    execute("select set_config('enable_seqscan', 'off', true)")
    lines = [row["QUERY PLAN"] for row in execute(f"explain {sql}", *parameters)]
    return [line for line in lines if "Seq Scan" in line]


@pytest.mark.parametrize("subject", [Subject.CHARGE, Subject.SUBSCRIPTION])
def test_what_is_to_be_looked_at_again_is_found_by_indexes(subject: Subject) -> None:
    again = actions.AGAIN.format(subject=subject, rows=actions.ROWS[subject])
    assert read_whole(again, [1, 2], [1, 2]) == []


def test_what_pays_for_an_access_is_found_by_indexes() -> None:
    assert read_whole(queries.PURCHASES, 1) == []


def test_what_is_to_be_given_is_found_by_indexes() -> None:
    for column in ("id", "order_id"):
        assert read_whole(actions.ORDERED.format(column=column), [1, 2], ["paid"]) == []


@pytest.mark.parametrize("table", ["access_provisioning", "access_access", "messaging_message"])
def test_what_is_due_is_found_by_an_index(table: str) -> None:
    assert read_whole(f"select id from {table} where next_attempt_at <= now()") == []
