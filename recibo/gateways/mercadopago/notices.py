"""Notices: which resource has news. They say nothing else that may be believed.

The signature covers the id in the address and not the body, so a resource is taken from the
address; from the body only where the address names none, and then as a mere hint, which is all
that a notice ever is: the state is read with the account's own credentials.

Source: "Webhooks - Notificações" and "IPN", Mercado Pago developers, and measured deliveries.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import EventType
from recibo.gateways.mercadopago.values import Code, Number, decode, id_text, is_id, missing, word

REQUEST_ID_HEADER = b"x-request-id"

#: Topic -> the resource that has news.
RESOURCES = {
    "payment": "payment",
    "subscription_preapproval": "preapproval",
    "subscription_authorized_payment": "authorized_payment",
    "topic_chargebacks_wh": "chargeback",
    "topic_merchant_order_wh": "merchant_order",
    "merchant_order": "merchant_order",
}

#: Topics of the older channel, whose signature no secret of the application verifies.
IPN_TOPICS = {"payment", "merchant_order"}

#: The one topic that names its resource neither in the address nor under ``data``.
NAMED_AT_THE_TOP = "topic_merchant_order_wh"

#: Topics that move neither money nor a subscription -> why nothing is done.
IGNORED = {
    "subscription_preapproval_plan": "a plan changed; what it costs is told by each subscription",
    "topic_claims_integration_wh": (
        "a claim is open; when it touches the money the payment says so (in_mediation)"
    ),
    "stop_delivery_op_wh": (
        "Mercado Pago suspects fraud and asks not to deliver: look at the payment in its panel"
    ),
    "mp-connect": "an application was connected or disconnected; no sale",
    "order": (
        "the Orders API (/v1/orders) is not read by this version; payments of /v1/payments are"
    ),
    "point_integration_wh": "a Point terminal's notice; the payment has a notice of its own",
    "delivery": "transport only",
    "card.updated": "a stored card changed; no sale",
}

#: What the panel's simulator sends; a real id is twice as long. The API never knows it.
PANEL_ID = "123456"
PANEL_TEST = "test sent from Mercado Pago's panel: never a sale"

EVENTS = {
    "payment": EventType.CHARGE_UPDATED,
    "payment.created": EventType.CHARGE_CREATED,
    "payment.updated": EventType.CHARGE_UPDATED,
    "merchant_order": EventType.CHARGE_UPDATED,
    "topic_merchant_order_wh.create": EventType.CHARGE_CREATED,
    "topic_merchant_order_wh.update": EventType.CHARGE_UPDATED,
    "topic_chargebacks_wh": EventType.CHARGE_DISPUTED,
    # Not ``subscription_preapproval.updated``: only the answer tells which way it changed.
    "subscription_preapproval.created": EventType.SUBSCRIPTION_CREATED,
    "subscription_authorized_payment.created": EventType.CHARGE_CREATED,
    "subscription_authorized_payment.updated": EventType.CHARGE_UPDATED,
}


class NoticeData(Struct):
    id: Number = None


class Notice(Struct):
    """The bodies of all topics, as far as they name things. ``resource``: the older channel."""

    id: Number = None
    type: Code | None = None
    topic: Code | None = None
    action: Code | None = None
    data: NoticeData | None = None
    resource: Number = None


NOTICE = msgspec.json.Decoder(Notice)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a notice is about. ``action`` is shown and decides nothing."""

    topic: str
    id: str
    action: str

    @property
    def event(self) -> str:
        """The notice in one word: ``payment.created``, ``subscription_preapproval.updated``."""
        if not self.action or self.action.startswith(f"{self.topic}."):
            return self.action or self.topic
        return f"{self.topic}.{self.action}"

    @property
    def is_thin(self) -> bool:
        """Whether there is a resource to read."""
        return self.topic in RESOURCES and self.id != PANEL_ID

    @property
    def reason(self) -> str:
        """Why the notice by itself changes nothing."""
        if self.id == PANEL_ID:
            return PANEL_TEST
        if self.topic in RESOURCES:
            return f"only a notice: {RESOURCES[self.topic]} {self.id} has to be read"
        unknown = "this version does not know the topic; it is kept"
        return f"Mercado Pago topic {self.topic}: {IGNORED.get(self.topic, unknown)}"


def parameters(request: RawRequest) -> Mapping[str, str]:
    """The parameters of the address. Of one that repeats the first stands, here and everywhere."""
    pairs = parse_qsl(request.query.decode("latin-1"), encoding="latin-1")
    return dict(reversed(pairs))


def subject(request: RawRequest) -> Subject:
    """What a notice is about. Raises PayloadError where it does not say."""
    asked = parameters(request)
    told = body_of(request, is_needed=not asked)
    topic = word(asked.get("type") or asked.get("topic") or told.type or told.topic)
    if not topic:
        missing("type")
    return Subject(topic, resource_id(topic, asked, told), word(told.action))


def body_of(request: RawRequest, *, is_needed: bool) -> Notice:
    """The body; an empty one where the address tells enough. Raises PayloadError."""
    try:
        return decode(NOTICE, request.body)
    except PayloadError:
        if is_needed:
            raise
        return Notice()


def resource_id(topic: str, asked: Mapping[str, str], told: Notice) -> str:
    """The id of the resource, from the address if that names one. Raises PayloadError."""
    named = asked.get("data.id") or asked.get("id") or (told.data and told.data.id)
    if not named and told.resource:  # an id, or an address that ends in one and is never followed
        named = str(told.resource).rpartition("/")[2]
    if not named and topic in RESOURCES and topic != NAMED_AT_THE_TOP:
        missing("data.id")
    return id_text(named or told.id or "none", "data.id")


def is_ipn(request: RawRequest) -> bool:
    """Whether this is the older channel: ``id`` and ``topic`` for ``data.id`` and ``type``."""
    asked = parameters(request)
    if asked.keys() & {"data.id", "type"}:
        return False
    try:
        about = subject(request)
        told = body_of(request, is_needed=False)
    except PayloadError:
        return False
    return about.topic in IPN_TOPICS and not told.type and is_id(about.id)


def event_id(request: RawRequest, about: Subject) -> str:
    """Which delivery this is; a redelivery is another, for nothing in it stays the same.

    Made of what is signed, where it is there: whoever changes the body of a stolen delivery
    gains no new event, and cannot take the place of one that is still to come.
    """
    proof = request.headers.get(REQUEST_ID_HEADER) or request.query + b" " + request.body
    return f"{about.topic}/{about.id}/{hashlib.sha256(proof).hexdigest()[:32]}"
