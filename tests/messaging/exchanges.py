"""Exchanges with services, and webhooks of theirs, as their documentation describes them."""

import json
from pathlib import Path
from typing import Any

from tests.gateways.gateway_server import Canned

FOLDER = Path(__file__).parent / "recordings"


def recorded(name: str) -> dict[str, Any]:
    """A recording, such as ``meta/send-template-200``."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return content


def answered(name: str) -> Canned:
    """The answer of a recorded exchange."""
    response = recorded(name)["response"]
    body = json.dumps(response["body"]).encode()
    return Canned(response["status"], response["headers"], body)
