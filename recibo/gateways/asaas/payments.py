"""From one of Asaas's payments to facts about a charge and, where it has one, its subscription."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from recibo.gateways.asaas.dates import LAST_SECOND, by_then, moment
from recibo.gateways.asaas.payloads import PAYMENT, Chargeback, Notice, Payment, amount, decode
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    Money,
    PaymentMethod,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)

#: Status of a payment. A partial refund leaves it as it is: ``refunds`` tells.
STATUSES = {
    "PENDING": ChargeStatus.PENDING,
    "AWAITING_RISK_ANALYSIS": ChargeStatus.PENDING,
    "AUTHORIZED": ChargeStatus.AUTHORIZED,  # occurs, though the documentation lists it nowhere
    "CONFIRMED": ChargeStatus.PAID,  # the balance is not available yet
    "RECEIVED": ChargeStatus.PAID,  # it is now
    "RECEIVED_IN_CASH": ChargeStatus.PAID,
    "DUNNING_RECEIVED": ChargeStatus.PAID,
    "OVERDUE": ChargeStatus.OVERDUE,
    "DUNNING_REQUESTED": ChargeStatus.OVERDUE,
    "REFUND_REQUESTED": ChargeStatus.PAID,  # until it is done
    "REFUND_IN_PROGRESS": ChargeStatus.PAID,
    "REFUNDED": ChargeStatus.REFUNDED,
    "CHARGEBACK_REQUESTED": ChargeStatus.DISPUTED,
    "CHARGEBACK_DISPUTE": ChargeStatus.DISPUTED,
    "AWAITING_CHARGEBACK_REVERSAL": ChargeStatus.PAID,  # the seller won; the money is on its way
}

#: Nobody paid yet, and somebody may.
OPEN = frozenset({ChargeStatus.PENDING, ChargeStatus.AUTHORIZED, ChargeStatus.OVERDUE})
#: Statuses of a charge that was paid at some time.
PAID_ONCE = frozenset(
    {
        ChargeStatus.PAID,
        ChargeStatus.DISPUTED,
        ChargeStatus.REFUNDED,
        ChargeStatus.CHARGED_BACK,
    }
)

#: What an event says of an open payment that its status does not: a refused card stays PENDING.
SAID_BY_EVENT = {
    EventType.CHARGE_FAILED: ChargeStatus.FAILED,
    EventType.CHARGE_CANCELLED: ChargeStatus.CANCELLED,
}

#: What the status inside may say, by event. Where the two contradict one another neither is
#: believed. Events that are not here may come with any status: it is what counts.
EXPECTED = {
    EventType.CHARGE_PAID: PAID_ONCE,
    EventType.CHARGE_DISPUTED: PAID_ONCE,
    EventType.CHARGE_REFUNDED: PAID_ONCE,
    EventType.CHARGE_PARTIALLY_REFUNDED: PAID_ONCE,
    EventType.CHARGE_FAILED: frozenset({ChargeStatus.FAILED, ChargeStatus.CANCELLED}),
    EventType.CHARGE_CANCELLED: frozenset({ChargeStatus.CANCELLED}),
}
ANY = frozenset(ChargeStatus)

#: Status of a chargeback -> the statuses of a payment with which the money is lost to it.
LOST = {
    "REQUESTED": frozenset({ChargeStatus.REFUNDED}),
    "IN_DISPUTE": frozenset({ChargeStatus.REFUNDED}),
    "DISPUTE_LOST": PAID_ONCE,
    "DONE": frozenset({ChargeStatus.DISPUTED, ChargeStatus.REFUNDED}),
    "REVERSED": frozenset(),
}

#: ``billingType``; UNDEFINED lets the buyer choose, and a word that is not here is OTHER.
PAYMENT_METHODS = {
    "UNDEFINED": None,
    "BOLETO": PaymentMethod.BOLETO,
    "CREDIT_CARD": PaymentMethod.CARD,
    "DEBIT_CARD": PaymentMethod.CARD,
    "TRANSFER": PaymentMethod.BANK_TRANSFER,
    "DEPOSIT": PaymentMethod.BANK_TRANSFER,
    "PIX": PaymentMethod.PIX,
}

#: They lapse with the day on which they are due. Late ones can be paid too, but they are overdue.
LAPSING = frozenset({PaymentMethod.BOLETO, PaymentMethod.PIX})

CURRENCY = "BRL"
ZERO = Decimal(0)


class DoneRefund(Struct, frozen=True):
    """Money that went back."""

    id: str
    at: datetime
    value: Decimal
    is_dated_by_us: bool = False  # Asaas names no day


def payment_facts(notice: Notice, event_type: EventType, told_at: datetime) -> list[Fact]:
    """The charge, each refund that is done, and what they say of a subscription."""
    payment = decode(PAYMENT, notice.payment, "payment")
    return facts_of(payment, charge_fact(payment, event_type, told_at), told_at)


def facts_of(payment: Payment, charge: ChargeFact, told_at: datetime) -> list[Fact]:
    """All that a payment says, of which ``charge`` is the first."""
    subscription = subscription_fact(charge)
    facts = with_refunds(charge, done_refunds(payment, told_at))
    return [*facts, subscription] if subscription else [*facts]


def charge_fact(payment: Payment, event_type: EventType, told_at: datetime) -> ChargeFact:
    """The charge as it stood when the notice was made, but for its refunds."""
    status = charge_status(payment, event_type)
    value = amount(payment.value, "value")
    net = net_value(payment, status)
    return ChargeFact(
        charge_id=payment.id,
        status=status,
        occurred_at=told_at,
        amount=Money(price(payment), CURRENCY),
        order_reference=order_reference(payment),
        customer=CustomerFact(gateway_id=payment.customer) if payment.customer else None,
        product=ProductFact(name=payment.description or ""),
        total=value,
        fee=None if net is None else value - net,
        net=net,
        payment_method=payment_method(payment),
        created_at=by_then(payment.date_created, "dateCreated", told_at),
        paid_at=paid_at(payment, told_at) if status in PAID_ONCE else None,
        expires_at=expires_at(payment),
        payment_url=payment.invoice_url or "",
        subscription_code=payment.subscription or "",
        metadata=metadata(payment),
    )


def charge_status(payment: Payment, event_type: EventType) -> ChargeStatus:
    """Raises UnknownStatusError, or PayloadError where status and event contradict."""
    status = told_status(payment)
    if status in OPEN:
        status = SAID_BY_EVENT.get(event_type, status)
    if status not in EXPECTED.get(event_type, ANY):
        raise PayloadError(f"asaas: status {payment.status} contradicts the event ({event_type})")
    return status


def told_status(payment: Payment) -> ChargeStatus:
    """What the payment says of itself. Raises UnknownStatusError."""
    if (status := STATUSES.get(payment.status)) is None:
        raise UnknownStatusError("asaas", payment.status)
    if payment.deleted and status in OPEN:
        return ChargeStatus.CANCELLED
    if payment.chargeback and status in lost_statuses(payment.chargeback):
        return ChargeStatus.CHARGED_BACK
    return status


def lost_statuses(chargeback: Chargeback) -> frozenset[ChargeStatus]:
    """With which statuses of its payment a chargeback took the money. Raises UnknownStatusError."""
    word = chargeback.status or "REQUESTED"
    if word not in LOST:
        raise UnknownStatusError("asaas", f"chargeback {word}")
    if word == "DONE" and chargeback.dispute_status == "ACCEPTED":  # over, and the seller was right
        return LOST["REVERSED"]
    return LOST[word]


def price(payment: Payment) -> Decimal:
    """What was sold for, without the interest and the fine of a late payment."""
    if payment.original_value is None:
        return amount(payment.value, "value")
    return amount(payment.original_value, "originalValue")


def net_value(payment: Payment, status: ChargeStatus) -> Decimal | None:
    """What is left after the fee; None until it is paid, for before it is an estimate."""
    if payment.net_value is None or status not in PAID_ONCE:
        return None
    return amount(payment.net_value, "netValue")


def order_reference(payment: Payment) -> str:
    """The sale that the payment collects for.

    The seller's reference, else the plan that instalments share, else the payment itself. A
    charge of a subscription is a sale of its own: it copies the subscription's reference, which
    is the same every month.
    """
    if payment.subscription:
        return payment.id
    return payment.external_reference or payment.installment or payment.id


def payment_method(payment: Payment) -> PaymentMethod | None:
    """How it is paid; None while the buyer may choose."""
    if payment.status == "RECEIVED_IN_CASH":
        return PaymentMethod.CASH
    if not payment.billing_type:
        return None
    return PAYMENT_METHODS.get(payment.billing_type, PaymentMethod.OTHER)


def expires_at(payment: Payment) -> datetime | None:
    """The end of the due day in Brasília; None for a card, and while the buyer may choose."""
    if payment_method(payment) not in LAPSING:
        return None
    return moment(payment.due_date, "dueDate", LAST_SECOND)


def paid_at(payment: Payment, told_at: datetime) -> datetime:
    """When it was confirmed; the time of the telling where no day is named."""
    return confirmed_at(payment, told_at) or told_at


def confirmed_at(payment: Payment, told_at: datetime) -> datetime | None:
    """The day of the payment. That of the balance stands last: a card's is a month later."""
    return (
        by_then(payment.confirmed_date, "confirmedDate", told_at)
        or by_then(payment.client_payment_date, "clientPaymentDate", told_at)
        or by_then(payment.payment_date, "paymentDate", told_at)
    )


def metadata(payment: Payment) -> dict[str, str]:
    """Details that have no place of their own."""
    number = payment.installment_number
    found = {
        "external_reference": payment.external_reference,
        "installment": payment.installment,
        "installment_number": None if number is None else str(number),
        "payment_link": payment.payment_link,
        "due_date": payment.due_date,
        "credit_date": payment.credit_date,
    }
    return {name: value for name, value in found.items() if value}


def done_refunds(payment: Payment, told_at: datetime) -> list[DoneRefund]:
    """The refunds that were carried out, oldest first."""
    seen: Counter[str] = Counter()
    refunds = []
    for refund in payment.refunds or ():
        if refund.status == "DONE":
            value = amount(refund.value, "refunds.value")
            asked_at = moment(refund.date_created, "refunds.dateCreated")
            at = moment(refund.effective_date, "refunds.effectiveDate") or asked_at
            key = refund_id(asked_at, value)
            seen[key] += 1
            given_back = min(value, price(payment))
            name = numbered(key, seen[key])
            refunds.append(DoneRefund(name, at or told_at, given_back, is_dated_by_us=at is None))
    return sorted(refunds, key=lambda refund: refund.at)


def refund_id(asked_at: datetime | None, value: Decimal) -> str:
    """Asaas numbers no refunds; the second in which one was asked for, and its value, do."""
    return f"{asked_at.isoformat() if asked_at else ''}/{value:.2f}"


def numbered(key: str, count: int) -> str:
    """Tells apart two refunds of one second and one value."""
    return key if count == 1 else f"{key}/{count}"


def with_refunds(charge: ChargeFact, refunds: Sequence[DoneRefund]) -> list[Fact]:
    """The charge and a fact for every refund, dated by it.

    Where the refunds listed give all the money back, the last of them is what made the charge
    REFUNDED, and the charge itself has nothing to add.
    """
    facts = [refunded(charge, refund) for refund in refunds]
    if charge.status is not ChargeStatus.REFUNDED or sum_of(refunds) < charge.amount.amount:
        return [charge, *facts]
    return [*facts[:-1], msgspec.structs.replace(facts[-1], status=ChargeStatus.REFUNDED)]


def refunded(charge: ChargeFact, refund: DoneRefund) -> ChargeFact:
    """One refund of a charge."""
    return msgspec.structs.replace(
        charge,
        status=ChargeStatus.PARTIALLY_REFUNDED,
        occurred_at=refund.at,
        is_dated_by_us=refund.is_dated_by_us,
        refund_id=refund.id,
        refunded_amount=refund.value,
    )


def sum_of(refunds: Iterable[DoneRefund]) -> Decimal:
    """All that went back."""
    return sum((refund.value for refund in refunds), start=ZERO)


def subscription_fact(charge: ChargeFact) -> SubscriptionFact | None:
    """What a charge says of its subscription: that it runs, or that a payment is late.

    Dated at the payment, even by RECEIVED: its notice comes a month later, when the subscription
    may be late with the next charge or long be cancelled.
    """
    if not charge.subscription_code:
        return None
    if charge.status is ChargeStatus.PAID:
        return told_of(charge, SubscriptionStatus.ACTIVE, charge.paid_at or charge.occurred_at)
    if charge.status is ChargeStatus.OVERDUE:
        return told_of(charge, SubscriptionStatus.PAST_DUE, charge.occurred_at)
    return None


def told_of(charge: ChargeFact, status: SubscriptionStatus, at: datetime) -> SubscriptionFact:
    """The subscription of a charge."""
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=at,
        status=status,
        customer=charge.customer,
        product=charge.product,
        plan=charge.product.name,
        price=charge.amount,
        is_dated_by_us=charge.is_dated_by_us and at == charge.occurred_at,
    )
