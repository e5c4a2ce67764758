"""Asking PagSeguro and PagBank: what a notice is about, and who we are.

Source: "API de Notificação", PagSeguro developers v1, and "Chaves públicas", PagBank developers.
No limit of calls is published for either.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
from msgspec import Struct

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.pagseguro import calls, charges, listed, notices, resources, webhook, windows

#: What a notice is about -> where its code is resolved, and what the answer is. An authorization
#: is not asked for: nothing is billed by it, and it takes the credentials of an application.
NOTICES = {
    notices.TRANSACTION: ("/v3/transactions/notifications/", "transaction"),
    notices.PRE_APPROVAL: ("/v2/pre-approvals/notifications/", "pre-approval"),
}

#: What a row of a search is introduced as -> what reads the whole of it.
ROWS = {
    listed.TRANSACTION.encode(): resources.transaction,
    listed.PRE_APPROVAL.encode(): resources.pre_approval,
}


class PublicKey(Struct):
    public_key: str


PUBLIC_KEY = msgspec.json.Decoder(PublicKey)


def fetch(api: Api, notice: RawRequest) -> list[RawRequest]:
    """The state of what a legacy notice, an unproven webhook or a row names; [] for no sale.

    Nothing else that stands in ``notice`` is believed.
    """
    if read := ROWS.get(notice.headers.get(ANSWER, b"")):
        return [read(api, listed.code_of(notice.body))]
    if notices.is_notice(notice):
        return resolved(api, *notices.notice_of(notice))
    resource = webhook.asked_id(notice.body)
    return [resources.read(api, resource)] if resource else []


def resolved(api: Api, kind: str, code: str) -> list[RawRequest]:
    """What the code of a legacy notice stands for. A notification code is no transaction's code."""
    if kind not in NOTICES:
        return []
    path, answer = NOTICES[kind]
    return [calls.ask_legacy(api, path + quote(code, safe=""), answer)]


def fetch_public_key(api: Api) -> bytes:
    """PagBank's key for ``x-payload-signature``, a secret of ``verify`` until it is changed."""
    body = calls.call_v4(api, "/public-keys", calls.hosts(api).v4, {"type": "webhook"})
    return calls.read_json(PUBLIC_KEY, body).public_key.encode()


def ping(api: Api) -> None:
    """Try the credentials: the legacy ones if there is an e-mail, for they are harder to get right.

    Raises DeniedError or UnavailableError.
    """
    if not calls.has_legacy(api):
        fetch_public_key(api)
        return
    now = datetime.now(UTC)
    span = {
        "initialDate": windows.local(now - timedelta(hours=1)),
        "finalDate": windows.local(now),
    }
    charges.search_page(api, {**span, "page": 1, "maxPageResults": 1})
