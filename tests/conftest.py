import functools
from collections.abc import Iterator

import pytest

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
#: What migrations fill, and tests leave alone.
KEPT = ("django_migrations", "django_content_type", "auth_permission")


@pytest.fixture(autouse=True, scope="session")
def _quick_emptying() -> Iterator[None]:
    """Tests that commit leave empty tables behind, without Django's making all its rows anew."""
    from django.test import TransactionTestCase

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


def empty_tables(_case: object = None) -> None:
    """Empty every table that has a row."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(filled())
        if names := [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"truncate {', '.join(names)} cascade")


@functools.cache
def filled() -> str:
    """The question which tables have a row."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'p') and not relispartition and relname <> all(%s)",
            [list(KEPT)],
        )
        names = [name for (name,) in cursor.fetchall()]
    return " union all ".join(
        f"select '{name}' where exists (select from {name})" for name in names
    )


@pytest.fixture(scope="session")
def _room(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Room for bodies, which stays: made outside of any test's transaction."""
    from django.utils import timezone

    from recibo.inbox import partitions

    with django_db_blocker.unblock():
        partitions.ensure(timezone.now())


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    """What every installation has: an account for each gateway, room for bodies."""
    uses_database = DATABASE_FIXTURES & set(request.fixturenames)
    if request.node.get_closest_marker("django_db") or uses_database:
        request.getfixturevalue("_room")
        request.getfixturevalue("_django_db_helper")
        from recibo.accounts.actions import ensure_defaults

        ensure_defaults()
