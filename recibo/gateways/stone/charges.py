"""What Pagar.me says of a charge, whichever resource tells it: the same charge, the same fact.

Source: "Cobranças" and "Pedidos", Pagar.me docs v5; card machines: "Webhooks", Stone Connect.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    Money,
    PaymentMethod,
    ProductFact,
)
from recibo.gateways.stone.payload import (
    Charge,
    Customer,
    InvoiceOfCharge,
    Item,
    Order,
    OrderOfCharge,
    Phones,
    first,
    latest,
    missing,
    moment,
    text,
)

#: Status of a charge. Amounts and the last transaction say the rest, see REFINED.
STATUSES = {
    "pending": ChargeStatus.PENDING,
    "processing": ChargeStatus.PENDING,
    "underpaid": ChargeStatus.PENDING,  # a boleto of which too little was paid: not a sale
    "paid": ChargeStatus.PAID,
    "overpaid": ChargeStatus.PAID,
    "canceled": ChargeStatus.CANCELLED,  # or refunded: one word for both
    "refunded": ChargeStatus.REFUNDED,
    "failed": ChargeStatus.FAILED,
    "chargedback": ChargeStatus.CHARGED_BACK,
}

#: Transactions that reserve the money on the card.
RESERVED = {"authorized_pending_capture", "waiting_capture"}
#: Transactions that the card's bank or the acquirer refused; only these carry its reason.
REFUSED = {"not_authorized", "notAuthorized", "with_error", "withError", "failed"}

#: The money came, and some or all of it is still here.
COLLECTED = {ChargeStatus.PAID, ChargeStatus.PARTIALLY_REFUNDED}
#: Money went back.
RETURNED = {ChargeStatus.PARTIALLY_REFUNDED, ChargeStatus.REFUNDED, ChargeStatus.CHARGED_BACK}
PAID_ONCE = COLLECTED | RETURNED

#: What the charge inside may say, by event. Where the two contradict one another neither is
#: believed: a refund that claims to be paid in full must not mark anything paid.
EXPECTED = {
    "charge.paid": PAID_ONCE,
    "charge.overpaid": PAID_ONCE,
    "charge.refunded": RETURNED,
}
#: Events that are the news themselves, whatever the charge's word: that of a chargeback is
#: documented for some kinds of account only.
CHARGEBACKS = {"charge.chargedback", "chargeback.received"}

#: ``payment_method``; a word that is not here is OTHER.
PAYMENT_METHODS = {
    "credit_card": PaymentMethod.CARD,
    "debit_card": PaymentMethod.CARD,
    "private_label": PaymentMethod.CARD,
    "voucher": PaymentMethod.CARD,
    "boleto": PaymentMethod.BOLETO,
    "pix": PaymentMethod.PIX,
    "cash": PaymentMethod.CASH,
    "bank_transfer": PaymentMethod.BANK_TRANSFER,
}

#: Metadata of a card machine that say that "cash" was none.
MACHINE = {"scheme_name", "account_funding_source"}

NO_ORDER, NO_INVOICE = OrderOfCharge(), InvoiceOfCharge()
NO_PRODUCT = ProductFact()


class Bought(Struct, kw_only=True):
    """What a charge collects for, as far as the resource around it tells."""

    reference: str
    customer: Customer | None = None
    product: ProductFact = NO_PRODUCT
    subscription_code: str = ""
    cycle: int | None = None
    currency: str | None = None
    metadata: Any = None


class Notice(Struct, kw_only=True):
    """The news that a resource came with. Both are empty for a resource that we asked for, but
    that one which we had changed has the time of that.
    """

    event: str = ""
    created_at: datetime | None = None

    @property
    def is_act(self) -> bool:
        """Whether the resource was read after we had it changed."""
        return not self.event and self.created_at is not None


def bought_by(charge: Charge) -> Bought:
    """What a charge itself says of its sale: the seller's code of the order, or the invoice's."""
    order, invoice = charge.order or NO_ORDER, charge.invoice or NO_INVOICE
    return Bought(
        reference=first(*(order.code, order.id, invoice.code, invoice.id, charge.code, charge.id)),
        subscription_code=invoice.subscription_id or "",
        cycle=1 if charge.recurrence_cycle == "first" else None,
        metadata=order.metadata,
    )


def ordered(order: Order) -> Bought:
    """What the charges of an order collect for."""
    return Bought(
        reference=order.code or order.id,
        customer=order.customer,
        product=product_fact(order.items),
        currency=order.currency,
        metadata=order.metadata,
    )


def product_fact(items: Sequence[Item] | None) -> ProductFact:
    """What was bought: the code of the first item, the names of all."""
    if not items:
        return NO_PRODUCT
    names = [first(item.name, item.description) for item in items]
    return ProductFact(id=text(items[0].code), name=" + ".join(filter(None, names)))


def charge_fact(charge: Charge, bought: Bought, notice: Notice) -> ChargeFact:
    """One charge. Raises UnknownStatusError, or PayloadError where event and charge contradict."""
    status = status_of(charge, notice)
    currency = first(charge.currency, bought.currency, "BRL")
    amount = Money.from_cents(sold(charge, status), currency)
    details = metadata(bought.metadata) | metadata(charge.metadata)
    is_paid = status in PAID_ONCE
    return ChargeFact(
        charge_id=charge.id or missing("charge.id"),
        status=status,
        occurred_at=occurred_at(charge, status, notice),
        amount=amount,
        order_reference=bought.reference or missing("order.code"),
        customer=customer_fact(charge.customer or bought.customer),
        product=bought.product,
        total=decimal(charge.paid_amount, currency) if is_paid and charge.paid_amount else None,
        payment_method=payment_method(charge, details),
        installments=installments(charge, details),
        created_at=moment(charge.created_at, "created_at"),
        paid_at=moment(charge.paid_at, "paid_at") if is_paid else None,
        expires_at=expires_at(charge),
        payment_url=first(charge.transaction.qr_code_url, charge.transaction.url),
        payment_code=first(charge.transaction.qr_code, charge.transaction.line),
        refusal_reason=refusal_reason(charge, status),
        refunded_amount=refunded(charge, status, amount),
        subscription_code=bought.subscription_code,
        cycle=bought.cycle,
        metadata=details | received(charge, currency, is_paid=is_paid),
    )


def status_of(charge: Charge, notice: Notice) -> ChargeStatus:
    """The status, by its word, the amounts and the last transaction."""
    if (status := STATUSES.get(charge.status)) is None:
        raise UnknownStatusError("stone", charge.status)
    if notice.event in CHARGEBACKS:
        return ChargeStatus.CHARGED_BACK
    status = REFINED[status](charge) if status in REFINED else status
    if status not in EXPECTED.get(notice.event, {status}):
        raise PayloadError(f"stone: status {charge.status} contradicts {notice.event}")
    return status


def pending_status(charge: Charge) -> ChargeStatus:
    """Nothing came yet; perhaps the money is reserved."""
    is_reserved = charge.transaction.status in RESERVED
    return ChargeStatus.AUTHORIZED if is_reserved else ChargeStatus.PENDING


def collected_status(charge: Charge) -> ChargeStatus:
    """Paid: the word stays the same when part of it, or perhaps all, was given back."""
    given_back = charge.canceled_amount or 0
    if not given_back:
        return ChargeStatus.PAID
    is_all = given_back >= (charge.paid_amount or charge.amount)
    return ChargeStatus.REFUNDED if is_all else ChargeStatus.PARTIALLY_REFUNDED


def cancelled_status(charge: Charge) -> ChargeStatus:
    """A refund if anything had been paid; else nobody paid, in time or at all."""
    if charge.paid_amount or charge.paid_at or charge.transaction.status == "refunded":
        return ChargeStatus.REFUNDED
    due_at, cancelled_at = (
        moment(charge.due_at, "due_at"),
        moment(charge.canceled_at, "canceled_at"),
    )
    is_past_due = bool(due_at and cancelled_at and cancelled_at > due_at)
    is_expired = is_past_due or charge.transaction.status == "expired"
    return ChargeStatus.EXPIRED if is_expired else ChargeStatus.CANCELLED


#: What decides where a status word leaves it open.
REFINED: Mapping[ChargeStatus, Callable[[Charge], ChargeStatus]] = {
    ChargeStatus.PENDING: pending_status,
    ChargeStatus.PAID: collected_status,
    ChargeStatus.CANCELLED: cancelled_status,
}


def sold(charge: Charge, status: ChargeStatus) -> int:
    """Cents that the sale is worth: what was charged or, of a part that was captured, that."""
    if status in PAID_ONCE and charge.paid_amount:
        return min(charge.amount, charge.paid_amount)
    return charge.amount


def refunded(charge: Charge, status: ChargeStatus, amount: Money) -> Decimal | None:
    """What was given back in all, never more than what was sold: interest is no revenue."""
    if status is ChargeStatus.REFUNDED:
        return amount.amount
    if status is ChargeStatus.PARTIALLY_REFUNDED:
        return min(decimal(charge.canceled_amount or 0, amount.currency), amount.amount)
    return None


def occurred_at(charge: Charge, status: ChargeStatus, notice: Notice) -> datetime:
    """When it happened, by the charge's own times, so that all events of it agree.

    The notice's time is taken only for money that went back at a time that the charge leaves open.
    """
    changed_at = latest(charge, "created_at", "updated_at", "canceled_at")
    paid_at = moment(charge.paid_at, "paid_at")
    if status is ChargeStatus.PAID:
        changed_at = paid_at or changed_at
    if status in RETURNED and paid_at and not (changed_at and changed_at > paid_at):
        changed_at = max(paid_at, notice.created_at or paid_at)
    return changed_at or notice.created_at or missing("updated_at")


def expires_at(charge: Charge) -> datetime | None:
    """When an unpaid boleto or Pix lapses."""
    transaction = charge.transaction
    due = first(charge.due_at, transaction.due_at, transaction.expires_at)
    return moment(due, "due_at")


def refusal_reason(charge: Charge, status: ChargeStatus) -> str:
    """Why a card was refused. An antifraud analysis leaves the acquirer's "approved" standing."""
    transaction = charge.transaction
    if status is not ChargeStatus.FAILED or transaction.status not in REFUSED:
        return ""
    return transaction.acquirer_message or ""


def received(charge: Charge, currency: str, *, is_paid: bool) -> dict[str, str]:
    """Of a boleto that was underpaid: what came."""
    if is_paid or not charge.paid_amount:
        return {}
    return {"paid_amount": str(decimal(charge.paid_amount, currency))}


def payment_method(charge: Charge, details: Mapping[str, str]) -> PaymentMethod | None:
    """How it was paid. A card machine says "cash", and the truth in the metadata."""
    if charge.payment_method == "cash" and details.keys() & MACHINE:
        is_pix = details.get("scheme_name", "").lower() == "pix"
        return PaymentMethod.PIX if is_pix else PaymentMethod.CARD
    if not charge.payment_method or charge.payment_method == "checkout":
        return None  # not chosen yet
    return PAYMENT_METHODS.get(charge.payment_method, PaymentMethod.OTHER)


def installments(charge: Charge, details: Mapping[str, str]) -> int | None:
    """In how many parts; a card machine says so in the metadata."""
    told = details.get("installment_quantity", "")
    if charge.transaction.installments is None and told.isascii() and told.isdecimal():
        return int(told) if len(told) < 4 else None
    return charge.transaction.installments


def metadata(value: Any) -> dict[str, str]:
    """The seller's own notes as text. Empty ones come as a list, nested ones are left out."""
    if not isinstance(value, dict):
        return {}
    return {
        name: told if isinstance(told, str) else msgspec.json.encode(told).decode()
        for name, told in value.items()
        if isinstance(told, str | int | float) and told != ""
    }


def decimal(cents: int, currency: str) -> Decimal:
    """Cents as an amount."""
    return Money.from_cents(cents, currency).amount


def customer_fact(customer: Customer | None) -> CustomerFact | None:
    """The buyer. At a card machine there is often neither e-mail nor document."""
    if customer is None:
        return None
    return CustomerFact(
        email=(customer.email or "").strip().lower(),
        name=customer.name or "",
        phone=phone(customer),
        document=customer.document or "",
        gateway_id=customer.id or "",
    )


def phone(customer: Customer) -> str:
    """The mobile phone, or the one at home, with its country where that is told."""
    phones = customer.phones
    found = (phones.mobile_phone or phones.home_phone) if isinstance(phones, Phones) else None
    if found is None or not found.number:
        return ""
    country = f"+{text(found.country_code)}" if found.country_code else ""
    return f"{country}{text(found.area_code)}{text(found.number)}"
