"""What PagSeguro and PagBank send, and what they answer: bytes in, facts out.

Two generations post to one address: legacy notices, a form with a code (``notices``, and the XML
that it leads to, ``legacy``), and v4, JSON with the whole resource (``orders``, ``recurring``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import (
    IgnoredError,
    PayloadError,
    Refused,
    SignatureError,
    UnprovenError,
)
from recibo.gateways.facts import EventType, Fact
from recibo.gateways.pagseguro import legacy, listed, notices, orders, proof, recurring
from recibo.gateways.pagseguro.reading import Id, Text, decode, fingerprint, missing

EVENTS = {**notices.EVENTS, **legacy.EVENTS, **orders.EVENTS, **recurring.EVENTS}

PERSONAL_FIELDS = frozenset(
    {
        *("customer", "holder", "name", "email", "tax_id", "phones", "area", "card"),
        *("shipping", "address", "street", "number", "complement", "district", "locality"),
        *("city", "region", "region_code", "postal_code"),
        *("sender", "phone", "areaCode", "documents", "postalCode", "state"),  # legacy XML
    }
)

#: Resources that can be asked for by their id.
ASKABLE = re.compile(r"(?:ORDE|CHAR|SUBS)_[0-9A-Za-z-]{1,64}")


class HeadlineResource(Struct):
    id: Id | None = None


class Headline(Struct):
    """The little that tells what a JSON body is: a resource, or the envelope of one."""

    id: Id | None = None
    event: Id | None = None
    status: Text | None = None
    resource: HeadlineResource | None = None


class Reader(NamedTuple):
    """How one kind of body is read."""

    identity: Callable[[bytes], Identity]
    facts: Callable[[bytes, datetime | None], list[Fact]]


HEADLINE = msgspec.json.Decoder(Headline)


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless one of ``secrets`` proves the sender.

    UnprovenError where PagSeguro can be asked: a legacy code, or the id of a v4 resource.
    """
    if ANSWER in request.headers:  # nobody sends us answers
        raise SignatureError
    if not secrets:
        raise SignatureError(Refused.NOT_CONFIGURED)
    try:
        prove(request, secrets)
    except SignatureError as error:
        if can_be_asked(request):
            raise UnprovenError(error.reason) from error
        raise


def prove(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError for what is not proven. A legacy notice never is."""
    if notices.is_notice(request):
        raise SignatureError(Refused.SIGNATURE_MISSING)
    proof.require(request, secrets)


def can_be_asked(request: RawRequest) -> bool:
    """Whether the request names something that ``fetch`` can look for."""
    try:
        if notices.is_notice(request):
            return bool(notices.notice_of(request).code)
        return bool(asked_id(request.body))
    except PayloadError:
        return False


def asked_id(body: bytes) -> str:
    """The id of the resource that a JSON body is about; "" if it cannot be asked for.

    Raises PayloadError.
    """
    headline = decode(HEADLINE, body)
    found = (headline.resource.id if headline.resource else headline.id) or ""
    return found if ASKABLE.fullmatch(found) else ""


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as PagBank proves it by the account's token. A legacy notice proves nothing."""
    if notices.is_notice(request):
        return request
    headers = {
        **request.headers,
        b"content-type": b"application/json",
        proof.TOKEN_HEADER: proof.hash_of(secret, request.body),
    }
    return replace(request, headers=headers)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    if ANSWER in request.headers:
        return reader_of_answer(request).identity(request.body)
    if notices.is_notice(request):
        return notices.notice_identity(notices.notice_of(request))
    # v4 numbers no delivery, and a repeat is the same byte for byte.
    identity = reader_of_webhook(request).identity(request.body)
    return replace(identity, event_id=fingerprint(request.body))


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if ANSWER in request.headers:
        return reader_of_answer(request).facts(request.body, request.received_at)
    if notices.is_notice(request):
        raise IgnoredError("a PagSeguro notice tells only a code: what it is about has to be asked")
    return reader_of_webhook(request).facts(request.body, request.received_at)


def reader_of_answer(request: RawRequest) -> Reader:
    """Raises PayloadError."""
    resource = request.headers[ANSWER].decode("latin-1")
    if resource not in ANSWERS:
        raise PayloadError(f"pagseguro: unknown answer {resource!r}")
    return ANSWERS[resource]


def reader_of_webhook(request: RawRequest) -> Reader:
    """Raises PayloadError."""
    headline = decode(HEADLINE, request.body)
    if headline.event:
        return ENVELOPE
    prefix = (headline.id or missing("id")).partition("_")[0]
    return WEBHOOKS.get(prefix, OTHER)


def headline_identity(body: bytes) -> Identity:
    """Of a resource that is no sale: named after its id's prefix and its status."""
    headline = decode(HEADLINE, body)
    prefix = (headline.id or missing("id")).partition("_")[0]
    return Identity(
        event_id="",
        gateway_event=f"{NAMES.get(prefix, prefix)}/{headline.status or 'unknown'}",
        event_type=EventType.UNKNOWN,
    )


def checkout_facts(body: bytes, _at: datetime | None) -> list[Fact]:
    """None: what is paid through a checkout comes as an order. Raises IgnoredError."""
    status = decode(HEADLINE, body).status
    raise IgnoredError(f"PagBank checkout page {status}: what is paid through it comes as an order")


def chargeback_facts(_body: bytes, _at: datetime | None) -> list[Fact]:
    """Raises PayloadError: PagBank publishes no form of it, and guessing would move money."""
    raise PayloadError(
        "pagseguro: a PagBank chargeback notification, whose form is not published: look into the "
        "panel. The status follows by a legacy notice, if PAGSEGURO_EMAIL is set"
    )


def other_facts(body: bytes, _at: datetime | None) -> list[Fact]:
    """None. Raises IgnoredError."""
    resource = decode(HEADLINE, body).id
    raise IgnoredError(f"PagBank resource {resource} is not known to this version; it is kept")


def undated(read: Callable[[bytes], list[Fact]]) -> Callable[[bytes, datetime | None], list[Fact]]:
    """A reader of what always says when it happened."""
    return lambda body, _at: read(body)


ORDER = Reader(orders.order_identity, orders.order_facts)
CHARGE = Reader(orders.charge_identity, orders.charge_facts)
ENVELOPE = Reader(recurring.envelope_identity, recurring.envelope_facts)
OTHER = Reader(headline_identity, other_facts)

#: The prefix of a resource's id -> what a webhook's body is.
WEBHOOKS: Mapping[str, Reader] = {
    "ORDE": ORDER,
    "CHAR": CHARGE,
    "CHEC": Reader(headline_identity, checkout_facts),
    "CBKS": Reader(headline_identity, chargeback_facts),
}
NAMES = {"CHEC": "checkout", "CBKS": "chargeback"}

#: What an answer was introduced as.
ANSWERS: Mapping[str, Reader] = {
    "order": ORDER,
    "charge": CHARGE,
    "subscription": Reader(recurring.subscription_identity, recurring.subscription_facts),
    "transaction": Reader(legacy.transaction_identity, undated(legacy.transaction_facts)),
    "pre-approval": Reader(legacy.pre_approval_identity, undated(legacy.pre_approval_facts)),
    listed.TRANSACTION: Reader(listed.transaction_identity, undated(listed.no_facts)),
    listed.PRE_APPROVAL: Reader(listed.pre_approval_identity, undated(listed.no_facts)),
}
