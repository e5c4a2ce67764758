import pytest

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    """What every installation has: an account for each gateway, room for bodies."""
    uses_database = DATABASE_FIXTURES & set(request.fixturenames)
    if request.node.get_closest_marker("django_db") or uses_database:
        request.getfixturevalue("_django_db_helper")
        from recibo.inbox.models import EventBody
        from recibo.operations.installation import prepare

        EventBody.objects.all().delete()  # Django flushes only the tables that it made
        prepare()
