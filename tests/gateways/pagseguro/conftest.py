"""What the tests of PagSeguro's API are given."""

from collections.abc import Iterator

import pytest

from recibo.gateways.contract import Api
from tests.gateways.gateway_server import GatewayServer, asking
from tests.gateways.pagseguro.canned import CREDENTIALS


@pytest.fixture
def asked_api(server: GatewayServer) -> Iterator[Api]:
    """A seller's view of the server, with the credentials of both generations."""
    with asking(server.url, CREDENTIALS) as view:
        yield view
