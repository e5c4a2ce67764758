"""Noting whose figures events may have changed, in the transaction that records the events.

One statement for a batch. Marks are only ever added there: a fold waits for nobody who counts.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from recibo.analytics import sql
from recibo.analytics.reading import named
from recibo.billing.batch import News
from recibo.gateways.facts import LeadFact
from recibo.work.sql import document, execute


def mark(news: Sequence[News]) -> None:
    """Have everybody counted anew whom these news concern. Simulations concern nobody."""
    if real := [one for one in news if not one.simulated]:
        named(
            sql.MARK,
            events=[one.event_id for one in real],
            emails=sorted(emails_of(real)),
        )


def mark_before(news: Sequence[News]) -> None:
    """The same before events that were recorded once are recorded anew, and may tell otherwise."""
    mark([one for one in news if one.again])


def keep_carts(news: Sequence[News]) -> None:
    """Keep the carts that were left; no other table has them."""
    real = [one for one in news if not one.simulated]
    if again := [one.event_id for one in real if one.again]:
        execute(sql.FORGET_CARTS, again)
    if rows := [row for one in real for row in carts_of(one)]:
        execute(sql.KEEP_CARTS, document(rows))


def emails_of(news: Iterable[News]) -> set[str]:
    """Everybody whom the news name."""
    return {
        fact.customer.email
        for one in news
        for fact in one.facts
        if fact.customer and fact.customer.email
    }


def carts_of(news: News) -> Iterable[dict[str, Any]]:
    """The carts of one event, as rows."""
    for position, fact in enumerate(news.facts):
        if isinstance(fact, LeadFact) and fact.left_cart and fact.customer.email:
            yield {
                "event_id": news.event_id,
                "position": position,
                "email": fact.customer.email,
                "product": fact.product.name or fact.product.id,
                "occurred_at": fact.occurred_at,
                "known_at": news.known_at,
            }
