"""What is told of changes: from rows of the log to messages, a few queries for all of them.

The log keeps what changed and how; all else is read when it is told, with the seller's corrections.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import Model
from msgspec import Struct, structs

from recibo.billing.models import Charge, Customer, Order, Subscription
from recibo.outbound.models import PublishedChange
from recibo.outbound.payloads import (
    CATALOGUE,
    Buyer,
    ChargeData,
    Message,
    OrderData,
    OrderName,
    Product,
    SubscriptionData,
    message,
)

#: Letters of a free text: no message is larger than receivers like.
LONGEST = 300


class GoneError(Exception):
    """What a change is about is no longer there: the event that told of it was read anew."""


def key_of(change: PublishedChange) -> str:
    """What receivers know a change by."""
    return f"chg_{change.key.hex}"


def message_of(change: PublishedChange) -> Message:
    """A change as receivers get it. Raises GoneError."""
    if not (found := messages_of([change])):
        raise GoneError("What it is about is no longer there.")
    return found[0]


def messages_of(changes: Sequence[PublishedChange]) -> list[Message]:
    """Changes as receivers get them; those are left out whose row is gone."""
    rows = rows_of(changes)
    found: list[Message] = []
    for change in changes:
        data: Struct
        tell = TELLERS.get(change.subject)
        if tell is None:
            data = kept_data(change, rows["customer"])
        elif (row := rows[change.subject].get(change.subject_id)) is not None:
            data = tell(change, row)
        else:
            continue
        key, version = key_of(change), change.version
        found.append(message(change.type, key, change.at, data, version=version))
    return found


def rows_of(changes: Iterable[PublishedChange]) -> Mapping[str, Mapping[int, Any]]:
    """The rows that changes are about, and the customers of those that have none."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        if change.subject in TELLERS:
            wanted[change.subject].add(change.subject_id)
        elif change.customer_id:
            wanted["customer"].add(change.customer_id)
    found: dict[str, Mapping[int, Any]] = defaultdict(dict)
    for subject, ids in wanted.items():
        model, related = MODELS[subject]
        found[subject] = model._default_manager.select_related(*related).in_bulk(list(ids))
    return found


def order_data(change: PublishedChange, order: Order) -> OrderData:
    """An order."""
    return OrderData(
        id=order.pk,
        reference=order.reference,
        status=change.after,
        previous_status=change.before or None,
        gateway=order.account.gateway,
        account=order.account.name,
        amount=amount(order.amount),
        paid_amount=amount(order.paid_amount),
        currency=order.currency,
        product=product(order),
        customer=buyer(order.customer),
        created_at=order.created_at,
        paid_at=order.paid_at,
        event_id=change.event_id,
    )


def charge_data(change: PublishedChange, charge: Charge) -> ChargeData:
    """A charge."""
    return ChargeData(
        id=charge.pk,
        gateway_charge_id=charge.gateway_charge_id,
        status=change.after,
        previous_status=change.before or None,
        gateway=charge.account.gateway,
        account=charge.account.name,
        order=OrderName(charge.order_id, charge.order.reference),
        subscription_code=charge.subscription_code or None,
        cycle=charge.cycle,
        amount=amount(charge.amount),
        refunded_amount=amount(charge.refunded_amount),
        fee=optional_amount(charge.fee),
        net=optional_amount(charge.net),
        currency=charge.currency,
        payment_method=charge.payment_method or None,
        installments=charge.installments,
        product=product(charge),
        offer=charge.offer[:LONGEST],
        customer=buyer(charge.customer),
        refusal_reason=charge.refusal_reason[:LONGEST],
        created_at=charge.created_at,
        paid_at=charge.paid_at,
        expires_at=charge.expires_at,
        event_id=change.event_id,
    )


def subscription_data(change: PublishedChange, subscription: Subscription) -> SubscriptionData:
    """A subscription."""
    return SubscriptionData(
        id=subscription.pk,
        subscriber_code=subscription.code,
        status=change.after,
        previous_status=change.before or None,
        gateway=subscription.account.gateway,
        account=subscription.account.name,
        plan=subscription.plan[:LONGEST],
        plan_id=subscription.plan_id[:LONGEST],
        product=product(subscription),
        price=optional_amount(subscription.price),
        currency=subscription.currency or None,
        period=subscription.period or None,
        customer=buyer(subscription.customer),
        next_billing_at=subscription.next_billing_at,
        started_at=subscription.started_at,
        cancelled_at=subscription.cancelled_at,
        event_id=change.event_id,
    )


def kept_data(change: PublishedChange, customers: Mapping[int, Customer]) -> Struct:
    """What was kept with a change that has no row in billing, and whose it is.

    Raises msgspec.ValidationError if it has another shape.
    """
    data = msgspec.json.decode(change.data, type=CATALOGUE[change.type].shape)
    return structs.replace(data, customer=buyer(customers.get(change.customer_id or 0)))


def buyer(customer: Customer | None) -> Buyer | None:
    """Who it is, as far as is known today."""
    if customer is None:
        return None
    person = customer.person
    return Buyer(customer.pk, person.email, person.name[:LONGEST])


def product(row: Order | Charge | Subscription) -> Product:
    """What was sold."""
    return Product(row.product_id[:LONGEST], row.product[:LONGEST])


def amount(value: Decimal) -> str:
    """Money as everywhere: with two places."""
    return f"{value:.2f}"


def optional_amount(value: Decimal | None) -> str | None:
    """The same of money that may be unknown."""
    return None if value is None else amount(value)


#: What is told of a row, by what changed.
TELLERS: Mapping[str, Callable[[PublishedChange, Any], Struct]] = {
    "order": order_data,
    "charge": charge_data,
    "subscription": subscription_data,
}
#: Where the rows are, and what has to come along.
MODELS: Mapping[str, tuple[type[Model], tuple[str, ...]]] = {
    "order": (Order, ("account", "customer")),
    "charge": (Charge, ("account", "customer", "order")),
    "subscription": (Subscription, ("account", "customer")),
    "customer": (Customer, ()),
}
