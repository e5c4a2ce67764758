from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from recibo.accounts.models import Account
from recibo.gateways.registry import GATEWAYS
from tests.gateways.gateway_server import GatewayServer, serving
from tests.reconciliation.acme import ACME


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    """The API of Acme."""
    with serving() as running:
        yield running


@pytest.fixture
def account(
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
    settings: pytest.FixtureRequest,
    server: GatewayServer,
) -> Iterator[Account]:
    """An account at Acme whose API is the local server."""
    monkeypatch.setitem(GATEWAYS, "acme", ACME)
    settings.RECIBO_CREDENTIALS = {"acme": {"key": "our-key"}}
    settings.RECIBO_API_URLS = {"acme": server.url}
    settings.RECIBO_FETCH_DELAYS = (timedelta(seconds=5), timedelta(seconds=30))
    yield Account.objects.create(gateway="acme")
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")
