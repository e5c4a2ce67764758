"""Calls to the APIs of WhatsApp, each kept in the journal."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import msgspec

from recibo.journal.actions import About
from recibo.journal.transport import Recorded
from recibo.messaging.errors import DelayedError

#: Seconds for one call, from the connection to the last byte of a part.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)


def post(
    url: str, content: Mapping[str, Any], headers: Mapping[str, str], about: About
) -> httpx.Response:
    """The answer to a JSON document, whatever its status. Raises DelayedError if there is none."""
    try:
        with httpx.Client(timeout=TIMEOUT, transport=Recorded(about)) as client:
            return client.post(url, json=content, headers=headers)
    except httpx.HTTPError as error:
        raise DelayedError(f"No answer: {type(error).__name__}") from error


def content_of(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; empty if it has none."""
    with suppress(msgspec.DecodeError):
        content = msgspec.json.decode(response.content)
        if isinstance(content, dict):
            return content
    return {}
