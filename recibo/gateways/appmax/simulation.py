"""Webhooks as AppMax would send them about sales that never were.

All events of one sale number tell of one buyer, one order and one subscription, the panel's in
reais (``order-paid``) and an application's in cents (``app-order-paid``).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from recibo.gateways.appmax.reading import ZONE
from recibo.gateways.contract import RawRequest, Sale, Sample

#: A JSON object.
Json = dict[str, Any]

FIRST_NAMES = ("Ana", "Bruno", "Carla", "Diego", "Élida", "Fábio", "Gabriela", "Heitor", "Inês")
LAST_NAMES = ("Almeida", "Barbosa", "Conceição", "Duarte", "Esteves", "Freitas", "Gonçalves")

PRODUCT = {"id": 601, "sku": "CURSO-01", "name": "Curso Completo", "price": "197.00", "quantity": 1}
BUNDLE = {"id": 501, "name": "Curso Completo", "products": [PRODUCT]}
REAIS, CENTS = 197.0, 19700
NET, NET_CENTS = 183.21, 18321

#: Digits before the number of a sale, so that ids of different things differ.
ORDER, UPSELL, CUSTOMER, SUBSCRIPTION = "90", "91", "92", "93"

#: What an application's events have in common.
APP = {
    "site_id": "0a000000-1111-4222-8333-444444444444",
    "app_id": "0b000000-1111-4222-8333-444444444444",
    "client_key": "0c000000-1111-4222-8333-444444444444",
    "external_key": "simulacao",
}


def number(prefix: str, sale: Sale) -> int:
    """An id that only this sale has."""
    return int(f"{prefix}{sale.number:08d}")


def order_id(sale: Sale, prefix: str = ORDER) -> int | str:
    """The order: the one asked for or, if that is no number, whatever it is."""
    if not sale.reference:
        return number(prefix, sale)
    return int(sale.reference) if sale.reference.isdecimal() else sale.reference


def local(time: datetime) -> str:
    """AppMax's clock: local, without a zone."""
    return time.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def names(sale: Sale) -> tuple[str, str]:
    """A name that repeats, unlike the e-mail."""
    return FIRST_NAMES[sale.number % len(FIRST_NAMES)], LAST_NAMES[sale.number % len(LAST_NAMES)]


def customer(sale: Sale) -> Json:
    """The buyer as the panel tells him. The domain is reserved for examples."""
    firstname, lastname = names(sale)
    return {
        "id": number(CUSTOMER, sale),
        "site_id": 1470,
        "firstname": firstname,
        "lastname": lastname,
        "fullname": f"{firstname} {lastname}",
        "email": f"comprador.{sale.number}@example.com",
        "telephone": f"119{sale.number % 100_000_000:08d}",
        "document_number": "52998224725",
        "created_at": local(sale.at - timedelta(minutes=5)),
        "interested_bundle": [],
    }


def request(body: Json) -> RawRequest:
    """A delivery, not yet signed."""
    return RawRequest({}, msgspec.json.encode(body))


def panel(event: str, data: Json) -> RawRequest:
    """A delivery of the panel, model "Standard"."""
    return request({"event": event, "event_type": "", "data": data})


def app(event: str, event_type: str, data: Json) -> RawRequest:
    """A delivery of an application."""
    return request({"event": event, "event_type": event_type, **APP, "data": data})


def card(_sale: Sale) -> Json:
    """A card, in one instalment."""
    return {"payment_type": "CreditCard", "card_brand": "mastercard", "installments": 1}


def pix(sale: Sale) -> Json:
    """A Pix code that is good for an hour."""
    return {
        "payment_type": "Pix",
        "pix_creation_date": local(sale.at),
        "pix_expiration_date": local(sale.at + timedelta(hours=1)),
        "pix_emv": f"00020126580014br.gov.bcb.pix0136{order_id(sale)}",
        "pix_payment_link": f"https://pagamento.example.com/pix/{order_id(sale)}",
    }


def boleto(sale: Sale) -> Json:
    """A boleto that is good for three days."""
    return {
        "payment_type": "Boleto",
        "billet_date_overdue": (sale.at + timedelta(days=3)).strftime("%d/%m/%Y 23h59"),
        "billet_url": f"https://pagamento.example.com/boleto/{order_id(sale)}.pdf",
        "billet_digitable_line": "00190.00009 00000.000000 00000.000000 1 00000000019700",
    }


#: How it is paid, in the panel's words.
METHODS: Mapping[str, Callable[[Sale], Json]] = {"card": card, "pix": pix, "boleto": boleto}


def panel_order(event: str, status: str, method: str = "card", **more: Any) -> Sample:
    """An order event of the panel. ``more``: fields; a timedelta is a time since the sale."""

    def sample(sale: Sale) -> RawRequest:
        prefix = UPSELL if event == "OrderUpSold" else ORDER
        data: Json = {
            "id": order_id(sale, prefix),
            "customer_id": number(CUSTOMER, sale),
            "status": status,
            "total_products": REAIS,
            "total": REAIS,
            "partner_total": NET,
            "total_refunded": 0,
            "refund_amount": 0,
            "created_at": local(sale.at),
            "customer": customer(sale),
            "bundles": [BUNDLE],
            "products": [],
            "visit": {"utm_source": "simulacao", "utm_campaign": "recibo"},
            "upsell_order_id": number(ORDER, sale) if prefix == UPSELL else None,
            **METHODS[method](sale),
        }
        return panel(event, {**data, **times(sale, more)})

    return sample


def times(sale: Sale, fields: Mapping[str, Any]) -> Json:
    """The fields, with times since the sale as AppMax writes them."""
    return {
        name: local(sale.at + value) if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }


def app_order(event: str, status: str, method: str = "card", **more: Any) -> Sample:
    """An order event of an application; otherwise as ``panel_order``."""

    def sample(sale: Sale) -> RawRequest:
        prefix = UPSELL if event == "order_up_sold" else ORDER
        data: Json = {
            "order_id": order_id(sale, prefix),
            "status": status,
            "total": CENTS,
            "merchant_total": NET_CENTS,
            "interest": 0,
            "created_at": local(sale.at),
            "products": [{**PRODUCT, "price": CENTS}],
            "payment_info": app_payment(method, sale),
            "upsell_order_id": number(ORDER, sale) if prefix == UPSELL else None,
        }
        return app(event, "order", {**data, **times(sale, more)})

    return sample


def app_payment(method: str, sale: Sale) -> Json:
    """How it is paid, as an application is told."""
    told = METHODS[method](sale)
    if method == "card":
        return {"credit_card": {"installments": 1, "card_brand": "mastercard"}}
    if method == "pix":
        return {"pix": {name: value for name, value in told.items() if name.startswith("pix_")}}
    overdue_on = (sale.at + timedelta(days=3)).strftime("%Y-%m-%d")
    return {"boleto": {"boleto_overdue_date": overdue_on, "boleto_url": told["billet_url"]}}


def app_payment_event(event: str) -> Sample:
    """An application's payment event: it names an order and an amount, and no time."""

    def sample(sale: Sale) -> RawRequest:
        data = {
            "customer_id": number(CUSTOMER, sale),
            "order_id": order_id(sale),
            "payment_type": "credit_card",
            "payment_total": CENTS,
        }
        return app(event, "payment", data)

    return sample


def app_subscription(event: str) -> Sample:
    """An application's subscription event: the same every month."""

    def sample(sale: Sale) -> RawRequest:
        data = {
            "subscription_id": number(SUBSCRIPTION, sale),
            "subscription_name": "Clube do Curso",
            "total": CENTS,
            "customer_id": number(CUSTOMER, sale),
            "created_at": local(sale.at),
            "updated_at": local(sale.at),
        }
        return app(event, "subscription", data)

    return sample


def panel_subscription(event: str, *, cancelled: bool = False) -> Sample:
    """A subscription event of the panel: ``data`` is the customer."""

    def sample(sale: Sale) -> RawRequest:
        details = {
            "id": number(SUBSCRIPTION, sale),
            "total": REAIS,
            "created_at": local(sale.at),
            "cancelled_at": local(sale.at + timedelta(days=27)) if cancelled else None,
            "bundle": BUNDLE,
        }
        return panel(event, {**customer(sale), "subscription": details})

    return sample


def panel_customer(event: str) -> Sample:
    """A customer event of the panel."""

    def sample(sale: Sale) -> RawRequest:
        return panel(event, {**customer(sale), "interested_bundle": [BUNDLE]})

    return sample


def app_customer(event: str) -> Sample:
    """A customer event of an application."""

    def sample(sale: Sale) -> RawRequest:
        told = customer(sale)
        data = {
            "customer_id": told["id"],
            "customer_data": told,
            "created_at": told["created_at"],
            "updated_at": told["created_at"],
        }
        return app(event, "customer", data)

    return sample


PAID: Json = {"paid_at": timedelta(minutes=1)}
INTEGRATED: Json = {**PAID, "integrated_at": timedelta(hours=15)}
REFUNDED: Json = {**PAID, "refunded_at": timedelta(days=7), "total_refunded": REAIS}
PARTLY: Json = {**PAID, "total_refunded": 50.0, "refund_amount": 50.0}
DISPUTED, WON = "chargeback_em_tratativa", "chargeback_vencido"

#: By the name that is typed.
SAMPLES: Mapping[str, Sample] = {
    "order-pix-created": panel_order("OrderPixCreated", "pendente", "pix"),
    "order-billet-created": panel_order("OrderBilletCreated", "pendente", "boleto"),
    "order-authorized": panel_order("OrderAuthorized", "autorizado"),
    "order-authorized-with-delay": panel_order("OrderAuthorizedWithDelay", "autorizado"),
    "order-approved": panel_order("OrderApproved", "aprovado", **PAID),
    "order-paid": panel_order("OrderPaid", "aprovado", **PAID),
    "order-paid-by-pix": panel_order("OrderPaidByPix", "aprovado", "pix", **PAID),
    "order-up-sold": panel_order("OrderUpSold", "aprovado", **PAID),
    "order-pending-integration": panel_order(
        "OrderPendingIntegration", "pendente_integracao", **PAID
    ),
    "order-integrated": panel_order("OrderIntegrated", "integrado", **INTEGRATED),
    "order-billet-overdue": panel_order("OrderBilletOverdue", "cancelado", "boleto"),
    "order-pix-expired": panel_order("OrderPixExpired", "cancelado", "pix"),
    "payment-not-authorized": panel_order(
        "PaymentNotAuthorized | Reason: Autorizacao negada", "cancelado"
    ),
    "payment-not-authorized-with-delay": panel_order("PaymentNotAuthorizedWithDelay", "cancelado"),
    "order-partial-refund": panel_order("OrderPartialRefund", "aprovado", **PARTLY),
    "order-refund": panel_order("OrderRefund", "estornado", **REFUNDED),
    "order-chargeback-in-treatment": panel_order("OrderChargeBackInTreatment", DISPUTED, **PAID),
    "order-chargeback-gain": panel_order("OrderChargeBackGain", WON, **PAID),
    "created-subscription": panel_order("CreatedSubscription", "aprovado", **PAID),
    "charge-success": panel_order("ChargeSuccess", "aprovado", **PAID),
    "charge-failed": panel_order("ChargeFailed", "cancelado"),
    "canceled-subscription": panel_order("CanceledSubscription", "aprovado", **PAID),
    "subscription-delayed": panel_subscription("SubscriptionDelayedEvent"),
    "subscription-cancellation": panel_subscription(
        "SubscriptionCancellationEvent", cancelled=True
    ),
    "customer-created": panel_customer("CustomerCreated"),
    "customer-interested": panel_customer("CustomerInterested"),
    "customer-contacted": panel_customer("CustomerContacted"),
    "app-order-pix-created": app_order("order_pix_created", "pendente", "pix"),
    "app-order-billet-created": app_order("order_billet_created", "aguardando_pagamento", "boleto"),
    "app-order-authorized": app_order("order_authorized", "autorizado"),
    "app-order-authorized-with-delay": app_order("order_authorized_with_delay", "autorizado"),
    "app-order-approved": app_order("order_approved", "aprovado", **PAID),
    "app-order-paid": app_order("order_paid", "aprovado", **PAID),
    "app-order-paid-by-pix": app_order("order_paid_by_pix", "aprovado", "pix", **PAID),
    "app-order-up-sold": app_order("order_up_sold", "aprovado", **PAID),
    "app-order-pending-integration": app_order(
        "order_pending_integration", "pendente_integracao", **PAID
    ),
    "app-order-integrated": app_order("order_integrated", "integrado", **INTEGRATED),
    "app-split-orders": app_order("split_orders", "aprovado", **PAID),
    "app-order-billet-overdue": app_order("order_billet_overdue", "cancelado", "boleto"),
    "app-order-pix-expired": app_order("order_pix_expired", "cancelado", "pix"),
    "app-order-refused-by-risk": app_order("order_refused_by_risk", "recusado_por_risco"),
    "app-order-partial-refund": app_order(
        "order_partial_refund", "aprovado", **PAID, refund_at=timedelta(days=5)
    ),
    "app-order-refund": app_order("order_refund", "estornado", **PAID, refund_at=timedelta(days=7)),
    "app-order-chargeback-in-treatment": app_order(
        "order_chargeback_in_treatment", DISPUTED, **PAID
    ),
    "app-order-chargeback-gain": app_order("order_charge_back_gain", WON, **PAID),
    "app-payment-authorized-with-delay": app_payment_event("payment_authorized_with_delay"),
    "app-payment-not-authorized": app_payment_event("payment_not_authorized"),
    "app-subscription-created": app_subscription("subscription_created"),
    "app-subscription-charge-success": app_subscription("subscription_charge_success"),
    "app-subscription-charge-failed": app_subscription("subscription_charge_failed"),
    "app-subscription-delayed": app_subscription("subscription_delayed"),
    "app-subscription-cancelation": app_subscription("subscription_cancelation"),
    "app-customer-created": app_customer("customer_created"),
    "app-customer-interested": app_customer("customer_interested"),
    "app-customer-contacted": app_customer("customer_contacted"),
}
