"""WhatsApp by an Evolution API server: plain text through a number that is logged in there.

Source: EvolutionAPI/evolution-api 2.3.6 (routes, exceptions, the Baileys channel) and its
documentation of v1 and v2.
"""

from typing import Any
from urllib.parse import quote

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
from recibo.messaging.senders.replies import plain

#: Milliseconds for which the receiver sees us write, as a person would.
TYPING = 1200
OUR_STATUSES = frozenset({401, 403, 404})
TOO_MANY = 429
#: What the server says, by 400 as well as by 500, while its own connection to WhatsApp is down.
DISCONNECTED = "connection closed"


def send(outgoing: Outgoing, about: About, *, whatsapp: WhatsApp) -> str:
    """Send one text; gives WhatsApp's id of it. A ``Send``."""
    response = calls.post(
        f"{whatsapp.url}/message/sendText/{quote(whatsapp.sender, safe='')}",
        message(outgoing, whatsapp.version),
        {"apikey": whatsapp.token},
        about._replace(account="whatsapp/evolution"),
    )
    content = calls.content_of(response)
    if not response.is_success:
        raise failure(response, reason_in(content))
    return id_in(content)


def message(outgoing: Outgoing, version: str) -> dict[str, Any]:
    """The request's body, which version 1 nests."""
    number = outgoing.to.removeprefix("+")
    options = {"delay": TYPING, "linkPreview": False}
    if version.removeprefix("v").startswith("1"):
        return {
            "number": number,
            "options": {**options, "presence": "composing"},
            "textMessage": {"text": outgoing.text},
        }
    return {"number": number, "text": outgoing.text, **options}


def id_in(content: dict[str, Any]) -> str:
    """The id in the answer. Raises DelayedError if it has none: then nothing says it was taken."""
    try:
        return str(content["key"]["id"])
    except (KeyError, TypeError) as error:
        raise DelayedError("Evolution's answer cannot be read") from error


def reason_in(content: dict[str, Any]) -> list[Any]:
    """What an answer says is wrong: sentences, or numbers that were looked for."""
    inner = content.get("response")
    told = (inner if isinstance(inner, dict) else content).get("message", "")
    return told if isinstance(told, list) else [told]


def failure(response: httpx.Response, reasons: list[Any]) -> SendingError:
    """Which error an answer is."""
    if any(isinstance(reason, dict) and reason.get("exists") is False for reason in reasons):
        return NoSuchAddressError("There is no WhatsApp at this number.")
    status = response.status_code
    said = " ".join(str(reason) for reason in reasons)
    text = f"Evolution: {status} {plain(said)}".rstrip()
    if status in OUR_STATUSES:
        return ChannelError(text)
    is_passing = status < 400 or status == TOO_MANY or status >= 500
    if is_passing or DISCONNECTED in said.lower():
        return DelayedError(text, retry_after=retry_after(response))
    return RejectedError(text)
