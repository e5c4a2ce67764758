"""PagSeguro before v4: the transactions and subscriptions that its XML tells of.

Source: "API de Notificação" and "Consultas", PagSeguro developers v1; the numbers of types and
statuses also from PagSeguro's own SDKs for Java, PHP and Ruby.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from recibo.gateways.contract import Identity
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
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
from recibo.gateways.pagseguro.documents import (
    COUNT,
    document,
    last_event_at,
    money,
    required,
    text,
)
from recibo.gateways.pagseguro.reading import charge_id, missing, moment, normal

#: A transaction's status -> what the news is, and what the charge becomes.
#: 7/EXTERNAL is status 7 where the bank or the card's issuer was the one to cancel.
STATUSES: Mapping[str, tuple[EventType, ChargeStatus | None]] = {
    "0": (EventType.CHARGE_CREATED, ChargeStatus.PENDING),  # initiated
    "1": (EventType.CHARGE_CREATED, ChargeStatus.PENDING),  # waiting for payment
    "2": (EventType.CHARGE_UPDATED, ChargeStatus.PENDING),  # a card in analysis
    "3": (EventType.CHARGE_PAID, ChargeStatus.PAID),
    "4": (EventType.CHARGE_PAID, ChargeStatus.PAID),  # the money is released: paid once, not twice
    "5": (EventType.CHARGE_DISPUTED, ChargeStatus.DISPUTED),  # the buyer complained
    "6": (EventType.CHARGE_REFUNDED, ChargeStatus.REFUNDED),
    "7": (EventType.CHARGE_CANCELLED, ChargeStatus.CANCELLED),  # never completed
    "7/EXTERNAL": (EventType.CHARGE_FAILED, ChargeStatus.FAILED),
    "8": (EventType.CHARGE_CHARGED_BACK, ChargeStatus.CHARGED_BACK),  # chargeback lost
    "9": (EventType.CHARGE_DISPUTED, ChargeStatus.DISPUTED),  # chargeback opened, money held
    "11": (EventType.CHARGE_UPDATED, None),  # a refund is under way: 6 will tell
}

PAYMENT = "1"
#: A transaction's type: what is sold, a cycle of a subscription, a charging, a donation.
SALES = frozenset({PAYMENT, "5", "6", "11"})
#: All the others: money that moves, and nothing is sold.
NO_SALES = {
    "2": "a transfer",
    "3": "funds added",
    "4": "a withdrawal",
    "7": "a bonus",
    "8": "a transfer of a bonus",
    "9": "operational",
    "10": "a political donation",
    "12": "a bonus campaign",
    "13": "secondary",
    "14": "the check of a card",
}

#: ``paymentMethod/type``; a number that is not here is OTHER.
PAYMENT_METHODS = {
    "1": PaymentMethod.CARD,
    "2": PaymentMethod.BOLETO,
    "3": PaymentMethod.BANK_DEBIT,
    "4": PaymentMethod.WALLET,  # balance at PagSeguro
    "5": PaymentMethod.WALLET,  # Oi Paggo: a phone's
    "7": PaymentMethod.BANK_TRANSFER,
    "8": PaymentMethod.BANK_DEBIT,  # Caixa's emergency aid
    "11": PaymentMethod.PIX,
}

#: A subscription's status -> what the news is, and what it becomes. None: nobody subscribed yet.
PRE_APPROVALS: Mapping[str, tuple[EventType, SubscriptionStatus | None]] = {
    "INITIATED": (EventType.SUBSCRIPTION_CREATED, None),
    "PENDING": (EventType.SUBSCRIPTION_CREATED, None),
    "ACTIVE": (EventType.SUBSCRIPTION_ACTIVATED, SubscriptionStatus.ACTIVE),
    "PAYMENT_METHOD_CHANGE": (EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAST_DUE),
    "SUSPENDED": (EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAUSED),
    "CANCELLED": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
    "CANCELLED_BY_RECEIVER": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
    "CANCELLED_BY_SENDER": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
    "EXPIRED": (EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.EXPIRED),
}

EVENTS = {
    **{f"transaction/{word}": event_type for word, (event_type, _) in STATUSES.items()},
    **{f"preApproval/{word}": event_type for word, (event_type, _) in PRE_APPROVALS.items()},
}

#: Fees of v3. v2 has one, feeAmount.
FEES = (
    "installmentFeeAmount",
    "intermediationRateAmount",
    "intermediationFeeAmount",
    "operationalFeeAmount",
    "commissionFeeAmount",
    "efrete",
)

ZERO = Decimal(0)


def transaction_identity(body: bytes) -> Identity:
    """Known by its state, so that notice, poll and sync of one piece of news are one."""
    transaction = document(body, "transaction")
    code, status = charge_id(required(transaction, "code")), required(transaction, "status")
    word = transaction_word(transaction)
    return Identity(
        event_id=f"tx:{code}:{status}:{last_event_at(transaction).isoformat()}",
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
        charge_id=code,
    )


def transaction_word(transaction: Element) -> str:
    """``transaction/3``; ``transaction/type 2`` for what is no sale. A row can lack the type."""
    kind, status = text(transaction, "type") or PAYMENT, status_word(transaction)
    return f"transaction/{status}" if kind in SALES else f"transaction/type {kind}"


def status_word(transaction: Element) -> str:
    """The status, and who cancelled if it was the bank. Other statuses can have a source too."""
    status = required(transaction, "status")
    is_external = status == "7" and text(transaction, "cancellationSource").upper() == "EXTERNAL"
    return "7/EXTERNAL" if is_external else status


def transaction_facts(body: bytes) -> list[Fact]:
    """The one charge. Raises PayloadError, UnknownStatusError or IgnoredError."""
    transaction = document(body, "transaction")
    require_sale(required(transaction, "type"))
    status = charge_status(status_word(transaction))
    code, at = charge_id(required(transaction, "code")), last_event_at(transaction)
    price = price_of(transaction)
    return [
        ChargeFact(
            charge_id=code,
            status=status,
            occurred_at=at,
            amount=Money(price, "BRL"),
            order_reference=text(transaction, "reference") or code,
            customer=customer(transaction.find("sender")),
            product=product(transaction),
            total=price,
            fee=fee(transaction, price),
            net=money(transaction, "netAmount"),
            payment_method=payment_method(transaction),
            installments=installments(transaction),
            created_at=created_at(transaction),
            paid_at=at if status is ChargeStatus.PAID else None,
            payment_url=text(transaction, "paymentLink"),
            refunded_amount=price if status is ChargeStatus.REFUNDED else None,
            metadata=metadata(transaction),
        )
    ]


def require_sale(kind: str) -> None:
    """Raise IgnoredError for what is no sale, PayloadError for a type that we do not know."""
    if kind in NO_SALES:
        raise IgnoredError(f"PagSeguro transaction of type {kind}, {NO_SALES[kind]}: no sale")
    if kind not in SALES:
        raise PayloadError(f"pagseguro: unknown type of transaction {kind!r}")


def charge_status(word: str) -> ChargeStatus:
    """Raises UnknownStatusError, or IgnoredError for the one that changes nothing."""
    if word not in STATUSES:
        raise UnknownStatusError("pagseguro", word)
    _, status = STATUSES[word]
    if status is None:
        raise IgnoredError("PagSeguro is refunding: the status stays until it says so (6)")
    return status


def price_of(transaction: Element) -> Decimal:
    """What the buyer paid, but for instalment interest, which PagSeguro does not tell.

    The items' sum, plus what was put on top or taken off (signed), minus a discount.
    """
    gross = money(transaction, "grossAmount")
    gross = missing("grossAmount") if gross is None else gross
    price = gross + (money(transaction, "extraAmount") or ZERO)
    price -= money(transaction, "discountAmount") or ZERO
    if price < 0 or gross < 0:
        raise PayloadError("pagseguro: the amounts come to less than nothing")
    return price


def fee(transaction: Element, price: Decimal) -> Decimal | None:
    """PagSeguro's share: what it says, unless that contradicts the net amount, which is right."""
    told, net = told_fee(transaction), money(transaction, "netAmount")
    if net is None:
        return told
    discount = money(transaction, "discountAmount") or ZERO
    if told is not None and net in {price - told, price + discount - told}:
        return told
    return price - net


def told_fee(transaction: Element) -> Decimal | None:
    """feeAmount of v2, or the sum of v3's creditorFees; None where there is neither."""
    fees = [money(transaction, f"creditorFees/{name}") for name in FEES]
    fees.append(money(transaction, "feeAmount"))
    told = [fee for fee in fees if fee is not None]
    return sum(told, start=ZERO) if told else None


def payment_method(transaction: Element) -> PaymentMethod | None:
    """How it was paid, by type: the codes of brands and banks grow without notice."""
    kind = text(transaction, "paymentMethod/type")
    return PAYMENT_METHODS.get(kind, PaymentMethod.OTHER) if kind else None


def installments(transaction: Element) -> int | None:
    """In how many parts the buyer pays, if it is told."""
    found = text(transaction, "installmentCount")
    return int(found) if COUNT.fullmatch(found) else None


def created_at(element: Element) -> datetime | None:
    """When it was made, if it is told."""
    found = text(element, "date")
    return moment(found, "date") if found else None


def product(transaction: Element) -> ProductFact:
    """The first item: a charge pays for all of them together."""
    return ProductFact(
        id=text(transaction, "items/item/id"),
        name=text(transaction, "items/item/description"),
    )


def customer(sender: Element | None) -> CustomerFact | None:
    """Who paid; None without an e-mail."""
    if sender is None or not (email := normal(text(sender, "email"))):
        return None
    return CustomerFact(
        email=email,
        name=text(sender, "name"),
        phone=text(sender, "phone/areaCode") + text(sender, "phone/number"),
        document=text(sender, "documents/document/value"),
    )


def metadata(transaction: Element) -> dict[str, str]:
    """The amounts that the price is made of, where it is not simply the items' sum."""
    names = {"extra_amount": "extraAmount", "discount_amount": "discountAmount"}
    told = {name: money(transaction, path) for name, path in names.items()}
    found = {name: str(amount) for name, amount in told.items() if amount}
    return {"gross_amount": text(transaction, "grossAmount"), **found} if found else {}


# Subscriptions


def pre_approval_identity(body: bytes) -> Identity:
    """Known by its state."""
    subscription = document(body, "preApproval")
    code, status = required(subscription, "code"), required(subscription, "status").upper()
    word = f"preApproval/{status}"
    return Identity(
        event_id=f"pre-approval:{code}:{status}:{last_event_at(subscription).isoformat()}",
        gateway_event=word,
        event_type=EVENTS.get(word, EventType.UNKNOWN),
    )


def pre_approval_facts(body: bytes) -> list[Fact]:
    """The one subscription. It names no price and no next charge: its cycles are transactions.

    Raises PayloadError, UnknownStatusError or IgnoredError.
    """
    subscription = document(body, "preApproval")
    status = subscription_status(required(subscription, "status").upper())
    at, name = last_event_at(subscription), text(subscription, "name")
    return [
        SubscriptionFact(
            code=required(subscription, "code"),
            occurred_at=at,
            status=status,
            customer=customer(subscription.find("sender")),
            product=ProductFact(name=name),
            plan=name,
            started_at=created_at(subscription),
            cancelled_at=at if status is SubscriptionStatus.CANCELLED else None,
        )
    ]


def subscription_status(word: str) -> SubscriptionStatus:
    """Raises UnknownStatusError, or IgnoredError while nobody has subscribed."""
    if word not in PRE_APPROVALS:
        raise UnknownStatusError("pagseguro", word)
    _, status = PRE_APPROVALS[word]
    if status is None:
        raise IgnoredError(f"PagSeguro subscription {word}: not begun, ACTIVE will tell")
    return status
