"""Subscriptions as the API tells them: preapprovals, and the invoices that they collect.

Source: openapi ``subscriptions``, Mercado Pago developers, and published measurements.
"""

from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    Money,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.mercadopago.payments import STATUSES, email_of, visible
from recibo.gateways.mercadopago.values import (
    Code,
    Currency,
    Number,
    amount,
    decode,
    id_text,
    missing,
    moment,
    period,
    plain,
    word,
)

#: Status of a preapproval. None: nobody authorized it yet, for which we have no word.
SUBSCRIPTION_STATUSES = {
    "pending": None,
    "authorized": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "cancelled": SubscriptionStatus.CANCELLED,  # by whom is not told
}

#: Colours of ``summarized.semaphore`` under which an authorized preapproval surely runs. What the
#: others mean is not documented; a late one stays authorized, and its invoices say that it is late.
GREEN = {None, "", "green"}

#: Status of an invoice -> that of its subscription, where the invoice's payment does not say it.
INVOICE_STATUSES = {
    "scheduled": None,
    "processed": None,
    "recycling": SubscriptionStatus.PAST_DUE,  # refused, and tried again
    "cancelled": None,
}

#: What the payment of an invoice says of the subscription, whatever the invoice's own status:
#: ``processed`` with a rejected payment exists.
PAYMENT_STATUSES = {
    ChargeStatus.PAID: SubscriptionStatus.ACTIVE,
    ChargeStatus.FAILED: SubscriptionStatus.PAST_DUE,
}

EVENTS = {
    "preapproval.pending": EventType.SUBSCRIPTION_CREATED,
    "preapproval.authorized": EventType.SUBSCRIPTION_ACTIVATED,
    "preapproval.cancelled": EventType.SUBSCRIPTION_CANCELLED,
    "authorized_payment.scheduled": EventType.CHARGE_CREATED,
    "authorized_payment.approved": EventType.CHARGE_PAID,
    "authorized_payment.rejected": EventType.CHARGE_FAILED,
    "authorized_payment.recycling": EventType.SUBSCRIPTION_PAST_DUE,
}


class FreeTrial(Struct):
    frequency: Number = None


class Recurring(Struct):
    transaction_amount: Decimal | None = None
    currency_id: Currency | None = None
    frequency: Number = None
    frequency_type: Code | None = None
    start_date: Code | None = None
    free_trial: FreeTrial | None = None


class Summary(Struct):
    charged_quantity: Number = None
    semaphore: Code | None = None


class Preapproval(Struct):
    id: Number
    status: Code
    payer_id: Number = None
    payer_email: Code | None = None  # empty when read
    reason: Code | None = None
    preapproval_plan_id: Code | None = None
    date_created: Code | None = None
    last_modified: Code | None = None
    next_payment_date: Code | None = None
    auto_recurring: Recurring | None = None
    summarized: Summary | None = None


class InvoicePayment(Struct):
    id: Number = None
    status: Code | None = None
    status_detail: Code | None = None


class Invoice(Struct):
    """An authorized payment: one collection of a subscription, with all its tries."""

    id: Number
    status: Code
    preapproval_id: Code
    transaction_amount: Decimal
    currency_id: Currency
    date_created: Code | None = None
    last_modified: Code | None = None
    external_reference: Code | None = None
    reason: Code | None = None
    rejection_code: Code | None = None
    payment: InvoicePayment | None = None


PREAPPROVAL = msgspec.json.Decoder(Preapproval)
INVOICE = msgspec.json.Decoder(Invoice)
NO_RECURRING, NO_SUMMARY, NO_PAYMENT = Recurring(), Summary(), InvoicePayment()


def modified_at(told: Preapproval | Invoice) -> datetime:
    """When this state began. Raises PayloadError if nothing tells."""
    modified = moment(told.last_modified, "last_modified")
    return modified or moment(told.date_created, "date_created") or missing("last_modified")


def identify_preapproval(answer: RawRequest) -> Identity:
    """The state that was read. Raises PayloadError."""
    told = decode(PREAPPROVAL, answer.body)
    status, price = word(told.status), (told.auto_recurring or NO_RECURRING).transaction_amount
    state = (modified_at(told).isoformat(), status, plain(amount(price or Decimal(0), "price")))
    event = f"preapproval.{status}"
    return Identity(
        event_id=f"preapproval/{id_text(told.id, 'id')}/{'/'.join(state)}",
        gateway_event=event,
        event_type=EVENTS.get(event, EventType.UNKNOWN),
    )


def parse_preapproval(answer: RawRequest) -> list[Fact]:
    """The subscription. Raises PayloadError, UnknownStatusError or IgnoredError."""
    told = decode(PREAPPROVAL, answer.body)
    if told.status not in SUBSCRIPTION_STATUSES:
        raise UnknownStatusError("mercadopago", told.status)
    if SUBSCRIPTION_STATUSES[told.status] is None:
        raise IgnoredError("the payer has not authorized this subscription yet")
    return [subscription_fact(told)]


def subscription_fact(told: Preapproval) -> SubscriptionFact:
    """The subscription as it stands since its last change."""
    changed_at, recurring = modified_at(told), told.auto_recurring or NO_RECURRING
    status = subscription_status(told)
    started_at = moment(recurring.start_date, "start_date")
    return SubscriptionFact(
        code=id_text(told.id, "id"),
        occurred_at=changed_at,
        status=status,
        customer=customer_fact(told),
        plan=told.reason or "",
        plan_id=told.preapproval_plan_id or "",
        price=price(recurring),
        period=period(recurring.frequency_type, recurring.frequency),
        next_billing_at=moment(told.next_payment_date, "next_payment_date"),
        started_at=started_at or moment(told.date_created, "date_created"),
        cancelled_at=changed_at if status is SubscriptionStatus.CANCELLED else None,
    )


def subscription_status(told: Preapproval) -> SubscriptionStatus | None:
    """Where it stands; None where an authorized one may be late."""
    status, summary = SUBSCRIPTION_STATUSES[told.status], told.summarized or NO_SUMMARY
    if status is not SubscriptionStatus.ACTIVE:
        return status
    is_trial = (told.auto_recurring or NO_RECURRING).free_trial is not None
    if is_trial and not summary.charged_quantity:
        return SubscriptionStatus.TRIAL
    return status if summary.semaphore in GREEN else None


def price(recurring: Recurring) -> Money | None:
    """What each period costs."""
    if recurring.transaction_amount is None or recurring.currency_id is None:
        return None
    return Money(amount(recurring.transaction_amount, "transaction_amount"), recurring.currency_id)


def customer_fact(told: Preapproval) -> CustomerFact | None:
    """Who subscribed: mostly an id only; the payments tell the e-mail."""
    email, gateway_id = email_of(told.payer_email), visible(told.payer_id)
    return CustomerFact(email=email, gateway_id=gateway_id) if email or gateway_id else None


def identify_invoice(answer: RawRequest) -> Identity:
    """The state that was read. Raises PayloadError."""
    told = decode(INVOICE, answer.body)
    payment = told.payment or NO_PAYMENT
    charge_id = "" if payment.id is None else id_text(payment.id, "payment.id")
    state = (modified_at(told).isoformat(), word(told.status), charge_id, word(payment.status))
    event = f"authorized_payment.{word(payment.status) or word(told.status)}"
    return Identity(
        event_id=f"authorized_payment/{id_text(told.id, 'id')}/{'/'.join(state)}",
        gateway_event=event,
        event_type=EVENTS.get(event, EventType.UNKNOWN),
        charge_id=charge_id,
    )


def parse_invoice(answer: RawRequest) -> list[Fact]:
    """The try at collecting, and what it says of the subscription.

    Raises PayloadError, UnknownStatusError or IgnoredError.
    """
    told = decode(INVOICE, answer.body)
    charge = invoice_charge(told, told.payment) if told.payment else None
    subscription = invoice_subscription(told, charge)
    facts: list[Fact] = [fact for fact in (charge, subscription) if fact]
    if not facts:
        raise IgnoredError(f"the invoice is {told.status}: nothing was collected")
    return facts


def invoice_charge(told: Invoice, payment: InvoicePayment) -> ChargeFact:
    """The payment as its invoice knows it. The payment itself tells more, where it can be read."""
    if (status := STATUSES.get(payment.status or "")) is None:
        raise UnknownStatusError("mercadopago", payment.status or "")
    code = id_text(payment.id, "payment.id")
    is_refused = status is ChargeStatus.FAILED
    return ChargeFact(
        charge_id=code,
        status=status,
        occurred_at=modified_at(told),
        amount=Money(amount(told.transaction_amount, "transaction_amount"), told.currency_id),
        order_reference=(told.external_reference or "").strip() or code,
        created_at=moment(told.date_created, "date_created"),
        refusal_reason=(told.rejection_code or payment.status_detail or "") if is_refused else "",
        subscription_code=told.preapproval_id,
    )


def invoice_subscription(told: Invoice, charge: ChargeFact | None) -> SubscriptionFact | None:
    """Whether the subscription is late or up to date; None where the invoice tells neither."""
    if told.status not in INVOICE_STATUSES:
        raise UnknownStatusError("mercadopago", told.status)
    by_payment = PAYMENT_STATUSES.get(charge.status) if charge else None
    if (status := by_payment or INVOICE_STATUSES[told.status]) is None:
        return None
    return SubscriptionFact(
        code=told.preapproval_id,
        occurred_at=modified_at(told),
        status=status,
        plan=told.reason or "",
    )
