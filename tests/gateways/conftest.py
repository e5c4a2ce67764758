"""What the tests of every gateway are given."""

from collections.abc import Iterator

import pytest

from tests.gateways.gateway_server import GatewayServer, serving


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    """The gateway's API on this machine, with no routes yet."""
    with serving() as running:
        yield running
