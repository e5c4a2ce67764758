"""Which changes the seller's own applications hear of, and by which word of the catalogue."""

from collections.abc import Iterable, Sequence

from recibo.access.asking import name_of
from recibo.access.models import Access
from recibo.access.queries import last_order
from recibo.billing.changes import Change, Subject
from recibo.outbound import log
from recibo.outbound.log import News
from recibo.outbound.payloads import CATALOGUE

#: Where the word is not the change's own: by the kind of change, and the state before it.
WORDS = {
    ("order.pending", ""): "order.created",
    ("charge.pending", ""): "charge.created",
    ("subscription.trial", ""): "subscription.created",
    ("subscription.active", ""): "subscription.activated",
    ("subscription.active", "trial"): "subscription.activated",
}
#: The same, whatever was before it.
OTHER_WORDS = {
    "order.pending": "order.reopened",
    "charge.pending": "charge.updated",
    "subscription.trial": "subscription.reactivated",
    "subscription.active": "subscription.reactivated",
}
#: Characters of a free text: messages stay small.
LONGEST = 300


def publish(changes: Iterable[Change]) -> None:
    """Keep the changes in the log, and have them delivered to whoever wants them."""
    told = [(change, word) for change in changes if (word := word_of(change)) in CATALOGUE]
    accesses = accesses_of([change for change, _ in told])
    log.publish([news_of(change, word, accesses) for change, word in told])


def word_of(change: Change) -> str:
    """What a change is called outside; of one that nobody hears of, no word of the catalogue."""
    kind = change.kind
    return WORDS.get((kind, change.before)) or OTHER_WORDS.get(kind, kind)


def accesses_of(changes: Sequence[Change]) -> dict[int, Access]:
    """The accesses that changed."""
    ids = [change.id for change in changes if change.subject is Subject.ACCESS]
    return Access.objects.in_bulk(ids) if ids else {}


def news_of(change: Change, word: str, accesses: dict[int, Access]) -> News:
    """A change as the log takes it."""
    if change.subject is Subject.ACCESS:
        return news_of_access(change, word, accesses[change.id])
    if change.subject is Subject.CART:
        return news_of_cart(change, word)
    return News(
        type=word,
        subject=change.subject,
        id=change.id,
        before=change.before,
        after=change.after,
        event_id=change.event_id or None,
    )


def news_of_access(change: Change, word: str, access: Access) -> News:
    """With what the application calls it, and the last order that paid for it."""
    order = last_order(access)
    product = {"id": access.product_id, "name": access.product[:LONGEST]}
    return News(
        type=word,
        subject=change.subject,
        id=change.id,
        customer_id=access.customer_id,
        gateway=order.account.gateway if order else "",
        account=order.account.name if order else "",
        product_id=product["id"],
        data={
            "access_id": name_of(access),
            "status": change.after,
            "application": access.application,
            "product": product,
            "plan": access.plan,
            "order": {"id": order.pk, "reference": order.reference} if order else None,
            "reason": change.details.get("reason", ""),
            "valid_until": access.valid_until,
        },
    )


def news_of_cart(change: Change, word: str) -> News:
    """With what was in it."""
    product_id = change.details.get("product_id", "")
    product = {"id": product_id[:LONGEST], "name": change.name[:LONGEST]}
    return News(
        type=word,
        subject=change.subject,
        id=change.id,
        event_id=change.event_id or None,
        customer_id=change.id,
        product_id=product_id,
        data={
            "product": product,
            "url": change.details.get("url", "")[: 3 * LONGEST],
            "event_id": change.event_id or None,
        },
    )
