"""PagBank v4: orders and the charges in them, the same in webhooks and in answers of the API.

Source: "Objeto Order", "Objeto Charge" and "Webhooks", PagBank developers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec import Struct

from recibo.gateways.contract import Identity
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    Money,
    PaymentMethod,
    ProductFact,
)
from recibo.gateways.pagseguro.reading import (
    Cents,
    Count,
    Id,
    Text,
    charge_id,
    decode,
    known,
    last_moment,
    moment,
    normal,
)

#: What a charge's status and its amounts come to -> what the news is, and what it becomes.
#: "PAID/refunded" is status PAID with all of the money given back.
STATUSES: Mapping[str, tuple[EventType, ChargeStatus]] = {
    "PAID": (EventType.CHARGE_PAID, ChargeStatus.PAID),
    "PAID/partly": (EventType.CHARGE_PARTIALLY_REFUNDED, ChargeStatus.PARTIALLY_REFUNDED),
    "PAID/refunded": (EventType.CHARGE_REFUNDED, ChargeStatus.REFUNDED),
    "CANCELED/refunded": (EventType.CHARGE_REFUNDED, ChargeStatus.REFUNDED),
    "AUTHORIZED": (EventType.CHARGE_AUTHORIZED, ChargeStatus.AUTHORIZED),
    "IN_ANALYSIS": (EventType.CHARGE_UPDATED, ChargeStatus.PENDING),
    "WAITING": (EventType.CHARGE_CREATED, ChargeStatus.PENDING),
    "DECLINED": (EventType.CHARGE_FAILED, ChargeStatus.FAILED),
    "CANCELED": (EventType.CHARGE_CANCELLED, ChargeStatus.CANCELLED),
}

#: Which of an order's charges the news is about: it is paid when any of them is.
PROMINENCE = {word: place for place, word in enumerate(STATUSES)}

#: A Pix code that nobody has paid yet: the order has no charge.
UNPAID = "order/unpaid"

EVENTS = {
    **{f"charge/{word}": event_type for word, (event_type, _) in STATUSES.items()},
    UNPAID: EventType.CHARGE_CREATED,
}

#: ``payment_method.type``; a word that is not here is OTHER.
PAYMENT_METHODS = {
    "CREDIT_CARD": PaymentMethod.CARD,
    "DEBIT_CARD": PaymentMethod.CARD,
    "BOLETO": PaymentMethod.BOLETO,
    "PIX": PaymentMethod.PIX,
}

#: Statuses that PagBank does not date; the others are of the charge's beginning or its payment.
UNDATED = {ChargeStatus.CANCELLED, ChargeStatus.PARTIALLY_REFUNDED, ChargeStatus.REFUNDED}


class Interest(Struct):
    total: Cents = 0


class BuyerFees(Struct):
    interest: Interest | None = None


class Fees(Struct):
    """What the buyer pays for instalments. The seller's fee is told nowhere in v4."""

    buyer: BuyerFees | None = None


class Summary(Struct):
    paid: Cents | None = None
    refunded: Cents | None = None  # a running total


class Amount(Struct):
    value: Cents
    currency: str = "BRL"
    summary: Summary | None = None
    fees: Fees | None = None


class Boleto(Struct):
    formatted_barcode: Text | None = None
    barcode: Text | None = None
    due_date: Text | None = None  # a day


class Method(Struct):
    type: Text | None = None
    installments: Count | None = None
    boleto: Boleto | None = None


class PaymentResponse(Struct):
    message: Text | None = None


class Link(Struct):
    rel: str | None = None
    href: str | None = None
    media: str | None = None


class Charge(Struct):
    id: Id
    status: Id
    amount: Amount
    created_at: Text
    reference_id: Text | None = None
    paid_at: Text | None = None
    description: Text | None = None
    payment_method: Method | None = None
    payment_response: PaymentResponse | None = None
    links: list[Link] | None = None

    @property
    def paid(self) -> int:
        """Cents that were collected, as far as it is told."""
        return (self.amount.summary or NO_SUMMARY).paid or 0

    @property
    def refunded(self) -> int:
        """Cents that went back."""
        return (self.amount.summary or NO_SUMMARY).refunded or 0


class Phone(Struct):
    area: Text | None = None
    number: Text | None = None


class Customer(Struct):
    name: Text | None = None
    email: Text | None = None
    tax_id: Text | None = None
    phones: list[Phone] | None = None


class Item(Struct):
    reference_id: Text | None = None
    name: Text | None = None


class QrAmount(Struct):
    value: Cents


class QrCode(Struct):
    id: Id
    amount: QrAmount
    expiration_date: Text | None = None
    text: str | None = None
    links: list[Link] | None = None


class Order(Struct):
    """``charges`` is not there until something was attempted."""

    id: Id
    created_at: Text
    reference_id: Text | None = None
    customer: Customer | None = None
    items: list[Item] | None = None
    charges: list[Charge] | None = None
    qr_codes: list[QrCode] | None = None
    qr_code: list[QrCode] | None = None  # so spelled in one documented sample


class Sold(NamedTuple):
    """What an order says about each of its charges. Of a charge by itself little is known."""

    order_id: str = ""
    reference: str = ""
    customer: CustomerFact | None = None
    product: ProductFact = ProductFact()


ORDER = msgspec.json.Decoder(Order)
CHARGE = msgspec.json.Decoder(Charge)
NO_SUMMARY, NO_METHOD, NO_BOLETO = Summary(), Method(), Boleto()


# Which news it is


def order_identity(body: bytes) -> Identity:
    """Known by the state of all charges; named after the one that matters most."""
    order = decode(ORDER, body)
    if not order.charges:
        return unpaid_identity(order)
    state = ",".join(state_of(charge) for charge in order.charges)
    digest = hashlib.sha256(state.encode()).hexdigest()[:32]
    return identity_of(main_charge(order.charges), f"order:{order.id}:{digest}")


def unpaid_identity(order: Order) -> Identity:
    """An order that awaits a payment, by Pix or by means not chosen yet."""
    codes = qr_codes(order)
    return Identity(
        event_id=f"order:{order.id}:unpaid",
        gateway_event=UNPAID,
        event_type=EVENTS[UNPAID],
        charge_id=codes[0].id if codes else "",
    )


def charge_identity(body: bytes) -> Identity:
    """Known by its state."""
    charge = decode(CHARGE, body)
    return identity_of(charge, f"charge:{state_of(charge)}")


def identity_of(charge: Charge, event_id: str) -> Identity:
    """The news about one charge."""
    word = f"charge/{status_word(charge)}"
    return Identity(
        event_id=event_id,
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
        charge_id=charge_id(charge.id),
    )


def state_of(charge: Charge) -> str:
    """What the news in a charge is: nothing in it says when it changed."""
    return f"{charge.id}:{charge.status}:{charge.paid}:{charge.refunded}"


def main_charge(charges: Sequence[Charge]) -> Charge:
    """The charge that decides what becomes of its order; the later one of equals."""
    return min(
        reversed(charges), key=lambda charge: PROMINENCE.get(status_word(charge), len(PROMINENCE))
    )


def status_word(charge: Charge) -> str:
    """The status, and what became of the money."""
    if charge.status not in {"PAID", "CANCELED"} or not charge.refunded:
        return charge.status
    if charge.refunded >= (charge.paid or charge.amount.value):
        return f"{charge.status}/refunded"
    return f"{charge.status}/partly"


# What it says


def order_facts(body: bytes, at: datetime | None) -> list[Fact]:
    """A fact for each charge. ``at``: when this was told, for what PagBank does not date.

    Raises PayloadError, UnknownStatusError or IgnoredError.
    """
    order = decode(ORDER, body)
    sold = sold_by(order)
    if order.charges:
        return [charge_fact(charge, sold, at) for charge in order.charges]
    codes = qr_codes(order)
    if not codes:
        raise IgnoredError("PagBank order without a charge: nobody has tried to pay it yet")
    return [qr_fact(order, codes[0], sold)]


def charge_facts(body: bytes, at: datetime | None) -> list[Fact]:
    """The one charge. Its buyer is not told. Raises PayloadError, UnknownStatusError."""
    charge = decode(CHARGE, body)
    return [charge_fact(charge, Sold(product=ProductFact(name=charge.description or "")), at)]


def sold_by(order: Order) -> Sold:
    """What stands around the charges. They pay for all items; the first one names them."""
    item = order.items[0] if order.items else Item()
    return Sold(
        order_id=order.id,
        reference=order.reference_id or "",
        customer=customer_fact(order.customer) if order.customer else None,
        product=ProductFact(id=item.reference_id or "", name=item.name or ""),
    )


def customer_fact(customer: Customer) -> CustomerFact | None:
    """Who buys; None without an e-mail."""
    if not (email := normal(customer.email)):
        return None
    phone = customer.phones[0] if customer.phones else Phone()
    return CustomerFact(
        email=email,
        name=customer.name or "",
        phone=(phone.area or "") + (phone.number or ""),
        document=customer.tax_id or "",
    )


def charge_fact(charge: Charge, sold: Sold, at: datetime | None) -> ChargeFact:
    """One charge. The seller's fee and net are not told: unknown, not zero."""
    status = charge_status(charge)
    code, method = charge_id(charge.id), charge.payment_method or NO_METHOD
    created_at = moment(charge.created_at, "created_at")
    paid_at = moment(charge.paid_at, "paid_at") if charge.paid_at else None
    total = Money.from_cents(charge.paid or charge.amount.value, charge.amount.currency)
    boleto = method.boleto or NO_BOLETO
    return ChargeFact(
        charge_id=code,
        status=status,
        occurred_at=(at if status in UNDATED else None) or paid_at or created_at,
        amount=without_interest(total, charge.amount),
        order_reference=sold.reference or charge.reference_id or sold.order_id or code,
        customer=sold.customer,
        product=sold.product,
        total=total.amount,
        payment_method=payment_method(method),
        installments=method.installments,
        created_at=created_at,
        paid_at=paid_at,
        expires_at=last_moment(boleto.due_date, "due_date") if boleto.due_date else None,
        payment_url=link(charge.links, media="application/pdf"),
        payment_code=boleto.formatted_barcode or boleto.barcode or "",
        refusal_reason=refusal_reason(charge, status),
        refunded_amount=refunded_amount(charge),
        metadata=known({"charge_id": charge.id, "order_id": sold.order_id}),
        is_dated_by_us=status in UNDATED and at is not None,
    )


def charge_status(charge: Charge) -> ChargeStatus:
    """Raises UnknownStatusError, or PayloadError where status and amounts contradict."""
    word = status_word(charge)
    if word in STATUSES and (charge.status != "CANCELED" or charge.paid == charge.refunded):
        return STATUSES[word][1]
    if charge.status == "CANCELED":
        raise PayloadError("pagseguro: a cancelled charge keeps a part of what was paid")
    raise UnknownStatusError("pagseguro", charge.status)


def refunded_amount(charge: Charge) -> Decimal | None:
    """The running total of what went back, if anything did."""
    if not charge.refunded:
        return None
    return Money.from_cents(charge.refunded, charge.amount.currency).amount


def without_interest(total: Money, amount: Amount) -> Money:
    """What was sold for: the buyer's interest for paying in instalments goes to others."""
    buyer = amount.fees.buyer if amount.fees else None
    interest = buyer.interest.total if buyer and buyer.interest else 0
    rest = total.amount - Money.from_cents(interest, total.currency).amount
    return Money(rest, total.currency) if rest >= 0 else total


def payment_method(method: Method) -> PaymentMethod | None:
    """How it is paid; OTHER for a method newer than this table."""
    return PAYMENT_METHODS.get(method.type, PaymentMethod.OTHER) if method.type else None


def refusal_reason(charge: Charge, status: ChargeStatus) -> str:
    """Why the bank declined."""
    if status is not ChargeStatus.FAILED or charge.payment_response is None:
        return ""
    return charge.payment_response.message or ""


def qr_codes(order: Order) -> list[QrCode]:
    """The order's Pix codes."""
    return order.qr_codes or order.qr_code or []


def qr_fact(order: Order, code: QrCode, sold: Sold) -> ChargeFact:
    """A Pix code that awaits payment. Paying it makes a charge with an id of its own."""
    created_at = moment(order.created_at, "created_at")
    amount = Money.from_cents(code.amount.value, "BRL")
    expires_at = code.expiration_date and last_moment(code.expiration_date, "expiration_date")
    return ChargeFact(
        charge_id=code.id,
        status=ChargeStatus.PENDING,
        occurred_at=created_at,
        amount=amount,
        order_reference=sold.reference or sold.order_id,
        customer=sold.customer,
        product=sold.product,
        total=amount.amount,
        payment_method=PaymentMethod.PIX,
        created_at=created_at,
        expires_at=expires_at or None,
        payment_url=link(code.links, media="image/png"),
        payment_code=code.text or "",
        metadata=known({"order_id": sold.order_id}),
    )


def link(links: Sequence[Link] | None, media: str) -> str:
    """The address of the first link to such a document."""
    return next((one.href or "" for one in links or () if one.media == media), "")
