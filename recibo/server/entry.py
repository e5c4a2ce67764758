"""Who takes a request: the receiver takes webhooks, Django everything else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from django.db import connections
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from recibo.accounts import queries
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.answers import Answer, Receive, Scope, Send
from recibo.inbox.background import Nudger
from recibo.inbox.batch import Committer
from recibo.inbox.receiver import Receiver
from recibo.inbox.refusals import Refusals
from recibo.reconciliation import lookups
from recibo.work import engine

Application = Callable[[Any, Any, Any], Awaitable[None]]
#: Seconds to reach the database before the senders are told to come again.
CONNECT_TIMEOUT = 2


class Entry:
    """The application that the server runs; its lifespan is the receiver's."""

    def __init__(self, *, receiver: Receiver, django: Application) -> None:
        self.receiver = receiver
        self.django: Application = ProxyHeadersMiddleware(django)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self.live(receive, send)
        if self.receiver.handles(scope["path"]):
            return self.receiver(scope, receive, send)
        return self.django(scope, receive, send)

    def take(self, scope: Scope, body: bytes) -> Answer | asyncio.Future[bool] | None:
        """A whole request that needs no task; None: call this application as usual."""
        return self.receiver.take(scope, body)

    async def live(self, receive: Receive, send: Send) -> None:
        """Start and stop with the server. Django knows no lifespan."""
        await receive()
        await self.receiver.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.receiver.stop()
        await send({"type": "lifespan.shutdown.complete"})


def receiver() -> Receiver:
    """The receiver of this installation."""
    nudger = Nudger(lambda: engine.nudge(engine.FOLD))
    return Receiver(
        gateways=GATEWAYS,
        doors=queries.doors,
        simulation_secret=queries.simulation_secret,
        committer=Committer(connect, committed=nudger.wake),
        refusals=Refusals(lookups.named),
        nudger=nudger,
    )


async def connect() -> psycopg.AsyncConnection[Any]:
    """A connection of its own to Django's database. Raises psycopg.OperationalError."""
    return await psycopg.AsyncConnection.connect(**parameters(), autocommit=True)


def parameters() -> dict[str, Any]:
    """How to reach Django's database."""
    found = connections["default"].get_connection_params()
    for djangos in ("cursor_factory", "context"):
        found.pop(djangos, None)
    found["connect_timeout"] = CONNECT_TIMEOUT
    # A database that vanished without a word is noticed within seconds, not hours.
    found.setdefault("tcp_user_timeout", 10_000)
    return found
