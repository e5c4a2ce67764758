"""An account at Acme, whose API is on this machine."""

from tests.reconciliation.conftest import account, server

__all__ = ["account", "server"]
