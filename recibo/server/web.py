"""The web server: uvicorn, with limits on what a connection may cost before it asks for anything.

A client that sends its request byte by byte, or nothing at all, is closed in time; when there are
too many connections, the oldest that never finished a request makes room.
"""

import asyncio
import resource
from collections.abc import Iterable
from enum import Enum
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from recibo.inbox.answers import Answer, stored

#: Seconds for the headers of a request, from the connection or from the first byte.
HEADERS_SECONDS = 15.0
#: Seconds for the body, from the end of the headers.
BODY_SECONDS = 10.0
#: Seconds that a connection is kept open for the next request.
IDLE_SECONDS = 30
LARGEST_HEADERS = 64 * 1024
#: File descriptors that are not for connections: databases, logs, files.
SPARE_DESCRIPTORS = 200
#: More would cost more memory (about 20 kB each) than they are worth.
MOST_CONNECTIONS = 20_000

REFUSAL = (
    b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%b"
)


def refusal(status: bytes, content: bytes) -> bytes:
    """A whole answer, for a connection that never got as far as the application."""
    return REFUSAL % (status, len(content), content)


TOO_SLOW = refusal(b"408 Request Timeout", b'{"error": "timeout"}')
HEADERS_TOO_LARGE = refusal(
    b"431 Request Header Fields Too Large", b'{"error": "headers_too_large"}'
)


class Awaiting(Enum):
    """What the server waits for on a connection."""

    HEADERS = "headers"
    BODY = "body"
    NOTHING = "nothing"  # the application is at work, or the connection is kept for later


class State(ServerState):
    """What all connections of a server share."""

    def __init__(self) -> None:
        super().__init__()
        self.most_connections = MOST_CONNECTIONS
        #: Connections that never finished a request, oldest first.
        self.strangers: dict[Connection, None] = {}


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with a deadline for what it waits for and a limit on headers.

    A request that comes in one piece is offered to the application's ``take`` first, which
    answers webhooks without a task of their own: a fifth of their cost.
    """

    server_state: State
    #: A request whose application is not called yet: the read that brought it may bring it whole.
    held: tuple[RequestResponseCycle, Any] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.strangers = self.server_state.strangers
        self.strangers[self] = None
        self.header_bytes = 0
        self.wait_for(Awaiting.HEADERS, HEADERS_SECONDS)
        if len(self.connections) > self.server_state.most_connections:
            next(iter(self.strangers)).close(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self.strangers.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.let_go()
        if self.awaiting is Awaiting.HEADERS:
            self.header_bytes += len(data)
            if self.header_bytes > LARGEST_HEADERS:
                self.close(HEADERS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.header_bytes = 0
        self.wait_for(Awaiting.HEADERS, HEADERS_SECONDS)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.wait_for(Awaiting.BODY, BODY_SECONDS)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.awaiting = Awaiting.NOTHING
        if self.held is None:
            return
        cycle, application = self.held
        if (taken := application.take(cycle.scope, bytes(cycle.body))) is None:
            self.let_go()
            return
        self.held = None
        if isinstance(taken, Answer):
            self.reply(cycle, taken)
        else:
            taken.add_done_callback(lambda done: self.reply(cycle, stored(done.result())))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if hasattr(app, "take") and cycle.more_body:
            self.held = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def let_go(self) -> None:
        """Call the application of a request that is held back in the usual way."""
        if self.held is not None:
            (cycle, application), self.held = self.held, None
            super()._start_asgi_task(cycle, application)

    def reply(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """Send a whole answer in one write, as ``cycle`` would have sent it in two."""
        if cycle.disconnected:
            return
        headers = b"".join(b"%b: %b\r\n" % header for header in cycle.default_headers)
        if not cycle.keep_alive:
            headers += b"connection: close\r\n"
        self.transport.write(answer.status_line + headers + answer.wire)
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.strangers.pop(self, None)

    def wait_for(self, awaited: Awaiting, seconds: float) -> None:
        """Close unless ``awaited`` is over in so many seconds."""
        self.awaiting = awaited
        self.deadline = self.loop.time() + seconds

    def is_overdue(self, now: float) -> bool:
        """Whether what the server waits for should have come by now."""
        return self.awaiting is not Awaiting.NOTHING and now > self.deadline

    def close(self, answer: bytes = TOO_SLOW) -> None:
        """End the connection, with ``answer`` unless another one is on its way."""
        if self.transport.is_closing():
            self.transport.abort()  # asked before, and the client does not read
            return
        if not self.is_answering():
            self.transport.write(answer)
        self.transport.close()

    def is_answering(self) -> bool:
        """Whether an answer was begun and not ended."""
        cycle = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete


class Server(uvicorn.Server):
    """uvicorn's server; at each tick (0.1 s) it closes the connections that took too long."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self.server_state.most_connections = most_connections()

    async def on_tick(self, counter: int) -> bool:
        self.close_overdue(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def close_overdue(self, now: float) -> None:
        """Close every connection whose deadline has passed."""
        overdue = [connection for connection in self.connections() if connection.is_overdue(now)]
        for connection in overdue:
            connection.close()

    def connections(self) -> Iterable[Connection]:
        """Those that are open."""
        return cast("Iterable[Connection]", self.server_state.connections)


def most_connections() -> int:
    """As many as the system lets this process open, less some for its own files.

    Raises the soft limit to the hard one.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, hard - SPARE_DESCRIPTORS))


def configuration(application: Any, host: str, port: int) -> uvicorn.Config:
    """How uvicorn runs ``application``; benchmarks run what they compare with on the same."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        loop="uvloop",
        interface="asgi3",
        lifespan="on",
        access_log=False,
        log_config=None,  # Django's logging is set up
        server_header=False,
        proxy_headers=False,  # for Django only: see entry.py
        backlog=2048,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=20,
    )


def serve(host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; what was accepted is finished first."""
    Server(configuration("recibo.server.asgi:application", host, port)).run()
