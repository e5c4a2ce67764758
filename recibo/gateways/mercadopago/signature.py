"""Who sent it: ``x-signature`` over the id in the address, ``x-request-id`` and a time.

Source: "Webhooks - Notificações", Mercado Pago developers, and its SDKs.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from recibo.gateways import signatures
from recibo.gateways.contract import ANSWER, RawRequest
from recibo.gateways.errors import Refused, SignatureError, UnprovenError
from recibo.gateways.mercadopago.notices import REQUEST_ID_HEADER, is_ipn, parameters

SIGNATURE_HEADER = b"x-signature"

#: How far the signature's time may be from our clock. Wide on purpose: Mercado Pago prescribes no
#: window and tries again without a documented end; whether late tries are signed anew was
#: measured for the first hours only. A stolen request gains nothing: it makes us read a state.
TOLERANCE = timedelta(days=365)

#: From here on a time counts milliseconds (as seconds: the year 5138). Both are met.
FIRST_MILLISECONDS = 100_000_000_000
LONGEST_TIME = 16


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless one of ``secrets`` signed the id, the request id and the time.

    The older channel (IPN) raises UnprovenError: the application's secret does not verify it.
    """
    if ANSWER in request.headers:  # only what we fetched ourselves may say that it is an answer
        raise SignatureError(Refused.SIGNATURE_INVALID)
    header = request.headers.get(SIGNATURE_HEADER)
    if is_ipn(request):
        raise UnprovenError(Refused.SIGNATURE_INVALID if header else Refused.SIGNATURE_MISSING)
    if not header:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    if not secrets:
        raise SignatureError(Refused.NOT_CONFIGURED)
    parts = parts_of(header)
    require_signature(request, parts, secrets)
    require_recent(parts[b"ts"], request.received_at)


def parts_of(header: bytes) -> Mapping[bytes, bytes]:
    """``ts=…,v1=…`` in any order, with blanks or without. Raises SignatureError."""
    pairs = (part.partition(b"=") for part in header.split(b","))
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    if not (parts.get(b"ts") and parts.get(b"v1")):
        raise SignatureError(Refused.SIGNATURE_INVALID)
    return parts


def require_signature(
    request: RawRequest, parts: Mapping[bytes, bytes], secrets: Sequence[bytes]
) -> None:
    """Raise SignatureError unless one secret and one spelling of the id give the signature.

    All are tried, so that the time taken does not tell which one matched.
    """
    expected = [
        signature(manifest, secret)
        for manifest in manifests(request, parts[b"ts"])
        for secret in secrets
    ]
    if not sum(signatures.same(parts[b"v1"], one) for one in expected):
        raise SignatureError(Refused.SIGNATURE_INVALID)


def require_recent(ts: bytes, received_at: datetime | None) -> None:
    """Raise SignatureError for a time that is none, or too far from ours."""
    if not ts.isdigit() or len(ts) > LONGEST_TIME:
        raise SignatureError(Refused.SIGNATURE_INVALID)
    signed_at = int(ts) / 1000 if int(ts) >= FIRST_MILLISECONDS else int(ts)
    now = received_at.timestamp() if received_at else signed_at
    if abs(now - signed_at) > TOLERANCE.total_seconds():
        raise SignatureError(Refused.SIGNATURE_EXPIRED)


def manifests(request: RawRequest, ts: bytes) -> Iterator[bytes]:
    """What is signed, by each reading of the rules: the id as it came, and in lower case.

    Documentation and SDKs contradict one another on that. A part that is absent is left out.
    """
    named = parameters(request).get("data.id", "").encode("latin-1")
    request_id = request.headers.get(REQUEST_ID_HEADER, b"")
    for spelling in sorted({named, named.lower()}):
        parts = ((b"id", spelling), (b"request-id", request_id), (b"ts", ts))
        yield b"".join(name + b":" + value + b";" for name, value in parts if value)


def signature(manifest: bytes, secret: bytes) -> bytes:
    """The signature in lower-case hex."""
    return hmac.new(secret, manifest, hashlib.sha256).hexdigest().encode()


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as a genuine delivery, signed when it is received."""
    signed_at = request.received_at or datetime.fromtimestamp(0, UTC)
    ts = str(int(signed_at.timestamp())).encode()
    manifest = list(manifests(request, ts))[-1]  # the documented one: in lower case
    header = b"ts=" + ts + b",v1=" + signature(manifest, secret)
    headers = {**request.headers, SIGNATURE_HEADER: header, b"content-type": b"application/json"}
    return replace(request, headers=headers)
