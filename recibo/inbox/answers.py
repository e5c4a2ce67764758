"""What the receiver can answer: few things, built once."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: in ASGI's two messages, and as it goes over the wire.

    ``wire`` is between the status line with the server's own headers and the end.
    """

    start: Message
    body: Message
    status_line: bytes
    wire: bytes


def answer(status: int, content: Mapping[str, object], *headers: tuple[bytes, bytes]) -> Answer:
    """Build an answer in JSON."""
    body = json.dumps(content).encode()
    length = (b"content-length", str(len(body)).encode())
    kept = [(b"content-type", b"application/json"), length, *headers]
    return Answer(
        {"type": "http.response.start", "status": status, "headers": kept},
        {"type": "http.response.body", "body": body},
        b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode()),
        b"".join(b"%b: %b\r\n" % header for header in kept) + b"\r\n" + body,
    )


CLOSE = (b"connection", b"close")
RETRY = (b"retry-after", b"5")

RECEIVED = answer(200, {"received": True})
MISSING = answer(401, {"error": "signature_missing"})
INVALID = answer(401, {"error": "signature_invalid"})
UNAVAILABLE = answer(503, {"error": "unavailable"}, RETRY)

# Given before the body is read, so the connection is of no more use.
NO_GATEWAY = answer(400, {"error": "invalid_gateway"}, CLOSE)
NO_ACCOUNT = answer(404, {"error": "account_not_found"}, CLOSE)
WRONG_METHOD = answer(405, {"error": "method_not_allowed"}, (b"allow", b"POST"), CLOSE)
TOO_SLOW = answer(408, {"error": "timeout"}, CLOSE)
TOO_LARGE = answer(413, {"error": "payload_too_large"}, CLOSE)
NO_ROOM = answer(503, {"error": "unavailable"}, RETRY, CLOSE)


def stored(is_stored: bool) -> Answer:
    """200 is said only of what is on disk."""
    return RECEIVED if is_stored else UNAVAILABLE
