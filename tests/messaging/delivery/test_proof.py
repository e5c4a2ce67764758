"""Nothing is believed that the service did not prove."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recibo.gateways.errors import Refused, SignatureError
from recibo.messaging.delivery import proof
from recibo.messaging.delivery.registry import PROOFS
from tests.messaging.delivery.requests import (
    SECRET,
    SVIX_SECRET,
    basic,
    mailgun_signature,
    meta_headers,
    request,
    svix_headers,
)

BODY = b'{"type": "email.delivered"}'
MISSING, INVALID = Refused.SIGNATURE_MISSING, Refused.SIGNATURE_INVALID


def refused(prove, asked, secret):
    with pytest.raises(SignatureError) as raised:
        prove(asked, secret)
    return raised.value.reason


@pytest.mark.parametrize("service", PROOFS)
def test_without_a_secret_of_ours_nothing_is_believed(service):
    body = {"signature": mailgun_signature("")}
    headers = {**svix_headers(BODY), **basic(":"), **meta_headers(BODY, "")}
    asked = request(body, headers, path="/?token=")
    assert refused(PROOFS[service], asked, "") == Refused.NOT_CONFIGURED


@pytest.mark.parametrize("service", PROOFS)
def test_without_a_proof_of_theirs_nothing_is_believed(service):
    assert refused(PROOFS[service], request(BODY), SVIX_SECRET) == MISSING


@pytest.mark.parametrize(
    "headers",
    [
        basic(SECRET),
        basic("any name:" + SECRET.partition(":")[2]),
        {"authorization": f"Bearer {SECRET}"},
        {"apikey": SECRET},
    ],
)
def test_a_secret_in_a_header_proves_the_sender(headers):
    secret = SECRET.partition(":")[2] if headers == basic(f"any name:{SECRET[7:]}") else SECRET
    proof.by_secret(request(BODY, headers), secret)
    assert refused(proof.by_secret, request(BODY, headers), "another one") == INVALID


def test_a_secret_in_the_address_proves_the_sender():
    asked = request(BODY, path="/api/deliveries/brevo?token=s%C3%A9same")
    proof.by_secret(asked, "sésame")
    assert refused(proof.by_secret, asked, "another one") == INVALID


@pytest.mark.parametrize(
    "authorization", ["Basic", "Basic ===", "Basic \xff", "Bearer \xff", "Basic Og==", "x"]
)
def test_what_is_no_secret_breaks_nothing(authorization):
    asked = request(BODY, {"authorization": authorization})
    assert refused(proof.by_secret, asked, SECRET) in {MISSING, INVALID}


def test_resend_s_signature_proves_the_sender():
    proof.by_svix(request(BODY, svix_headers(BODY)), SVIX_SECRET)


def test_a_changed_body_is_not_resend_s():
    asked = request(BODY.replace(b"d", b"e", 1), svix_headers(BODY))
    assert refused(proof.by_svix, asked, SVIX_SECRET) == INVALID


def test_an_old_request_sent_again_is_not_resend_s():
    headers = svix_headers(BODY, datetime.now(UTC) - timedelta(minutes=6))
    assert refused(proof.by_svix, request(BODY, headers), SVIX_SECRET) == INVALID


@pytest.mark.parametrize("signature", ["v1", "v1,x,y", "v1,!!!", "?", "v1,\xe9"])
def test_what_is_no_signature_breaks_nothing(signature):
    headers = {**svix_headers(BODY), "svix-signature": signature}
    assert refused(proof.by_svix, request(BODY, headers), SVIX_SECRET) == INVALID
    asked = request(BODY, {"x-hub-signature-256": signature})
    assert refused(proof.by_meta, asked, SECRET) == INVALID


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!", "é"])
def test_a_secret_that_is_none_of_resend_s_proves_nothing(secret):
    assert refused(proof.by_svix, request(BODY, svix_headers(BODY)), secret) == INVALID


def test_mailgun_s_signature_proves_the_sender():
    asked = request({"signature": mailgun_signature("key"), "event-data": {}})
    proof.by_mailgun(asked, "key")
    assert refused(proof.by_mailgun, asked, "another one") == INVALID


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"signature": 1}', b"\xff"])
def test_a_body_without_a_signature_is_not_mailgun_s(body):
    assert refused(proof.by_mailgun, request(body), "key") == MISSING


def test_meta_s_signature_proves_the_sender():
    asked = request(BODY, meta_headers(BODY, "secret of the app"))
    proof.by_meta(asked, "secret of the app")
    assert refused(proof.by_meta, asked, "another one") == INVALID
    changed = request(BODY + b" ", meta_headers(BODY, "secret of the app"))
    assert refused(proof.by_meta, changed, "secret of the app") == INVALID


def test_sendgrid_s_signature_proves_the_sender():
    private = ec.generate_private_key(ec.SECP256R1())
    der = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = base64.b64encode(der).decode()
    signature = private.sign(b"1773144060" + BODY, ec.ECDSA(hashes.SHA256()))
    headers = {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": "1773144060",
    }
    proof.by_sendgrid(request(BODY, headers), key)

    assert refused(proof.by_sendgrid, request(BODY + b" ", headers), key) == INVALID
    assert refused(proof.by_sendgrid, request(BODY, headers), "MFkw!") == INVALID
    # With a key set, a secret is not enough.
    known = request(BODY, {"authorization": f"Bearer {key}"})
    assert refused(proof.by_sendgrid, known, key) == MISSING


def test_without_a_key_sendgrid_knows_a_secret():
    proof.by_sendgrid(request(BODY, basic(SECRET)), SECRET)
