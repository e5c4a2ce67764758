"""Webhooks as Hotmart would send them about sales that never were.

All events of one sale number tell of one buyer, one subscription and, but for the renewal and
the failed attempt, which Hotmart numbers anew, of one transaction.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from recibo.gateways.contract import RawRequest, Sale, Sample

#: A JSON object.
Json = dict[str, Any]

NAMESPACE = uuid.UUID("6f1c0c52-3b1e-4d0b-9a86-6b5a3f1f8f6e")
FIRST_NAMES = ("Ana", "Bruno", "Carla", "Diego", "Élida", "Fábio", "Gabriela", "Heitor", "Inês")
LAST_NAMES = ("Almeida", "Barbosa", "Conceição", "Duarte", "Esteves", "Freitas", "Gonçalves")

PRODUCT = {"id": 1000101, "name": "Clube do Código"}
PLAN = {"id": 700101, "name": "Clube Mensal"}
ANNUAL_PLAN = {"id": 700102, "name": "Clube Anual"}
PRICE = {"value": 97.9, "currency_value": "BRL"}

#: First digits of a transaction. Never 1: what the panel's test button sends begins with it.
SALE, RENEWAL, ATTEMPT = 2, 3, 4

MONTH = timedelta(days=30)


def milliseconds(time: datetime) -> int:
    """Hotmart's clock."""
    return int(time.timestamp() * 1000)


def transaction(sale: Sale, first_digit: int = SALE) -> str:
    """HP and ten digits, more for numbers of more than nine."""
    return sale.reference or f"HP{first_digit}{sale.number:09d}"


def subscriber_code(sale: Sale) -> str:
    """Eight characters, more for numbers beyond them."""
    return f"{sale.number:08X}"


def email(sale: Sale) -> str:
    """Ends nowhere: the domain is reserved for examples."""
    return f"comprador.{sale.number}@example.com"


def name(sale: Sale) -> str:
    """A name that repeats, unlike the e-mail."""
    first = FIRST_NAMES[sale.number % len(FIRST_NAMES)]
    return f"{first} {LAST_NAMES[sale.number % len(LAST_NAMES)]}"


def envelope(
    event: str, sale: Sale, data: Json, *, variant: str = "", date_name: str = "creation_date"
) -> RawRequest:
    """A delivery, not yet signed. The same event of the same sale has the same id.

    ``variant`` tells apart the samples that are one event: a first sale and a renewal.
    """
    body = {
        "id": str(uuid.uuid5(NAMESPACE, f"{event} {variant} {sale.number} {sale.reference}")),
        date_name: milliseconds(sale.at),
        "event": event,
        "version": "2.0.0",
        "data": data,
    }
    return RawRequest({}, msgspec.json.encode(body))


def buyer(sale: Sale) -> Json:
    """The buyer as a checkout collects him."""
    first_name, last_name = name(sale).split()
    return {
        "email": email(sale),
        "name": name(sale),
        "first_name": first_name,
        "last_name": last_name,
        "checkout_phone_code": "11",
        "checkout_phone": f"9{sale.number % 100_000_000:08d}",
        "address": {"country": "Brasil", "country_iso": "BR"},
        "document": "12345678909",
        "document_type": "CPF",
    }


def purchase(
    event: str,
    status: str,
    *,
    payment: Json | None = None,
    age: timedelta | None = timedelta(0),
    cycle: int | None = 1,
    first_digit: int = SALE,
) -> Sample:
    """A purchase event. ``age``: since the approval; None: never approved.

    ``cycle`` None: a sale that is not part of a subscription.
    """

    def sample(sale: Sale) -> RawRequest:
        approved_at = sale.at - (age or timedelta(0))
        details: Json = {
            "transaction": transaction(sale, first_digit),
            "status": status,
            "order_date": milliseconds(approved_at - timedelta(seconds=3)),
            "price": PRICE,
            "full_price": PRICE,
            "original_offer_price": PRICE,
            "checkout_country": {"name": "Brasil", "iso": "BR"},
            "order_bump": {"is_order_bump": False},
            "payment": {"type": "CREDIT_CARD", "installments_number": 1, **(payment or {})},
            "offer": {"code": "clubmens"},
            "origin": {"src": "simulacao", "sck": "recibo"},
            "invoice_by": "HOTMART",
            "is_funnel": False,
            "business_model": "I",
        }
        if age is not None:
            details["approved_date"] = milliseconds(approved_at)
        data = purchase_data(sale, details)
        if cycle is not None:
            add_subscription(data, sale, cycle, approved_at)
        return envelope(event, sale, data, variant=f"{cycle} {details['payment']['type']}")

    return sample


def purchase_data(sale: Sale, details: Json) -> Json:
    """What stands around a purchase."""
    return {
        "product": {
            **PRODUCT,
            "ucode": "0a1b2c3d-1111-4aaa-8bbb-000000000101",
            "support_email": "suporte@example.com",
            "has_co_production": False,
            "is_physical_product": False,
        },
        "affiliates": [{"affiliate_code": "", "name": ""}],
        "buyer": buyer(sale),
        "producer": {"name": "Estúdio Aurora Cursos Ltda"},
        "commissions": [
            {"value": 10.69, "source": "MARKETPLACE", "currency_value": "BRL"},
            {"value": 87.21, "source": "PRODUCER", "currency_value": "BRL"},
        ],
        "purchase": details,
    }


def add_subscription(data: Json, sale: Sale, cycle: int, approved_at: datetime) -> None:
    """Make a purchase the ``cycle``-th one of a monthly subscription."""
    data["purchase"]["recurrence_number"] = cycle
    data["purchase"]["date_next_charge"] = milliseconds(approved_at + MONTH)
    data["subscription"] = {
        "status": "ACTIVE",
        "plan": PLAN,
        "subscriber": {"code": subscriber_code(sale)},
    }


def boleto(sale: Sale) -> RawRequest:
    """A boleto that awaits payment."""
    code = transaction(sale)
    payment = {
        "type": "BILLET",
        "billet_barcode": "00000.00000 00000.000000 00000.000000 0 00000000009790",
        "billet_url": f"https://boleto.example.com/{code}",
    }
    return purchase("PURCHASE_BILLET_PRINTED", "BILLET_PRINTED", payment=payment, age=None)(sale)


def pix(sale: Sale) -> RawRequest:
    """A Pix code that awaits payment for two days: the same event as a boleto's."""
    code = transaction(sale)
    payment = {
        "type": "PIX",
        "pix_code": f"00020101021226580014br.gov.bcb.pix0136{code}",
        "pix_qrcode": f"https://pix.example.com/{code}",
        "pix_expiration_date": milliseconds(sale.at + timedelta(days=2)),
    }
    return purchase("PURCHASE_BILLET_PRINTED", "BILLET_PRINTED", payment=payment, age=None)(sale)


def cancellation(sale: Sale) -> RawRequest:
    """The subscription is cancelled; what is paid lasts another ten days."""
    data = {
        "actual_recurrence_value": PRICE["value"],
        "cancellation_date": milliseconds(sale.at),
        "date_next_charge": milliseconds(sale.at + timedelta(days=10)),
        "product": PRODUCT,
        "subscriber": {
            "code": subscriber_code(sale),
            "name": name(sale),
            "email": email(sale),
            "phone": {"dddPhone": "", "phone": "", "dddCell": "", "cell": ""},
        },
        "subscription": {"id": sale.number, "plan": PLAN},
    }
    return envelope("SUBSCRIPTION_CANCELLATION", sale, data)


def switch(sale: Sale) -> RawRequest:
    """From the monthly to the annual plan."""
    data = {
        "switch_plan_date": milliseconds(sale.at),
        "subscription": {
            "subscriber_code": subscriber_code(sale),
            "status": "ACTIVE",
            "date_next_charge": milliseconds(sale.at + 12 * MONTH),
            "product": PRODUCT,
            "user": {"email": email(sale)},
        },
        "plans": [
            {**PLAN, "offer": {"key": "clubmens"}, "current": False},
            {**ANNUAL_PLAN, "offer": {"key": "clubanual"}, "current": True},
        ],
    }
    return envelope("SWITCH_PLAN", sale, data)


def charge_date(sale: Sale) -> RawRequest:
    """Another due day; Hotmart writes this one date as text."""
    next_charge = (sale.at + MONTH).strftime("%Y-%m-%dT12:00:00.000Z")
    data = {
        "subscriber": {"code": subscriber_code(sale), "name": name(sale), "email": email(sale)},
        "subscription": {
            "product": PRODUCT,
            "old_charge_day": 10,
            "new_charge_day": 25,
            "date_next_charge": next_charge,
            "status": "ACTIVE",
        },
        "plan": {**PLAN, "offer": {"code": "clubmens"}},
    }
    return envelope("UPDATE_SUBSCRIPTION_CHARGE_DATE", sale, data)


def cart(sale: Sale) -> RawRequest:
    """An abandoned checkout."""
    data = {
        "affiliate": False,
        "product": PRODUCT,
        "buyer": {"name": name(sale), "email": email(sale), "phone": "11900000002"},
        "offer": {"code": "clubmens"},
        "checkout_country": {"name": "Brasil", "iso": "BR"},
    }
    return envelope("PURCHASE_OUT_OF_SHOPPING_CART", sale, data)


def first_access(sale: Sale) -> RawRequest:
    """The buyer's first visit to the members area."""
    data = {"product": PRODUCT, "user": {"name": name(sale), "email": email(sale)}}
    return envelope("CLUB_FIRST_ACCESS", sale, data, date_name="creationDate")


def module_completed(sale: Sale) -> RawRequest:
    """A finished module. Here Hotmart writes the product's id as text."""
    data = {
        "product": {"id": str(PRODUCT["id"]), "name": PRODUCT["name"]},
        "user": {"name": name(sale), "email": email(sale)},
        "module": {"id": "aBcDeF0123", "name": "Módulo 1: Primeiros passos"},
    }
    return envelope("CLUB_MODULE_COMPLETED", sale, data)


REFUSAL = {"refusal_reason": "Saldo insuficiente para o cartão informado."}
PIX, BOLETO = {"type": "PIX"}, {"type": "BILLET"}

#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "purchase-approved": purchase("PURCHASE_APPROVED", "APPROVED"),
    "purchase-approved-single": purchase("PURCHASE_APPROVED", "APPROVED", payment=PIX, cycle=None),
    "purchase-renewal": purchase("PURCHASE_APPROVED", "APPROVED", cycle=2, first_digit=RENEWAL),
    "purchase-complete": purchase("PURCHASE_COMPLETE", "COMPLETED", age=timedelta(days=7.5)),
    "purchase-billet-printed": boleto,
    "purchase-billet-printed-pix": pix,
    "purchase-canceled": purchase("PURCHASE_CANCELED", "CANCELED", payment=REFUSAL, age=None),
    "purchase-expired": purchase("PURCHASE_EXPIRED", "EXPIRED", payment=BOLETO, age=None),
    "purchase-delayed": purchase(
        "PURCHASE_DELAYED", "DELAYED", payment=REFUSAL, age=None, cycle=2, first_digit=ATTEMPT
    ),
    "purchase-protest": purchase("PURCHASE_PROTEST", "DISPUTE", age=timedelta(days=3)),
    "purchase-refunded": purchase("PURCHASE_REFUNDED", "REFUNDED", age=timedelta(days=4)),
    "purchase-chargeback": purchase("PURCHASE_CHARGEBACK", "CHARGEBACK", age=timedelta(days=32)),
    "subscription-cancellation": cancellation,
    "switch-plan": switch,
    "update-subscription-charge-date": charge_date,
    "cart-abandonment": cart,
    "club-first-access": first_access,
    "club-module-completed": module_completed,
}
