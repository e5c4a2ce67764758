"""The postback of Pagar.me v4 and v1: a form, deprecated and still alive for old sellers.

Source: "Postbacks" of the API v4, and the mock of pagarme-php. Amounts are cents.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from urllib.parse import parse_qsl

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    DAYS,
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Fact,
    Money,
    PaymentMethod,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.stone.payload import first, missing, moment

#: Status of a transaction.
STATUSES = {
    "processing": ChargeStatus.PENDING,
    "analyzing": ChargeStatus.PENDING,
    "pending_review": ChargeStatus.PENDING,
    "waiting_payment": ChargeStatus.PENDING,
    "authorized": ChargeStatus.AUTHORIZED,
    "paid": ChargeStatus.PAID,
    "pending_refund": ChargeStatus.PAID,  # the money is still here
    "refunded": ChargeStatus.REFUNDED,
    "refused": ChargeStatus.FAILED,
    "chargedback": ChargeStatus.CHARGED_BACK,
}
#: Status of a subscription.
SUBSCRIPTION_STATUSES = {
    "trialing": SubscriptionStatus.TRIAL,
    "paid": SubscriptionStatus.ACTIVE,
    "pending_payment": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "canceled": SubscriptionStatus.CANCELLED,
    "ended": SubscriptionStatus.EXPIRED,
}

#: An event and the status that it leads to -> ours.
EVENTS = {
    "transaction_status_changed/processing": EventType.CHARGE_UPDATED,
    "transaction_status_changed/analyzing": EventType.CHARGE_UPDATED,
    "transaction_status_changed/pending_review": EventType.CHARGE_UPDATED,
    "transaction_status_changed/waiting_payment": EventType.CHARGE_CREATED,
    "transaction_status_changed/authorized": EventType.CHARGE_AUTHORIZED,
    "transaction_status_changed/paid": EventType.CHARGE_PAID,
    "transaction_status_changed/pending_refund": EventType.CHARGE_UPDATED,
    "transaction_status_changed/refunded": EventType.CHARGE_REFUNDED,
    "transaction_status_changed/refused": EventType.CHARGE_FAILED,
    "transaction_status_changed/chargedback": EventType.CHARGE_CHARGED_BACK,
    "subscription_status_changed/trialing": EventType.SUBSCRIPTION_CREATED,
    "subscription_status_changed/paid": EventType.SUBSCRIPTION_ACTIVATED,
    "subscription_status_changed/pending_payment": EventType.SUBSCRIPTION_PAST_DUE,
    "subscription_status_changed/unpaid": EventType.SUBSCRIPTION_PAST_DUE,
    "subscription_status_changed/canceled": EventType.SUBSCRIPTION_CANCELLED,
    "subscription_status_changed/ended": EventType.SUBSCRIPTION_CANCELLED,
}

#: Any other method is a card.
PAYMENT_METHODS = {
    "boleto": PaymentMethod.BOLETO,
    "pix": PaymentMethod.PIX,
    "credit_card": PaymentMethod.CARD,
    "debit_card": PaymentMethod.CARD,
}

#: Where sellers keep their own code of the order: v4 has no field that everybody uses.
REFERENCES = (
    "transaction[reference_key]",
    "transaction[metadata][order_code]",
    "transaction[metadata][order_id]",
    "transaction[metadata][pedido]",
)
METADATA = "transaction[metadata]["

#: Statuses of money that came, whether or not it stayed.
PAID_ONCE = {
    ChargeStatus.PAID,
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}

#: A flood of forged forms must cost little: a real one has about 40 fields in 2 KiB.
FORM_BYTES = 64 * 1024
FORM_FIELDS = 500
LARGEST_AMOUNT = 10**12

PERIODS = {str(days): period for period, days in DAYS.items()}

Fields = Mapping[str, str]


def is_form(request: RawRequest) -> bool:
    """Whether this is a postback: JSON under a form's content type is still JSON."""
    content_type = request.headers.get(b"content-type", b"")
    is_urlencoded = b"application/x-www-form-urlencoded" in content_type.lower()
    return is_urlencoded and not request.body.lstrip().startswith(b"{")


def form(body: bytes) -> Fields:
    """The fields. Raises PayloadError for a form larger than any postback."""
    if len(body) > FORM_BYTES or body.count(b"&") > FORM_FIELDS:
        raise PayloadError("stone: the form is too large")
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in pairs}


def identify(request: RawRequest) -> Identity:
    """Which news this is: the object, its status and when it changed. Raises PayloadError.

    ``fingerprint`` is no help: it is the same for all news of one object.
    """
    fields = form(request.body)
    kind, code, status = (required(fields, name) for name in ("object", "id", "current_status"))
    word = f"{required(fields, 'event')}/{status}"
    return Identity(
        event_id=f"v4/{kind}/{code}/{status}/{changed(fields, kind)}",
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
        charge_id=code if kind == "transaction" else "",
    )


def required(fields: Fields, name: str) -> str:
    """A field of the envelope, short enough for a key. Raises PayloadError."""
    value = fields.get(name) or missing(name)
    if len(value) > 200:
        raise PayloadError(f"stone: {name} is too long")
    return value


def changed(fields: Fields, kind: str) -> str:
    """When the object changed, as it is told; of a subscription often only its period is."""
    names = (f"{kind}[date_updated]", f"{kind}[current_period_end]")
    return first(*(fields.get(name) for name in names))[:200]


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    fields = form(request.body)
    event = required(fields, "event")
    if (read := READERS.get(event)) is None:
        raise IgnoredError(f"Pagar.me v4 event {event} is not known to this version; it is kept")
    return [read(fields, required(fields, "id"), required(fields, "current_status"))]


def charge_fact(fields: Fields, code: str, word: str) -> ChargeFact:
    """A transaction. Its status counts: a boleto that is paid can have a paid amount of 0."""
    if (told := STATUSES.get(word)) is None:
        raise UnknownStatusError("stone", word)
    amount = cents(fields, "transaction[amount]")
    if amount is None:
        missing("transaction[amount]")
    status, refunded = after_refunds(told, amount, cents(fields, "transaction[refunded_amount]"))
    updated_at = time(fields, "transaction[date_updated]") or missing("transaction[date_updated]")
    return ChargeFact(
        charge_id=code,
        status=status,
        occurred_at=updated_at,
        amount=Money.from_cents(amount, "BRL"),
        order_reference=first(*(fields.get(name) for name in REFERENCES), code)[:200],
        customer=customer_fact(fields, "transaction[customer]"),
        fee=fee(fields) if status in PAID_ONCE else None,
        payment_method=payment_method(fields),
        installments=installments(fields),
        created_at=time(fields, "transaction[date_created]"),
        paid_at=updated_at if told is ChargeStatus.PAID and not refunded else None,
        expires_at=time(fields, "transaction[boleto_expiration_date]"),
        payment_url=fields.get("transaction[boleto_url]", ""),
        payment_code=fields.get("transaction[boleto_barcode]", ""),
        refusal_reason=fields.get("transaction[refuse_reason]", ""),
        refunded_amount=refunded,
        subscription_code=fields.get("transaction[subscription_id]", "")[:200],
        metadata=metadata(fields),
    )


def after_refunds(
    status: ChargeStatus, amount: int, refunded: int | None
) -> tuple[ChargeStatus, Decimal | None]:
    """The status, and what was given back in all; v4 says "paid" also after a part of it."""
    if status is ChargeStatus.REFUNDED:
        return status, Money.from_cents(amount, "BRL").amount
    if status is not ChargeStatus.PAID or not refunded:
        return status, None
    is_all = refunded >= amount
    given_back = Money.from_cents(min(refunded, amount), "BRL").amount
    return ChargeStatus.REFUNDED if is_all else ChargeStatus.PARTIALLY_REFUNDED, given_back


def subscription_fact(fields: Fields, code: str, word: str) -> SubscriptionFact:
    """A subscription. Where it tells no time of its own, the end of its period orders its news."""
    if (status := SUBSCRIPTION_STATUSES.get(word)) is None:
        raise UnknownStatusError("stone", word)
    period_end = time(fields, "subscription[current_period_end]")
    price = cents(fields, "subscription[plan][amount]")
    name = fields.get("subscription[plan][name]", "")
    updated_at = time(fields, "subscription[date_updated]") or period_end
    return SubscriptionFact(
        code=code,
        occurred_at=updated_at or missing("subscription[current_period_end]"),
        status=status,
        customer=customer_fact(fields, "subscription[customer]"),
        product=ProductFact(name=name),
        plan=name,
        plan_id=fields.get("subscription[plan][id]", "")[:200],
        price=None if price is None else Money.from_cents(price, "BRL"),
        period=period(fields),
        next_billing_at=period_end if status is SubscriptionStatus.ACTIVE else None,
        started_at=time(fields, "subscription[date_created]"),
    )


#: What reads each event.
READERS: Mapping[str, Callable[[Fields, str, str], Fact]] = {
    "transaction_status_changed": charge_fact,
    "subscription_status_changed": subscription_fact,
}


def cents(fields: Fields, name: str) -> int | None:
    """An amount. Raises PayloadError."""
    if not (value := fields.get(name)):
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 13):
        raise PayloadError(f"stone: {name} is not an amount of money")
    return int(value)


def fee(fields: Fields) -> Decimal | None:
    """What Pagar.me keeps."""
    cost = cents(fields, "transaction[cost]")
    return Money.from_cents(cost, "BRL").amount if cost else None


def time(fields: Fields, name: str) -> datetime | None:
    """A time. Raises PayloadError."""
    return moment(fields.get(name), name)


def payment_method(fields: Fields) -> PaymentMethod | None:
    """How it was paid; OTHER for a method newer than this table."""
    word = fields.get("transaction[payment_method]")
    return PAYMENT_METHODS.get(word, PaymentMethod.OTHER) if word else None


def installments(fields: Fields) -> int | None:
    """In how many parts."""
    value = fields.get("transaction[installments]", "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 4 else None


def period(fields: Fields) -> Period | None:
    """How often the plan collects; v4 counts in days."""
    return PERIODS.get(fields.get("subscription[plan][days]", ""))


def customer_fact(fields: Fields, prefix: str) -> CustomerFact:
    """The buyer."""
    return CustomerFact(
        email=fields.get(f"{prefix}[email]", "").strip().lower(),
        name=fields.get(f"{prefix}[name]", ""),
        phone=phone(fields, f"{prefix}[phone]"),
        document=fields.get(f"{prefix}[document_number]", ""),
        gateway_id=fields.get(f"{prefix}[id]", "")[:200],
    )


def phone(fields: Fields, prefix: str) -> str:
    """Area and number, after the country where that is told."""
    country, area, number = (
        fields.get(f"{prefix}[{name}]", "") for name in ("ddi", "ddd", "number")
    )
    return f"{'+' if country else ''}{country}{area}{number}" if number else ""


def metadata(fields: Fields) -> dict[str, str]:
    """The seller's own notes."""
    return {
        name.removeprefix(METADATA).removesuffix("]"): value
        for name, value in fields.items()
        if name.startswith(METADATA) and value
    }
