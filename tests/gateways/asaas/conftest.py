"""What the tests of Asaas's API are given."""

from collections.abc import Iterator

import pytest

from recibo.gateways.contract import Api
from tests.gateways.gateway_server import GatewayServer, asking

KEY = "$aact_hmlg_exemplo"


@pytest.fixture
def asaas(server: GatewayServer) -> Iterator[Api]:
    """Asaas's API on this machine, as an account sees it."""
    with asking(server.url, {"api_key": KEY}) as view:
        yield view
