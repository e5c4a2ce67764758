"""The bytes that gateways sent, scrubbed of people: ``tests/gateways/<slug>/recordings``."""

from collections.abc import Mapping
from pathlib import Path

from recibo.gateways.contract import RawRequest

GATEWAYS = Path(__file__).parent / "gateways"


def names(slug: str) -> list[str]:
    """Every recording of a gateway, as ``recorded`` wants it: ``hotmart/webhook-switch-plan``."""
    return [f"{slug}/{path.stem}" for path in sorted((GATEWAYS / slug / "recordings").iterdir())]


def recorded(name: str, replacing: Mapping[str, str] | None = None) -> RawRequest:
    """The delivery, unsigned. A text of ``replacing`` that is not in it is an error of the test."""
    slug, stem = name.split("/")
    body = (GATEWAYS / slug / "recordings" / f"{stem}.json").read_bytes()
    for old, new in (replacing or {}).items():
        assert old.encode() in body, f"{old} is not in {name}"
        body = body.replace(old.encode(), new.encode())
    return RawRequest(headers={b"content-type": b"application/json"}, body=body)
