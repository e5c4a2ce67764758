"""What AppMax answered when it was asked: an order, the buyer of one, a subscription.

An answer is known by the state that was read: the same state read twice is one event.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import unquote

from msgspec.structs import replace

from recibo.gateways.appmax.charges import read_from_api
from recibo.gateways.appmax.orders import Order, panel_order, v1_order
from recibo.gateways.appmax.reading import Json, document, fingerprint, missing, read, text
from recibo.gateways.appmax.subscriptions import api_facts
from recibo.gateways.appmax.words import SUBSCRIPTION_TYPE_OF, TYPE_OF
from recibo.gateways.contract import ANSWER, Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import (
    ChargeFact,
    EventType,
    Fact,
    LeadFact,
    SubscriptionFact,
)

#: Resources. The two APIs word an order differently.
ORDER_V3, ORDER_V1 = "order-v3", "order-v1"
BUYER_V3, BUYER_V1 = "buyer-v3", "buyer-v1"
SUBSCRIPTION = "subscription-v1"

NEWS = {event_type.value: event_type for event_type in EventType}


def identify(request: RawRequest) -> Identity:
    """Which state this is. Raises PayloadError, UnknownStatusError."""
    resource, facts = resource_of(request), parse(request)
    told = facts[-1]
    charges = [fact.charge_id for fact in facts if isinstance(fact, ChargeFact)]
    return Identity(
        event_id=f"{resource}/{name_of(told)}/{fingerprint(facts)}",
        gateway_event=resource,
        event_type=type_of(told),
        charge_id=charges[-1] if charges else "",
    )


def parse(request: RawRequest) -> list[Fact]:
    """The facts, at least one. Raises PayloadError, UnknownStatusError."""
    resource = resource_of(request)
    if resource not in READERS:
        raise PayloadError(f"appmax: {resource} is no answer that we ask for")
    return READERS[resource](envelope(request.body), notes_of(request))


def resource_of(request: RawRequest) -> str:
    """Which resource an answer is."""
    return request.headers[ANSWER].decode("latin-1")


def notes_of(request: RawRequest) -> dict[str, str]:
    """What has to be known of the question."""
    prefix = b"x-recibo-"
    return {
        name.removeprefix(prefix).decode("latin-1"): value.decode("latin-1")
        for name, value in request.headers.items()
        if name.startswith(prefix)
    }


def envelope(body: bytes) -> Json:
    """The ``data`` of an answer. Raises PayloadError."""
    data = document(body).get("data")
    return data if isinstance(data, dict) else missing("data")


def name_of(fact: Fact) -> str:
    """What a fact is about, by AppMax's id."""
    if isinstance(fact, ChargeFact):
        return fact.charge_id
    if isinstance(fact, SubscriptionFact):
        return fact.code
    return fact.customer.gateway_id if fact.customer else ""


def type_of(fact: Fact) -> EventType:
    """What the fact would have been as news. A buyer has no type of event."""
    if isinstance(fact, ChargeFact):
        return TYPE_OF[fact.status]
    status = fact.status if isinstance(fact, SubscriptionFact) else None
    return SUBSCRIPTION_TYPE_OF[status] if status else EventType.UNKNOWN


def v3(data: Json, _notes: Mapping[str, str]) -> Order:
    """An order of the API v3, which words it as the panel does."""
    return panel_order(data)


def v1(data: Json, notes: Mapping[str, str]) -> Order:
    """An order of the API v1, with what is asked for apart."""
    net, fee = (read(notes[name], Decimal) if name in notes else None for name in ("net", "fee"))
    return v1_order(data, net=net, fee=fee)


#: Reads an order.
Reader = Callable[[Json, Mapping[str, str]], Order]


def order_facts(reader: Reader) -> Callable[[Json, Mapping[str, str]], list[Fact]]:
    """An order is told with the news that made us ask."""

    def facts(data: Json, notes: Mapping[str, str]) -> list[Fact]:
        return [read_from_api(reader(data, notes), NEWS.get(notes.get("news", "")))]

    return facts


def buyer_facts(reader: Reader) -> Callable[[Json, Mapping[str, str]], list[Fact]]:
    """The buyer of an order, under the id by which he was asked for."""

    def facts(data: Json, notes: Mapping[str, str]) -> list[Fact]:
        order = reader(data, notes)
        customer = order.customer
        if not customer.email:
            missing("data.customer.email")
        return [
            LeadFact(
                occurred_at=order.created_at or missing("data.created_at"),
                customer=replace(customer, gateway_id=text(notes.get("buyer"))),
            )
        ]

    return facts


def subscription_facts(data: Json, notes: Mapping[str, str]) -> list[Fact]:
    """A subscription, under the name that its event told."""
    return api_facts(data, unquote(notes.get("name", "")), NEWS.get(notes.get("news", "")))


READERS: dict[str, Callable[[Json, Mapping[str, str]], list[Fact]]] = {
    ORDER_V3: order_facts(v3),
    ORDER_V1: order_facts(v1),
    BUYER_V3: buyer_facts(v3),
    BUYER_V1: buyer_facts(v1),
    SUBSCRIPTION: subscription_facts,
}
