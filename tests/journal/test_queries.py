"""Reads of the journal stay quick in large tables. What they find is tried in tests/api."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from recibo.journal import queries
from tests.plans import read_whole

FILL = """
    insert into journal_auditentry (at, actor, action, subject, before, after)
    select now() - make_interval(mins => 20000 - n), 'token:' || n %% 500, 'act.' || n %% 500,
        'customer:' || n, '{}', '{}'
    from generate_series(1, 20000) n
"""


@pytest.mark.django_db
def test_the_audit_is_narrowed_by_indexes():
    with connection.cursor() as cursor:
        cursor.execute(FILL, [])
        cursor.execute("analyze journal_auditentry")
    lists = {
        "all": queries.audits(),
        "subject": queries.audits(subject="customer:77"),
        "actor": queries.audits(actor="token:7"),
        "action": queries.audits(action="act.7"),
        "since": queries.audits(since=timezone.now() - timedelta(hours=1)),
    }
    for name, rows in lists.items():
        assert read_whole(rows[:50]) == [], name
        assert len(rows[:50]) > 0, name
