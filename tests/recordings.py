"""The bytes that gateways sent, scrubbed of people: ``tests/gateways/<slug>/recordings``."""

from collections.abc import Mapping
from pathlib import Path

from recibo.gateways.contract import RawRequest

GATEWAYS = Path(__file__).parent / "gateways"

#: What a recording travels as, by the end of its name; anything else is plain bytes.
CONTENT_TYPES = {
    ".json": b"application/json",
    ".form": b"application/x-www-form-urlencoded",
    ".xml": b"application/xml",
}


def names(slug: str) -> list[str]:
    """Every recording of a gateway, as ``recorded`` wants it: ``hotmart/webhook-switch-plan``."""
    return [f"{slug}/{path.stem}" for path in sorted((GATEWAYS / slug / "recordings").iterdir())]


def recorded(name: str, replacing: Mapping[str, str] | None = None) -> RawRequest:
    """The delivery, unsigned. A text of ``replacing`` that is not in it is an error of the test."""
    slug, stem = name.split("/")
    (path,) = (GATEWAYS / slug / "recordings").glob(f"{stem}.*")
    body = path.read_bytes()
    for old, new in (replacing or {}).items():
        assert old.encode() in body, f"{old} is not in {name}"
        body = body.replace(old.encode(), new.encode())
    content_type = CONTENT_TYPES.get(path.suffix, b"application/octet-stream")
    return RawRequest(headers={b"content-type": content_type}, body=body)
