"""What the seller's own systems tell through the API: orders that await payment, or no longer do.

They enter by the same door as a gateway's news, as events of the account that will collect. The
body is JSON of ours.
"""

import hashlib
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import PayloadError
from recibo.gateways.facts import (
    CustomerFact,
    EventType,
    Fact,
    Money,
    OrderFact,
    OrderStatement,
    ProductFact,
)

EVENTS = {
    OrderStatement.AWAITED: EventType.ORDER_REGISTERED,
    OrderStatement.CANCELLED: EventType.ORDER_CANCELLED,
}


class Statement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of such an event. ``turn``: how much was said of the order before, so that what is
    said anew after something else is news.
    """

    reference: str
    status: OrderStatement
    occurred_at: datetime
    amount: Money | None = None
    customer: CustomerFact | None = None
    product: ProductFact = ProductFact()
    turn: int = 0


EPOCH = datetime.fromtimestamp(0, UTC)
DECODER = msgspec.json.Decoder(Statement)


def request_of(statement: Statement) -> RawRequest:
    """A statement as it enters the inbox."""
    return RawRequest({}, msgspec.json.encode(statement))


def read(request: RawRequest) -> Statement:
    """The statement of an event. Raises PayloadError."""
    try:
        return DECODER.decode(request.body)
    except msgspec.MsgspecError as error:
        raise PayloadError(f"This is not a statement about an order: {error}") from error


def identify(request: RawRequest) -> Identity:
    """The same said twice is one event, whenever it is said. Raises PayloadError."""
    statement = read(request)
    timeless = msgspec.structs.replace(statement, occurred_at=EPOCH)
    digest = hashlib.sha256(msgspec.json.encode(timeless)).hexdigest()
    event_type = EVENTS[statement.status]
    return Identity(f"own:{digest}", event_type.value, event_type)


def parse(request: RawRequest) -> list[Fact]:
    """The one fact of a statement. Raises PayloadError."""
    told = read(request)
    return [
        OrderFact(
            order_reference=told.reference,
            status=told.status,
            occurred_at=told.occurred_at,
            amount=told.amount,
            customer=told.customer,
            product=told.product,
        )
    ]
