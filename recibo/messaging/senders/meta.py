"""WhatsApp by Meta's Cloud API: a template for each kind, registered there and approved.

Sources: Meta's references "Messages" and "Error codes" (2026), the latter with partners' lists.
Failures are sorted by ``code``: sources disagree on HTTP statuses, and titles change.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

import httpx

from recibo.gateways.http import retry_after
from recibo.journal.actions import About
from recibo.messaging.configuration import WhatsApp
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
)
from recibo.messaging.senders import calls
from recibo.messaging.senders.contract import Outgoing
from recibo.messaging.senders.replies import one_line, plain

#: Of the Graph API, unless another one is set.
VERSION = "v23.0"
LANGUAGES = {"pt-br": "pt_BR", "en": "en"}


class Way(NamedTuple):
    """What a code calls for."""

    error: type[SendingError]
    wait: timedelta | None = None


MINUTES = Way(DelayedError, timedelta(minutes=5))
CHANNEL = Way(ChannelError)
NEVER = Way(RejectedError)

#: What to do by code.
WAYS: dict[int, Way] = {
    # The token, its permissions, the account.
    **dict.fromkeys([0, 190, 3, 10, *range(200, 300), 368, 130497, 131031, 131042], CHANNEL),
    # The number: not registered; too many of its messages were called spam.
    **dict.fromkeys([133010, 131048], CHANNEL),
    # The template: parameters, none of that name and language, its content, paused, disabled.
    **dict.fromkeys([132000, 132001, 132007, 132015, 132016], CHANNEL),
    # Limits of calls, of the number, of the pair of sender and receiver (one in six seconds).
    4: MINUTES,
    80007: MINUTES,
    130429: Way(DelayedError, timedelta(seconds=10)),
    131056: Way(DelayedError, timedelta(seconds=30)),
    # Passing or unknown.
    **dict.fromkeys([1, 2, 131000, 131016, 131057], Way(DelayedError)),
    # No WhatsApp there, a client too old, or its terms not accepted.
    131026: Way(NoSuchAddressError),
    # A parameter of this message; the window of 24 hours; withheld marketing, refused marketing.
    **dict.fromkeys([100, 131008, 131009, 131047, 131049, 131050], NEVER),
}
OUR_STATUSES = frozenset({401, 403, 404})
TOO_MANY = 429


def send(outgoing: Outgoing, about: About, *, whatsapp: WhatsApp) -> str:
    """Send one template; gives the ``wamid`` that status webhooks name. A ``Send``."""
    response = calls.post(
        f"{whatsapp.url}/{whatsapp.version or VERSION}/{whatsapp.sender}/messages",
        message(outgoing),
        {"authorization": f"Bearer {whatsapp.token}"},
        about._replace(account="whatsapp/meta"),
    )
    content = calls.content_of(response)
    if not response.is_success or "error" in content:
        raise failure(response, content.get("error"))
    return wamid(content)


def message(outgoing: Outgoing) -> dict[str, Any]:
    """The request's body."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": outgoing.to.removeprefix("+"),
        "type": "template",
        "template": {
            "name": f"recibo_{outgoing.kind}",
            "language": {"code": LANGUAGES[outgoing.language]},
            "components": components(outgoing.parameters),
        },
        "biz_opaque_callback_data": outgoing.key,  # comes back in status webhooks
    }


def components(parameters: Iterable[str]) -> list[dict[str, Any]]:
    """What fills the template's body. Meta takes neither empty texts nor line breaks there."""
    texts = [{"type": "text", "text": one_line(text) or "-"} for text in parameters]
    return [{"type": "body", "parameters": texts}] if texts else []


def wamid(content: dict[str, Any]) -> str:
    """The id in the answer. Raises DelayedError if it has none: then nothing says it was taken."""
    try:
        return str(content["messages"][0]["id"])
    except (KeyError, IndexError, TypeError) as error:
        raise DelayedError("Meta's answer cannot be read") from error


def failure(response: httpx.Response, told: Any) -> SendingError:
    """Which error an answer is."""
    told = told if isinstance(told, dict) else {}
    code = told.get("code")
    way = WAYS.get(code) if isinstance(code, int) else None
    error, wait = way or by_status(response.status_code)
    text = f"Meta: {code or response.status_code} {plain(details_of(told))}".rstrip()
    if issubclass(error, DelayedError):
        return error(text, retry_after=retry_after(response) or wait)
    return error(text)


def details_of(told: dict[str, Any]) -> str:
    """What the error says, in its longest words."""
    details = told.get("error_data")
    found = details.get("details") if isinstance(details, dict) else None
    return str(found or told.get("message") or "")


def by_status(status: int) -> Way:
    """What to do about a code that is not in the table."""
    if status in OUR_STATUSES:
        return CHANNEL
    is_passing = status < 400 or status == TOO_MANY or status >= 500
    return Way(DelayedError) if is_passing else NEVER
