"""PagSeguro's legacy notice: a form that tells only a code, which our credentials can resolve.

Source: "API de Notificação", PagSeguro developers v1.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.facts import EventType
from recibo.gateways.pagseguro.reading import missing

#: What a notice can be about, compared without case. A word that is not here is kept as it is.
TRANSACTION, PRE_APPROVAL = "transaction", "preApproval"
AUTHORIZATION = "applicationAuthorization"  # an application may act for a seller: no money moves
KINDS = {word.lower(): word for word in (TRANSACTION, PRE_APPROVAL, AUTHORIZATION)}

#: Of a charge: more is not said. The types of the others are not known until they are resolved.
EVENTS = {f"notification/{TRANSACTION}": EventType.CHARGE_UPDATED}

#: A real notice has two fields in 100 bytes: a flood of forged ones must cost little.
FORM_BYTES = 4096
CODE = re.compile(r"[0-9A-Fa-f-]{20,64}")
KIND = re.compile(r"[A-Za-z]{1,40}")


class Notice(NamedTuple):
    """What a form tells: the code to ask for, and what that is about."""

    kind: str
    code: str


def is_notice(request: RawRequest) -> bool:
    """Whether this is the form: JSON under a form's content type is still JSON."""
    if request.body.lstrip().startswith((b"{", b"[")):
        return False
    content_type = request.headers.get(b"content-type", b"").lower()
    is_form = content_type.startswith(b"application/x-www-form-urlencoded")
    return is_form or b"notificationCode=" in request.body[:FORM_BYTES]


def notice_of(request: RawRequest) -> Notice:
    """The notice; nothing else of the form is believed. Raises PayloadError."""
    body = request.body if len(request.body) <= FORM_BYTES else b""
    fields = dict(parse_qsl(body.decode("latin-1")))
    code = fields.get("notificationCode", "").strip()
    if not CODE.fullmatch(code):
        missing("a plausible notificationCode")
    kind = fields.get("notificationType", "").strip()
    return Notice(KINDS.get(kind.lower(), kind if KIND.fullmatch(kind) else "unknown"), code)


def notice_identity(notice: Notice) -> Identity:
    """Each change of status has a code of its own."""
    word = f"notification/{notice.kind}"
    return Identity(
        event_id=f"legacy:{notice.kind}:{notice.code.upper()}",
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
        is_thin=True,
    )
