"""Webhooks as PagSeguro and PagBank would send them about sales that never were.

All events of one sale number and method tell of one order with one charge. Legacy notices are as
bare as real ones: they can be sent, and nobody will confirm them.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from recibo.gateways.contract import RawRequest, Sale, Sample
from recibo.gateways.pagseguro.reading import ZONE

#: A JSON object.
Json = dict[str, Any]

NAMESPACE = uuid.UUID("0d4f2f56-7c0e-4c7c-9f5e-1c6f9c1b7f21")
FIRST_NAMES = ("Ana", "Bruno", "Carla", "Diego", "Élida", "Fábio", "Gabriela", "Heitor", "Inês")
LAST_NAMES = ("Almeida", "Barbosa", "Conceição", "Duarte", "Esteves", "Freitas", "Gonçalves")

ITEM = {"reference_id": "curso-001", "name": "Curso de Cerâmica", "quantity": 1}
CENTS = 150_00
PLAN = {"id": "PLAN_00000000-0000-4000-8000-000000000001", "name": "Clube de Cerâmica Mensal"}
PLAN_CENTS = 59_90
MONTH = timedelta(days=30)

CARD: Json = {
    "type": "CREDIT_CARD",
    "installments": 1,
    "capture": True,
    "card": {
        "brand": "visa",
        "first_digits": "411111",
        "last_digits": "1111",
        "exp_month": "12",
        "exp_year": "2030",
        "holder": {"name": "COMPRADOR SIMULADO"},
        "store": False,
    },
}
PIX: Json = {"type": "PIX", "pix": {"end_to_end_id": "E00000000000000000000000000000000"}}
BOLETO: Json = {
    "type": "BOLETO",
    "boleto": {
        "barcode": "00000000000000000000000000000000000000015000",
        "formatted_barcode": "00000.00000 00000.000000 00000.000000 0 00000000015000",
    },
}

APPROVED = {"code": "20000", "message": "SUCESSO"}
REFUSED = {"code": "10002", "message": "NAO AUTORIZADO PELO EMISSOR DO CARTAO"}


def identifier(prefix: str, sale: Sale, variant: str = "") -> str:
    """An id of PagBank's form, the same for the same sale."""
    name = f"{prefix} {variant} {sale.number} {sale.reference}"
    return f"{prefix}_{uuid.uuid5(NAMESPACE, name)}".upper()


def reference(sale: Sale) -> str:
    """The seller's own reference."""
    return sale.reference or f"SIMULADO-{sale.number}"


def when(time: datetime) -> str:
    """PagBank's clock."""
    return time.astimezone(ZONE).isoformat(timespec="milliseconds")


def person(sale: Sale) -> Json:
    """The buyer. His address ends nowhere: the domain is reserved for examples."""
    first = FIRST_NAMES[sale.number % len(FIRST_NAMES)]
    return {
        "name": f"{first} {LAST_NAMES[sale.number % len(LAST_NAMES)]}",
        "email": f"comprador.{sale.number}@example.com",
        "tax_id": "12345678909",
        "phones": [{"type": "MOBILE", "country": "55", "area": "11", "number": "990000001"}],
    }


def webhook(body: Json) -> RawRequest:
    """A v4 delivery, not yet signed."""
    return RawRequest({b"content-type": b"application/json"}, msgspec.json.encode(body))


def charge(sale: Sale, status: str, method: Json, *, paid: int = 0, refunded: int = 0) -> Json:
    """A charge. It begins a minute before the sale's time, and is paid then."""
    is_declined = status == "DECLINED"
    told: Json = {
        "id": identifier("CHAR", sale, method["type"]),
        "reference_id": reference(sale),
        "status": status,
        "created_at": when(sale.at - timedelta(minutes=1)),
        "description": ITEM["name"],
        "amount": {
            "value": CENTS,
            "currency": "BRL",
            "summary": {"total": CENTS, "paid": paid, "refunded": refunded},
        },
        "payment_response": REFUSED if is_declined else APPROVED,
        "payment_method": dated(sale, method),
        "links": [],
        "metadata": {},
    }
    return {**told, "paid_at": when(sale.at)} if paid else told


def dated(sale: Sale, method: Json) -> Json:
    """The method; a boleto is due in three days."""
    if "boleto" not in method:
        return method
    due_date = (sale.at + timedelta(days=3)).date().isoformat()
    return {**method, "boleto": {**method["boleto"], "due_date": due_date}}


def order(sale: Sale, charges: Sequence[Json], variant: str) -> RawRequest:
    """An order with its charges."""
    return webhook(
        {
            "id": identifier("ORDE", sale, variant),
            "reference_id": reference(sale),
            "created_at": when(sale.at - timedelta(minutes=2)),
            "customer": person(sale),
            "items": [{**ITEM, "unit_amount": CENTS}],
            "charges": charges,
            "notification_urls": [],
            "links": [],
        }
    )


def ordered(status: str, method: Json, *, paid: int = 0, refunded: int = 0) -> Sample:
    """An order with one charge."""

    def sample(sale: Sale) -> RawRequest:
        told = charge(sale, status, method, paid=paid, refunded=refunded)
        return order(sale, [told], method["type"])

    return sample


def charged(sale: Sale) -> RawRequest:
    """A paid charge by itself, as the older Charge API tells it."""
    return webhook(charge(sale, "PAID", CARD, paid=CENTS))


def pix_code(sale: Sale) -> RawRequest:
    """An order whose Pix code nobody has paid yet."""
    code = {
        "id": identifier("QRCO", sale),
        "expiration_date": when(sale.at + timedelta(days=1)),
        "amount": {"value": CENTS},
        "text": f"00020101021226580014br.gov.bcb.pix0136{uuid.uuid5(NAMESPACE, reference(sale))}",
        "arrangements": ["PIX"],
        "links": [],
    }
    body = msgspec.json.decode(order(sale, [], "PIX").body)
    return webhook({**body, "qr_codes": [code]})


def checkout(sale: Sale) -> RawRequest:
    """A page for paying that has expired."""
    return webhook(
        {
            "id": identifier("CHEC", sale),
            "reference_id": reference(sale),
            "created_at": when(sale.at - timedelta(days=1)),
            "expiration_date": when(sale.at),
            "status": "EXPIRED",
            "customer": person(sale),
            "items": [{**ITEM, "unit_amount": CENTS}],
        }
    )


def subscription(event: str, status: str) -> Sample:
    """An event of a monthly subscription."""

    def sample(sale: Sale) -> RawRequest:
        buyer = person(sale)
        resource = {
            "id": identifier("SUBS", sale),
            "reference_id": reference(sale),
            "amount": {"value": PLAN_CENTS, "currency": "BRL"},
            "status": status,
            "plan": PLAN,
            "customer": {
                "id": identifier("CUST", sale),
                "name": buyer["name"],
                "email": buyer["email"],
            },
            "created_at": when(sale.at - MONTH),
            "updated_at": when(sale.at),
            "next_invoice_at": (sale.at + MONTH).date().isoformat(),
        }
        envelope = {"env": "SANDBOX", "event": event, "resource": resource}
        return webhook({**envelope, "date": when(sale.at), "links": []})

    return sample


def notice(kind: str) -> Sample:
    """A legacy notice: a code, and what it is about."""

    def sample(sale: Sale) -> RawRequest:
        name = f"{kind} {sale.number} {sale.reference} {sale.at.isoformat()}"
        digits = hashlib.sha256(name.encode()).hexdigest().upper()
        code = "-".join((digits[:6], digits[6:18], digits[18:30], digits[30:36]))
        body = urlencode({"notificationCode": code, "notificationType": kind})
        content_type = b"application/x-www-form-urlencoded"
        return RawRequest({b"content-type": content_type}, body.encode())

    return sample


#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "order-card-in-analysis": ordered("IN_ANALYSIS", CARD),
    "order-card-authorized": ordered("AUTHORIZED", CARD),
    "order-card-paid": ordered("PAID", CARD, paid=CENTS),
    "order-card-declined": ordered("DECLINED", CARD),
    "order-card-refunded-in-part": ordered("PAID", CARD, paid=CENTS, refunded=CENTS // 3),
    "order-card-refunded-in-full": ordered("CANCELED", CARD, paid=CENTS, refunded=CENTS),
    "order-boleto-waiting": ordered("WAITING", BOLETO),
    "order-boleto-paid": ordered("PAID", BOLETO, paid=CENTS),
    "order-boleto-canceled": ordered("CANCELED", BOLETO),
    "order-pix-unpaid": pix_code,
    "order-pix-paid": ordered("PAID", PIX, paid=CENTS),
    "charge-paid": charged,
    "checkout-expired": checkout,
    "subscription-initial": subscription("subscription.initial", "TRIAL"),
    "subscription-activated": subscription("subscription.activated", "ACTIVE"),
    "subscription-updated": subscription("subscription.updated", "ACTIVE"),
    "subscription-migrated": subscription("subscription.migrated", "ACTIVE"),
    "subscription-recurrence": subscription("subscription.recurrence", "ACTIVE"),
    "subscription-overdue": subscription("subscription.recurrence", "OVERDUE"),
    "subscription-suspended": subscription("subscription.suspended", "SUSPENDED"),
    "subscription-expired": subscription("subscription.expired", "EXPIRED"),
    "subscription-canceled": subscription("subscription.canceled", "CANCELED"),
    "notification-transaction": notice("transaction"),
    "notification-preapproval": notice("preApproval"),
    "notification-authorization": notice("applicationAuthorization"),
}
