"""What Hotmart's API answers, as typed structs. Unknown fields are left out.

Sources: "Sales history", "Sales participants", "Sales commissions", "Get subscriptions" and
"Subscription transactions", Hotmart developers. Currencies are ``currency_code`` here, in
commissions ``currency_value`` and in the transactions of subscriptions ``currency``.
"""

from decimal import Decimal

import msgspec
from msgspec import Struct

from recibo.gateways.hotmart.payload import Offer, Product
from recibo.gateways.hotmart.values import Code, Count, Currency, Moment, Number


class Value(Struct):
    value: Decimal
    currency_code: Currency


class Fee(Struct):
    """What Hotmart keeps of a sale."""

    total: Decimal | None = None
    currency_code: Currency | None = None


class SalePayment(Struct):
    type: str | None = None
    installments_number: Count | None = None


class Tracking(Struct):
    source: str | None = None
    source_sck: str | None = None
    external_code: str | None = None


class SalePurchase(Struct):
    """Nothing says when its status changed."""

    transaction: Code
    status: Code
    price: Value
    order_date: Moment = None
    approved_date: Moment = None
    warranty_expire_date: Moment = None
    recurrency_number: Count | None = None
    is_subscription: bool | None = None
    commission_as: str | None = None
    payment: SalePayment | None = None
    tracking: Tracking | None = None
    offer: Offer | None = None
    hotmart_fee: Fee | None = None


class SaleBuyer(Struct):
    email: str | None = None
    name: str | None = None


class Sale(Struct):
    """An item of ``sales/history``."""

    product: Product
    purchase: SalePurchase
    buyer: SaleBuyer | None = None


class Document(Struct):
    type: str | None = None
    value: str | None = None


class Person(Struct):
    email: str | None = None
    name: str | None = None
    cellphone: str | None = None
    phone: str | None = None
    documents: list[Document] | None = None


class Participant(Struct):
    role: str | None = None
    user: Person | None = None


class Users(Struct):
    """An item of ``sales/users``."""

    transaction: Code
    users: list[Participant] | None = None


class ShareValue(Struct):
    value: Decimal
    currency_value: Currency


class Receiver(Struct):
    name: str | None = None


class SaleShare(Struct):
    source: str
    commission: ShareValue
    user: Receiver | None = None


class Commissions(Struct):
    """An item of ``sales/commissions``."""

    transaction: Code
    commissions: list[SaleShare] | None = None


class RecurrencePayment(Struct):
    refusal_message: str | None = None
    pix_expiration_date: Moment = None
    refund_chargeback_date: Moment = None


class RecurrencePrice(Struct):
    currency: Currency | None = None
    total_value: Decimal | None = None


class RecurrencePurchase(Struct):
    transaction: Code
    payment: RecurrencePayment | None = None
    price: RecurrencePrice | None = None


class Recurrence(Struct):
    """An item of ``subscriptions/transactions``, which is up to a day old: no status is read."""

    subscriber_code: Code
    purchase: RecurrencePurchase


class SaleAnswer(Struct):
    """A sale and what other lists tell of it."""

    sale: Sale
    users: Users | None = None
    commissions: Commissions | None = None
    recurrence: Recurrence | None = None


class SubscriptionPlan(Struct):
    name: str | None = None
    id: Number = None
    recurrency_period: Count | None = None  # days: 7, 30, 60, 90, 180, 360


class Subscription(Struct):
    """An item of ``subscriptions``."""

    subscriber_code: Code
    status: Code
    product: Product
    accession_date: Moment = None
    end_accession_date: Moment = None  # when the cancellation was asked for
    date_next_charge: Moment = None  # of a cancelled one: the last day that is paid
    trial: bool | None = None
    plan: SubscriptionPlan | None = None
    price: Value | None = None
    subscriber: SaleBuyer | None = None


class Cancelled(Struct):
    """The answer to a cancellation. Its status is INACTIVE, which means another thing elsewhere."""

    subscriber_code: Code
    date_next_charge: Moment = None  # text without a zone; always 12:00


SALE = msgspec.json.Decoder(SaleAnswer)
USERS = msgspec.json.Decoder(Users)
SUBSCRIPTION = msgspec.json.Decoder(Subscription)
CANCELLED = msgspec.json.Decoder(Cancelled)

NO_PAYMENT, NO_TRACKING, NO_FEE, NO_BUYER = SalePayment(), Tracking(), Fee(), SaleBuyer()
NO_PERSON, NO_PLAN = Person(), SubscriptionPlan()
NO_RECURRENCE_PAYMENT, NO_RECURRENCE_PRICE = RecurrencePayment(), RecurrencePrice()
