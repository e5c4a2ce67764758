"""How services prove themselves. Every comparison takes the same time, whatever is wrong.

Sources: Resend ("Verify webhooks requests": Svix, which is Standard Webhooks under other names),
Mailgun ("Securing webhooks"), SendGrid ("Signed Event Webhook"), Meta ("Webhooks: validating
payloads"). Postmark, Brevo, Amazon SNS and Evolution sign nothing that we can check without asking
elsewhere: they know a secret.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.http import HttpRequest
from msgspec import Struct
from standardwebhooks.webhooks import (
    EmptyWebhookSecretError,
    Webhook,
    WebhookVerificationError,
)

from recibo.gateways.errors import Refused, SignatureError
from recibo.gateways.signatures import same

#: How the base64 of every public key on the curve P-256 begins: SendGrid's "verification key".
PUBLIC_KEY = "MFkw"


def by_secret(request: HttpRequest, secret: str) -> None:
    """A secret in the address (``?token=``) or in a header. Raises SignatureError."""
    require_configured(secret)
    given = list(secrets_in(request))
    if not given:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    if not sum(same(one, secret.encode()) for one in given):
        raise SignatureError(Refused.SIGNATURE_INVALID)


def secrets_in(request: HttpRequest) -> Iterator[bytes]:
    """Whatever in a request may be the secret; of ``user:password`` both and the latter alone."""
    kind, _, rest = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        pair = base64_in(rest)
        yield pair
        yield pair.partition(b":")[2]
    elif rest:
        yield rest.strip().encode()
    for plain in (request.GET.get("token"), request.headers.get("apikey")):
        if plain:
            yield plain.encode()


def by_svix(request: HttpRequest, secret: str) -> None:
    """Resend's signature, at most five minutes old. Raises SignatureError."""
    require_configured(secret)
    names = ("id", "timestamp", "signature")
    headers = {f"webhook-{name}": request.headers.get(f"svix-{name}", "") for name in names}
    if not headers["webhook-signature"]:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    try:
        Webhook(secret).verify(request.body, headers, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError) as error:
        raise SignatureError(Refused.SIGNATURE_INVALID) from error


class MailgunSignature(Struct, frozen=True):
    """The block that proves a notice of Mailgun."""

    timestamp: str | int
    token: str
    signature: str


class MailgunNotice(Struct, frozen=True):
    """As much of a notice of Mailgun as proves it."""

    signature: MailgunSignature


def by_mailgun(request: HttpRequest, secret: str) -> None:
    """Mailgun's signature, which lies within the body. Raises SignatureError."""
    require_configured(secret)
    try:
        given = msgspec.json.decode(request.body, type=MailgunNotice, strict=False).signature
    except msgspec.MsgspecError as error:
        raise SignatureError(Refused.SIGNATURE_MISSING) from error
    expected = hmac_of(secret, f"{given.timestamp}{given.token}".encode())
    require_same(given.signature, expected)


def by_meta(request: HttpRequest, secret: str) -> None:
    """Meta's signature, by the secret of the app. Raises SignatureError."""
    require_configured(secret)
    given = request.headers.get("x-hub-signature-256", "")
    if not given:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    require_same(given, f"sha256={hmac_of(secret, request.body)}")


def by_sendgrid(request: HttpRequest, secret: str) -> None:
    """SendGrid's signature if the secret is its public key, else as ``by_secret``."""
    if not secret.startswith(PUBLIC_KEY):
        by_secret(request, secret)
        return
    headers = request.headers
    signature = base64_in(headers.get("x-twilio-email-event-webhook-signature", ""))
    signed = headers.get("x-twilio-email-event-webhook-timestamp", "").encode() + request.body
    if not signature:
        raise SignatureError(Refused.SIGNATURE_MISSING)
    try:
        public_key(secret).verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise SignatureError(Refused.SIGNATURE_INVALID) from error


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """SendGrid's key. Raises ValueError if it is none."""
    key = load_der_public_key(base64.b64decode(text))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not a key of an elliptic curve")  # noqa: TRY004
    return key


def require_configured(secret: str) -> None:
    """Without a secret nothing is believed. Raises SignatureError."""
    if not secret:
        raise SignatureError(Refused.NOT_CONFIGURED)


def require_same(given: str, expected: str) -> None:
    """Raise SignatureError unless both are the same."""
    if not same(given.encode(errors="replace"), expected.encode()):
        raise SignatureError(Refused.SIGNATURE_INVALID)


def hmac_of(secret: str, signed: bytes) -> str:
    """HMAC with SHA-256, in hexadecimal."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def base64_in(text: str) -> bytes:
    """What is encoded; empty if it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
