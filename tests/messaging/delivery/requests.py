"""Notices as services send them, proven as each does it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.test import RequestFactory
from standardwebhooks.webhooks import Webhook

SVIX_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()
SECRET = "recibo:the secret of the address"


def request(
    body: Any, headers: dict[str, str] | None = None, path: str = "/api/deliveries/x"
) -> HttpRequest:
    """A POST of this: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RequestFactory().post(
        path, content, content_type="application/json", headers=headers or {}
    )


def svix_headers(body: bytes, at: datetime | None = None) -> dict[str, str]:
    """Resend's signature."""
    at = at or datetime.now(UTC)
    signature = Webhook(SVIX_SECRET).sign("msg_1", at, body.decode())
    return {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": signature,
    }


def basic(pair: str) -> dict[str, str]:
    """A name and a password as an address with both sends them."""
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def meta_headers(body: bytes, secret: str) -> dict[str, str]:
    """Meta's signature."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={digest}"}


def mailgun_signature(key: str, timestamp: str = "1773144060", token: str = "t0") -> dict[str, str]:
    """Mailgun's signature, as it lies in the body."""
    digest = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": digest}
