"""What Mercado Pago's API on this machine answers, and who asks it."""

import json
from pathlib import Path
from typing import Any

from tests.gateways.gateway_server import Canned, told

RECORDINGS = Path(__file__).parent / "recordings"
TOKEN = "APP_USR-7100000000000001-100514-0123456789abcdef0123456789abcdef-700000001"
PREAPPROVAL = "2c9380840000000001900000000a0001"


def canned(name: str) -> Canned:
    """A recorded answer: a resource as it is, or a whole response."""
    whole = resource(name)
    if isinstance(whole, dict) and whole.keys() == {"status", "headers", "body"}:
        return Canned(whole["status"], whole["headers"], json.dumps(whole["body"]).encode())
    body = (RECORDINGS / f"{name}.json").read_bytes()
    return Canned(200, {"content-type": "application/json"}, body)


def resource(name: str, **changes: Any) -> Any:
    """A recorded body, with some fields changed."""
    recorded = json.loads((RECORDINGS / f"{name}.json").read_bytes())
    return recorded | changes if changes else recorded


def payment(code: int, name: str = "api_payment_card_approved") -> Canned:
    """A recorded payment under another id."""
    return told(resource(name, id=code))
