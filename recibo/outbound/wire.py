"""One message over the wire, and what came back. Redirects are not followed."""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import httpcore
import httpx
from msgspec import Struct

from recibo.gateways.http import retry_after
from recibo.journal.transport import trusted
from recibo.outbound.addresses import AddressError, Guarded

#: Seconds for all of it, from the name to the end of what is kept of the answer.
TIMEOUT = 15.0
#: Bytes that are kept of an answer.
KEPT = 1024
USER_AGENT = "Recibo"
#: How a message does not get there.
LOST = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


class Answer(Struct, frozen=True, kw_only=True):
    """How a try ended. ``status`` None: nobody answered, and ``error`` says why."""

    status: int | None = None
    content: bytes = b""
    error: str = ""
    retry_after: timedelta | None = None
    duration_ms: int = 0

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The answer as it may be shown. PostgreSQL's text cannot hold a NUL."""
        return self.content.decode(errors="replace").replace("\0", "�")


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send a body, and give what came back. Raises nothing that a receiver could cause."""
    began = time.monotonic()
    try:
        answer = answer_to(url, headers, body, began + TIMEOUT)
    except AddressError as error:
        answer = Answer(error=str(error))
    except LOST as error:
        answer = Answer(error=f"{type(error).__name__}: {error}".rstrip(": "))
    return Answer(
        status=answer.status,
        content=answer.content,
        error=answer.error,
        retry_after=answer.retry_after,
        duration_ms=round((time.monotonic() - began) * 1000),
    )


def answer_to(url: str, headers: Mapping[str, str], body: bytes, end: float) -> Answer:
    """One request on a connection of its own. Raises AddressError, and what is in LOST."""
    sent = {"content-type": "application/json", "user-agent": USER_AGENT, **headers}
    with (
        httpcore.ConnectionPool(ssl_context=trusted(), network_backend=Guarded(end)) as pool,
        pool.stream("POST", url, headers=list(sent.items()), content=body) as response,
    ):
        content = beginning(response)
        waits = retry_after(httpx.Response(response.status, headers=response.headers))
        error = "" if 200 <= response.status < 300 else f"answered {response.status}"
        return Answer(status=response.status, content=content, error=error, retry_after=waits)


def beginning(response: httpcore.Response) -> bytes:
    """The first bytes of an answer. Its status counts, even if the rest never comes."""
    content = bytearray()
    with suppress(*LOST):
        for part in response.iter_stream():
            content += part
            if len(content) >= KEPT:
                break
    return bytes(content[:KEPT])
