"""Webhooks as Pagar.me would send them about sales that never were.

All events of one sale number tell of one buyer, one order, one subscription and, of each method,
one charge; a refused card and a renewal are charges of their own, as at Pagar.me.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from recibo.gateways.contract import RawRequest, Sale, Sample

#: A JSON object.
Json = dict[str, Any]

FIRST_NAMES = ("Ana", "Bruno", "Carla", "Diego", "Élida", "Fábio", "Gabriela", "Heitor", "Inês")
LAST_NAMES = ("Almeida", "Barbosa", "Conceição", "Duarte", "Esteves", "Freitas", "Gonçalves")

PRODUCT, PRODUCT_CODE = "Curso de Introdução à Cerâmica", "curso-001"
PRICE = 9790  # cents
CARD, PIX, BOLETO, MACHINE = "credit_card", "pix", "boleto", "cash"

SECOND, DAY, MONTH = timedelta(seconds=1), timedelta(days=1), timedelta(days=30)


def code(sale: Sale) -> str:
    """The seller's own code of the order."""
    return sale.reference or f"PEDIDO-{sale.number}"


def identifier(prefix: str, sale: Sale, *parts: str) -> str:
    """An id as Pagar.me makes them: a word and sixteen letters or digits."""
    seed = "/".join([prefix, str(sale.number), sale.reference, *parts])
    return f"{prefix}_{hashlib.sha256(seed.encode()).hexdigest()[:16]}"


def time(value: datetime) -> str:
    """Pagar.me's clock, with its seven digits of fraction."""
    return f"{value:%Y-%m-%dT%H:%M:%S.%f}0Z"


def email(sale: Sale) -> str:
    """Ends nowhere: the domain is reserved for examples."""
    return f"comprador.{sale.number}@example.com"


def name(sale: Sale) -> str:
    """A name that repeats, unlike the e-mail."""
    first = FIRST_NAMES[sale.number % len(FIRST_NAMES)]
    return f"{first} {LAST_NAMES[sale.number % len(LAST_NAMES)]}"


def customer(sale: Sale) -> Json:
    """The buyer."""
    phone = {"country_code": "55", "area_code": "11", "number": f"9{sale.number % 10**8:08d}"}
    return {
        "id": identifier("cus", sale),
        "name": name(sale),
        "email": email(sale),
        "document": "12345678909",
        "document_type": "cpf",
        "type": "individual",
        "created_at": time(sale.at),
        "updated_at": time(sale.at),
        "phones": {"mobile_phone": phone},
    }


def envelope(event: str, variant: str, sale: Sale, data: Json) -> RawRequest:
    """A delivery, not yet signed. The same event of the same sale has the same id.

    ``variant`` tells apart the samples that are one event: a card and a Pix code.
    """
    body = {
        "id": identifier("hook", sale, event, variant),
        "account": {"id": "acc_Simulacao0000000", "name": "Loja Exemplo"},
        "type": event,
        "created_at": time(sale.at),
        "data": data,
    }
    return RawRequest({b"content-type": b"application/json"}, msgspec.json.encode(body))


def transaction(sale: Sale, method: str, status: str) -> Json:
    """The last attempt of a charge."""
    more: Mapping[str, Json] = {
        CARD: {"installments": 1, "acquirer_message": "Simulação"},
        PIX: {
            "qr_code": f"00020101021226820014br.gov.bcb.pix{sale.number:025d}",
            "qr_code_url": f"https://pix.example.com/{sale.number}",
            "expires_at": time(sale.at + DAY),
        },
        BOLETO: {
            "line": f"19790.00000 00000.000000 00000.000000 0 {sale.number:014d}",
            "url": f"https://boleto.example.com/{sale.number}",
            "due_at": time(sale.at + 3 * DAY),
        },
        MACHINE: {},
    }
    return {"status": status, "transaction_type": method, **more[method]}


def charge(
    sale: Sale,
    status: str,
    attempt: str,
    *,
    method: str = CARD,
    paid: int = 0,
    given_back: int = 0,
    age: timedelta = timedelta(0),
    which: str = "",
) -> Json:
    """A charge. ``attempt``: the status of its last transaction; ``age``: since the payment."""
    paid_at = sale.at - age
    told: Json = {
        "id": identifier("ch", sale, method, which),
        "code": code(sale),
        "amount": PRICE,
        "status": status,
        "currency": "BRL",
        "payment_method": method,
        "created_at": time(paid_at - 3 * SECOND),
        "updated_at": time(sale.at),
        "customer": customer(sale),
        "last_transaction": transaction(sale, method, attempt),
        "metadata": {"origem": "simulacao"},
    }
    if paid:
        told |= {"paid_amount": paid, "paid_at": time(paid_at)}
    if given_back:
        told |= {"canceled_amount": given_back}
    if status == "canceled":
        told |= {"canceled_at": time(sale.at)}
    return told


def by_charge(event: str, status: str, attempt: str, **more: Any) -> Sample:
    """An event about a charge, which names its order."""

    def sample(sale: Sale) -> RawRequest:
        order = {"id": identifier("or", sale), "code": code(sale), "amount": PRICE}
        told = charge(sale, status, attempt, **more)
        return envelope(event, told["payment_method"], sale, {**told, "order": order})

    return sample


def by_order(event: str, order_status: str, status: str, attempt: str, **more: Any) -> Sample:
    """An event about an order, which holds its charge."""

    def sample(sale: Sale) -> RawRequest:
        told = charge(sale, status, attempt, **more)
        item = {"code": PRODUCT_CODE, "description": PRODUCT, "amount": PRICE, "quantity": 1}
        data = {
            "id": identifier("or", sale),
            "code": code(sale),
            "amount": PRICE,
            "currency": "BRL",
            "status": order_status,
            "items": [item],
            "customer": told["customer"],
            "charges": [told],
            "metadata": {},
        }
        return envelope(event, told["payment_method"], sale, data)

    return sample


def from_machine(sale: Sale) -> RawRequest:
    """A debit card at a card machine: the method says cash, and nobody left an e-mail."""
    told = charge(sale, "paid", "paid", method=MACHINE, paid=PRICE)
    told["customer"] = {"id": identifier("cus", sale), "name": "Cliente Balcão"}
    told["metadata"] = {"scheme_name": "Visa", "account_funding_source": "Debit"}
    told["order"] = {"id": identifier("or", sale), "code": code(sale), "closed": False}
    return envelope("charge.paid", MACHINE, sale, told)


def subscription(sale: Sale, status: str) -> Json:
    """A monthly subscription."""
    return {
        "id": identifier("sub", sale),
        "code": code(sale),
        "status": status,
        "interval": "month",
        "interval_count": 1,
        "currency": "BRL",
        "start_at": time(sale.at + (MONTH if status == "future" else timedelta(0))),
        "next_billing_at": time(sale.at + MONTH),
        "created_at": time(sale.at),
        "updated_at": time(sale.at),
        "customer": customer(sale),
        "plan": {"id": "plan_Simulacao000000", "name": "Clube Mensal"},
        "items": [{"name": "Clube", "quantity": 1, "pricing_scheme": {"price": PRICE}}],
    }


def by_subscription(event: str, status: str) -> Sample:
    """An event about a subscription."""

    def sample(sale: Sale) -> RawRequest:
        data = subscription(sale, status)
        if status == "canceled":
            data |= {"canceled_at": time(sale.at)}
        return envelope(event, status, sale, data)

    return sample


def by_invoice(event: str, invoice_status: str, status: str, attempt: str, **more: Any) -> Sample:
    """An event about a subscription's cycle, which holds its charge."""

    def sample(sale: Sale) -> RawRequest:
        data = {
            "id": identifier("in", sale, str(more.get("which", ""))),
            "code": code(sale),
            "amount": PRICE,
            "status": invoice_status,
            "created_at": time(sale.at - 3 * SECOND),
            "customer": customer(sale),
            "items": [{"name": "Clube", "amount": PRICE, "quantity": 1}],
            "subscription": subscription(sale, "active"),
            "cycle": {"cycle": 1},
            "charge": charge(sale, status, attempt, **more),
        }
        return envelope(event, "", sale, data)

    return sample


def new_customer(sale: Sale) -> RawRequest:
    """A buyer who bought nothing yet."""
    return envelope("customer.created", "", sale, customer(sale))


def changed_customer(sale: Sale) -> RawRequest:
    """The same, with another detail."""
    return envelope("customer.updated", "", sale, customer(sale))


def postback(status: str, *, refunded: int = 0) -> Sample:
    """The form of v4 about a transaction."""

    def sample(sale: Sale) -> RawRequest:
        number = str(4_000_000_000 + sale.number)
        inside = {
            "id": number,
            "status": status,
            "amount": PRICE,
            "refunded_amount": refunded,
            "cost": 150,
            "installments": 1,
            "payment_method": "credit_card",
            "date_created": time(sale.at - 3 * SECOND),
            "date_updated": time(sale.at),
            "metadata][pedido": code(sale),
        }
        fields = {f"transaction[{key}]": str(value) for key, value in inside.items()}
        return form(sale, "transaction", number, status, fields)

    return sample


def subscription_postback(status: str) -> Sample:
    """The form of v4 about a subscription."""

    def sample(sale: Sale) -> RawRequest:
        number = str(300_000_000 + sale.number)
        inside = {
            "id": number,
            "status": status,
            "plan][id": 100001,
            "plan][name": "Clube Mensal",
            "plan][amount": PRICE,
            "plan][days": 30,
            "date_updated": time(sale.at),
            "current_period_end": time(sale.at + MONTH),
        }
        fields = {f"subscription[{key}]": str(value) for key, value in inside.items()}
        return form(sale, "subscription", number, status, fields)

    return sample


def form(sale: Sale, kind: str, number: str, status: str, fields: Mapping[str, str]) -> RawRequest:
    """A postback, not yet signed."""
    body = {
        "id": number,
        "event": f"{kind}_status_changed",
        "current_status": status,
        "object": kind,
        **fields,
        f"{kind}[customer][name]": name(sale),
        f"{kind}[customer][email]": email(sale),
    }
    content_type = b"application/x-www-form-urlencoded"
    return RawRequest({b"content-type": content_type}, urlencode(body).encode())


PAID: Json = {"paid": PRICE}
PART: Json = {**PAID, "given_back": PRICE // 2, "age": 4 * DAY}
BACK: Json = {**PAID, "given_back": PRICE, "age": 5 * DAY}
LATER: Json = {**PAID, "age": 40 * DAY}
REFUSED: Json = {"which": "refused"}
RENEWAL: Json = {"which": "unpaid cycle"}

#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "charge-created-pix": by_charge("charge.created", "pending", "waiting_payment", method=PIX),
    "charge-created-boleto": by_charge("charge.created", "pending", "generated", method=BOLETO),
    "charge-pending": by_charge("charge.pending", "pending", "authorized_pending_capture"),
    "charge-updated": by_charge("charge.updated", "paid", "captured", **PAID),
    "charge-processing": by_charge("charge.processing", "processing", "pending_review"),
    "charge-antifraud-manual": by_charge("charge.antifraud_manual", "processing", "analyzing"),
    "charge-antifraud-pending": by_charge("charge.antifraud_pending", "processing", "analyzing"),
    "charge-antifraud-approved": by_charge("charge.antifraud_approved", "processing", "captured"),
    "charge-antifraud-reproved": by_charge(
        "charge.antifraud_reproved", "failed", "voided", **REFUSED
    ),
    "charge-paid": by_charge("charge.paid", "paid", "captured", **PAID),
    "charge-paid-pix": by_charge("charge.paid", "paid", "paid", method=PIX, **PAID),
    "charge-paid-boleto": by_charge("charge.paid", "paid", "paid", method=BOLETO, **PAID),
    "charge-paid-machine": from_machine,
    "charge-underpaid": by_charge(
        "charge.underpaid", "underpaid", "underpaid", method=BOLETO, paid=PRICE - 1000
    ),
    "charge-overpaid": by_charge(
        "charge.overpaid", "overpaid", "overpaid", method=BOLETO, paid=PRICE + 350
    ),
    "charge-payment-failed": by_charge(
        "charge.payment_failed", "failed", "not_authorized", **REFUSED
    ),
    "charge-partial-canceled": by_charge(
        "charge.partial_canceled", "paid", "partial_refunded", **PART
    ),
    "charge-refunded": by_charge("charge.refunded", "canceled", "refunded", **BACK),
    "charge-chargedback": by_charge("charge.chargedback", "chargedback", "chargedback", **LATER),
    "chargeback-received": by_charge("chargeback.received", "chargedback", "chargedback", **LATER),
    "order-created": by_order("order.created", "pending", "pending", "waiting_payment", method=PIX),
    "order-updated": by_order("order.updated", "paid", "paid", "captured", **PAID),
    "order-paid": by_order("order.paid", "paid", "paid", "captured", **PAID),
    "order-payment-failed": by_order(
        "order.payment_failed", "failed", "failed", "not_authorized", **REFUSED
    ),
    "order-canceled": by_order("order.canceled", "canceled", "canceled", "voided", method=BOLETO),
    "order-canceled-refunded": by_order(
        "order.canceled", "canceled", "canceled", "refunded", **BACK
    ),
    "subscription-created": by_subscription("subscription.created", "active"),
    "subscription-created-future": by_subscription("subscription.created", "future"),
    "subscription-updated": by_subscription("subscription.updated", "active"),
    "subscription-canceled": by_subscription("subscription.canceled", "canceled"),
    "subscription-deleted": by_subscription("subscription.deleted", "canceled"),
    "invoice-created": by_invoice("invoice.created", "pending", "pending", "waiting_payment"),
    "invoice-updated": by_invoice("invoice.updated", "pending", "pending", "waiting_payment"),
    "invoice-paid": by_invoice("invoice.paid", "paid", "paid", "captured", **PAID),
    "invoice-payment-failed": by_invoice(
        "invoice.payment_failed", "failed", "failed", "not_authorized", **RENEWAL
    ),
    "invoice-canceled": by_invoice("invoice.canceled", "canceled", "canceled", "voided", **RENEWAL),
    "customer-created": new_customer,
    "customer-updated": changed_customer,
    "postback-processing": postback("processing"),
    "postback-analyzing": postback("analyzing"),
    "postback-pending-review": postback("pending_review"),
    "postback-waiting-payment": postback("waiting_payment"),
    "postback-authorized": postback("authorized"),
    "postback-paid": postback("paid"),
    "postback-pending-refund": postback("pending_refund"),
    "postback-refunded": postback("refunded", refunded=PRICE),
    "postback-refused": postback("refused"),
    "postback-chargedback": postback("chargedback"),
    "postback-subscription-trialing": subscription_postback("trialing"),
    "postback-subscription-paid": subscription_postback("paid"),
    "postback-subscription-pending-payment": subscription_postback("pending_payment"),
    "postback-subscription-unpaid": subscription_postback("unpaid"),
    "postback-subscription-canceled": subscription_postback("canceled"),
    "postback-subscription-ended": subscription_postback("ended"),
}
