"""Who sent it: Basic credentials, a signature keyed with a secret, or one by Pagar.me's Hub.

Source: "Webhooks", Pagar.me docs v5 (Basic); the official plugins for Magento and WooCommerce
(RS256 by the Hub); "Postbacks", API v4 (HMAC-SHA1). v5 documents no HMAC: it is taken where the
seller has one, and never asked for.
"""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from recibo.gateways import signatures
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import Refused, SignatureError, UnprovenError
from recibo.gateways.stone.postback import is_form

AUTHORIZATION = b"authorization"
SIGNATURE = b"x-hub-signature"
HUB_SIGNATURE = b"x-webhook-asymmetric-signature"

#: What the sender may name. A postback is only ever signed by sha1: that it could choose a weaker
#: one is the trap of the old SDKs.
FORM_ALGORITHMS = (b"sha1",)
JSON_ALGORITHMS = (b"sha256", b"sha1")

#: The start of every id of a v5 webhook, near the start of its body. Only these can be asked for.
HOOK = b'"hook_'


class HubKey(Struct):
    kty: str
    kid: str
    n: str
    e: str
    use: str = "sig"


class HubKeys(Struct):
    keys: list[HubKey]


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless one of ``secrets`` proves the sender.

    A secret is "user:password", the key of an HMAC, or the Hub's public keys (a JWKS document).
    Raises UnprovenError where no secret could prove a v5 webhook, which the API can be asked about.
    """
    given = [header for header in CHECKS if request.headers.get(header)]
    if any(CHECKS[header](request, secrets) for header in given):
        return
    error = UnprovenError if has_to_be_asked(request, secrets) else SignatureError
    raise error(reason(given, secrets))


def reason(given: Sequence[bytes], secrets: Sequence[bytes]) -> Refused:
    """Why it was refused."""
    if not given:
        return Refused.SIGNATURE_MISSING
    return Refused.SIGNATURE_INVALID if secrets else Refused.NOT_CONFIGURED


def has_to_be_asked(request: RawRequest, secrets: Sequence[bytes]) -> bool:
    """Whether this is a v5 webhook and no secret is of a kind that proves one.

    The key of an HMAC is not: it belongs to the postbacks, and v5 would never come signed by it.
    """
    if is_form(request) or HOOK not in request.body:
        return False
    is_signed = bool(secrets) and bool(request.headers.get(SIGNATURE))
    return not is_signed and not any(is_pair(one) or is_key_set(one) for one in secrets)


def is_pair(secret: bytes) -> bool:
    """Whether a secret is a user and a password, neither of them empty."""
    return b":" in secret.strip(b":") and not is_key_set(secret)


def is_key_set(secret: bytes) -> bool:
    """Whether a secret is a JWKS document. It is public: it must never serve as a password."""
    return secret.lstrip().startswith(b"{")


def by_basic(request: RawRequest, secrets: Sequence[bytes]) -> bool:
    """Whether the Basic credentials are among the secrets. The password may hold colons."""
    scheme, _, encoded = request.headers[AUTHORIZATION].strip().partition(b" ")
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return False
    pairs = [secret for secret in secrets if is_pair(secret)]
    return scheme.lower() == b"basic" and any_of(credentials, pairs)


def by_hmac(request: RawRequest, secrets: Sequence[bytes]) -> bool:
    """Whether one of the secrets is the key of the body's HMAC."""
    algorithm, _, given = request.headers[SIGNATURE].partition(b"=")
    if algorithm not in (FORM_ALGORITHMS if is_form(request) else JSON_ALGORITHMS):
        return False
    keys = [secret for secret in secrets if secret and not is_key_set(secret)]
    name = algorithm.decode()
    return any_of(given, [hmac.digest(key, request.body, name).hex().encode() for key in keys])


def any_of(given: bytes, expected: Sequence[bytes]) -> bool:
    """Compare with all, so that the time taken does not tell which one matched."""
    return bool(sum(signatures.same(given, one) for one in expected))


def by_hub(request: RawRequest, secrets: Sequence[bytes]) -> bool:
    """Whether the Hub signed the body: RS256, by the key that it names, whatever else it says."""
    parts = parameters(request.headers[HUB_SIGNATURE])
    if parts.get("alg") != "RS256":
        return False
    signature = base64url(parts.get("signature", ""))
    keys = [hub_keys(secret).get(parts.get("kid", "")) for secret in secrets if is_key_set(secret)]
    return any(signed(key, signature, request.body) for key in keys if key)


def parameters(header: bytes) -> dict[str, str]:
    """The parts of "alg=RS256; kid=…; signature=…"."""
    parts = (part.strip().partition("=") for part in header.decode("latin-1").split(";"))
    return {name: value for name, _, value in parts}


def signed(key: RSAPublicKey, signature: bytes, body: bytes) -> bool:
    """Whether the signature is the key's, by PKCS #1 v1.5 with SHA-256."""
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=32)
def hub_keys(document: bytes) -> Mapping[str, RSAPublicKey]:
    """The keys of a JWKS document by their names; none of one that cannot be read."""
    try:
        keys = msgspec.json.decode(document, type=HubKeys).keys
        return {key.kid: public_key(key) for key in keys if (key.kty, key.use) == ("RSA", "sig")}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}


def public_key(key: HubKey) -> RSAPublicKey:
    """Raises ValueError for numbers that are no key."""
    modulus, exponent = (int.from_bytes(base64url(number)) for number in (key.n, key.e))
    return RSAPublicNumbers(exponent, modulus).public_key()


def base64url(value: str) -> bytes:
    """Decode, with or without padding; empty if it cannot be."""
    try:
        padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except ValueError:
        return b""


#: What checks each header.
CHECKS: Mapping[bytes, Callable[[RawRequest, Sequence[bytes]], bool]] = {
    AUTHORIZATION: by_basic,
    SIGNATURE: by_hmac,
    HUB_SIGNATURE: by_hub,
}


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as a genuine delivery: with Basic for a pair, else by HMAC.

    Nobody can sign for the Hub, whose keys are public.
    """
    if is_pair(secret) and not is_form(request):
        proof = {AUTHORIZATION: b"Basic " + base64.b64encode(secret)}
    else:
        name = "sha1" if is_form(request) else "sha256"
        digest = hmac.digest(secret, request.body, name).hex()
        proof = {SIGNATURE: f"{name}={digest}".encode()}
    content_type = {b"content-type": b"application/json"} | dict(request.headers)
    return replace(request, headers={**content_type, **proof})
