"""What the tests of Pagar.me's API are given."""

from collections.abc import Iterator

import pytest

from recibo.gateways.contract import Api
from tests.gateways.gateway_server import GatewayServer, asking

KEY = "sk_test_fixture"


@pytest.fixture
def api(server: GatewayServer) -> Iterator[Api]:
    """Pagar.me's API on this machine, as an account sees it."""
    with asking(server.url, {"secret_key": KEY}) as view:
        yield view
