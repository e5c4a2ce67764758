"""The buyers that a batch speaks of: one row each, with the newest of every detail."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from recibo.billing.batch import Mirror, News
from recibo.billing.statements import CUSTOMERS, IDS_OF_CUSTOMERS
from recibo.billing.strength import COLLECTED
from recibo.billing.tables import Row, execute, insert, update
from recibo.gateways.facts import ChargeFact, CustomerFact, Fact, SubscriptionStatus

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
    people: Mapping[str, Row], kept: Mapping[str, Row], subscriptions: Mirror, charges: Mirror
) -> dict[str, int]:
    """Insert new customers, with their segment, and update changed ones. Gives ids by e-mail."""
    segments = segments_of(subscriptions, charges)
    new = [
        {**row, "segment": segments.get(email, "lead")}
        for email, row in people.items()
        if email not in kept
    ]
    changed = []
    for email, row in kept.items():
        merged = newer(row, people[email])
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
    paid = {s.customer: "buyer" for s in charges.states.values() if s.status in COLLECTED}
    statuses: dict[str, set[SubscriptionStatus]] = defaultdict(set)
    for state in subscriptions.states.values():
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
