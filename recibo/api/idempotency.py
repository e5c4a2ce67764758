"""`Idempotency-Key`: a write that is sent again under the same key is done once, and answered as
it was then.

The answer is kept in the transaction of the act, so that neither can be there without the other.
An act that calls the outside stands in no transaction: its key is taken first, and whoever comes
again while nobody knows how it ended is told so.
"""

import functools
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.operation import Operation

from recibo.accounts.encryption import opened, sealed
from recibo.api.authentication import READS, Bearer
from recibo.api.errors import ApiError, answer
from recibo.api.models import KeptAnswer
from recibo.work.sql import execute

HEADER = "Idempotency-Key"
#: Says of an answer that it is one from before.
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 200
LASTS = timedelta(hours=24)
BAD_REQUEST = 400

#: A row of ours, or none where somebody has the key. Waits for whoever is about to take it.
BEGIN = """
    insert into api_keptanswer as k (token_id, key, fingerprint, content, created_at)
    values (%s, %s, %s, '', now())
    on conflict (token_id, key) do update
        set fingerprint = excluded.fingerprint, status = null, content = '', created_at = now()
        where k.created_at < %s
    returning id
"""

Act = Callable[[], HttpResponseBase]
Run = Callable[..., HttpResponseBase]
View = Callable[..., Any]

#: Views that call the outside, and so stand in no transaction.
CALLING: set[View] = set()
BEARER = Bearer()


def calls_out(view: View) -> View:
    """Mark a view that calls the outside, or commits by itself. Closest to the function."""
    CALLING.add(view)
    return view


class Asked(NamedTuple):
    """What a key was sent with."""

    token_id: int
    key: str
    fingerprint: bytes


def once(run: Any) -> Run:
    """An operation's ``run`` that minds the header."""
    operation: Operation = run.__self__
    if READS.issuperset(operation.methods):
        return operation.run
    operation_run: Run = run
    perform = apart if operation.view_func in CALLING else together

    @functools.wraps(run)
    def wrapper(request: HttpRequest, **path: Any) -> HttpResponseBase:
        if HEADER not in request.headers:
            return operation_run(request, **path)
        try:
            asked = asked_by(request)
            return perform(asked, lambda: operation_run(request, **path))
        except Exception as error:  # noqa: BLE001  # told as whatever an operation raises
            return operation.api.on_exception(request, error)

    return wrapper


def asked_by(request: HttpRequest) -> Asked:
    """What is asked under which key by whom. Raises ApiError."""
    if (token := BEARER(request)) is None:
        raise ApiError(401)
    key = request.headers[HEADER]
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise ApiError(422, fields={HEADER: _("1 to 200 printable ASCII characters.")})
    asked = b"\0".join([f"{request.method} {request.get_full_path()}".encode(), request.body])
    return Asked(token.pk, key, hashlib.sha256(asked).digest())


def together(asked: Asked, act: Act) -> HttpResponseBase:
    """Act and keep the answer in one transaction; what is not done is not kept."""
    with transaction.atomic():
        if (kept := begin(asked)) is None:
            return again(asked)
        response = act()
        if response.status_code >= BAD_REQUEST:
            transaction.set_rollback(True)
        else:
            keep(kept, response)
    return response


def apart(asked: Asked, act: Act) -> HttpResponseBase:
    """Take the key, act, then keep the answer; what is not done frees the key."""
    with transaction.atomic():
        kept = begin(asked)
    if kept is None:
        return again(asked)
    response = act()
    keep(kept, response)
    return response


def begin(asked: Asked) -> int | None:
    """Take the key: the id of a row without an answer. None if it is taken."""
    taken = execute(BEGIN, *asked, timezone.now() - LASTS)
    return int(taken[0]["id"]) if taken else None


def keep(kept: int, response: HttpResponseBase) -> None:
    """Keep an answer that says that something was done; any other one frees the key.

    So does a file that is streamed: it is never whole, and making it anew changes nothing.
    """
    row = KeptAnswer.objects.filter(pk=kept)
    if response.status_code < BAD_REQUEST and isinstance(response, HttpResponse):
        content = sealed(response.content.decode())  # some answers tell a secret, once
        row.update(status=response.status_code, content=content)
    else:
        row.delete()


def again(asked: Asked) -> HttpResponse:
    """The answer to a key that is taken. Raises ApiError where it cannot be given."""
    kept = KeptAnswer.objects.get(token=asked.token_id, key=asked.key)
    if bytes(kept.fingerprint) != asked.fingerprint:
        raise ApiError(422, fields={HEADER: _("It was sent with another request before.")})
    if kept.status is None:
        return answer(409, _("The first request with this key has not ended, or broke off."))
    response = HttpResponse(
        opened(bytes(kept.content), str),
        status=kept.status,
        content_type="application/json; charset=utf-8",
    )
    response.headers[REPLAYED] = "true"
    return response


def clean() -> int:
    """Delete answers whose time is over. Gives how many."""
    count, _by_model = KeptAnswer.objects.filter(created_at__lt=timezone.now() - LASTS).delete()
    return count
