"""From a PURCHASE event to facts about a charge and, where it has one, its subscription."""

import re
from datetime import datetime
from decimal import Decimal

from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Commission,
    EventType,
    Fact,
    Money,
    PaymentMethod,
)
from recibo.gateways.hotmart.panel import refuse_panel_test
from recibo.gateways.hotmart.payload import (
    NO_AFFILIATE,
    NO_OFFER,
    NO_ORIGIN,
    NO_PAYMENT,
    PURCHASE,
    Affiliate,
    Notice,
    Payment,
    Purchase,
    PurchaseData,
    Share,
)
from recibo.gateways.hotmart.subjects import customer_fact, product_fact
from recibo.gateways.hotmart.subscriptions import subscription_fact
from recibo.gateways.hotmart.values import amount, decode, moment
from recibo.gateways.hotmart.words import EVENTS, EXPECTED, PAID_ONCE, PAYMENT_METHODS, STATUSES

#: The end of a transaction that is one line of an order with bumps.
LINE = re.compile(r"(?<=\d)C\d+$")


def purchase_facts(notice: Notice) -> list[Fact]:
    """A purchase says something of its charge and, if it is one of a subscription, of that."""
    data = decode(PURCHASE, notice.data)
    refuse_panel_test(data.product, data.buyer.email, data.purchase.transaction)
    charge = charge_fact(data, EVENTS[notice.event or ""], notice.created_at)
    subscription = subscription_fact(data, charge)
    return [charge, subscription] if subscription else [charge]


def charge_fact(data: PurchaseData, event_type: EventType, created_at: datetime) -> ChargeFact:
    """The charge. Times: that of the approval for an approval, else that of the notice."""
    purchase = data.purchase
    status = charge_status(purchase.status, event_type)
    approved_at = moment(purchase.approved_date, "purchase.approved_date")
    is_approval = event_type is EventType.CHARGE_PAID
    price = Money(amount(purchase.price.value, "price"), purchase.price.currency_value)
    shares = {share.source: share for share in data.commissions or ()}
    payment = purchase.payment or NO_PAYMENT
    return ChargeFact(
        charge_id=purchase.transaction,
        status=status,
        occurred_at=(approved_at if is_approval else None) or created_at,
        amount=price,
        order_reference=order_reference(purchase),
        customer=customer_fact(data.buyer),
        product=product_fact(data.product, (purchase.offer or NO_OFFER).code),
        total=total(purchase),
        fee=in_currency(shares.get("MARKETPLACE"), price.currency),
        net=in_currency(shares.get("PRODUCER") or shares.get("COPRODUCER"), price.currency),
        commissions=commissions(data),
        payment_method=payment_method(payment),
        installments=payment.installments_number,
        created_at=moment(purchase.order_date, "purchase.order_date"),
        paid_at=(approved_at or created_at) if status in PAID_ONCE else None,
        expires_at=moment(payment.pix_expiration_date, "payment.pix_expiration_date"),
        payment_url=payment.billet_url or payment.pix_qrcode or "",
        payment_code=payment.billet_barcode or payment.pix_code or "",
        refusal_reason=payment.refusal_reason or "",
        refunded_amount=price.amount if status is ChargeStatus.REFUNDED else None,
        subscription_code=subscriber_code(data),
        cycle=purchase.recurrence_number,
        metadata=metadata(data),
    )


def charge_status(word: str, event_type: EventType) -> ChargeStatus:
    """Raises UnknownStatusError, or PayloadError where status and event contradict."""
    if (status := STATUSES.get(word)) is None:
        raise UnknownStatusError("hotmart", word)
    if status not in EXPECTED[event_type]:
        raise PayloadError(f"hotmart: status {word} contradicts the event ({event_type})")
    return status


def order_reference(purchase: Purchase) -> str:
    """The sale that all lines of an order with bumps share.

    Lines are HP…C1, HP…C2; the parent, where it is named, is one of them. Without the suffix
    the main line, which may name no parent, and its bumps come to the same reference.
    """
    parent = purchase.order_bump and purchase.order_bump.parent_purchase_transaction
    return LINE.sub("", parent or purchase.transaction)


def total(purchase: Purchase) -> Decimal | None:
    """What the buyer pays in all, if it is told in the currency of the price."""
    full_price = purchase.full_price
    if full_price is None or full_price.currency_value != purchase.price.currency_value:
        return None
    return amount(full_price.value, "full_price")


def in_currency(share: Share | None, currency: str) -> Decimal | None:
    """A share in ``currency``, where Hotmart itself says so; nothing is converted here."""
    if share is None:
        return None
    if share.currency_value == currency:
        return amount(share.value, "commissions")
    conversion = share.currency_conversion
    if conversion and conversion.converted_to_currency == currency:
        return amount(conversion.converted_value, "currency_conversion")
    return None


def commissions(data: PurchaseData) -> tuple[Commission, ...]:
    """All shares, each in its own currency."""
    affiliate = affiliate_of(data).name or ""
    return tuple(
        Commission(
            source=share.source,
            amount=amount(share.value, "commissions"),
            currency=share.currency_value,
            name=affiliate if share.source == "AFFILIATE" else "",
        )
        for share in data.commissions or ()
    )


def affiliate_of(data: PurchaseData) -> Affiliate:
    """The affiliate of the sale; one with empty strings if there is none."""
    return data.affiliates[0] if data.affiliates else NO_AFFILIATE


def metadata(data: PurchaseData) -> dict[str, str]:
    """Where the sale came from, as far as it is told."""
    origin = data.purchase.origin or NO_ORIGIN
    found = {
        "src": origin.src,
        "sck": origin.sck,
        "xcod": origin.xcod,
        "coupon": (data.purchase.offer or NO_OFFER).coupon_code,
        "affiliate": affiliate_of(data).affiliate_code,
    }
    return {name: value for name, value in found.items() if value}


def payment_method(payment: Payment) -> PaymentMethod | None:
    """How it was paid; OTHER for a method newer than this table."""
    return PAYMENT_METHODS.get(payment.type, PaymentMethod.OTHER) if payment.type else None


def subscriber_code(data: PurchaseData) -> str:
    """The code of the subscription; "" for a sale that is not part of one."""
    subscriber = data.subscription and data.subscription.subscriber
    return subscriber.code or "" if subscriber else ""
