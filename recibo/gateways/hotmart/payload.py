"""What Hotmart sends, as typed structs. Unknown fields are left out."""

from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Raw, Struct

from recibo.gateways.hotmart.values import Code, Count, Currency, Moment, Number, missing, moment


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


NOTICE = msgspec.json.Decoder(Notice)
PURCHASE = msgspec.json.Decoder(PurchaseData)
CANCELLATION = msgspec.json.Decoder(CancellationData)
SWITCH = msgspec.json.Decoder(SwitchData)
CHARGE_DATE = msgspec.json.Decoder(ChargeDateData)
CART = msgspec.json.Decoder(CartData)
CLUB = msgspec.json.Decoder(ClubData)

NO_PAYMENT, NO_OFFER, NO_PLAN, NO_ORIGIN = Payment(), Offer(), Plan(), Origin()
NO_AFFILIATE = Affiliate()
