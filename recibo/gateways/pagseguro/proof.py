"""How a PagBank webhook proves itself: by a hash with the account's token, or by a signature.

Source: "Confirmar autenticidade da notificação" and "Validação de autenticidade", PagBank
developers. Legacy notices prove nothing: see docs/gateways/pagseguro.md.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from recibo.gateways import signatures
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import Refused, SignatureError

TOKEN_HEADER = b"x-authenticity-token"
SIGNATURE_HEADER = b"x-payload-signature"

#: More than PagBank can need while it changes keys; each costs a check.
MOST_SIGNATURES = 8


def require(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless one of ``secrets`` proves the body, byte for byte.

    A secret is the account's token, or PagBank's public key (base64, DER). Either proof is enough.
    """
    given_hash = request.headers.get(TOKEN_HEADER, b"")
    given_signatures = request.headers.get(SIGNATURE_HEADER, b"")
    if not (given_hash or given_signatures):
        raise SignatureError(Refused.SIGNATURE_MISSING)
    is_hashed = has_hash(given_hash, request.body, secrets)
    if not (is_hashed or has_signature(given_signatures, request.body, secrets)):
        raise SignatureError(Refused.SIGNATURE_INVALID)


def has_hash(given: bytes, body: bytes, tokens: Sequence[bytes]) -> bool:
    """Whether ``given`` was made with one of ``tokens``. All are tried: time tells nothing."""
    return bool(sum(signatures.same(given, hash_of(token, body)) for token in tokens))


def hash_of(token: bytes, body: bytes) -> bytes:
    """SHA-256 of token, hyphen and body, in lower-case hex."""
    return hashlib.sha256(token + b"-" + body).hexdigest().encode()


def has_signature(given: bytes, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether one of the signatures, separated by commas, is by one of the public keys."""
    keys = [key for key in map(public_key, secrets) if key]
    values = given.split(b",")[:MOST_SIGNATURES]
    return any(is_signed(value.strip(), body, key) for value in values for key in keys)


def is_signed(signature: bytes, body: bytes, key: EllipticCurvePublicKey) -> bool:
    """Whether ``signature`` (base64, DER) of the body is by ``key``: ECDSA with SHA-256."""
    try:
        key.verify(base64.b64decode(signature, validate=True), body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error):
        return False
    return True


@lru_cache(maxsize=256)
def public_key(secret: bytes) -> EllipticCurvePublicKey | None:
    """The key in a secret; None for a token. Parsed once: it is asked for at every webhook."""
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
    except (ValueError, UnsupportedAlgorithm):  # binascii.Error is a ValueError
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None
