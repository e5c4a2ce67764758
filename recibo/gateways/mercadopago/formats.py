"""What a payment looks like: the fields of ``GET /v1/payments/{id}`` that matter.

Source: openapi ``payments``, Mercado Pago developers, and published answers.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from recibo.gateways.mercadopago.values import (
    Code,
    Currency,
    Number,
    Text,
    amount,
    id_text,
    missing,
    moment,
)

ZERO = Decimal(0)


class Document(Struct):
    number: Code | None = None


class Phone(Struct):
    area_code: Number = None
    number: Number = None


class Payer(Struct):
    """All but ``id`` is hidden for Pix until it is paid, and may stay so."""

    id: Number = None
    email: Code | None = None
    first_name: Code | None = None
    last_name: Code | None = None
    identification: Document | None = None
    phone: Phone | None = None


class FeeDetail(Struct):
    amount: Decimal
    fee_payer: Code | None = None


class Barcode(Struct):
    content: Text | None = None


class Details(Struct):
    """``transaction_details``."""

    total_paid_amount: Decimal | None = None  # with the interest of instalments
    net_received_amount: Decimal | None = None  # 0 while unpaid
    external_resource_url: Text | None = None
    barcode: Barcode | None = None


class Item(Struct):
    id: Number = None
    title: Code | None = None


class AdditionalInfo(Struct):
    items: list[Item] | None = None


class Cycle(Struct):
    number: Number = None


class InvoicePeriod(Struct):
    period: Number = None
    type: Code | None = None


class TransactionData(Struct):
    """Of a Pix its code, of a recurring payment its place in the subscription."""

    qr_code: Text | None = None
    ticket_url: Text | None = None
    subscription_id: Code | None = None
    plan_id: Code | None = None
    subscription_sequence: Cycle | None = None
    invoice_period: InvoicePeriod | None = None


class Interaction(Struct):
    transaction_data: TransactionData | None = None


class Payment(Struct):
    id: Number
    status: Code
    transaction_amount: Decimal
    currency_id: Currency
    status_detail: Code | None = None
    operation_type: Code | None = None
    transaction_amount_refunded: Decimal | None = None
    date_created: Code | None = None
    date_approved: Code | None = None
    date_last_updated: Code | None = None
    date_of_expiration: Code | None = None
    external_reference: Code | None = None
    description: Code | None = None
    collector_id: Number = None
    payment_method_id: Code | None = None
    payment_type_id: Code | None = None
    installments: Number = None
    payer: Payer | None = None
    transaction_details: Details | None = None
    fee_details: list[FeeDetail] | None = None
    additional_info: AdditionalInfo | None = None
    point_of_interaction: Interaction | None = None
    metadata: dict[str, Any] | None = None

    @property
    def code(self) -> str:
        """The id as text. Raises PayloadError."""
        return id_text(self.id, "id")

    @property
    def details(self) -> Details:
        return self.transaction_details or NO_DETAILS

    @property
    def transaction(self) -> TransactionData:
        """``point_of_interaction.transaction_data``."""
        interaction = self.point_of_interaction or NO_INTERACTION
        return interaction.transaction_data or NO_TRANSACTION

    @property
    def refunded(self) -> Decimal:
        """What was given back so far, in all."""
        return amount(self.transaction_amount_refunded or ZERO, "transaction_amount_refunded")

    @property
    def updated_at(self) -> datetime:
        """When this state began. Raises PayloadError if nothing tells."""
        for field in ("date_last_updated", "date_approved", "date_created"):
            if time := moment(getattr(self, field), field):
                return time
        return missing("date_last_updated")

    @property
    def subscription_code(self) -> str:
        """The preapproval that collects; "" for a single payment."""
        told = (self.metadata or {}).get("preapproval_id")
        named = told if isinstance(told, str) else ""
        return (self.transaction.subscription_id or named)[:200]


PAYMENT = msgspec.json.Decoder(Payment)

NO_DETAILS, NO_INTERACTION, NO_TRANSACTION = Details(), Interaction(), TransactionData()
NO_PAYER, NO_DOCUMENT, NO_PHONE, NO_BARCODE = Payer(), Document(), Phone(), Barcode()
NO_INFO, NO_ITEM, NO_CYCLE, NO_PERIOD = AdditionalInfo(), Item(), Cycle(), InvoicePeriod()
