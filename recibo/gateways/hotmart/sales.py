"""From a sale as the API tells it to facts: the same ones that a webhook gives."""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Commission,
    CustomerFact,
    EventType,
    Fact,
    Money,
    PaymentMethod,
)
from recibo.gateways.hotmart.answers import digest, read_at
from recibo.gateways.hotmart.buyers import buyer_in, completed
from recibo.gateways.hotmart.payload import NO_OFFER
from recibo.gateways.hotmart.purchases import LINE
from recibo.gateways.hotmart.records import (
    NO_BUYER,
    NO_FEE,
    NO_PAYMENT,
    NO_RECURRENCE_PAYMENT,
    NO_RECURRENCE_PRICE,
    NO_TRACKING,
    SALE,
    Recurrence,
    RecurrencePayment,
    RecurrencePrice,
    Sale,
    SaleAnswer,
    SalePurchase,
)
from recibo.gateways.hotmart.subjects import normal, product_fact
from recibo.gateways.hotmart.values import amount, missing, moment, whole
from recibo.gateways.hotmart.words import PAID_ONCE, PAYMENT_METHODS, STATUSES

RESOURCE = "sale"

EVENT_TYPES = {
    ChargeStatus.PENDING: EventType.CHARGE_CREATED,
    ChargeStatus.PAID: EventType.CHARGE_PAID,
    ChargeStatus.OVERDUE: EventType.CHARGE_OVERDUE,
    ChargeStatus.FAILED: EventType.CHARGE_FAILED,
    ChargeStatus.CANCELLED: EventType.CHARGE_CANCELLED,
    ChargeStatus.EXPIRED: EventType.CHARGE_EXPIRED,
    ChargeStatus.DISPUTED: EventType.CHARGE_DISPUTED,
    ChargeStatus.PARTIALLY_REFUNDED: EventType.CHARGE_PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED: EventType.CHARGE_REFUNDED,
    ChargeStatus.CHARGED_BACK: EventType.CHARGE_CHARGED_BACK,
}

#: How long after the order, if it was never paid, a status comes at the latest.
UNPAID_WITHIN = timedelta(days=7)
#: How long after the warranty's end a status of a paid sale comes at the latest. A request made
#: on the last day takes up to five days; a card's bank may take months. COMPLETE stands after
#: PROTESTED, for it is how a request that came to nothing ends.
PAID_WITHIN = {
    ChargeStatus.DISPUTED: timedelta(days=7),
    ChargeStatus.PARTIALLY_REFUNDED: timedelta(days=7),
    ChargeStatus.REFUNDED: timedelta(days=7),
    ChargeStatus.PAID: timedelta(days=8),
    ChargeStatus.CHARGED_BACK: timedelta(days=90),
}
MONEY_BACK = {
    ChargeStatus.PARTIALLY_REFUNDED,
    ChargeStatus.REFUNDED,
    ChargeStatus.CHARGED_BACK,
}
#: The seller's own part in a sale -> the source of his share; at first sight a producer's.
OWN_SHARES = ("PRODUCER", "COPRODUCER")
FEE_SOURCE = "MARKETPLACE"


def sale_identity(answer: RawRequest) -> Identity:
    """The sale in the state that was read. Raises PayloadError."""
    told = whole(SALE, answer.body)
    purchase = told.sale.purchase
    status = STATUSES.get(purchase.status)
    return Identity(
        event_id=f"sale/{purchase.transaction}/{purchase.status}/{digest(state_of(told, status))}",
        gateway_event=f"sale/{purchase.status}",
        event_type=EVENT_TYPES[status] if status else EventType.UNKNOWN,
        charge_id=purchase.transaction,
    )


class State(Struct, frozen=True):
    """What an identity hangs on.

    Who takes part and what they get is told beside the sale, by lists that may lag behind it:
    that there are shares at all is news once, and nothing else of them is.
    """

    sale: Sale
    recurrence: Recurrence | None
    has_shares: bool


def state_of(told: SaleAnswer, status: ChargeStatus | None) -> State:
    """What tells this state of a sale from others."""
    has_shares = status in PAID_ONCE and told.commissions is not None
    return State(told.sale, told.recurrence, has_shares)


def sale_facts(answer: RawRequest) -> list[Fact]:
    """The charge. Raises PayloadError, UnknownStatusError."""
    told = whole(SALE, answer.body)
    purchase = told.sale.purchase
    status = sale_status(purchase.status)
    price = Money(amount(purchase.price.value, "price"), purchase.price.currency_code)
    approved_at = moment(purchase.approved_date, "approved_date")
    details, total = recurrence_payment(told), recurrence_price(told)
    noted_at = told_date(told, status)
    occurred_at = noted_at or guessed_date(told, status, read_at(answer))
    return [
        ChargeFact(
            charge_id=purchase.transaction,
            status=status,
            occurred_at=occurred_at,
            amount=price,
            order_reference=LINE.sub("", purchase.transaction),
            customer=customer(told),
            product=product_fact(told.sale.product, (purchase.offer or NO_OFFER).code),
            total=total_in(total, price.currency),
            fee=fee(purchase, price.currency),
            net=net(told, price.currency),
            commissions=commissions(told),
            payment_method=payment_method(purchase),
            installments=(purchase.payment or NO_PAYMENT).installments_number,
            created_at=moment(purchase.order_date, "order_date"),
            paid_at=(approved_at or occurred_at) if status in PAID_ONCE else None,
            expires_at=moment(details.pix_expiration_date, "pix_expiration_date"),
            refusal_reason=details.refusal_message or "",
            refunded_amount=price.amount if status is ChargeStatus.REFUNDED else None,
            subscription_code=told.recurrence.subscriber_code if told.recurrence else "",
            cycle=purchase.recurrency_number if purchase.is_subscription else None,
            metadata=metadata(purchase),
            is_dated_by_us=noted_at is None,
        )
    ]


def sale_status(word: str) -> ChargeStatus:
    """Raises UnknownStatusError."""
    if (status := STATUSES.get(word)) is None:
        raise UnknownStatusError("hotmart", word)
    return status


def told_date(told: SaleAnswer, status: ChargeStatus) -> datetime | None:
    """When the sale came into this status, if Hotmart says so.

    An order and an approval have their dates, some refunds too. Raises PayloadError.
    """
    purchase = told.sale.purchase
    ordered_at, paid_at = bought_at(purchase)
    if status is ChargeStatus.PENDING:
        return ordered_at
    if purchase.status == "APPROVED":
        return paid_at
    if status in MONEY_BACK:
        returned_at = recurrence_payment(told).refund_chargeback_date
        return moment(returned_at, "refund_chargeback_date")
    return None


def bought_at(purchase: SalePurchase) -> tuple[datetime, datetime]:
    """When it was ordered, and when it was paid if it was. Raises PayloadError without any date."""
    approved_at = moment(purchase.approved_date, "approved_date")
    ordered_at = moment(purchase.order_date, "order_date") or approved_at or missing("order_date")
    return ordered_at, approved_at or ordered_at


def guessed_date(told: SaleAnswer, status: ChargeStatus, at: datetime | None) -> datetime:
    """The same as nearly as can be known: it was so when it was read, ``at``.

    But a sale that was read years later did not change then, so the latest time at which it can
    have changed goes before. Raises PayloadError without any date.
    """
    purchase = told.sale.purchase
    ordered_at, paid_at = bought_at(purchase)
    if status not in PAID_ONCE:
        return not_after(ordered_at + UNPAID_WITHIN, at, ordered_at)
    warranty_ends_at = moment(purchase.warranty_expire_date, "warranty_expire_date") or paid_at
    return not_after(max(warranty_ends_at, paid_at) + PAID_WITHIN[status], at, paid_at)


def not_after(latest: datetime, at: datetime | None, earliest: datetime) -> datetime:
    """``at`` between two limits; the later one where it is not known."""
    return max(min(at or latest, latest), earliest)


def recurrence_payment(told: SaleAnswer) -> RecurrencePayment:
    """How a charge of a subscription was paid; empty for any other."""
    return (told.recurrence and told.recurrence.purchase.payment) or NO_RECURRENCE_PAYMENT


def recurrence_price(told: SaleAnswer) -> RecurrencePrice:
    """What the buyer pays for a charge of a subscription; empty for any other."""
    return (told.recurrence and told.recurrence.purchase.price) or NO_RECURRENCE_PRICE


def customer(told: SaleAnswer) -> CustomerFact | None:
    """Who bought; None without an e-mail."""
    buyer = told.sale.buyer or NO_BUYER
    found = buyer_in((told.users and told.users.users) or ())
    email = normal(buyer.email or (found and found.email) or "")
    return completed(email, buyer.name or "", found) if email else None


def total_in(price: RecurrencePrice, currency: str) -> Decimal | None:
    """What the buyer pays in all, if it is told in the currency of the price."""
    if price.total_value is None or price.currency != currency:
        return None
    return amount(price.total_value, "total_value")


def fee(purchase: SalePurchase, currency: str) -> Decimal | None:
    """Hotmart's share, if it is told in the currency of the price."""
    told = purchase.hotmart_fee or NO_FEE
    if told.total is None or told.currency_code != currency:
        return None
    return amount(told.total, "hotmart_fee")


def net(told: SaleAnswer, currency: str) -> Decimal | None:
    """The seller's share, if it is told in the currency of the price."""
    listed = (told.commissions and told.commissions.commissions) or []
    shares = {share.source: share.commission for share in listed}
    own = told.sale.purchase.commission_as or ""
    for source in (own, *OWN_SHARES):
        if (share := shares.get(source)) and share.currency_value == currency:
            return amount(share.value, "commissions")
    return None


def commissions(told: SaleAnswer) -> tuple[Commission, ...]:
    """All shares, each in its own currency, Hotmart's among them; none where they are not told."""
    if told.commissions is None:
        return ()
    shares = [
        Commission(
            source=share.source,
            amount=amount(share.commission.value, "commissions"),
            currency=share.commission.currency_value,
            name=(share.user and share.user.name) or "" if share.source == "AFFILIATE" else "",
        )
        for share in told.commissions.commissions or ()
    ]
    kept = told.sale.purchase.hotmart_fee or NO_FEE
    if FEE_SOURCE not in {one.source for one in shares} and kept.total and kept.currency_code:
        total = amount(kept.total, "hotmart_fee")
        shares.insert(0, Commission(FEE_SOURCE, total, kept.currency_code))
    return tuple(shares)


def payment_method(purchase: SalePurchase) -> PaymentMethod | None:
    """How it was paid; OTHER for a method newer than this table."""
    word = (purchase.payment or NO_PAYMENT).type
    return PAYMENT_METHODS.get(word, PaymentMethod.OTHER) if word else None


def metadata(purchase: SalePurchase) -> dict[str, str]:
    """Where the sale came from, named as in webhooks."""
    tracking = purchase.tracking or NO_TRACKING
    found = {
        "src": tracking.source,
        "sck": tracking.source_sck,
        "xcod": tracking.external_code,
    }
    return {name: value for name, value in found.items() if value}
