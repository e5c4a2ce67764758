"""Who is let in: Basic, HMAC, the Hub's signature, and what has to be asked for."""

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import Refused, SignatureError, UnprovenError
from recibo.gateways.stone import STONE
from tests.gateways.stone.expected import SECRET
from tests.recordings import recorded

SIGNATURES: dict[str, Any] = json.loads(recorded("stone/signatures").body)
KEYS = recorded("stone/hub-jwks").body
PIX = "stone/webhook-charge-paid-pix"
POSTBACK = "stone/v4-postback-transaction-boleto-paid"
V4_KEY = SIGNATURES["v4_api_key"].encode()
PAIR = f"{SIGNATURES['basic_user']}:{SIGNATURES['basic_password']}".encode()
HUB = b"x-webhook-asymmetric-signature"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in SIGNATURES["cases"]}


def request_of(case: dict[str, Any]) -> RawRequest:
    request = recorded("stone/" + case["body_file"].rsplit(".", 1)[0])
    headers = {name.lower().encode(): value.encode() for name, value in case["headers"].items()}
    return replace(request, headers={**request.headers, **headers})


def refusal(request: RawRequest, *secrets: bytes) -> SignatureError:
    with pytest.raises(SignatureError) as refused:
        STONE.verify(request, secrets)
    return refused.value


def with_header(name: bytes, value: bytes, recording: str = PIX) -> RawRequest:
    request = recorded(recording)
    return replace(request, headers={**request.headers, name: value})


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["accept"]])
def test_a_documented_proof_is_accepted(name: str) -> None:
    STONE.verify(request_of(CASES[name]), [b"other:one", PAIR, V4_KEY, KEYS])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case["accept"]])
def test_a_documented_forgery_is_refused_and_not_asked_for(name: str) -> None:
    refused = refusal(request_of(CASES[name]), PAIR, V4_KEY, KEYS)
    assert not isinstance(refused, UnprovenError)
    missing = name == "nothing"
    assert refused.reason is (Refused.SIGNATURE_MISSING if missing else Refused.SIGNATURE_INVALID)


def test_without_the_hubs_keys_its_signature_proves_nothing() -> None:
    assert refusal(request_of(CASES["asymmetric, good"]), PAIR).reason is Refused.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        b'{"keys": 1}',
        b'{"keys": [{"kty": "RSA", "kid": "fixture-hub-1", "n": "AQ", "e": "AQAB"}]}',
        b'{"keys": [{"kty": "RSA", "kid": "fixture-hub-1", "n": "%%%", "e": "AQAB"}]}',
        KEYS.replace(b'"RSA"', b'"EC"'),
        KEYS.replace(b'"sig"', b'"enc"'),
        b'{"keys":' + b"[" * 100_000,
    ],
)
def test_keys_that_cannot_be_used_let_nobody_in(document: bytes) -> None:
    refusal(request_of(CASES["asymmetric, good"]), document)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"alg=RS256",
        b"alg=RS256; kid=fixture-hub-1; signature=%%%",
        b"alg=RS256; kid=fixture-hub-1; signature=AQ",
        b"alg=RS512; kid=fixture-hub-1; signature=AQ",
        b"\xff; =; ==;",
    ],
)
def test_a_damaged_signature_of_the_hub_is_refused(header: bytes) -> None:
    refusal(with_header(HUB, header), KEYS)


def test_the_algorithm_is_pinned_even_if_the_signature_is_right() -> None:
    good = CASES["asymmetric, good"]["headers"]["X-Webhook-Asymmetric-Signature"].encode()
    for other in (b"none", b"HS256", b"rs256", b"RS512", b""):
        refusal(with_header(HUB, good.replace(b"RS256", other)), KEYS)


@pytest.mark.parametrize("body", [PIX, POSTBACK])
def test_public_keys_are_no_password(body: str) -> None:
    """Whoever knows the Hub's keys, and that is everybody, could forge with them."""
    request = recorded(body)
    name = "sha1" if body == POSTBACK else "sha256"
    digest = hmac.digest(KEYS, request.body, name).hex()
    refusal(with_header(b"x-hub-signature", f"{name}={digest}".encode(), body), KEYS)
    basic = b"Basic " + base64.b64encode(KEYS)
    refusal(with_header(b"authorization", basic, body), KEYS)


@pytest.mark.parametrize("secret", [b":", b"::", b"user:", b":password", b""])
def test_a_pair_without_user_or_password_lets_nobody_in(secret: bytes) -> None:
    basic = b"Basic " + base64.b64encode(secret)
    assert isinstance(refusal(with_header(b"authorization", basic), secret), SignatureError)


def test_an_empty_key_signs_nothing() -> None:
    digest = hmac.digest(b"", recorded(POSTBACK).body, "sha1").hex().encode()
    refusal(with_header(b"x-hub-signature", b"sha1=" + digest, POSTBACK), b"")


def test_a_secret_without_a_colon_is_no_basic_credential() -> None:
    basic = b"Basic " + base64.b64encode(b"secret")
    refusal(with_header(b"authorization", basic), b"secret")


def test_a_webhook_may_be_signed_with_a_secret_though_it_is_not_documented() -> None:
    for name in ("sha1", "sha256"):
        digest = hmac.digest(b"secret", recorded(PIX).body, name).hex()
        STONE.verify(with_header(b"x-hub-signature", f"{name}={digest}".encode()), [b"secret"])


def test_a_postback_is_signed_by_sha1_only() -> None:
    digest = hmac.digest(V4_KEY, recorded(POSTBACK).body, "sha256").hex().encode()
    refusal(with_header(b"x-hub-signature", b"sha256=" + digest, POSTBACK), V4_KEY)


@pytest.mark.parametrize("digest", [b"", b"\xff\xfe", "ção".encode(), b"0" * 5000])
def test_a_damaged_signature_is_refused_not_a_crash(digest: bytes) -> None:
    refusal(with_header(b"x-hub-signature", b"sha1=" + digest, POSTBACK), V4_KEY)


@pytest.mark.parametrize(
    "value", [b"Basic", b"Basic ", b"\xff\xfe", b"Basic \xff", b"Basic cmVjaWJv", b"Digest x"]
)
def test_damaged_credentials_are_refused_not_a_crash(value: bytes) -> None:
    assert refusal(with_header(b"authorization", value), SECRET).reason is Refused.SIGNATURE_INVALID


# What only Pagar.me can confirm


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [([], Refused.SIGNATURE_MISSING), ([V4_KEY], Refused.SIGNATURE_MISSING)],
)
def test_a_webhook_that_no_secret_can_prove_is_asked_for(
    secrets: list[bytes], reason: Refused
) -> None:
    refused = refusal(recorded(PIX), *secrets)
    assert isinstance(refused, UnprovenError)
    assert refused.reason is reason


def test_a_signature_of_the_hub_is_asked_for_where_nothing_is_configured() -> None:
    refused = refusal(request_of(CASES["asymmetric, good"]))
    assert isinstance(refused, UnprovenError)
    assert refused.reason is Refused.NOT_CONFIGURED


@pytest.mark.parametrize("secret", [PAIR, KEYS])
def test_where_a_proof_can_be_had_it_is_required(secret: bytes) -> None:
    assert not isinstance(refusal(recorded(PIX), secret), UnprovenError)


def test_a_wrong_signature_is_not_asked_for() -> None:
    request = with_header(b"x-hub-signature", b"sha256=00")
    assert not isinstance(refusal(request, V4_KEY), UnprovenError)


@pytest.mark.parametrize(
    "name", [POSTBACK, "stone/banking-webhook-encrypted", "stone/api-get-order-paid"]
)
def test_what_cannot_be_asked_for_is_refused(name: str) -> None:
    assert not isinstance(refusal(recorded(name)), UnprovenError)


def test_json_under_a_forms_content_type_is_a_webhook() -> None:
    request = replace(
        recorded(PIX), headers={b"content-type": b"application/x-www-form-urlencoded"}
    )
    STONE.verify(STONE.sign(request, SECRET), [SECRET])
    assert STONE.identify(request) == STONE.identify(recorded(PIX))
    assert STONE.parse(request) == STONE.parse(recorded(PIX))
