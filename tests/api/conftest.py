"""A client with a token, and sales to look at."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from recibo.api import tokens
from recibo.gateways.contract import Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Source
from recibo.processing.drain import drain
from tests.inboxes import NOW, received
from tests.reconciliation.conftest import account, server

__all__ = ["account", "server"]  # an account at Acme, whose API is on this machine


def bearer(token: str) -> Client:
    """A client that sends this token."""
    return Client(headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def client(db: None) -> Client:
    """A client that may do everything."""
    return bearer(tokens.create("tests"))


@pytest.fixture
def reader(db: None) -> Client:
    """A client that may only read."""
    return bearer(tokens.create("reader", read_only=True))


def told(sample: str, number: int, at: datetime = NOW, source: Source = Source.WEBHOOK) -> Event:
    """An event of a simulated sale, pending."""
    request = GATEWAYS["hotmart"].samples[sample](Sale(number=number, at=at))
    return received(request, source=source, at=at + timedelta(seconds=1))


def sold(count: int) -> None:
    """So many sales, each of a subscription of its own, processed."""
    for number in range(1, count + 1):
        told("purchase-approved", number)
    drain()
