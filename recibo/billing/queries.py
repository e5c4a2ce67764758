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
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from recibo.accounts.models import Account
from recibo.billing.models import (
    Charge,
    ChargeNews,
    Customer,
    Note,
    Order,
    OrderNews,
    Segment,
    Subscription,
    SubscriptionNews,
    Tag,
)
from recibo.billing.strength import COLLECTED
from recibo.gateways.facts import OrderFact
from recibo.inbox.models import Event
from recibo.inbox.queries import accounts_of, as_id, matching

#: Charges of a gateway that are few. Counting so many by an index takes ten milliseconds.
FEW = 100_000


#: Before what is an order's id and not its reference.
ID = "id:"
decode_statement = msgspec.json.Decoder(OrderFact).decode


class Matches(Func):
    """Whether a text search vector matches a query."""

    arg_joiner = " @@ "
    template = "%(expressions)s"
    output_field = BooleanField()


def orders(*, status: str = "", gateway: str = "", reference: str = "") -> QuerySet[Order]:
    """Orders with their customer and charges.

    Indexes: order_by_status, order_by_account, order_unique.
    """
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
    """The order with this id, else the newest with this reference or a charge of this id.

    ``id:17`` is an id and nothing else.
    """
    if name.startswith(ID):
        return orders().filter(pk=as_id(name.removeprefix(ID)) or 0).first()
    order_id = as_id(name)
    by_id = orders().filter(pk=order_id).first() if order_id is not None else None
    return by_id or orders(reference=name).first() or order_of_charge(name)


class AmbiguousError(Exception):
    """A name is the id of one order and the reference of another."""


def order_meant(name: str) -> Order | None:
    """The same for who changes it: a number may be the id of one order and another's reference.

    Raises AmbiguousError.
    """
    found = order_named(name)
    named = orders(reference=name).first()
    if found and named and found.pk != named.pk:
        raise AmbiguousError(name)
    return found


def statements(account: Account, reference: str) -> list[OrderFact]:
    """What the seller's own systems said of an order, newest first."""
    mine = Order.objects.filter(account=account, reference=reference).values("pk")
    told = OrderNews.objects.filter(order__in=mine).order_by("-occurred_at", "-event_id")
    return [decode_statement(text) for text in told.values_list("fact", flat=True)]


def order_of_charge(gateway_charge_id: str) -> Order | None:
    """The newest order that the gateway collects for under this id. Index: charge_unique."""
    named = Charge.objects.filter(gateway_charge_id=gateway_charge_id)
    return orders().filter(pk__in=named.values("order")).first()


def charges(*, status: str = "", gateway: str = "", reference: str = "") -> QuerySet[Charge]:
    """Charges with their order and customer. ``reference``: their order's.

    Indexes: charge_by_status, charge_by_account, order_unique.
    """
    return (
        Charge.objects.filter(
            **matching(status=status, account__in=accounts_of(gateway), order__reference=reference)
        )
        .select_related("account", "order", "customer")
        .order_by("-id")
    )


def subscriptions(*, status: str = "", gateway: str = "", code: str = "") -> QuerySet[Subscription]:
    """Subscriptions with their customer.

    Indexes: subscription_by_status, subscription_by_account, subscription_unique.
    """
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


def known_to(gateway: str) -> Q | Exists:
    """The condition that a customer has a charge or a subscription at a gateway.

    Of few charges it is quickest to take their customers, of many to look at one customer after
    the other until a page is full; the planner, for which both are a guess, would at times do the
    opposite. Indexes: charge_by_buyer, subscription_by_buyer.
    """
    here = {"account__in": accounts_of(gateway), "customer__isnull": False}
    charged, subscribed = Charge.objects.filter(**here), Subscription.objects.filter(**here)
    if charged[:FEW].count() < FEW:
        ids = charged.values("customer").union(subscribed.values("customer"), all=True)
        return Q(pk__in=ids)
    mine = {"customer": OuterRef("pk")}
    # One union and not two conditions: those the planner would answer by reading both tables.
    one = charged.filter(**mine).values("pk")
    return Exists(one.union(subscribed.filter(**mine).values("pk"), all=True))


def searched(text: str) -> QuerySet[Any, Any]:
    """Ids of the customers whose e-mail begins like this, or whose name and document have all of
    these words, as gateways told them or as the seller corrected them.

    Indexes: the one Django makes for prefixes of unique texts, customer_words, customer_corrected.
    """
    beginning = text.strip().lower()
    query = Func(Value("simple"), Value(search_query(text)), function="to_tsquery")
    corrected = Customer.objects.exclude(corrections={})
    lookups = (
        Customer.objects.filter(email__startswith=beginning),
        Customer.objects.filter(Matches(words(F("name"), F("document")), query)),
        corrected.filter(corrections__email__startswith=beginning),
        corrected.filter(Matches(words(correction("name"), correction("document")), query)),
    )
    # Look-ups of their own: of an "or" over several indexes and an order the planner makes a scan.
    first, *others = (found.values("pk") for found in lookups)
    return first.union(*others, all=True)


def words(name: Any, document: Any) -> Func:
    """The words that a customer is found by."""
    return Func(name, document, function="billing_customer_words")


def correction(field: str) -> Coalesce:
    """What the seller says of a field; "" if nothing."""
    return Coalesce(KeyTextTransform(field, "corrections"), Value(""))


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
    kinds = {
        "charge": ChargeNews.objects,
        "subscription": SubscriptionNews.objects,
        "order": OrderNews.objects,
    }
    rows = [
        (position, {"about": kind, **msgspec.json.decode(fact)})
        for kind, news in kinds.items()
        for position, fact in news.filter(event_id=event_id).values_list("position", "fact")
    ]
    return [fact for _, fact in sorted(rows, key=lambda row: row[0])]
