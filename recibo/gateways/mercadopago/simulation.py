"""Webhooks as Mercado Pago would send them about sales that never were.

A real notice only names a payment, and nobody can be asked about one that never was. So the state
travels in the notice, under ``simulated``, and the request id, which the signature covers, is the
body's fingerprint: see ``webhook.is_simulated``.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from recibo.gateways.contract import RawRequest, Sale, Sample
from recibo.gateways.mercadopago.notices import REQUEST_ID_HEADER
from recibo.gateways.mercadopago.webhook import fingerprint

#: A JSON object.
Json = dict[str, Any]

FIRST_NAMES = ("Ana", "Bruno", "Carla", "Diego", "Élida", "Fábio", "Gabriela", "Heitor", "Inês")
LAST_NAMES = ("Almeida", "Barbosa", "Conceição", "Duarte", "Esteves", "Freitas", "Gonçalves")

PRICE, FEE = 197.0, 9.83
PLAN_PRICE, PLAN_FEE = 59.9, 2.99
PLAN = "2c9380840000000001900000000b0001"
#: The clock of Mercado Pago.
ZONE = timezone(timedelta(hours=-4))
MONTH = timedelta(days=30)

CARD = {"payment_type_id": "credit_card", "payment_method_id": "visa"}
PIX = {"payment_type_id": "bank_transfer", "payment_method_id": "pix"}
BOLETO = {"payment_type_id": "ticket", "payment_method_id": "bolbradesco"}
BALANCE = {"payment_type_id": "account_money", "payment_method_id": "account_money"}

#: First digits of a payment's id, which tell apart the payments of one sale's number. Real ids
#: are shorter, and the panel's test is 123456.
SALES = {"visa": 990, "pix": 991, "bolbradesco": 992, "account_money": 993}
INSTALMENTS, CYCLE, RENEWAL, ATTEMPT = 994, 995, 996, 997


def iso(time: datetime) -> str:
    """Mercado Pago's way to write a time."""
    return time.astimezone(ZONE).isoformat(timespec="milliseconds")


def payment_id(sale: Sale, first_digits: int) -> str:
    """Sixteen digits, more for numbers of more than thirteen."""
    return sale.reference or f"{first_digits}{sale.number:013d}"


def preapproval_id(sale: Sale) -> str:
    """Thirty-two hex digits, as real ones have."""
    return f"{sale.number:032x}"


def payer(sale: Sale) -> Json:
    """The buyer. The e-mail ends nowhere: the domain is reserved for examples."""
    return {
        "id": f"8{sale.number:09d}",
        "email": f"comprador.{sale.number}@example.com",
        "first_name": FIRST_NAMES[sale.number % len(FIRST_NAMES)],
        "last_name": LAST_NAMES[sale.number % len(LAST_NAMES)],
        "identification": {"type": "CPF", "number": "12345678909"},
        "phone": {"area_code": "11", "number": f"9{sale.number % 100_000_000:08d}"},
    }


def notice(
    topic: str, action: str, code: str, sale: Sale, resource: str, state: Json
) -> RawRequest:
    """A delivery, not yet signed, with the state that it is about."""
    body = msgspec.json.encode(
        {
            "action": action,
            "api_version": "v1",
            "data": {"id": code},
            "date_created": iso(sale.at),
            "live_mode": False,
            "type": topic,
            "simulated": {"resource": resource, "state": state},
        }
    )
    headers = {REQUEST_ID_HEADER: fingerprint(body)}
    query = f"data.id={code}&type={topic}".encode()
    return RawRequest(headers, body, query, received_at=sale.at)


def payment(
    status: str,
    detail: str,
    *,
    method: Json = CARD,
    age: timedelta | None = timedelta(0),
    refunded: float = 0,
    first_digits: int | None = None,
    more: Json | None = None,
) -> Sample:
    """A payment. ``age``: since the approval; None: never approved."""

    def sample(sale: Sale) -> RawRequest:
        code = payment_id(sale, first_digits or SALES[method["payment_method_id"]])
        state = {**paid_state(sale, code, age), **method, **(more or {})}
        state |= {
            "status": status,
            "status_detail": detail,
            "transaction_amount_refunded": refunded,
        }
        return notice("payment", "payment.updated", code, sale, "payment", state)

    return sample


def paid_state(
    sale: Sale, code: str, age: timedelta | None, price: float = PRICE, fee: float = FEE
) -> Json:
    """A payment as the API tells it, but for its status."""
    is_paid = age is not None
    approved_at = sale.at - (age or timedelta(0))
    return {
        "id": code,
        "operation_type": "regular_payment",
        "currency_id": "BRL",
        "transaction_amount": price,
        "date_created": iso(approved_at - timedelta(seconds=2)),
        "date_approved": iso(approved_at) if is_paid else None,
        "date_last_updated": iso(sale.at),
        "external_reference": sale.reference or f"SIM-{sale.number}",
        "description": "Curso de Exemplo",
        "installments": 1,
        "payer": payer(sale),
        "transaction_details": {
            "total_paid_amount": price,
            "net_received_amount": round(price - fee, 2) if is_paid else 0,
        },
        "fee_details": [{"amount": fee, "fee_payer": "collector"}] if is_paid else [],
        "additional_info": {"items": [{"id": "curso-01", "title": "Curso de Exemplo"}]},
    }


def pix(sale: Sale) -> RawRequest:
    """A Pix that awaits payment for a day. Until it is paid the payer is hidden."""
    code = payment_id(sale, SALES["pix"])
    hidden = {"id": payer(sale)["id"], "email": None}
    transaction = {
        "qr_code": f"00020126580014br.gov.bcb.pix0136{code}",
        "ticket_url": f"https://pix.example.com/{code}",
    }
    more = {
        "payer": hidden,
        "date_of_expiration": iso(sale.at + timedelta(days=1)),
        "point_of_interaction": {"transaction_data": transaction},
    }
    return payment("pending", "pending_waiting_transfer", method=PIX, age=None, more=more)(sale)


def boleto(sale: Sale) -> RawRequest:
    """A boleto that awaits payment for three days."""
    more = {
        "date_of_expiration": iso(sale.at + timedelta(days=3)),
        "transaction_details": {
            "total_paid_amount": PRICE,
            "external_resource_url": f"https://boleto.example.com/{sale.number}",
            "barcode": {"content": "23790000000000000000000000000000000000000000"},
        },
    }
    return payment("pending", "pending_waiting_payment", method=BOLETO, age=None, more=more)(sale)


def instalments(sale: Sale) -> RawRequest:
    """Twelve instalments; the buyer pays the interest."""
    more = {
        "installments": 12,
        "transaction_details": {"total_paid_amount": 234.36, "net_received_amount": 187.17},
        "fee_details": [
            {"amount": FEE, "fee_payer": "collector"},
            {"amount": 37.36, "fee_payer": "payer"},
        ],
    }
    return payment("approved", "accredited", first_digits=INSTALMENTS, more=more)(sale)


def recurring(status: str, detail: str, cycle: int, first_digits: int) -> Sample:
    """A payment of a monthly subscription."""

    def sample(sale: Sale) -> RawRequest:
        code, is_paid = payment_id(sale, first_digits), status == "approved"
        age = timedelta(0) if is_paid else None
        state = {**paid_state(sale, code, age, PLAN_PRICE, PLAN_FEE), **CARD}
        state |= {
            "status": status,
            "status_detail": detail,
            "operation_type": "recurring_payment",
            "metadata": {"preapproval_id": preapproval_id(sale)},
            "description": "Clube de Exemplo",
            "point_of_interaction": {"transaction_data": place(sale, cycle)},
        }
        return notice("payment", "payment.created", code, sale, "payment", state)

    return sample


def place(sale: Sale, cycle: int) -> Json:
    """Where in its subscription a payment stands."""
    return {
        "subscription_id": preapproval_id(sale),
        "plan_id": PLAN,
        "subscription_sequence": {"number": cycle},
        "invoice_period": {"period": 1, "type": "monthly"},
    }


def preapproval(status: str, charged: int = 1) -> Sample:
    """A monthly subscription."""

    def sample(sale: Sale) -> RawRequest:
        code = preapproval_id(sale)
        state = {
            "id": code,
            "payer_id": payer(sale)["id"],
            "payer_email": "",
            "status": status,
            "reason": "Clube de Exemplo",
            "date_created": iso(sale.at - timedelta(minutes=1)),
            "last_modified": iso(sale.at),
            "preapproval_plan_id": PLAN,
            "next_payment_date": None if status == "cancelled" else iso(sale.at + MONTH),
            "auto_recurring": {
                "frequency": 1,
                "frequency_type": "months",
                "transaction_amount": PLAN_PRICE,
                "currency_id": "BRL",
            },
            "summarized": {"charged_quantity": charged, "semaphore": "green"},
        }
        topic = "subscription_preapproval"
        return notice(topic, "updated", code, sale, "preapproval", state)

    return sample


def invoice(status: str, paid: str | None, first_digits: int) -> Sample:
    """A collection of a subscription. ``paid``: the status of its payment; None: not tried yet."""

    def sample(sale: Sale) -> RawRequest:
        code = f"6{sale.number:09d}"
        charge = {"id": payment_id(sale, first_digits), "status": paid, "status_detail": None}
        state = {
            "id": code,
            "preapproval_id": preapproval_id(sale),
            "status": status,
            "date_created": iso(sale.at - timedelta(hours=1)),
            "last_modified": iso(sale.at),
            "transaction_amount": PLAN_PRICE,
            "currency_id": "BRL",
            "reason": "Clube de Exemplo",
            "external_reference": sale.reference or f"SIM-{sale.number}",
            "payment": charge if paid else None,
            "rejection_code": "cc_rejected_other_reason" if paid == "rejected" else None,
        }
        topic = "subscription_authorized_payment"
        return notice(topic, "updated", code, sale, "authorized_payment", state)

    return sample


DAY = timedelta(days=1)

#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "payment-approved": payment("approved", "accredited"),
    "payment-approved-pix": payment("approved", "accredited", method=PIX, age=timedelta(seconds=1)),
    "payment-approved-boleto": payment("approved", "accredited", method=BOLETO, age=DAY),
    "payment-approved-balance": payment("approved", "accredited", method=BALANCE, age=2 * DAY),
    "payment-approved-installments": instalments,
    "payment-pending-pix": pix,
    "payment-pending-boleto": boleto,
    "payment-in-process": payment("in_process", "pending_review_manual", age=None),
    "payment-authorized": payment("authorized", "pending_capture", age=None),
    "payment-rejected": payment("rejected", "cc_rejected_insufficient_amount", age=None),
    "payment-cancelled": payment("cancelled", "by_collector", age=None),
    "payment-expired": payment("cancelled", "expired", method=PIX, age=None),
    "payment-partially-refunded": payment(
        "approved", "partially_refunded", age=4 * DAY, refunded=50.0
    ),
    "payment-refunded": payment("refunded", "refunded", age=5 * DAY, refunded=PRICE),
    "payment-in-mediation": payment("in_mediation", "pending", age=10 * DAY),
    "payment-charged-back": payment("charged_back", "in_process", age=32 * DAY),
    "payment-charged-back-settled": payment("charged_back", "settled", age=60 * DAY),
    "subscription-authorized": preapproval("authorized"),
    "subscription-paused": preapproval("paused"),
    "subscription-cancelled": preapproval("cancelled"),
    "subscription-payment-approved": recurring("approved", "accredited", 1, CYCLE),
    "subscription-renewal": recurring("approved", "accredited", 2, RENEWAL),
    "subscription-payment-rejected": recurring("rejected", "cc_rejected_other_reason", 2, ATTEMPT),
    "subscription-invoice-paid": invoice("processed", "approved", CYCLE),
    "subscription-invoice-rejected": invoice("recycling", "rejected", ATTEMPT),
    "subscription-invoice-recycling": invoice("recycling", None, ATTEMPT),
}
