"""The buyers that a batch speaks of: one row each, with the newest of every detail."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from recibo.billing.batch import Mirror, News
from recibo.billing.statements import (
    CUSTOMERS,
    IDENTITIES,
    IDS_OF_CUSTOMERS,
    JOIN,
    JOIN_ORDERS,
    LATE,
    SEGMENTS,
)
from recibo.billing.strength import COLLECTED
from recibo.billing.tables import insert, update
from recibo.gateways.facts import ChargeFact, CustomerFact, Fact, SubscriptionStatus
from recibo.work.sql import Row, document, execute

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def people_of(news: Iterable[News]) -> dict[str, Row]:
    """Who the batch speaks of, by e-mail; of each detail the newest that was told."""
    people: dict[str, Row] = {}
    for one in news:
        for fact in one.facts:
            if fact.customer and (email := fact.customer.email):
                told = profile(fact.customer, first_seen(fact))
                people[email] = newer(people[email], told) if email in people else told
    return people


def real_people(news: Sequence[News], people: dict[str, Row]) -> dict[str, Row]:
    """The same without what simulations told of them."""
    if not any(one.simulated for one in news):
        return people
    return people_of(one for one in news if not one.simulated)


def first_seen(fact: Fact) -> datetime:
    """When the person showed up, as far as this fact knows."""
    return (fact.created_at if isinstance(fact, ChargeFact) else None) or fact.occurred_at


def profile(customer: CustomerFact, at: datetime) -> Row:
    """A customer's row as one fact tells it; what it does not tell is older than everything."""
    row: Row = {"email": customer.email, "created_at": at, "segment": "lead"}
    for name in ("name", "phone", "document"):
        row[name] = value = getattr(customer, name)
        row[f"{name}_at"] = at if value else EPOCH
    return row


def newer(one: Row, other: Row) -> Row:
    """Of two profiles of one person the newest details; at one instant the greater text."""
    row = {**one, "created_at": min(one["created_at"], other["created_at"])}
    for name in ("name", "phone", "document"):
        at = f"{name}_at"
        row[at], row[name] = max((one[at], one[name]), (other[at], other[name]))
    return row


def write_customers(
    people: Mapping[str, Row],
    real: Mapping[str, Row],
    kept: Mapping[str, Row],
    subscriptions: Mirror,
    charges: Mirror,
) -> dict[str, int]:
    """Insert new customers, with their segment, and update changed ones. Gives ids by e-mail.

    ``real``: who they are without what simulations said, which changes nobody we know.
    """
    segments = segments_of(subscriptions, charges)
    new = [
        {**row, "segment": segments.get(email, "lead")}
        for email, row in people.items()
        if email not in kept
    ]
    changed = []
    for email, row in kept.items():
        merged = newer(row, real.get(email, row))
        if merged != row:
            changed.append(merged)
    update(CUSTOMERS, changed)
    mentioned = {
        state.customer for state in [*subscriptions.states.values(), *charges.states.values()]
    }
    others = execute(IDS_OF_CUSTOMERS, sorted(mentioned - people.keys() - {""}))
    return {row["email"]: row["id"] for row in [*kept.values(), *others]} | insert(CUSTOMERS, new)


def segments_of(subscriptions: Mirror, charges: Mirror) -> dict[str, str]:
    """The segment of each buyer as far as the batch tells: all there is, for a new customer."""
    paid = {
        state.customer: "buyer"
        for state in charges.states.values()
        if state.status in COLLECTED and not state.simulated
    }
    statuses: dict[str, set[SubscriptionStatus]] = defaultdict(set)
    for state in subscriptions.states.values():
        if not state.simulated:
            statuses[state.customer].add(state.status)
    return {**paid, **{email: segment(found) for email, found in statuses.items()}}


#: The segment that a subscription's status makes its customer; the first that applies.
SEGMENT_OF = {
    SubscriptionStatus.PAST_DUE: "at_risk",
    SubscriptionStatus.ACTIVE: "active",
    SubscriptionStatus.PAUSED: "active",
    SubscriptionStatus.TRIAL: "trial",
}


def segment(statuses: set[SubscriptionStatus]) -> str:
    """The segment of a customer who has subscriptions."""
    return next((word for status, word in SEGMENT_OF.items() if status in statuses), "cancelled")


def identities_of(news: Iterable[News], ids: Mapping[str, int]) -> list[Row]:
    """What gateways call the customers, where they told both the id and the e-mail."""
    found: dict[tuple[int, str], Row] = {}
    for one in news:
        for fact in one.facts:
            if (who := fact.customer) and who.gateway_id and who.email and not one.simulated:
                row = {
                    "account_id": one.account_id,
                    "gateway_id": who.gateway_id,
                    "customer_id": ids[who.email],
                    "told_at": fact.occurred_at,
                }
                key = (one.account_id, who.gateway_id)
                found[key] = max(row, found.get(key, row), key=rank)
    return list(found.values())


def rank(identity: Row) -> tuple[datetime, int]:
    """Of two identities of one id the newer one stands; at one instant the greater customer."""
    return identity["told_at"], identity["customer_id"]


def joined(identities: list[Row], subscriptions: Mirror, charges: Mirror) -> set[int]:
    """Keep the identities and give the rows their customers. Gives the customers it touched."""
    if identities:
        execute(IDENTITIES, document(identities))
    asked = {(row["account_id"], row["gateway_id"]) for row in identities}
    for mirror in (subscriptions, charges):
        asked |= {
            (account, state.gateway_customer_id)
            for (account, _), state in mirror.states.items()
            if state.gateway_customer_id and not state.customer
        }
    return join([{"account_id": account, "gateway_id": name} for account, name in sorted(asked)])


def join(pairs: list[Row]) -> set[int]:
    """Give rows their customer by the gateway's id. Gives the customers it touched."""
    if not pairs:
        return set()
    found = execute(JOIN.format(subject="subscription"), document(pairs))
    found += execute(JOIN.format(subject="charge"), document(pairs))
    customers = {row["customer_id"] for row in found}
    if customers:
        execute(JOIN_ORDERS, sorted(customers))
    return customers


def join_late() -> int:
    """Join what two workers missed between them. Safe to repeat. Gives how many were touched."""
    with transaction.atomic():
        if customers := join(execute(LATE)):
            execute(SEGMENTS, sorted(customers))
    return len(customers)
