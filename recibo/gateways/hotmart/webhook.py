"""Hotmart's webhook 2.0.0, and what we asked its API: bytes in, facts out.

Source: "Webhook", Hotmart developers, and deliveries of 2023 to 2026. What is assumed where the
documentation is silent is said in docs/gateways/hotmart.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from recibo.gateways import signatures
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import IgnoredError
from recibo.gateways.facts import EventType, Fact
from recibo.gateways.hotmart import buyers, sales, states
from recibo.gateways.hotmart.answers import Reader, reader
from recibo.gateways.hotmart.headline import HEADLINE, Headline, fingerprint
from recibo.gateways.hotmart.leads import cart_facts, club_facts
from recibo.gateways.hotmart.legacy import LEGACY, form, form_headline, is_form, legacy_identity
from recibo.gateways.hotmart.payload import NOTICE, Notice
from recibo.gateways.hotmart.purchases import purchase_facts
from recibo.gateways.hotmart.subscriptions import (
    cancellation_facts,
    charge_date_facts,
    switch_facts,
)
from recibo.gateways.hotmart.values import missing, whole
from recibo.gateways.hotmart.words import EVENTS, EXPECTED, IGNORED

TOKEN_HEADER = b"x-hotmart-hottok"

PERSONAL_FIELDS = frozenset(
    {
        *("email", "name", "first_name", "last_name", "document", "address", "buyer_ip"),
        *("phone", "checkout_phone", "checkout_phone_code", "cell", "dddCell", "dddPhone"),
        *("zipcode", "city", "state", "neighborhood", "number", "complement"),
        *("shopper", "cellphone", "trade_name", "documents", "zip_code"),  # the API
        *("doc", "phone_local_code", "phone_number", "buyerVO"),  # 1.0.0
        *("phone_checkout_local_code", "phone_checkout_number"),  # 1.0.0
        "hottok",  # not personal but secret, and some bodies hold it
    }
)

#: What reads the ``data`` of each type of event.
READERS: dict[EventType, Callable[[Notice], list[Fact]]] = {
    **dict.fromkeys(EXPECTED, purchase_facts),
    EventType.SUBSCRIPTION_CANCELLED: cancellation_facts,
    EventType.SUBSCRIPTION_PLAN_CHANGED: switch_facts,
    EventType.SUBSCRIPTION_BILLING_DATE_CHANGED: charge_date_facts,
    EventType.CART_ABANDONED: cart_facts,
    EventType.MEMBER_FIRST_ACCESS: club_facts,
    EventType.MEMBER_MODULE_COMPLETED: club_facts,
}

#: What reads an answer of the API, by the resource that it is.
ANSWERS = {
    sales.RESOURCE.encode(): Reader(sales.sale_identity, sales.sale_facts),
    states.RESOURCE.encode(): Reader(states.subscription_identity, states.subscription_facts),
    states.CANCELLATION.encode(): Reader(states.cancellation_identity, states.cancellation_facts),
    buyers.RESOURCE.encode(): Reader(buyers.buyer_identity, buyers.buyer_facts),
}


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless the account's token came along.

    The token itself is the proof: nothing is computed from the body.
    """
    signatures.require_token(token(request), secrets)


def token(request: RawRequest) -> bytes | None:
    """The token in the header or, of a 1.0.0 form without that header, in its field."""
    given = request.headers.get(TOKEN_HEADER)
    if given is None and is_form(request):
        return form(request.body).get("hottok", "").encode()
    return given


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as a genuine delivery."""
    headers = {**request.headers, TOKEN_HEADER: secret, b"content-type": b"application/json"}
    return replace(request, headers=headers)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    if ANSWER in request.headers:
        return reader(request, ANSWERS).identify(request)
    headline = headline_of(request)
    if not headline.event:
        return legacy_identity(headline, request.body)
    purchase = headline.data and headline.data.purchase
    return Identity(
        event_id=headline.id or fingerprint(request.body),
        gateway_event=headline.event,
        event_type=EVENTS.get(headline.event, EventType.UNKNOWN),
        charge_id=purchase.transaction or "" if purchase else "",
    )


def headline_of(request: RawRequest) -> Headline:
    """The headline of a JSON body or of a 1.0.0 form. Raises PayloadError."""
    if is_form(request):
        return form_headline(request.body)
    headline = whole(HEADLINE, request.body)
    if not (headline.event or headline.hottok):
        missing("event")
    return headline


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if ANSWER in request.headers:
        return reader(request, ANSWERS).parse(request)
    if is_form(request):
        raise IgnoredError(LEGACY)
    notice = whole(NOTICE, request.body)
    event = event_of(notice)
    if (read := READERS.get(EVENTS.get(event, EventType.UNKNOWN))) is None:
        unknown = f"Hotmart event {event} is not known to this version; it is kept"
        raise IgnoredError(IGNORED.get(event, unknown))
    return read(notice)


def event_of(notice: Notice) -> str:
    """The event's name. Raises IgnoredError for 1.0.0, which has none, else PayloadError."""
    if not notice.event and notice.hottok:
        raise IgnoredError(LEGACY)
    return notice.event or missing("event")
