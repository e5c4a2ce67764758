"""Mercado Pago: notices that name a resource, and the answers that tell its state.

A notice is never believed beyond the name: its body is not signed. What was read with the
account's own credentials enters as an *answer*, and only answers give facts.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from recibo.gateways import http
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError
from recibo.gateways.facts import EventType, Fact
from recibo.gateways.mercadopago import notices, payments, signature, subscriptions
from recibo.gateways.mercadopago.values import decode

verify, sign = signature.verify, signature.sign

#: The words of notices and of the states that were read.
EVENTS: Mapping[str, EventType] = {
    **notices.EVENTS,
    **payments.EVENTS,
    **subscriptions.EVENTS,
}

PERSONAL_FIELDS = frozenset(
    {
        *("email", "payer_email", "first_name", "last_name", "phone", "area_code"),
        *("identification", "cardholder", "address", "receiver_address", "ip_address"),
        *("street_name", "street_number", "zip_code", "date_of_birth", "nickname"),
        *("long_name", "account_holder_name", "account_alias"),  # ``bank_info`` of a Pix
    }
)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads one kind of answer."""

    identify: Callable[[RawRequest], Identity]
    parse: Callable[[RawRequest], list[Fact]]


#: By the resource that an answer is.
READERS = {
    b"payment": Reader(payments.identify, payments.parse),
    b"preapproval": Reader(subscriptions.identify_preapproval, subscriptions.parse_preapproval),
    b"authorized_payment": Reader(subscriptions.identify_invoice, subscriptions.parse_invoice),
}


class Simulated(Struct):
    """A state in the body of a simulated notice, which there is no API to ask for."""

    resource: str
    state: Raw


class Simulation(Struct):
    simulated: Simulated | None = None


SIMULATION = msgspec.json.Decoder(Simulation)


def identify(request: RawRequest) -> Identity:
    """Which news this is: a delivery of a notice, or a state that was read. Raises PayloadError."""
    answer = answer_in(request)
    if answer is not None:
        return reader(answer).identify(answer)
    about = notices.subject(request)
    return Identity(
        event_id=notices.event_id(request, about),
        gateway_event=about.event,
        event_type=EVENTS.get(about.event, EventType.UNKNOWN),
        charge_id=about.id if about.topic == "payment" else "",
        is_thin=about.is_thin,
    )


def parse(request: RawRequest) -> list[Fact]:
    """The facts of an answer. Raises PayloadError, UnknownStatusError, or IgnoredError: always
    for a notice, which tells none.
    """
    answer = answer_in(request)
    if answer is None:
        raise IgnoredError(notices.subject(request).reason)
    return reader(answer).parse(answer)


def reader(answer: RawRequest) -> Reader:
    """What reads an answer. Raises PayloadError."""
    if (found := READERS.get(answer.headers[ANSWER])) is None:
        raise PayloadError("mercadopago: an answer that is not known")
    return found


def answer_in(request: RawRequest) -> RawRequest | None:
    """The answer that a request is or, if it is simulated, holds; None for a notice."""
    if ANSWER in request.headers:
        return request
    if not is_simulated(request):
        return None
    told = decode(SIMULATION, request.body).simulated
    return http.answer(told.resource, bytes(told.state)) if told else None


def is_simulated(request: RawRequest) -> bool:
    """Whether the signature covers the body too.

    It does where the request id, which is signed, is the body's fingerprint. Mercado Pago's are
    random, so that nobody can smuggle a state into a delivery that it signed.
    """
    return request.headers.get(notices.REQUEST_ID_HEADER) == fingerprint(request.body)


def fingerprint(body: bytes) -> bytes:
    """The request id of a simulated notice."""
    return hashlib.sha256(body).hexdigest().encode()
