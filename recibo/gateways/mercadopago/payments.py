"""A payment as the API tells it (``GET /v1/payments/{id}``): its identity and its facts.

Source: openapi and "Payment status", Mercado Pago developers, and published answers.
"""

from collections.abc import Sequence
from decimal import Decimal

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    Money,
    PaymentMethod,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.mercadopago.formats import (
    NO_BARCODE,
    NO_CYCLE,
    NO_DOCUMENT,
    NO_INFO,
    NO_ITEM,
    NO_PAYER,
    NO_PERIOD,
    NO_PHONE,
    PAYMENT,
    ZERO,
    Details,
    FeeDetail,
    Payer,
    Payment,
    Phone,
)
from recibo.gateways.mercadopago.values import (
    Number,
    amount,
    count,
    decode,
    moment,
    period,
    plain,
    positive,
    word,
)

#: Notes of an answer: whose account asked, and whether a chargeback is covered.
COLLECTOR = b"x-recibo-collector"
COVERAGE = b"x-recibo-coverage"

STATUSES = {
    "pending": ChargeStatus.PENDING,
    "in_process": ChargeStatus.PENDING,  # a person at Mercado Pago looks at it
    "authorized": ChargeStatus.AUTHORIZED,
    "approved": ChargeStatus.PAID,
    "in_mediation": ChargeStatus.DISPUTED,
    "rejected": ChargeStatus.FAILED,
    "cancelled": ChargeStatus.CANCELLED,
    "refunded": ChargeStatus.REFUNDED,
    # Whatever its detail: two official pages explain ``settled`` and ``reimbursed`` in opposite
    # ways, so who won is not decided here. The detail is kept for a person to read.
    "charged_back": ChargeStatus.CHARGED_BACK,
}

#: Where the detail says what the status does not.
DETAILS = {
    ("approved", "partially_refunded"): ChargeStatus.PARTIALLY_REFUNDED,
    ("cancelled", "expired"): ChargeStatus.EXPIRED,
}

#: Status and, where it decides, detail -> what happened.
EVENTS = {
    "payment.pending": EventType.CHARGE_CREATED,
    "payment.in_process": EventType.CHARGE_CREATED,
    "payment.authorized": EventType.CHARGE_AUTHORIZED,
    "payment.approved": EventType.CHARGE_PAID,
    "payment.partially_refunded": EventType.CHARGE_PARTIALLY_REFUNDED,
    "payment.in_mediation": EventType.CHARGE_DISPUTED,
    "payment.rejected": EventType.CHARGE_FAILED,
    "payment.cancelled": EventType.CHARGE_CANCELLED,
    "payment.expired": EventType.CHARGE_EXPIRED,
    "payment.refunded": EventType.CHARGE_REFUNDED,
    "payment.charged_back": EventType.CHARGE_CHARGED_BACK,
}

#: ``operation_type`` of what is no sale -> why.
NO_SALES = {
    "card_validation": "a card was validated for nothing: no sale and no failed charge",
    "account_fund": "the account was funded by its owner: no sale",
}

#: Statuses of a charge that was paid at some time.
PAID_ONCE = {
    ChargeStatus.PAID,
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.DISPUTED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}

#: ``payment_method_id`` where it says more than the type.
METHODS = {
    "pix": PaymentMethod.PIX,
    "pec": PaymentMethod.CASH,  # paid at a lottery shop
}

#: ``payment_type_id``; a word that is not here is OTHER.
METHOD_TYPES = {
    "account_money": PaymentMethod.WALLET,
    "atm": PaymentMethod.CASH,
    "bank_transfer": PaymentMethod.BANK_TRANSFER,
    "credit_card": PaymentMethod.CARD,
    "debit_card": PaymentMethod.CARD,
    "digital_currency": PaymentMethod.FINANCING,  # Mercado Crédito
    "digital_wallet": PaymentMethod.WALLET,
    "pix": PaymentMethod.PIX,
    "prepaid_card": PaymentMethod.CARD,
    "ticket": PaymentMethod.BOLETO,
    "voucher_card": PaymentMethod.CARD,
}

#: What a recurring payment says of its subscription.
SUBSCRIPTION_STATUSES = {
    ChargeStatus.PAID: SubscriptionStatus.ACTIVE,
    ChargeStatus.FAILED: SubscriptionStatus.PAST_DUE,
}

#: ``invoice_period.type`` -> the unit of a preapproval's frequency.
UNITS = {"monthly": "months", "daily": "days"}

#: Keys of the seller's own metadata that are kept.
LARGEST_METADATA = 50


def identify(answer: RawRequest) -> Identity:
    """The state that was read: the same state read twice is one event. Raises PayloadError."""
    payment = decode(PAYMENT, answer.body)
    refunded = plain(payment.refunded)
    state = (payment.updated_at.isoformat(), word(payment.status), word(payment.status_detail))
    covered = "/covered" if COVERAGE in answer.headers else ""
    event = event_of(payment)
    return Identity(
        event_id=f"payment/{payment.code}/{'/'.join(state)}/{refunded}{covered}",
        gateway_event=event,
        event_type=EVENTS.get(event, EventType.UNKNOWN),
        charge_id=payment.code,
    )


def event_of(payment: Payment) -> str:
    """What happened, in Mercado Pago's words."""
    if payment.operation_type in NO_SALES:
        return f"payment.{payment.operation_type}"
    status = STATUSES.get(payment.status) and charge_status(payment)
    if status is ChargeStatus.PARTIALLY_REFUNDED or status is ChargeStatus.EXPIRED:
        return f"payment.{status}"
    return f"payment.{word(payment.status)}"


def parse(answer: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    payment = decode(PAYMENT, answer.body)
    refuse_no_sale(payment)
    refuse_other_account(payment, answer.headers.get(COLLECTOR, b"").decode())
    charge = charge_fact(payment, is_covered=COVERAGE in answer.headers)
    subscription = subscription_fact(payment, charge)
    return [charge, subscription] if subscription else [charge]


def refuse_no_sale(payment: Payment) -> None:
    """Raise IgnoredError for what is no sale, such as a card validated for 0."""
    operation = payment.operation_type or ""
    if operation in NO_SALES or not payment.transaction_amount:
        raise IgnoredError(NO_SALES.get(operation, "a payment of 0: no sale"))


def refuse_other_account(payment: Payment, account: str) -> None:
    """Raise IgnoredError for a payment that this account made, or can see, and does not receive."""
    collector = str(payment.collector_id or "")
    if account and collector.isdigit() and collector != account:
        raise IgnoredError(f"the money goes to account {collector}, not to {account}: no sale")


def charge_fact(payment: Payment, *, is_covered: bool) -> ChargeFact:
    """The charge, dated when its state began: that is later than the approval for a refund."""
    status = charge_status(payment)
    price = amount(payment.transaction_amount, "transaction_amount")
    was_paid = status in PAID_ONCE
    approved_at = moment(payment.date_approved, "date_approved")
    details = payment.details
    return ChargeFact(
        charge_id=payment.code,
        status=status,
        occurred_at=payment.updated_at,
        amount=Money(price, payment.currency_id),
        order_reference=(payment.external_reference or "").strip() or payment.code,
        customer=customer_fact(payment.payer or NO_PAYER),
        product=product_fact(payment),
        total=positive(details.total_paid_amount, "total_paid_amount"),
        fee=fee(payment.fee_details or ()),
        net=net(details) if was_paid else None,
        payment_method=payment_method(payment),
        installments=count(payment.installments),
        created_at=moment(payment.date_created, "date_created"),
        paid_at=approved_at if was_paid else None,
        expires_at=moment(payment.date_of_expiration, "date_of_expiration"),
        payment_url=payment.transaction.ticket_url or details.external_resource_url or "",
        payment_code=payment.transaction.qr_code or (details.barcode or NO_BARCODE).content or "",
        refusal_reason=payment.status_detail or "" if status is ChargeStatus.FAILED else "",
        refunded_amount=refunded_amount(status, payment),
        subscription_code=payment.subscription_code,
        cycle=count((payment.transaction.subscription_sequence or NO_CYCLE).number),
        metadata=metadata(payment, is_covered=is_covered),
    )


def charge_status(payment: Payment) -> ChargeStatus:
    """Raises UnknownStatusError. ``approved`` stays until all is refunded."""
    if (status := STATUSES.get(payment.status)) is None:
        raise UnknownStatusError("mercadopago", payment.status)
    status = DETAILS.get((payment.status, payment.status_detail or ""), status)
    if status is ChargeStatus.PAID and payment.refunded:
        return ChargeStatus.PARTIALLY_REFUNDED
    return status


def refunded_amount(status: ChargeStatus, payment: Payment) -> Decimal | None:
    """What went back so far; None where the status says that all did, or that nothing can have."""
    if status not in PAID_ONCE or status is ChargeStatus.CHARGED_BACK:
        return None
    return payment.refunded or None


def fee(details: Sequence[FeeDetail]) -> Decimal | None:
    """What the seller pays for this payment; None while nothing is told.

    The buyer's interest of instalments is listed too, as ``fee_payer: payer``.
    """
    if not details:
        return None
    return sum((amount(one.amount, "fee") for one in details if is_sellers(one)), start=ZERO)


def net(details: Details) -> Decimal | None:
    """What reaches the seller; None for 0, which stands for what is not known yet.

    Below zero where a refund costs more than the payment brought.
    """
    value = details.net_received_amount
    if not value:
        return None
    amount(value.copy_abs(), "net_received_amount")
    return value


def is_sellers(detail: FeeDetail) -> bool:
    """Whether the seller pays this fee."""
    return detail.fee_payer == "collector"


def payment_method(payment: Payment) -> PaymentMethod | None:
    """How it is paid; OTHER for a method newer than these tables."""
    if method := METHODS.get(payment.payment_method_id or ""):
        return method
    kind = payment.payment_type_id
    return METHOD_TYPES.get(kind, PaymentMethod.OTHER) if kind else None


def customer_fact(payer: Payer) -> CustomerFact | None:
    """Who pays; None where neither an e-mail nor an id is told."""
    email, gateway_id = email_of(payer.email), visible(payer.id)
    if not (email or gateway_id):
        return None
    names = (payer.first_name or "", payer.last_name or "")
    return CustomerFact(
        email=email,
        name=" ".join(name.strip() for name in names if name.strip()),
        phone=phone(payer.phone or NO_PHONE),
        document=(payer.identification or NO_DOCUMENT).number or "",
        gateway_id=gateway_id,
    )


def email_of(text: str | None) -> str:
    """An address as we compare it; "" for one that Mercado Pago masks."""
    email = (text or "").strip().lower()
    return email if "@" in email and "*" not in email else ""


def visible(value: Number) -> str:
    """An id or a number as text; "" where it is hidden behind asterisks."""
    text = str(value or "").strip()
    return "" if "*" in text else text[:64]


def phone(told: Phone) -> str:
    """The number behind its area code."""
    number = visible(told.number)
    return visible(told.area_code) + number if number else ""


def product_fact(payment: Payment) -> ProductFact:
    """What was sold: the first item, else the description."""
    items = (payment.additional_info or NO_INFO).items or [NO_ITEM]
    first = items[0]
    return ProductFact(
        id="" if first.id is None else str(first.id)[:200],
        name=first.title or payment.description or "",
    )


def metadata(payment: Payment, *, is_covered: bool) -> dict[str, str]:
    """The seller's own notes, and what a person should know of a chargeback."""
    told = list((payment.metadata or {}).items())[:LARGEST_METADATA]
    kept = {key[:200]: str(value)[:1000] for key, value in told if isinstance(value, str | int)}
    if payment.status == "charged_back":
        kept["chargeback"] = payment.status_detail or ""
    if is_covered:
        kept["chargeback_coverage"] = "applied"
    return kept


def subscription_fact(payment: Payment, charge: ChargeFact) -> SubscriptionFact | None:
    """What a recurring payment says of its subscription: that it runs, or that it is late.

    Dated at the approval: a payment changes later too, when the subscription may have ended.
    """
    status = SUBSCRIPTION_STATUSES.get(charge.status)
    if status is None or not charge.subscription_code:
        return None
    is_paid = charge.status is ChargeStatus.PAID
    invoice = payment.transaction.invoice_period or NO_PERIOD
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=charge.paid_at or charge.occurred_at,
        status=status,
        customer=charge.customer,
        product=charge.product,
        plan=payment.description or "",
        plan_id=payment.transaction.plan_id or "",
        price=charge.amount if is_paid else None,
        period=period(UNITS.get(invoice.type or ""), invoice.period),
        started_at=charge.paid_at if is_paid and charge.cycle == 1 else None,
    )
