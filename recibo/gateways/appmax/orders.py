"""An order, however AppMax words it: models of the panel, applications, two APIs."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from recibo.gateways.appmax.reading import (
    Code,
    Count,
    Json,
    Text,
    cents,
    end_of_day,
    missing,
    moment,
    read,
    reais,
    text,
)
from recibo.gateways.appmax.words import PAYMENT_METHODS
from recibo.gateways.facts import CustomerFact, PaymentMethod, ProductFact


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an order. Amounts in reais, times in UTC; None or "": not told."""

    id: str
    status: str = ""  # AppMax's word
    total: Decimal | None = None  # what the buyer pays
    interest: Decimal | None = None
    net: Decimal | None = None
    fee: Decimal | None = None
    refund: Decimal | None = None  # the last one
    refunded: Decimal | None = None  # all of them
    created_at: datetime | None = None
    pix_created_at: datetime | None = None
    paid_at: datetime | None = None
    integrated_at: datetime | None = None
    refunded_at: datetime | None = None
    updated_at: datetime | None = None  # the API only
    expires_at: datetime | None = None
    customer: CustomerFact = CustomerFact()
    product: ProductFact = ProductFact()
    payment_method: PaymentMethod | None = None
    installments: int | None = None
    payment_url: str = ""
    payment_code: str = ""
    refusal_reason: str = ""
    first_order: str = ""  # the order on top of which this one was sold
    metadata: dict[str, str] = {}

    @property
    def last_told(self) -> datetime | None:
        """The latest time that the order gives for anything that happened to it."""
        told = (self.created_at, self.paid_at, self.integrated_at, self.refunded_at)
        return max((time for time in told if time), default=None)


class Customer(Struct, frozen=True):
    """The panel's and, with ``name``, the API's."""

    id: Code = None
    firstname: Text = None
    lastname: Text = None
    fullname: Text = None
    name: Text = None
    email: str | None = None
    telephone: Text = None
    document_number: Text = None


class Product(Struct, frozen=True):
    sku: Code = None
    name: str | None = None


class Bundle(Struct, frozen=True):
    id: Code = None
    name: str | None = None


class PanelOrder(Struct, frozen=True):
    """The models "Standard" and "Standard with Meta", that of 2020, and the API v3. In reais."""

    id: Code
    customer_id: Code = None
    status: str = ""
    total: Decimal | None = None
    interest: Decimal | None = None
    partner_total: Decimal | None = None
    total_refunded: Decimal | None = None
    refund_amount: Decimal | None = None
    created_at: str | None = None
    pix_creation_date: str | None = None
    paid_at: str | None = None
    integrated_at: str | None = None
    refunded_at: str | None = None
    pix_expiration_date: str | None = None
    billet_date_overdue: str | None = None
    customer: Customer = Customer()
    bundles: list[Bundle] = []
    products: list[Product] = []
    payment_type: str = ""
    installments: Count = None
    pix_payment_link: str = ""
    billet_url: str = ""
    pix_emv: str = ""
    billet_digitable_line: str = ""
    issuer_message: str = ""
    upsell_order_id: Code = None
    visit: dict[str, Any] = {}


class Pix(Struct, frozen=True):
    pix_creation_date: str | None = None
    pix_expiration_date: str | None = None
    pix_emv: str = ""
    pix_payment_link: str = ""


class Boleto(Struct, frozen=True):
    boleto_overdue_date: str | None = None
    boleto_url: str = ""
    boleto_digitable_line: str = ""


class Card(Struct, frozen=True):
    installments: Count = None


class PaymentInfo(Struct, frozen=True):
    pix: Pix | None = None
    boleto: Boleto | None = None
    credit_card: Card | None = None


class AppOrder(Struct, frozen=True):
    """Order and payment events of an application. In cents."""

    order_id: Code
    status: str = ""
    total: int | None = None
    payment_total: int | None = None  # payment events
    payment_type: str = ""  # payment events
    interest: int | None = None
    merchant_total: int | None = None
    created_at: str | None = None
    paid_at: str | None = None
    integrated_at: str | None = None
    refund_at: str | None = None
    products: list[Product] = []
    payment_info: PaymentInfo = PaymentInfo()
    upsell_order_id: Code = None


class V1Amounts(Struct, frozen=True):
    installment_fee: int | None = None


class V1Details(Struct, frozen=True):
    id: Code
    status: str
    total_paid: int
    amounts: V1Amounts = V1Amounts()
    created_at: str | None = None
    updated_at: str | None = None


class V1Payment(Struct, frozen=True):
    method: str = ""
    installments: Count = None
    paid_at: str | None = None


class V1Refund(Struct, frozen=True):
    refunded_at: str | None = None


class V1Order(Struct, frozen=True):
    """``GET /v1/orders/{id}``. In cents."""

    order: V1Details
    customer: Customer = Customer()
    payment: V1Payment = V1Payment()
    refund: V1Refund = V1Refund()


def panel_order(data: Json) -> Order:
    """An order of the panel, of any content model. Raises PayloadError."""
    told = read(nested(data) if "order_id" in data else data, PanelOrder)
    return Order(
        id=text(told.id) or missing("data.id"),
        status=told.status,
        total=reais(told.total),
        interest=reais(told.interest),
        net=reais(told.partner_total),
        refund=reais(told.refund_amount),
        refunded=reais(told.total_refunded),
        created_at=moment(told.created_at),
        pix_created_at=moment(told.pix_creation_date),
        paid_at=moment(told.paid_at),
        integrated_at=moment(told.integrated_at),
        refunded_at=moment(told.refunded_at),
        expires_at=moment(told.pix_expiration_date) or end_of_day(told.billet_date_overdue),
        customer=customer_fact(told.customer, told.customer_id),
        product=product_fact(told.bundles, told.products),
        payment_method=payment_method(told.payment_type),
        installments=told.installments,
        payment_url=told.pix_payment_link or told.billet_url,
        payment_code=told.pix_emv or told.billet_digitable_line,
        refusal_reason=told.issuer_message,
        first_order=text(told.upsell_order_id),
        metadata={name: text(value) for name, value in told.visit.items() if is_text(value)},
    )


def nested(data: Json) -> Json:
    """Model "Standard" from one whose fields are flat: ``order_total``, ``customer_email``."""
    order = {name.removeprefix("order_"): value for name, value in data.items()}
    flat = {
        name.removeprefix("customer_"): value
        for name, value in data.items()
        if name.startswith("customer_")
    }
    return {**order, "customer": order.get("customer") or flat}


def is_text(value: Any) -> bool:
    """Whether a value can be kept as text."""
    return isinstance(value, str | int)


def app_order(data: Json) -> Order:
    """An order or a payment of an application. Raises PayloadError."""
    told = read(data, AppOrder)
    info = told.payment_info
    pix, boleto, card = info.pix or Pix(), info.boleto or Boleto(), info.credit_card or Card()
    return Order(
        id=text(told.order_id) or missing("data.order_id"),
        status=told.status,
        total=cents(told.total if told.payment_total is None else told.payment_total),
        interest=cents(told.interest),
        net=cents(told.merchant_total),
        created_at=moment(told.created_at),
        pix_created_at=moment(pix.pix_creation_date),
        paid_at=moment(told.paid_at),
        integrated_at=moment(told.integrated_at),
        refunded_at=moment(told.refund_at),
        expires_at=moment(pix.pix_expiration_date) or end_of_day(boleto.boleto_overdue_date),
        product=product_fact([], told.products),
        payment_method=payment_method(told.payment_type) or method_of(info),
        installments=card.installments,
        payment_url=pix.pix_payment_link or boleto.boleto_url,
        payment_code=pix.pix_emv or boleto.boleto_digitable_line,
        first_order=text(told.upsell_order_id),
    )


def v1_order(data: Json, net: Decimal | None = None, fee: Decimal | None = None) -> Order:
    """An order of the API v1. ``net``, ``fee``: what it told of them apart. Raises PayloadError."""
    told = read(data, V1Order)
    return Order(
        id=text(told.order.id) or missing("data.order.id"),
        status=told.order.status,
        total=cents(told.order.total_paid),
        interest=cents(told.order.amounts.installment_fee),
        net=reais(net),
        fee=reais(fee),
        created_at=moment(told.order.created_at),
        paid_at=moment(told.payment.paid_at),
        refunded_at=moment(told.refund.refunded_at),
        updated_at=moment(told.order.updated_at),
        customer=customer_fact(told.customer),
        payment_method=payment_method(told.payment.method),
        installments=told.payment.installments,
    )


def customer_fact(customer: Customer, customer_id: Code = None) -> CustomerFact:
    """A buyer as far as told; all empty if not."""
    names = (text(customer.firstname), text(customer.lastname))
    return CustomerFact(
        email=text(customer.email).lower(),
        name=text(customer.fullname) or text(customer.name) or " ".join(filter(None, names)),
        phone=text(customer.telephone),
        document=text(customer.document_number),
        gateway_id=text(customer.id) or text(customer_id),
    )


def product_fact(bundles: list[Bundle], products: list[Product]) -> ProductFact:
    """The first thing that was sold: the bundle, or what is in it where no bundle is told."""
    if bundles:
        return ProductFact(id=text(bundles[0].id), name=bundles[0].name or "")
    if products:
        return ProductFact(id=text(products[0].sku), name=products[0].name or "")
    return ProductFact()


def payment_method(word: str) -> PaymentMethod | None:
    """``CreditCard``, ``creditcard`` and ``credit_card`` are one; None if not told."""
    known = word.lower().replace("_", "")
    return PAYMENT_METHODS.get(known, PaymentMethod.OTHER) if word else None


def method_of(info: PaymentInfo) -> PaymentMethod | None:
    """An application tells the method by the object that is there."""
    told = {
        PaymentMethod.PIX: info.pix,
        PaymentMethod.BOLETO: info.boleto,
        PaymentMethod.CARD: info.credit_card,
    }
    return next((method for method, details in told.items() if details), None)
