"""Hotmart's webhook 2.0.0: bytes in, facts out.

Source: "Webhook", Hotmart developers, and deliveries of 2023 to 2026. What is assumed where the
documentation is silent is said in docs/gateways/hotmart.md.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Raw, Struct

from recibo.gateways import signatures
from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    DAYS,
    ChargeFact,
    ChargeStatus,
    Commission,
    CustomerFact,
    EventType,
    Fact,
    LeadFact,
    Money,
    PaymentMethod,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
    from_milliseconds,
)

TOKEN_HEADER = b"x-hotmart-hottok"

#: Events of version 2.0.0.
EVENTS = {
    "PURCHASE_BILLET_PRINTED": EventType.CHARGE_CREATED,  # a boleto or a Pix code
    "PURCHASE_APPROVED": EventType.CHARGE_PAID,  # first sale and every renewal
    "PURCHASE_COMPLETE": EventType.CHARGE_UPDATED,  # warranty over: the same sale, once more
    "PURCHASE_CANCELED": EventType.CHARGE_CANCELLED,
    "PURCHASE_EXPIRED": EventType.CHARGE_EXPIRED,
    "PURCHASE_DELAYED": EventType.CHARGE_OVERDUE,  # one for each failed attempt at a renewal
    "PURCHASE_PROTEST": EventType.CHARGE_DISPUTED,  # the buyer asks for a refund
    "PURCHASE_REFUNDED": EventType.CHARGE_REFUNDED,
    "PURCHASE_CHARGEBACK": EventType.CHARGE_CHARGED_BACK,
    "PURCHASE_OUT_OF_SHOPPING_CART": EventType.CART_ABANDONED,
    "SUBSCRIPTION_CANCELLATION": EventType.SUBSCRIPTION_CANCELLED,
    "SWITCH_PLAN": EventType.SUBSCRIPTION_PLAN_CHANGED,
    "UPDATE_SUBSCRIPTION_CHARGE_DATE": EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
    "CLUB_FIRST_ACCESS": EventType.MEMBER_FIRST_ACCESS,
    "CLUB_MODULE_COMPLETED": EventType.MEMBER_MODULE_COMPLETED,
}

#: Older and looser spellings, met in integrations -> the documented word.
SPELLINGS = {
    "PURCHASE_WAITING_PAYMENT": "PURCHASE_BILLET_PRINTED",
    "PURCHASE_COMPLETED": "PURCHASE_COMPLETE",
    "PURCHASE_CANCELLED": "PURCHASE_CANCELED",
    "PURCHASE_REFUSED": "PURCHASE_CANCELED",
    "PURCHASE_REFUND_REQUESTED": "PURCHASE_PROTEST",
    "CHARGEBACK": "PURCHASE_CHARGEBACK",
    "CART_ABANDONED": "PURCHASE_OUT_OF_SHOPPING_CART",
    "CART_ABANDONMENT": "PURCHASE_OUT_OF_SHOPPING_CART",
    "SUBSCRIPTION_CANCELED": "SUBSCRIPTION_CANCELLATION",
    "SUBSCRIPTION_CANCELLED": "SUBSCRIPTION_CANCELLATION",
    "PURCHASE_RECURRENCE_CANCELLATION": "SUBSCRIPTION_CANCELLATION",
    "SUBSCRIPTION_CHANGED": "SWITCH_PLAN",
    "SUBSCRIPTION_BILLING_DATE_CHANGE": "UPDATE_SUBSCRIPTION_CHARGE_DATE",
    "SUBSCRIPTION_BILLING_DATE_UPDATED": "UPDATE_SUBSCRIPTION_CHARGE_DATE",
}
EVENTS |= {spelling: EVENTS[word] for spelling, word in SPELLINGS.items()}

#: Events that move neither money nor a subscription -> why nothing is done.
IGNORED = {
    "ORDER_FULFILLMENT": "Hotmart event ORDER_FULFILLMENT tells of transport only; it is kept",
}

#: Status of a purchase, as webhooks and as the API spell it.
STATUSES = {
    "STARTED": ChargeStatus.PENDING,
    "BILLET_PRINTED": ChargeStatus.PENDING,
    "PRINTED_BILLET": ChargeStatus.PENDING,
    "WAITING_PAYMENT": ChargeStatus.PENDING,
    "PRE_ORDER": ChargeStatus.PENDING,
    "PROCESSING_TRANSACTION": ChargeStatus.PENDING,
    "UNDER_ANALISYS": ChargeStatus.PENDING,  # Hotmart's spelling
    "APPROVED": ChargeStatus.PAID,
    "COMPLETED": ChargeStatus.PAID,
    "COMPLETE": ChargeStatus.PAID,
    "DELAYED": ChargeStatus.OVERDUE,
    "OVERDUE": ChargeStatus.OVERDUE,
    "NO_FUNDS": ChargeStatus.FAILED,
    "BLOCKED": ChargeStatus.FAILED,
    "CANCELED": ChargeStatus.CANCELLED,  # refused or given up: Hotmart does not tell them apart
    "CANCELLED": ChargeStatus.CANCELLED,
    "EXPIRED": ChargeStatus.EXPIRED,
    "DISPUTE": ChargeStatus.DISPUTED,
    "PROTESTED": ChargeStatus.DISPUTED,
    "PARTIALLY_REFUNDED": ChargeStatus.PARTIALLY_REFUNDED,  # how much is not said
    "REFUNDED": ChargeStatus.REFUNDED,
    "CHARGEBACK": ChargeStatus.CHARGED_BACK,
}

#: What the status inside may say, by event. Where the two contradict one another neither is
#: believed: a refund that claims to be approved must not mark anything paid.
EXPECTED = {
    EventType.CHARGE_CREATED: {ChargeStatus.PENDING},
    EventType.CHARGE_PAID: {ChargeStatus.PAID},
    EventType.CHARGE_UPDATED: {ChargeStatus.PAID},
    EventType.CHARGE_OVERDUE: {ChargeStatus.OVERDUE},
    EventType.CHARGE_CANCELLED: {ChargeStatus.CANCELLED, ChargeStatus.FAILED},
    EventType.CHARGE_EXPIRED: {ChargeStatus.EXPIRED},
    EventType.CHARGE_DISPUTED: {ChargeStatus.DISPUTED},
    EventType.CHARGE_REFUNDED: {ChargeStatus.REFUNDED, ChargeStatus.PARTIALLY_REFUNDED},
    EventType.CHARGE_CHARGED_BACK: {ChargeStatus.CHARGED_BACK},
}

#: Statuses of a charge that was paid at some time.
PAID_ONCE = {
    ChargeStatus.PAID,
    ChargeStatus.DISPUTED,
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}

#: Status of a subscription. None: its first payment never came, for which we have no word.
SUBSCRIPTION_STATUSES = {
    "STARTED": None,
    "INACTIVE": None,
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "DELAYED": SubscriptionStatus.PAST_DUE,
    "OVERDUE": SubscriptionStatus.PAST_DUE,
    "CANCELED": SubscriptionStatus.CANCELLED,
    "CANCELLED": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_CUSTOMER": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_SELLER": SubscriptionStatus.CANCELLED,
    "CANCELLED_BY_ADMIN": SubscriptionStatus.CANCELLED,
    "EXPIRED": SubscriptionStatus.EXPIRED,
}

#: ``payment.type``; a word that is not here is OTHER.
PAYMENT_METHODS = {
    "APPLE_PAY": PaymentMethod.WALLET,
    "BALANCE_HOTMART": PaymentMethod.WALLET,
    "BILLET": PaymentMethod.BOLETO,
    "CASHPAYMENT": PaymentMethod.CASH,
    "CASH_PAYMENT": PaymentMethod.CASH,
    "CREDIT_CARD": PaymentMethod.CARD,
    "DIRECT_BANK_TRANSFER": PaymentMethod.BANK_TRANSFER,
    "DIRECT_DEBIT": PaymentMethod.BANK_DEBIT,
    "ECHECK": PaymentMethod.BANK_DEBIT,
    "FINANCED_BILLET": PaymentMethod.FINANCING,
    "FINANCED_INSTALLMENT": PaymentMethod.FINANCING,
    "GOOGLE_PAY": PaymentMethod.WALLET,
    "HOTCARD": PaymentMethod.CARD,
    "HOTMART_BALANCE": PaymentMethod.WALLET,
    "HYBRID": PaymentMethod.MIXED,
    "MANUAL_TRANSFER": PaymentMethod.BANK_TRANSFER,
    "PAYPAL": PaymentMethod.PAYPAL,
    "PAYPAL_INTERNACIONAL": PaymentMethod.PAYPAL,
    "PICPAY": PaymentMethod.WALLET,
    "PIX": PaymentMethod.PIX,
    "SAMSUNG_PAY": PaymentMethod.WALLET,
    "WALLET": PaymentMethod.WALLET,
}

#: What the panel's test button sends. Not all of it has product 0: the cancellation does not.
PANEL_TRANSACTION = "HP16015479281022"
PANEL_EMAILS = {"test@hotmart.com", "teste@hotmart.com.br"}

PERSONAL_FIELDS = frozenset(
    {
        *("email", "name", "first_name", "last_name", "document", "address", "buyer_ip"),
        *("phone", "checkout_phone", "checkout_phone_code", "cell", "dddCell", "dddPhone"),
        *("zipcode", "city", "state", "neighborhood", "number", "complement"),
        *("doc", "phone_local_code", "phone_number", "buyerVO"),  # 1.0.0
        *("phone_checkout_local_code", "phone_checkout_number"),  # 1.0.0
        "hottok",  # not personal but secret, and some bodies hold it
    }
)

LEGACY = (
    "Hotmart's format 1.0.0 is not read: create a configuration of version 2.0.0 in the panel "
    "(Tools > Webhook), for the version of an existing one cannot be changed"
)

#: A flood of forged forms must cost little: a real one has about 50 fields in 2 KiB.
FORM_BYTES = 64 * 1024
FORM_FIELDS = 500

Code = Annotated[str, Meta(max_length=200)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
#: Milliseconds since 1970, in some documented samples seconds; the same as text; or ISO 8601.
Moment = int | str | None
Number = int | Code | None  # an id: a number, in some events text


class HeadlinePurchase(Struct):
    transaction: Code | None = None


class HeadlineData(Struct):
    purchase: HeadlinePurchase | None = None


class Headline(Struct):
    """The little that tells which news this is. The last three fields are of format 1.0.0."""

    id: Code | None = None
    event: Code | None = None
    data: HeadlineData | None = None
    hottok: str | None = None
    transaction: Code | None = None
    status: Code | None = None


class Notice(Struct):
    """The envelope. CLUB_FIRST_ACCESS spells its date differently from all others."""

    event: Code | None = None
    creation_date: Moment = None
    creation_date_of_club: Moment = msgspec.field(default=None, name="creationDate")
    hottok: str | None = None
    data: Raw = Raw(b"{}")

    @property
    def created_at(self) -> datetime:
        """When Hotmart made this notice. Raises PayloadError if it does not say."""
        value = self.creation_date or self.creation_date_of_club
        return moment(value, "creation_date") or missing("creation_date")


class Offer(Struct):
    code: Code | None = None
    key: Code | None = None  # SWITCH_PLAN says key
    coupon_code: str | None = None


class Product(Struct):
    id: int | Code
    name: str | None = None


class Buyer(Struct):
    """Also the ``user`` of the members area and, in part, the ``subscriber``."""

    email: str
    name: str | None = None
    document: str | None = None
    checkout_phone_code: str | None = None
    checkout_phone: str | None = None
    phone: str | None = None  # abandoned carts


class Affiliate(Struct):
    """One with empty strings stands for no affiliate at all."""

    affiliate_code: str | None = None
    name: str | None = None


class Conversion(Struct):
    converted_value: Decimal
    converted_to_currency: str


class Share(Struct):
    """The part of one of those who share a sale, in the currency in which they are paid."""

    value: Decimal
    source: str
    currency_value: Currency
    currency_conversion: Conversion | None = None


class Price(Struct):
    value: Decimal
    currency_value: Currency


class Payment(Struct):
    type: str | None = None
    installments_number: Count | None = None
    refusal_reason: str | None = None
    billet_barcode: str | None = None
    billet_url: str | None = None
    pix_code: str | None = None
    pix_qrcode: str | None = None  # an address, not a picture
    pix_expiration_date: Moment = None


class OrderBump(Struct):
    parent_purchase_transaction: Code | None = None


class Origin(Struct):
    src: str | None = None
    sck: str | None = None
    xcod: str | None = None


class Purchase(Struct):
    transaction: Code
    status: Code
    price: Price
    full_price: Price | None = None  # with instalment interest or tax
    order_date: Moment = None
    approved_date: Moment = None
    date_next_charge: Moment = None
    recurrence_number: Count | None = None
    payment: Payment | None = None
    offer: Offer | None = None
    order_bump: OrderBump | None = None
    origin: Origin | None = None


class Plan(Struct):
    id: Number = None
    name: str | None = None
    offer: Offer | None = None
    current: bool | None = None  # SWITCH_PLAN: the new one

    @property
    def code(self) -> str:
        """The id as text."""
        return "" if self.id is None else str(self.id)


class PurchaseSubscriber(Struct):
    code: Code | None = None


class PurchaseSubscription(Struct):
    """Its status is not read: it describes the past, and is masked in what we have seen."""

    subscriber: PurchaseSubscriber | None = None
    plan: Plan | None = None


class PurchaseData(Struct):
    product: Product
    buyer: Buyer
    purchase: Purchase
    affiliates: list[Affiliate] | None = None
    commissions: list[Share] | None = None
    subscription: PurchaseSubscription | None = None


class Phone(Struct):
    ddd_cell: str | None = msgspec.field(default=None, name="dddCell")
    cell: str | None = None
    ddd_phone: str | None = msgspec.field(default=None, name="dddPhone")
    phone: str | None = None


class Subscriber(Struct):
    code: Code
    email: str
    name: str | None = None
    phone: Phone | None = None


class CancelledSubscription(Struct):
    plan: Plan | None = None


class CancellationData(Struct):
    subscriber: Subscriber
    product: Product
    cancellation_date: Moment = None
    date_next_charge: Moment = None  # the last day that is paid
    subscription: CancelledSubscription | None = None


class SwitchedSubscription(Struct):
    subscriber_code: Code
    status: Code
    product: Product
    user: Buyer
    date_next_charge: Moment = None


class SwitchData(Struct):
    subscription: SwitchedSubscription
    plans: list[Plan]
    switch_plan_date: Moment = None


class RedatedSubscription(Struct):
    product: Product
    date_next_charge: Moment  # ISO 8601 here


class ChargeDateData(Struct):
    subscriber: Subscriber
    subscription: RedatedSubscription
    plan: Plan | None = None


class CartData(Struct):
    product: Product
    buyer: Buyer
    offer: Offer | None = None


class Module(Struct):
    name: str | None = None


class ClubData(Struct):
    product: Product
    user: Buyer
    module: Module | None = None


T = TypeVar("T")

HEADLINE = msgspec.json.Decoder(Headline)
NOTICE = msgspec.json.Decoder(Notice)
PURCHASE = msgspec.json.Decoder(PurchaseData)
CANCELLATION = msgspec.json.Decoder(CancellationData)
SWITCH = msgspec.json.Decoder(SwitchData)
CHARGE_DATE = msgspec.json.Decoder(ChargeDateData)
CART = msgspec.json.Decoder(CartData)
CLUB = msgspec.json.Decoder(ClubData)

NO_PAYMENT, NO_OFFER, NO_PLAN, NO_ORIGIN = Payment(), Offer(), Plan(), Origin()
NO_AFFILIATE = Affiliate()

#: The end of a transaction that is one line of an order with bumps.
LINE = re.compile(r"(?<=\d)C\d+$")

#: Days from a payment to the next charge -> the period whose usual length that is, give or take
#: 15 percent.
PERIODS = {
    days: period
    for period, usual in DAYS.items()
    for days in range(round(usual * 0.85), round(usual * 1.15) + 1)
}

#: An escaped backslash, to be left alone, or an escaped NUL.
ESCAPES = re.compile(rb"(\\\\)|\\u0000")

#: No sale costs as much.
LARGEST_AMOUNT = Decimal(10) ** 10

#: Below it an epoch counts seconds, as in some documented samples (year 5138, or March 1973).
FIRST_MILLISECONDS = 100_000_000_000


def verify(request: RawRequest, secrets: Sequence[bytes]) -> None:
    """Raise SignatureError unless the account's token came along.

    The token itself is the proof: nothing is computed from the body.
    """
    signatures.require_token(token(request), secrets)


def token(request: RawRequest) -> bytes | None:
    """The token in the header or, of a 1.0.0 form without that header, in its field."""
    given = request.headers.get(TOKEN_HEADER)
    if given is None and is_form(request):
        return form(request.body).get("hottok", "").encode()
    return given


def sign(request: RawRequest, secret: bytes) -> RawRequest:
    """The request as a genuine delivery."""
    headers = {**request.headers, TOKEN_HEADER: secret, b"content-type": b"application/json"}
    return replace(request, headers=headers)


def identify(request: RawRequest) -> Identity:
    """Which news this is. Raises PayloadError."""
    headline = headline_of(request)
    if not headline.event:
        return legacy_identity(headline, request.body)
    purchase = headline.data and headline.data.purchase
    return Identity(
        event_id=headline.id or fingerprint(request.body),
        gateway_event=headline.event,
        event_type=EVENTS.get(headline.event, EventType.UNKNOWN),
        charge_id=purchase.transaction or "" if purchase else "",
    )


def headline_of(request: RawRequest) -> Headline:
    """The headline of a JSON body or of a 1.0.0 form. Raises PayloadError."""
    if is_form(request):
        fields = form(request.body)
        return Headline(
            hottok=fields.get("hottok"),
            transaction=fields.get("transaction", "")[:200],
            status=fields.get("status", "")[:200],
        )
    headline = whole(HEADLINE, request.body)
    if not (headline.event or headline.hottok):
        missing("event")
    return headline


def legacy_identity(headline: Headline, body: bytes) -> Identity:
    """Format 1.0.0 numbers nothing: transaction and status are the news."""
    transaction, status = headline.transaction or "", headline.status or "unknown"
    return Identity(
        event_id=f"1.0.0/{transaction}/{status}" if transaction else fingerprint(body),
        gateway_event=f"1.0.0/{status}",
        event_type=EventType.UNKNOWN,
        charge_id=transaction,
    )


def fingerprint(body: bytes) -> str:
    """An id for news that has none: the same bytes are the same news."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def is_form(request: RawRequest) -> bool:
    """Whether this is the form of 1.0.0: JSON under a form's content type is still JSON."""
    content_type = request.headers.get(b"content-type", b"")
    is_urlencoded = b"application/x-www-form-urlencoded" in content_type.lower()
    return is_urlencoded and not request.body.lstrip().startswith(b"{")


def form(body: bytes) -> dict[str, str]:
    """The fields of a form; none if it is larger than any that Hotmart sends."""
    if len(body) > FORM_BYTES or body.count(b"&") > FORM_FIELDS:
        return {}
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return {name: value.replace("\0", "") for name, value in pairs}


def parse(request: RawRequest) -> list[Fact]:
    """The facts. Raises PayloadError, UnknownStatusError or IgnoredError."""
    if is_form(request):
        raise IgnoredError(LEGACY)
    notice = whole(NOTICE, request.body)
    event = event_of(notice)
    if (read := READERS.get(EVENTS.get(event, EventType.UNKNOWN))) is None:
        unknown = f"Hotmart event {event} is not known to this version; it is kept"
        raise IgnoredError(IGNORED.get(event, unknown))
    return read(notice)


def event_of(notice: Notice) -> str:
    """The event's name. Raises IgnoredError for 1.0.0, which has none, else PayloadError."""
    if not notice.event and notice.hottok:
        raise IgnoredError(LEGACY)
    return notice.event or missing("event")


def whole(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a body. Raises PayloadError."""
    # A search for one byte is ten times as fast, and mostly it ends there.
    if b"\\" in body and b"\\u0000" in body:
        body = without_nul(body)
    return decode(decoder, body)


def decode(decoder: msgspec.json.Decoder[T], text: bytes | Raw) -> T:
    """Decode. Raises PayloadError: malformed, too deep, a field missing or of another type."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadError(f"hotmart: {error}") from error


def without_nul(body: bytes) -> bytes:
    """The same JSON without NUL characters, which PostgreSQL stores in no text.

    A buyer's name with a stray NUL is no reason to fail a sale.
    """
    return ESCAPES.sub(lambda found: found[1] or b"", body)


def missing(field: str) -> NoReturn:
    """Raise PayloadError for a field that is required and absent or empty."""
    raise PayloadError(f"hotmart: {field} is missing")


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


def subscription_fact(data: PurchaseData, charge: ChargeFact) -> SubscriptionFact | None:
    """What a purchase says of its subscription: that it runs, or that a renewal is late.

    A refusal, an expiry, a refund or a chargeback does not end it: SUBSCRIPTION_CANCELLATION does.
    """
    if data.subscription is None or not charge.subscription_code:
        return None
    plan = data.subscription.plan or NO_PLAN
    if charge.status is ChargeStatus.OVERDUE:
        return late_subscription(plan, charge)
    if charge.status is ChargeStatus.PAID and data.purchase.approved_date:
        next_billing_at = moment(data.purchase.date_next_charge, "purchase.date_next_charge")
        return running_subscription(plan, charge, next_billing_at)
    return None


def late_subscription(plan: Plan, charge: ChargeFact) -> SubscriptionFact:
    """A renewal that was not paid. Its date of next charge is that of the cycle after it."""
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=charge.occurred_at,
        status=SubscriptionStatus.PAST_DUE,
        customer=charge.customer,
        product=charge.product,
        plan=plan.name or "",
        plan_id=plan.code,
    )


def running_subscription(
    plan: Plan, charge: ChargeFact, next_billing_at: datetime | None
) -> SubscriptionFact:
    """A cycle that is paid, or free because it is the first one.

    Dated at the approval, even by COMPLETE: its notice comes a week later, when the
    subscription may long be cancelled.
    """
    is_first, is_free = charge.cycle == 1, not charge.amount.amount
    is_trial = is_first and is_free
    approved_at = charge.paid_at or charge.occurred_at
    return SubscriptionFact(
        code=charge.subscription_code,
        occurred_at=approved_at,
        status=SubscriptionStatus.TRIAL if is_trial else SubscriptionStatus.ACTIVE,
        customer=charge.customer,
        product=charge.product,
        plan=plan.name or "",
        plan_id=plan.code,
        price=None if is_free else charge.amount,
        period=None if is_trial else period(approved_at, next_billing_at),
        next_billing_at=next_billing_at,
        started_at=approved_at if is_first else None,
    )


def period(paid_at: datetime, next_billing_at: datetime | None) -> Period | None:
    """How often the subscription collects, if the two dates tell.

    They do not when a renewal is paid late or ahead: 20 days to the next due date are no period,
    and None leaves what is known.
    """
    if next_billing_at is None:
        return None
    return PERIODS.get((next_billing_at - paid_at).days)


def cancellation_facts(notice: Notice) -> list[Fact]:
    """No more charges. What is paid lasts until the date of the charge that will not come."""
    data = decode(CANCELLATION, notice.data)
    refuse_panel_test(data.product, data.subscriber.email)
    cancelled_at = moment(data.cancellation_date, "cancellation_date") or notice.created_at
    plan = (data.subscription and data.subscription.plan) or NO_PLAN
    return [
        SubscriptionFact(
            code=data.subscriber.code,
            occurred_at=cancelled_at,
            status=SubscriptionStatus.CANCELLED,
            customer=subscriber_fact(data.subscriber),
            product=product_fact(data.product),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=moment(data.date_next_charge, "date_next_charge"),
            cancelled_at=cancelled_at,
        )
    ]


def switch_facts(notice: Notice) -> list[Fact]:
    """Another plan. Prices are not told; the next purchase does."""
    data = decode(SWITCH, notice.data)
    subscription = data.subscription
    refuse_panel_test(subscription.product, subscription.user.email)
    plan = next((plan for plan in data.plans if plan.current), None) or missing("plans.current")
    return [
        SubscriptionFact(
            code=subscription.subscriber_code,
            occurred_at=moment(data.switch_plan_date, "switch_plan_date") or notice.created_at,
            status=subscription_status(subscription.status),
            customer=customer_fact(subscription.user),
            product=product_fact(subscription.product, (plan.offer or NO_OFFER).key),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=moment(subscription.date_next_charge, "date_next_charge"),
        )
    ]


def subscription_status(word: str) -> SubscriptionStatus | None:
    """Raises UnknownStatusError."""
    if word not in SUBSCRIPTION_STATUSES:
        raise UnknownStatusError("hotmart", word)
    return SUBSCRIPTION_STATUSES[word]


def charge_date_facts(notice: Notice) -> list[Fact]:
    """Another due day. Only the date is news: the status is as it was."""
    data = decode(CHARGE_DATE, notice.data)
    product, plan = data.subscription.product, data.plan or NO_PLAN
    refuse_panel_test(product, data.subscriber.email)
    next_billing_at = moment(data.subscription.date_next_charge, "date_next_charge")
    return [
        SubscriptionFact(
            code=data.subscriber.code,
            occurred_at=notice.created_at,
            customer=subscriber_fact(data.subscriber),
            product=product_fact(product, (plan.offer or NO_OFFER).code),
            plan=plan.name or "",
            plan_id=plan.code,
            next_billing_at=next_billing_at or missing("subscription.date_next_charge"),
        )
    ]


def cart_facts(notice: Notice) -> list[Fact]:
    """Somebody left the checkout. Repeated for the same person within hours."""
    data = decode(CART, notice.data)
    return lead_facts(notice, data.buyer, data.product, offer=(data.offer or NO_OFFER).code)


def club_facts(notice: Notice) -> list[Fact]:
    """Somebody entered the members area for the first time, or finished a module."""
    data = decode(CLUB, notice.data)
    detail = data.module.name if data.module else None
    return lead_facts(notice, data.user, data.product, detail=detail)


def lead_facts(
    notice: Notice,
    buyer: Buyer,
    product: Product,
    *,
    offer: str | None = None,
    detail: str | None = None,
) -> list[Fact]:
    """The one fact of an event without a charge. Raises PayloadError without an e-mail."""
    refuse_panel_test(product, buyer.email)
    return [
        LeadFact(
            occurred_at=notice.created_at,
            customer=customer_fact(buyer) or missing("email"),
            product=product_fact(product, offer),
            detail=detail or "",
        )
    ]


def refuse_panel_test(product: Product, email: str, transaction: str = "") -> None:
    """Raise IgnoredError for what the test button of Hotmart's panel sends."""
    has_no_product = not str(product.id).strip("0")
    if has_no_product or transaction == PANEL_TRANSACTION or normal(email) in PANEL_EMAILS:
        raise IgnoredError("test sent from Hotmart's panel: never a sale")


def customer_fact(buyer: Buyer) -> CustomerFact | None:
    """Who bought; None without an e-mail, by which Hotmart's buyers are known."""
    if not (email := normal(buyer.email)):
        return None
    return CustomerFact(
        email=email,
        name=buyer.name or "",
        phone=buyer.phone or checkout_phone(buyer),
        document=buyer.document or "",
    )


def checkout_phone(buyer: Buyer) -> str:
    """The phone behind its code: an area's or a country's, Hotmart does not say which."""
    code = buyer.checkout_phone_code or ""
    if not buyer.checkout_phone or len(code) > 3:  # the panel sends 999999999
        return buyer.checkout_phone or ""
    return code + buyer.checkout_phone


def subscriber_fact(subscriber: Subscriber) -> CustomerFact | None:
    """Who subscribed; None without an e-mail."""
    if not (email := normal(subscriber.email)):
        return None
    phone = subscriber_phone(subscriber.phone) if subscriber.phone else ""
    return CustomerFact(email=email, name=subscriber.name or "", phone=phone)


def subscriber_phone(phone: Phone) -> str:
    """The mobile phone with its area code, else the other one; often both are empty."""
    if phone.cell:
        return (phone.ddd_cell or "") + phone.cell
    return (phone.ddd_phone or "") + phone.phone if phone.phone else ""


def normal(email: str) -> str:
    """An address as we compare it: Hotmart's events differ in the case of letters."""
    return email.strip().lower()


def product_fact(product: Product, offer: str | None = None) -> ProductFact:
    """What was sold."""
    return ProductFact(id=str(product.id), name=product.name or "", offer=offer or "")


def amount(value: Decimal, field: str) -> Decimal:
    """An amount of money. Raises PayloadError for one that cannot be: negative, endless, absurd."""
    try:
        if 0 <= value < LARGEST_AMOUNT:
            return value
    except InvalidOperation:  # not a number
        pass
    raise PayloadError(f"hotmart: {field} is not an amount of money")


def moment(value: Moment, field: str) -> datetime | None:
    """UTC time from any of the forms that Hotmart writes; None for null, 0 and "".

    Raises PayloadError, naming ``field``.
    """
    if not value:
        return None
    try:
        return from_epoch(value) if isinstance(value, int) else from_text(value.strip())
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError(f"hotmart: {field} is not a time") from error


def from_epoch(value: int) -> datetime:
    """From milliseconds or seconds since 1970."""
    return from_milliseconds(value if value >= FIRST_MILLISECONDS else value * 1000)


def from_text(value: str) -> datetime:
    """From an epoch in digits, or ISO 8601, which is in UTC when it names no zone."""
    if value.isdecimal():
        return from_epoch(int(value))
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


#: What reads the ``data`` of each type of event.
READERS: dict[EventType, Callable[[Notice], list[Fact]]] = {
    **dict.fromkeys(EXPECTED, purchase_facts),
    EventType.SUBSCRIPTION_CANCELLED: cancellation_facts,
    EventType.SUBSCRIPTION_PLAN_CHANGED: switch_facts,
    EventType.SUBSCRIPTION_BILLING_DATE_CHANGED: charge_date_facts,
    EventType.CART_ABANDONED: cart_facts,
    EventType.MEMBER_FIRST_ACCESS: club_facts,
    EventType.MEMBER_MODULE_COMPLETED: club_facts,
}
