"""The whole application on the real web server, with a shop's rows in the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.core.asgi import get_asgi_application

from recibo.api import tokens
from recibo.processing.drain import drain
from recibo.server.entry import Entry, receiver
from tests.api.conftest import sold, told
from tests.inbox.serving import running


@contextmanager
def shop() -> Iterator[httpx.Client]:
    """A client with a token that may do everything. Two sales, of which one was given back."""
    sold(2)
    told("purchase-refunded", 2)
    drain()
    headers = {"authorization": f"Bearer {tokens.create('outside')}"}
    with (
        running(Entry(receiver=receiver(), django=get_asgi_application())) as (port, _),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client,
    ):
        yield client
