"""What we asked for and were told: the answers of the API, by the resource that they are.

Hotmart dates no change of a sale or a subscription, so each answer notes when it was read. That
note is no part of an identity: the same state read twice is one event.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import Fact
from recibo.gateways.hotmart.values import moment

READ_AT = b"x-recibo-at"


class Reader(Struct, frozen=True):
    """What reads one kind of answer."""

    identify: Callable[[RawRequest], Identity]
    parse: Callable[[RawRequest], list[Fact]]


def told(resource: str, body: bytes) -> RawRequest:
    """An answer, read now."""
    return http.answer(resource, body, at=datetime.now(UTC).isoformat(timespec="milliseconds"))


def read_at(answer: RawRequest) -> datetime | None:
    """When it was read. Raises PayloadError."""
    return moment(answer.headers.get(READ_AT, b"").decode("latin-1"), "at")


def reader(answer: RawRequest, readers: dict[bytes, Reader]) -> Reader:
    """What reads an answer. Raises PayloadError."""
    if (found := readers.get(answer.headers[ANSWER])) is None:
        raise PayloadError("hotmart: an answer that is not known")
    return found


def digest(state: Struct) -> str:
    """A short name of a state. Lists count as sets: Hotmart promises no order."""
    text = msgspec.json.encode(unordered(msgspec.to_builtins(state)))
    return hashlib.sha256(text).hexdigest()[:16]


def unordered(value: Any) -> Any:
    """The same value with its lists sorted."""
    if isinstance(value, dict):
        return {key: unordered(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted(map(unordered, value), key=repr)
    return value
