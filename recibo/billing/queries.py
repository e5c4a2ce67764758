"""Reads of customers, orders, charges and subscriptions, newest first.

``gateway`` is a slug, "" for all of them. Whatever a row shows of other rows comes along in a
fixed number of queries, however many rows there are.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Prefetch,
    QuerySet,
    Sum,
    Value,
)

from recibo.billing.models import (
    Charge,
    ChargeNews,
    Customer,
    Note,
    Order,
    Segment,
    Subscription,
    SubscriptionNews,
    Tag,
)
from recibo.billing.strength import COLLECTED
from recibo.inbox.models import Event
from recibo.inbox.queries import accounts_of, as_id, matching


class Matches(Func):
    """Whether a text search vector matches a query."""

    arg_joiner = " @@ "
    template = "%(expressions)s"
    output_field = BooleanField()


def orders(*, status: str = "", gateway: str = "", reference: str = "") -> QuerySet[Order]:
    """Orders with their customer and charges. Index: order_unique, else the newest ids."""
    charges_of_orders = Prefetch("charges", charges().order_by("id"))
    return (
        Order.objects.filter(
            **matching(status=status, account__in=accounts_of(gateway), reference=reference)
        )
        .select_related("account", "customer")
        .prefetch_related(charges_of_orders)
        .order_by("-id")
    )


def order_named(name: str) -> Order | None:
    """The order with this id, else the newest with this reference or a charge of this id."""
    order_id = as_id(name)
    by_id = orders().filter(pk=order_id).first() if order_id is not None else None
    return by_id or orders(reference=name).first() or order_of_charge(name)


def order_of_charge(gateway_charge_id: str) -> Order | None:
    """The newest order that the gateway collects for under this id. Index: charge_unique."""
    named = Charge.objects.filter(gateway_charge_id=gateway_charge_id)
    return orders().filter(pk__in=named.values("order")).first()


def charges(*, status: str = "", gateway: str = "", reference: str = "") -> QuerySet[Charge]:
    """Charges with their order and customer. ``reference``: their order's.

    Indexes: charge_by_status, order_unique.
    """
    return (
        Charge.objects.filter(
            **matching(status=status, account__in=accounts_of(gateway), order__reference=reference)
        )
        .select_related("account", "order", "customer")
        .order_by("-id")
    )


def subscriptions(*, status: str = "", gateway: str = "", code: str = "") -> QuerySet[Subscription]:
    """Subscriptions with their customer. Indexes: subscription_by_status, subscription_unique."""
    return (
        Subscription.objects.filter(
            **matching(status=status, account__in=accounts_of(gateway), code=code)
        )
        .select_related("account", "customer")
        .order_by("-id")
    )


def customers(
    *, gateway: str = "", segment: str = "", tag: str = "", search: str = ""
) -> QuerySet[Customer]:
    """Customers with their tags, notes and subscriptions. Of a gateway: who has a charge or a
    subscription there. ``search``: how the e-mail begins, words of the name, or the document.
    """
    found = Customer.objects.filter(**matching(segment=segment, tags__tag=tag))
    if gateway:
        found = found.filter(known_to(gateway))
    if search:
        found = found.filter(pk__in=searched(search))
    return found.prefetch_related(
        Prefetch("tags", Tag.objects.order_by("tag")),
        Prefetch("notes", Note.objects.order_by("-id")),
        Prefetch("subscriptions", subscriptions()),
    ).order_by("-id")


def known_to(gateway: str) -> Exists:
    """The condition that a customer has a charge or a subscription at a gateway.

    One union and not two conditions: those the planner would answer by reading both tables.
    """
    mine = {"customer": OuterRef("pk"), "account__in": accounts_of(gateway)}
    charged, subscribed = Charge.objects.filter(**mine), Subscription.objects.filter(**mine)
    return Exists(charged.values("pk").union(subscribed.values("pk"), all=True))


def searched(text: str) -> QuerySet[Any, Any]:
    """Ids of the customers whose e-mail begins like this, or whose name and document have all of
    these words. Indexes: the one Django makes for prefixes of unique texts, customer_words.
    """
    words = Func(F("name"), F("document"), function="billing_customer_words")
    query = Func(Value("simple"), Value(search_query(text)), function="to_tsquery")
    by_email = Customer.objects.filter(email__startswith=text.strip().lower())
    by_words = Customer.objects.filter(Matches(words, query))
    # Two look-ups: of an "or" over two indexes and an order the planner makes a scan.
    return by_email.values("pk").union(by_words.values("pk"), all=True)


def search_query(text: str) -> str:
    """The words of a text as a text search query, each matching what begins like it.

    Punctuation within numbers is left out, so that a document is found however it is written.
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=\d)[.\-/](?=\d)", "", text))
    words = re.findall(r"[^\W_]+", re.sub(r"[\u0300-\u036f]", "", plain))
    return " & ".join(f"{word}:*" for word in words)


def customer_stats(*, gateway: str = "") -> dict[str, int]:
    """How many customers there are: in all, and by segment. Index: customer_by_segment."""
    people = Customer.objects.filter(known_to(gateway)) if gateway else Customer.objects.all()
    rows = people.order_by().values_list("segment").annotate(Count("pk"))
    counts = dict.fromkeys(Segment.values, 0) | dict(rows)
    return {"total": sum(counts.values()), **counts}


def lifetime_values(customer_ids: Collection[int]) -> Mapping[int, dict[str, Decimal]]:
    """What each customer paid and did not get back, by currency; simulations do not count.

    The currency of most of a customer's charges comes first. One query for all of them.
    """
    rows = (
        Charge.objects.filter(customer__in=customer_ids, simulated=False, status__in=COLLECTED)
        .values_list("customer_id", "currency")
        .annotate(value=Sum(F("amount") - F("refunded_amount")), times=Count("pk"))
        .order_by("-times", "currency")
    )
    values: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for customer_id, currency, value, _ in rows:
        values[customer_id][currency] = value
    return values


def events_of_customer(customer_id: int, *, gateway: str = "") -> QuerySet[Event]:
    """Events about a customer's charges and subscriptions."""
    told = (
        ChargeNews.objects.filter(charge__customer=customer_id).values("event_id"),
        SubscriptionNews.objects.filter(subscription__customer=customer_id).values("event_id"),
    )
    return (
        Event.objects.filter(pk__in=told[0].union(told[1], all=True))
        .filter(**matching(account__in=accounts_of(gateway)))
        .select_related("account")
        .order_by("-id")
    )


def facts_of_event(event_id: int) -> list[dict[str, Any]]:
    """What an event told, in its order: each fact as it is kept, without the buyer."""
    kinds = {"charge": ChargeNews.objects, "subscription": SubscriptionNews.objects}
    rows = [
        (position, {"about": kind, **msgspec.json.decode(fact)})
        for kind, news in kinds.items()
        for position, fact in news.filter(event_id=event_id).values_list("position", "fact")
    ]
    return [fact for _, fact in sorted(rows, key=lambda row: row[0])]
