"""From a message's row to what is sent: read when it is sent, so that it tells what is so then."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from msgspec import Struct, structs

from recibo.accounts.encryption import SealedError, opened
from recibo.billing.models import Charge, Customer, Order, OrderStatus
from recibo.billing.strength import COLLECTED, RETURNED
from recibo.gateways.facts import ChargeStatus
from recibo.messaging import links, wording
from recibo.messaging.errors import NotYetError, RejectedError
from recibo.messaging.kinds import RULES, Kind
from recibo.messaging.models import Channel, Message
from recibo.messaging.phones import mobile
from recibo.messaging.rendering import Content, render
from recibo.messaging.senders.contract import Outgoing

PAID = (OrderStatus.PAID, OrderStatus.ACTIVE)
#: A charge that somebody may still pay.
PAYABLE = (ChargeStatus.PENDING, ChargeStatus.AUTHORIZED)
LATE = (ChargeStatus.OVERDUE, ChargeStatus.FAILED, *PAYABLE)
#: For so long the gateway may take to tell how a charge can be paid, and who the buyer is.
PATIENCE = timedelta(minutes=10)
LONGEST_NAMELESS = timedelta(days=2)


class SkippedError(Exception):
    """The message is no longer to be sent. The text says why."""


class Hidden(Struct, frozen=True):
    """What only the buyer may read, until it is sent."""

    password: str = ""
    password_url: str = ""

    def __repr__(self) -> str:
        return "Hidden()"


def outgoing(message: Message, message_id: str) -> Outgoing:
    """The message as it goes out. Raises SkippedError, DelayedError, RejectedError."""
    kind, channel = Kind(message.kind), Channel(message.channel)
    customer = customer_of(message)
    address = address_of(message, customer)
    is_optional = RULES[kind].is_optional
    unsubscribe_url = links.unsubscribe_url(address, channel) if is_optional else ""
    content = structs.replace(
        CONTENTS[kind](message), unsubscribe_url=unsubscribe_url, name=name_of(customer)
    )
    language = settings.LANGUAGE_CODE
    told = render(kind, language, content, settings.RECIBO_SELLER)
    return Outgoing(
        key=message.key,
        kind=kind,
        language=language,
        to=address,
        # Whoever types another's address could send him words in place of a name.
        name=wording.first_name(name_of(customer)),
        subject=told.subject,
        text=told.text if channel == Channel.EMAIL else told.whatsapp,
        html=told.html,
        message_id=message_id,
        unsubscribe_url=unsubscribe_url,
        parameters=told.parameters,
    )


def customer_of(message: Message) -> Customer | None:
    """Whom it is for."""
    return message.customer or (message.order.customer if message.order else None)


def name_of(customer: Customer | None) -> str:
    """How he is called; "" if nobody said."""
    return customer.person.name if customer else ""


def address_of(message: Message, customer: Customer | None) -> str:
    """Where it goes. Raises DelayedError while the buyer is not known, SkippedError."""
    if customer is None and message.order is None:
        return message.to  # whoever asked for it said where
    if customer is None:
        require_patience(message, LONGEST_NAMELESS, "The gateway never told who the buyer is.")
        raise NotYetError("The gateway has not told yet who the buyer is.")
    if message.channel == Channel.EMAIL:
        return customer.person.email
    if not (phone := mobile(customer.person.phone)):
        raise SkippedError("There is no mobile number.")
    return phone


def require_patience(message: Message, longest: timedelta, reason: str) -> None:
    """Raise SkippedError where something is waited for longer than that."""
    if timezone.now() - message.created_at > longest:
        raise SkippedError(reason)


def confirmation(message: Message) -> Content:
    """We received your order."""
    order = order_of(message)
    if order.status not in PAID:
        raise SkippedError(f"The order is {order.status} by now.")
    charge = newest_charge(order)
    return structs.replace(
        of_order(order, charge),
        is_renewal=bool(charge and is_renewal(charge)),
        gives_access=bool(message.details.get("gives_access")),
        has_account=bool(message.details.get("has_account")),
    )


def is_renewal(charge: Charge) -> bool:
    """Whether the subscription was paid before."""
    if not charge.subscription_code:
        return False
    if charge.cycle is not None:
        return charge.cycle > 1
    earlier = Charge.objects.filter(
        account=charge.account_id,
        subscription_code=charge.subscription_code,
        status__in=COLLECTED | RETURNED,
        created_at__lt=charge.created_at,
    )
    return earlier.exists()


def instructions(message: Message) -> Content:
    """How to pay."""
    charge = charge_of(message)
    if charge.status not in PAYABLE:
        raise SkippedError(f"The charge is {charge.status} by now.")
    if charge.expires_at and charge.expires_at < timezone.now():
        raise SkippedError("It can no longer be paid.")
    if not charge.payment_code and not charge.payment_url:
        require_patience(message, PATIENCE, "The gateway never told how it can be paid.")
        raise NotYetError("The gateway has not told yet how it can be paid.")
    return payable(charge)


def reminder(message: Message) -> Content:
    """A payment is late."""
    charge = charge_of(message)
    if charge.status not in LATE:
        raise SkippedError(f"The charge is {charge.status} by now.")
    due_at = charge.expires_at or charge.status_at
    late = max((timezone.now() - due_at) // timedelta(days=1), 0)
    return structs.replace(payable(charge), days_late=late or None)


def payable(charge: Charge) -> Content:
    """A charge with how it can be paid."""
    expires = charge.expires_at
    return structs.replace(
        of_order(charge.order, charge),
        amount=money(charge.total or charge.amount, charge.currency),
        product=charge.product or charge.order.product,
        payment_code=charge.payment_code,
        payment_url=charge.payment_url,
        expires_at=wording.moment(expires, *place()) if expires else "",
    )


def credentials(message: Message) -> Content:
    """How to get in. Raises RejectedError where what is sealed cannot be opened."""
    is_email = message.channel == Channel.EMAIL
    if is_email and not message.sealed:
        raise RejectedError("What it told is forgotten: have new credentials made.")
    try:
        hidden = opened(bytes(message.sealed), Hidden) if is_email else Hidden()
    except SealedError as error:
        raise RejectedError(f"What it tells cannot be opened: {error}") from error
    customer = customer_of(message)
    return structs.replace(
        of_access(message),
        email=customer.person.email if customer else "",
        password=hidden.password,
        password_url=hidden.password_url,
        has_account=bool(message.details.get("has_account")),
    )


def of_access(message: Message) -> Content:
    """An access: what it is for, where one logs in."""
    details: Mapping[str, Any] = message.details
    return Content(
        product=details.get("product", ""),
        login_url=details.get("login_url", ""),
        order=message.order.reference if message.order else "",
        order_url=links.order_url(message.order_id) if message.order_id else "",
    )


def blocked(message: Message) -> Content:
    """The access was taken, and why."""
    reason = wording.reason(message.details.get("reason", ""), settings.LANGUAGE_CODE)
    return structs.replace(of_access(message), reason=reason)


def cart(message: Message) -> Content:
    """You left something at the checkout."""
    product, bought = message.details.get("product", ""), Order.objects.none()
    if message.customer_id:
        bought = Order.objects.filter(customer=message.customer_id, status__in=PAID)
    if bought.filter(charges__product_id=message.details.get("product_id", "")).exists():
        raise SkippedError("It was bought meanwhile.")
    return Content(product=product, cart_url=message.details.get("url", ""))


def refund(message: Message) -> Content:
    """Money goes back."""
    charge = charge_of(message)
    if not charge.refunded_amount:
        raise SkippedError("The gateway does not say how much went back.")
    return structs.replace(
        of_order(charge.order, charge),
        refund_amount=money(charge.refunded_amount, charge.currency),
        is_partial_refund=charge.refunded_amount < charge.amount,
    )


def note(message: Message) -> Content:
    """A report or an alert, to whoever runs the shop."""
    details: Mapping[str, Any] = message.details
    return Content(title=details.get("title", ""), lines=details.get("lines", ()))


#: What each kind tells.
CONTENTS: Mapping[Kind, Callable[[Message], Content]] = {
    Kind.PURCHASE_CONFIRMATION: confirmation,
    Kind.PAYMENT_INSTRUCTIONS: instructions,
    Kind.WELCOME_CREDENTIALS: credentials,
    Kind.ACCESS_BLOCKED: blocked,
    Kind.ACCESS_RESTORED: of_access,
    Kind.PAYMENT_REMINDER: reminder,
    Kind.CART_RECOVERY: cart,
    Kind.REFUND_NOTICE: refund,
    Kind.REPORT: note,
    Kind.ALERT: note,
}


def of_order(order: Order, charge: Charge | None) -> Content:
    """An order as far as every message tells of it."""
    language = settings.LANGUAGE_CODE
    return Content(
        order=order.reference,
        product=order.product,
        amount=money(order.amount, order.currency),
        payment_method=wording.payment_method(charge.payment_method, language, charge.installments)
        if charge
        else "",
        order_url=links.order_url(order.pk),
        email=order.customer.person.email if order.customer else "",
    )


def order_of(message: Message) -> Order:
    """The order it speaks of. Raises SkippedError where it is gone."""
    if message.order is None:
        raise SkippedError("The order is gone.")
    return message.order


def charge_of(message: Message) -> Charge:
    """The charge it speaks of. Raises SkippedError where it is gone."""
    found = Charge.objects.select_related("order__customer")
    charge = found.filter(pk=message.details.get("charge")).first()
    if charge is None:
        raise SkippedError("The charge is gone.")
    return charge


def newest_charge(order: Order) -> Charge | None:
    """The charge that pays for an order."""
    return order.charges.filter(status__in=COLLECTED).order_by("-paid_at", "-pk").first()


def money(amount: Any, currency: str) -> str:
    """An amount in the installation's language."""
    return wording.money(amount, currency, settings.LANGUAGE_CODE)


def place() -> tuple[str, ZoneInfo]:
    """The language and the zone that times are told in."""
    return settings.LANGUAGE_CODE, ZoneInfo(settings.TIME_ZONE)
