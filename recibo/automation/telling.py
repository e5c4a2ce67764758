"""Which messages changes ask for: from changes of one kind to wishes, in few queries."""

from collections.abc import Sequence

from django.conf import settings

from recibo.access.models import Access
from recibo.access.rules import Rules
from recibo.billing.changes import Change
from recibo.billing.models import Charge, Order
from recibo.gateways.facts import PaymentMethod
from recibo.messaging.actions import Wish, queue
from recibo.messaging.kinds import Kind

#: Ways to pay that the buyer has to do something for.
BY_HAND = (
    PaymentMethod.PIX,
    PaymentMethod.BOLETO,
    PaymentMethod.CASH,
    PaymentMethod.BANK_TRANSFER,
)


def confirm(changes: Sequence[Change]) -> None:
    """We received your order; your access comes in a few minutes."""
    orders = Order.objects.filter(pk__in=[change.id for change in changes])
    with_user = orders.filter(customer__user_accounts__user_id__gt="")
    known = set(with_user.values_list("pk", flat=True))
    rules = Rules()
    queue(
        Wish(
            kind=Kind.PURCHASE_CONFIRMATION,
            subject=f"order:{order.pk}",
            order_id=order.pk,
            details={
                "gives_access": gives_access(order, rules),
                "has_account": order.pk in known,
            },
        )
        for order in orders.select_related("account")
    )


def gives_access(order: Order, rules: Rules) -> bool:
    """Whether access follows from an order, as far as its own product tells."""
    product = (order.product_id, "", order.product)
    return rules.given_by(order.account.gateway, *product) is not None


def instruct(changes: Sequence[Change]) -> None:
    """How to pay the Pix or the boleto that was issued."""
    ids = [change.id for change in changes]
    by_hand = Charge.objects.filter(pk__in=ids, payment_method__in=BY_HAND)
    queue(of_charge(Kind.PAYMENT_INSTRUCTIONS, pk) for pk in by_hand.values_list("pk", flat=True))


def remind(changes: Sequence[Change]) -> None:
    """A payment is late."""
    queue(of_charge(Kind.PAYMENT_REMINDER, change.id) for change in changes)


def tell_refund(changes: Sequence[Change]) -> None:
    """Money goes back. A part, and then the rest, are two messages."""
    queue(of_charge(Kind.REFUND_NOTICE, change.id, f":{change.after}") for change in changes)


def of_charge(kind: Kind, charge_id: int, turn: str = "") -> Wish:
    """A message about a charge."""
    return Wish(
        kind=kind,
        subject=f"charge:{charge_id}{turn}",
        charge_id=charge_id,
        details={"charge": charge_id},
    )


def recover(changes: Sequence[Change]) -> None:
    """You left something at the checkout: one message for a product, after a while."""
    queue(
        Wish(
            kind=Kind.CART_RECOVERY,
            subject=f"cart:{change.id}:{change.details.get('product_id', '')}",
            customer_id=change.id,
            details=change.details,
            wait=settings.RECIBO_CART_DELAY.total_seconds(),
        )
        for change in changes
    )


def tell_blocked(changes: Sequence[Change]) -> None:
    """The access was taken."""
    tell_of_access(Kind.ACCESS_BLOCKED, changes)


def tell_restored(changes: Sequence[Change]) -> None:
    """The access is back."""
    tell_of_access(Kind.ACCESS_RESTORED, changes)


def tell_of_access(kind: Kind, changes: Sequence[Change]) -> None:
    """A message about an access; each turn is another one."""
    accesses = Access.objects.in_bulk([change.id for change in changes])
    queue(
        Wish(
            kind=kind,
            subject=f"access:{change.id}:{accesses[change.id].turns}",
            order_id=int(change.details.get("order_id") or 0) or None,
            customer_id=accesses[change.id].customer_id,
            details={"product": change.name, **change.details},
        )
        for change in changes
    )
