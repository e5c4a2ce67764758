from collections.abc import Iterator

import pytest
from django.db import connection

from tests.inbox.serving import Served, serving


@pytest.fixture
def served(transactional_db: None) -> Iterator[Served]:
    connection.cursor().execute("truncate inbox_eventbody")  # not managed, so not emptied by Django
    with serving() as running:
        yield running
