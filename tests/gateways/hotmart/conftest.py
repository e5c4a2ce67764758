"""What the tests of Hotmart's API are given."""

from collections.abc import Iterator

import pytest

from recibo.gateways.contract import Api
from tests.gateways.gateway_server import GatewayServer, asking
from tests.gateways.hotmart.api_server import Hotmart


@pytest.fixture
def hotmart(server: GatewayServer) -> Hotmart:
    """Hotmart, with nothing sold yet."""
    return Hotmart(server)


@pytest.fixture
def account(hotmart: Hotmart) -> Iterator[Api]:
    """The API as an account sees it."""
    with asking(hotmart.server.url, hotmart.credentials()) as view:
        yield view
