"""Webhooks as Asaas would send them about sales that never were.

All events of one sale number tell of one payment, one buyer and one subscription. The payment of
a sale that is asked for by its reference has that reference as its id, too.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from recibo.gateways.asaas.dates import ZONE
from recibo.gateways.contract import RawRequest, Sale, Sample

#: A JSON object.
Json = dict[str, Any]

NAMESPACE = uuid.UUID("0d6a4c8e-54f1-4c0e-9f0a-7a1f2c9b6e35")
MONTH = timedelta(days=30)
PRICE, NET = 97.9, 94.48
PARTIAL = 30.0

CARD: Json = {
    "billingType": "CREDIT_CARD",
    "creditCard": {"creditCardNumber": "8829", "creditCardBrand": "VISA", "creditCardToken": None},
}
BOLETO: Json = {"billingType": "BOLETO", "nossoNumero": "1000001"}
PIX: Json = {"billingType": "PIX"}

SUBSCRIPTION_CHARGE: Json = {"subscription": "sub_{number}"}
INSTALMENT: Json = {"installment": "0f000000-1111-4222-8333-{number}", "installmentNumber": 1}


def day(sale: Sale, days: int = 0) -> str:
    """A day as payments write it, ``days`` after the sale."""
    return (sale.at.astimezone(ZONE) + timedelta(days=days)).strftime("%Y-%m-%d")


def day_first(sale: Sale, days: int = 0) -> str:
    """A day as subscriptions write it."""
    return (sale.at.astimezone(ZONE) + timedelta(days=days)).strftime("%d/%m/%Y")


def second(sale: Sale) -> str:
    """A time as envelopes and refunds write it."""
    return sale.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def envelope(event: str, variant: str, sale: Sale, subject: Json) -> RawRequest:
    """A delivery, not yet signed. The same event of the same sale has the same id.

    ``variant`` tells apart the samples that are one event: a receipt by Pix and one in cash.
    """
    number = uuid.uuid5(NAMESPACE, f"{event} {variant} {sale.number} {sale.reference}").hex
    body = {
        "id": f"evt_{number}&{sale.number}",
        "event": event,
        "dateCreated": second(sale),
        "account": {"id": "0a000000-1111-4222-8333-444444444444", "ownerId": None},
        **subject,
    }
    return RawRequest({}, msgspec.json.encode(body))


def payment(event: str, status: str, *details: Json) -> Sample:
    """A PAYMENT event. ``details`` are added to the payment, see ``filled``."""

    def sample(sale: Sale) -> RawRequest:
        code = sale.reference or f"pay_{sale.number:016d}"
        body = {
            "object": "payment",
            "id": code,
            "dateCreated": day(sale),
            "customer": f"cus_{sale.number:012d}",
            "value": PRICE,
            "netValue": NET,
            "originalValue": None,
            "description": "Clube do Código",
            "status": status,
            "dueDate": day(sale, 3),
            "invoiceUrl": f"https://www.asaas.com/i/{sale.number:016d}",
            "externalReference": sale.reference or f"SIM-{sale.number:06d}",
            "deleted": False,
            "refunds": None,
        }
        for detail in details:
            body |= filled(detail, sale)
        return envelope(event, repr(details), sale, {"payment": body})

    return sample


def filled(detail: Json, sale: Sale) -> Json:
    """A detail with the number, the day and the second of its sale."""
    text = msgspec.json.encode(detail).decode()
    text = text.replace("{number}", f"{sale.number:012d}")
    text = text.replace("{day}", day(sale)).replace("{second}", second(sale))
    return dict(msgspec.json.decode(text))


def subscription(event: str, status: str, *, deleted: bool = False) -> Sample:
    """A SUBSCRIPTION event, whose dates begin with the day."""

    def sample(sale: Sale) -> RawRequest:
        body = {
            "object": "subscription",
            "id": f"sub_{sale.number:012d}",
            "dateCreated": day_first(sale),
            "customer": f"cus_{sale.number:012d}",
            "value": PRICE,
            "nextDueDate": day_first(sale, MONTH.days),
            "cycle": "MONTHLY",
            "description": "Clube do Código",
            "billingType": "CREDIT_CARD",
            "deleted": deleted,
            "status": status,
            "externalReference": sale.reference or f"SIM-{sale.number:06d}",
        }
        return envelope(event, status, sale, {"subscription": body})

    return sample


CONFIRMED: Json = {"confirmedDate": "{day}", "clientPaymentDate": "{day}"}
RECEIVED: Json = {**CONFIRMED, "paymentDate": "{day}", "creditDate": "{day}"}
DELETED: Json = {"deleted": True}


def refund(status: str, value: float = PRICE) -> Json:
    """The list with one refund."""
    effective = "{second}" if status == "DONE" else None
    one = {"dateCreated": "{second}", "status": status, "value": value, "effectiveDate": effective}
    return {**CONFIRMED, "refunds": [one]}


def chargeback(status: str, dispute_status: str = "REQUESTED") -> Json:
    """A dispute over the payment."""
    one = {"status": status, "reason": "ABSENCE_OF_PRINT", "disputeStatus": dispute_status}
    return {**RECEIVED, "chargeback": {**one, "value": PRICE, "disputeStartDate": "{day}"}}


#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "payment-created": payment("PAYMENT_CREATED", "PENDING", PIX),
    "payment-created-boleto": payment("PAYMENT_CREATED", "PENDING", BOLETO),
    "payment-updated": payment("PAYMENT_UPDATED", "PENDING", BOLETO),
    "payment-awaiting-risk-analysis": payment(
        "PAYMENT_AWAITING_RISK_ANALYSIS", "AWAITING_RISK_ANALYSIS", CARD
    ),
    "payment-approved-by-risk-analysis": payment(
        "PAYMENT_APPROVED_BY_RISK_ANALYSIS", "CONFIRMED", CARD, CONFIRMED
    ),
    "payment-reproved-by-risk-analysis": payment(
        "PAYMENT_REPROVED_BY_RISK_ANALYSIS", "PENDING", CARD
    ),
    "payment-authorized": payment("PAYMENT_AUTHORIZED", "AUTHORIZED", CARD),
    "payment-confirmed": payment("PAYMENT_CONFIRMED", "CONFIRMED", CARD, CONFIRMED),
    "payment-confirmed-instalment": payment(
        "PAYMENT_CONFIRMED", "CONFIRMED", CARD, CONFIRMED, INSTALMENT
    ),
    "payment-confirmed-subscription": payment(
        "PAYMENT_CONFIRMED", "CONFIRMED", CARD, CONFIRMED, SUBSCRIPTION_CHARGE
    ),
    "payment-received": payment("PAYMENT_RECEIVED", "RECEIVED", PIX, RECEIVED),
    "payment-received-card": payment("PAYMENT_RECEIVED", "RECEIVED", CARD, RECEIVED),
    "payment-received-in-cash": payment("PAYMENT_RECEIVED", "RECEIVED_IN_CASH", BOLETO, RECEIVED),
    "payment-received-in-cash-undone": payment(
        "PAYMENT_RECEIVED_IN_CASH_UNDONE", "PENDING", BOLETO
    ),
    "payment-credit-card-capture-refused": payment(
        "PAYMENT_CREDIT_CARD_CAPTURE_REFUSED", "PENDING", CARD
    ),
    "payment-anticipated": payment("PAYMENT_ANTICIPATED", "CONFIRMED", CARD, CONFIRMED),
    "payment-overdue": payment("PAYMENT_OVERDUE", "OVERDUE", BOLETO),
    "payment-overdue-subscription": payment(
        "PAYMENT_OVERDUE", "OVERDUE", CARD, SUBSCRIPTION_CHARGE
    ),
    "payment-deleted": payment("PAYMENT_DELETED", "PENDING", BOLETO, DELETED),
    "payment-restored": payment("PAYMENT_RESTORED", "PENDING", BOLETO),
    "payment-refund-in-progress": payment(
        "PAYMENT_REFUND_IN_PROGRESS", "REFUND_IN_PROGRESS", PIX, refund("PENDING")
    ),
    "payment-refunded": payment("PAYMENT_REFUNDED", "REFUNDED", PIX, refund("DONE")),
    "payment-partially-refunded": payment(
        "PAYMENT_PARTIALLY_REFUNDED", "CONFIRMED", CARD, refund("DONE", PARTIAL)
    ),
    "payment-refund-denied": payment(
        "PAYMENT_REFUND_DENIED", "CONFIRMED", CARD, refund("CANCELLED")
    ),
    "payment-chargeback-requested": payment(
        "PAYMENT_CHARGEBACK_REQUESTED", "CHARGEBACK_REQUESTED", CARD, chargeback("REQUESTED")
    ),
    "payment-chargeback-dispute": payment(
        "PAYMENT_CHARGEBACK_DISPUTE", "CHARGEBACK_DISPUTE", CARD, chargeback("IN_DISPUTE")
    ),
    "payment-chargeback-won": payment(
        "PAYMENT_AWAITING_CHARGEBACK_REVERSAL",
        "AWAITING_CHARGEBACK_REVERSAL",
        CARD,
        chargeback("REVERSED", "ACCEPTED"),
    ),
    "payment-chargeback-lost": payment(
        "PAYMENT_REFUNDED", "REFUNDED", CARD, chargeback("DISPUTE_LOST", "REJECTED")
    ),
    "payment-dunning-requested": payment("PAYMENT_DUNNING_REQUESTED", "DUNNING_REQUESTED", BOLETO),
    "payment-dunning-received": payment(
        "PAYMENT_DUNNING_RECEIVED", "DUNNING_RECEIVED", BOLETO, RECEIVED
    ),
    "payment-bank-slip-cancelled": payment("PAYMENT_BANK_SLIP_CANCELLED", "PENDING", BOLETO),
    "subscription-created": subscription("SUBSCRIPTION_CREATED", "ACTIVE"),
    "subscription-updated": subscription("SUBSCRIPTION_UPDATED", "ACTIVE"),
    "subscription-inactivated": subscription("SUBSCRIPTION_INACTIVATED", "INACTIVE"),
    "subscription-deleted": subscription("SUBSCRIPTION_DELETED", "INACTIVE", deleted=True),
}
