"""Format 1.0.0, a form or flat JSON: told apart and named, so that it is kept, but not read."""

from urllib.parse import parse_qsl

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.facts import EventType
from recibo.gateways.hotmart.headline import Headline, fingerprint

LEGACY = (
    "Hotmart's format 1.0.0 is not read: create a configuration of version 2.0.0 in the panel "
    "(Tools > Webhook), for the version of an existing one cannot be changed"
)

#: A flood of forged forms must cost little: a real one has about 50 fields in 2 KiB.
FORM_BYTES = 64 * 1024
FORM_FIELDS = 500


def is_form(request: RawRequest) -> bool:
    """Whether this is the form of 1.0.0: JSON under a form's content type is still JSON."""
    content_type = request.headers.get(b"content-type", b"")
    is_urlencoded = b"application/x-www-form-urlencoded" in content_type.lower()
    return is_urlencoded and not request.body.lstrip().startswith(b"{")


def form(body: bytes) -> dict[str, str]:
    """The fields of a form; none if it is larger than any that Hotmart sends."""
    if len(body) > FORM_BYTES or body.count(b"&") > FORM_FIELDS:
        return {}
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return {name: value.replace("\0", "") for name, value in pairs}


def form_headline(body: bytes) -> Headline:
    """What a form tells of which news it is."""
    fields = form(body)
    return Headline(
        hottok=fields.get("hottok"),
        transaction=fields.get("transaction", "")[:200],
        status=fields.get("status", "")[:200],
    )


def legacy_identity(headline: Headline, body: bytes) -> Identity:
    """Format 1.0.0 numbers nothing: transaction and status are the news."""
    transaction, status = headline.transaction or "", headline.status or "unknown"
    return Identity(
        event_id=f"1.0.0/{transaction}/{status}" if transaction else fingerprint(body),
        gateway_event=f"1.0.0/{status}",
        event_type=EventType.UNKNOWN,
        charge_id=transaction,
    )
