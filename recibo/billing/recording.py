"""Recording a batch of news: the one writer of customers, orders, charges and subscriptions.

Everything happens in the caller's transaction, in a handful of statements however many events
there are. Rows are locked in the order customers, subscriptions, charges, orders, each by key, so
that workers on the same buyers wait for each other instead of deadlocking. Where two workers
meet on a row that neither had, one of them gets a unique violation and takes its batch again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from recibo.billing.batch import Entry, Key, Mirror, News
from recibo.billing.changes import Change, Subject
from recibo.billing.people import (
    identities_of,
    joined,
    people_of,
    real_people,
    write_customers,
)
from recibo.billing.statements import (
    CHARGES,
    CHARGES_OF_ORDERS,
    FORGET_NEWS,
    INSERT_NEWS,
    KEPT_NEWS,
    LOCK_CHARGES,
    LOCK_CUSTOMERS,
    LOCK_ORDERS,
    LOCK_SUBSCRIPTIONS,
    ORDERS,
    SEGMENTS,
    SUBSCRIPTIONS,
)
from recibo.billing.states import (
    ChargeState,
    OrderState,
    SubscriptionState,
    Told,
    charge_state,
    order_state,
    subscription_state,
)
from recibo.billing.tables import Table, delete, insert, update
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    LeadFact,
    OrderFact,
    SubscriptionFact,
)
from recibo.work.sql import Row, document, execute

#: Somebody may still pay it.
OPEN = frozenset({ChargeStatus.PENDING, ChargeStatus.AUTHORIZED, ChargeStatus.OVERDUE})

#: What a kind of fact is about, by the gateway's id.
NAME_OF: dict[type[Any], Callable[[Any], str]] = {
    ChargeFact: attrgetter("charge_id"),
    SubscriptionFact: attrgetter("code"),
    OrderFact: attrgetter("order_reference"),
}


def record(news: Sequence[News]) -> list[Change]:
    """Keep the facts and bring every row that they touch up to date. Gives what changed.

    Call it in a transaction. Raises IntegrityError or OperationalError when another worker was
    faster with a new row: roll back and call it again.
    """
    charge_entries = entries(news, ChargeFact)
    subscription_entries = entries(news, SubscriptionFact)
    order_entries = entries(news, OrderFact)
    forget(news, "order", "reference", order_entries)
    forget(news, "charge", "gateway_charge_id", charge_entries)
    forget(news, "subscription", "code", subscription_entries)
    people = people_of(news)
    customers = {row["email"]: row for row in execute(LOCK_CUSTOMERS, sorted(people))}
    subscriptions = mirror(
        "subscription", LOCK_SUBSCRIPTIONS, "code", subscription_entries, SubscriptionFact
    )
    charges = mirror("charge", LOCK_CHARGES, "gateway_charge_id", charge_entries, ChargeFact)
    orders = order_mirror(charges, order_entries)

    ids = write_customers(people, real_people(news, people), customers, subscriptions, charges)
    subscription_ids = write(SUBSCRIPTIONS, subscriptions, ids)
    order_ids = write(ORDERS, orders, ids)
    charge_ids = write(CHARGES, charges, ids, order_ids)
    for table, found in ((SUBSCRIPTIONS, subscriptions), (CHARGES, charges), (ORDERS, orders)):
        remove(table, found)
    keep("subscription", subscription_entries, subscription_ids, ids)
    keep("charge", charge_entries, charge_ids, ids)
    keep("order", order_entries, order_ids, ids)
    stale = {ids[email] for email in ids if email in customers or email not in people}
    stale |= buyers_of(subscriptions) | buyers_of(charges)
    stale |= joined(identities_of(news, ids), subscriptions, charges)
    if stale:
        execute(SEGMENTS, sorted(stale))
    return [
        *changes(Subject.SUBSCRIPTION, subscriptions, subscription_ids, subscription_entries),
        *changes(Subject.CHARGE, charges, charge_ids, charge_entries),
        *extensions(charges, charge_ids, charge_entries),
        *changes(
            Subject.ORDER,
            orders,
            order_ids,
            entries_of_orders(charges, charge_entries, order_entries),
        ),
        *strangers(charges, charge_entries),
        *strangers(subscriptions, subscription_entries),
        *carts(news, ids),
    ]


def buyers_of(mirror: Mirror) -> set[int]:
    """The customers of the rows as they were found: one of them may have lost a row."""
    return {row["customer_id"] for row in mirror.rows.values() if row["customer_id"]}


def entries(news: Iterable[News], kind: type[Any]) -> dict[Key, list[Entry]]:
    """The batch's facts of one kind, by what they are about."""
    found: dict[Key, list[Entry]] = defaultdict(list)
    name_of = NAME_OF[kind]
    for one in news:
        for position, fact in enumerate(one.facts):
            if type(fact) is kind:
                found[one.account_id, name_of(fact)].append(entry(one, position, fact))
    return found


def entry(news: News, position: int, fact: Any) -> Entry:
    """A fact ready to be kept: without the buyer, whose data stand in the customer's row only."""
    kept = msgspec.structs.replace(fact, customer=anonymous(fact.customer))
    return Entry(
        event_id=news.event_id,
        position=position,
        known_at=news.known_at,
        told=Told(
            fact=fact,
            text=msgspec.json.encode(kept).decode(),
            customer=fact.customer.email if fact.customer else "",
            simulated=news.simulated,
        ),
        status=fact.status or "",
    )


def anonymous(customer: CustomerFact | None) -> CustomerFact | None:
    """The gateway's id of a buyer, if it gave one; nothing else of him is kept with a fact."""
    return (
        CustomerFact(gateway_id=customer.gateway_id) if customer and customer.gateway_id else None
    )


def forget(news: Iterable[News], subject: str, name: str, found: dict[Key, list[Entry]]) -> None:
    """Drop what events told when they were processed before; what they were about is touched."""
    if again := [one.event_id for one in news if one.again]:
        for row in execute(FORGET_NEWS.format(subject=subject, name=name), again):
            found.setdefault((row["account_id"], row[name]), [])


def mirror(
    subject: str, lock: str, name: str, found: Mapping[Key, list[Entry]], kind: type[Any]
) -> Mirror:
    """Lock the rows, read the facts kept about them, and add the batch's."""
    if not found:
        return Mirror()
    keys = [{"account_id": account, "name": code} for account, code in sorted(found)]
    rows = {(row["account_id"], row[name]): row for row in execute(lock, document(keys))}
    told = kept_news(subject, [row["id"] for row in rows.values()], kind)
    state = charge_state if kind is ChargeFact else subscription_state
    states = {}
    for key, new in found.items():
        kept = told.get(rows[key]["id"], []) if key in rows else []
        if everything := kept + [one.told for one in new]:
            states[key] = state(everything)
    return Mirror(rows, states, [key for key in rows if key not in states])


def kept_news(subject: str, ids: list[int], kind: type[Any]) -> dict[int, list[Told[Any]]]:
    """The facts kept about these rows."""
    told: dict[int, list[Told[Any]]] = defaultdict(list)
    if ids:
        decode = msgspec.json.Decoder(kind).decode
        for row in execute(KEPT_NEWS.format(subject=subject), ids):
            told[row["subject_id"]].append(
                Told(
                    fact=decode(row["fact"]),
                    text=row["fact"],
                    customer=row["email"] or "",
                    simulated=row["simulated"],
                )
            )
    return told


def order_mirror(charges: Mirror, found: Mapping[Key, list[Entry]]) -> Mirror:
    """Lock the orders of the charges, and those that were told of themselves, and derive them.

    An order that a charge has left is derived anew too, or gone if nothing else is known of it.
    """
    members: dict[Key, dict[str, ChargeState]] = defaultdict(dict)
    for (account, charge_id), state in charges.states.items():
        members[account, state.order_reference][charge_id] = state
    former = {(account, row["order_reference"]) for (account, _), row in charges.rows.items()}
    if not (touched := {*members, *former, *found}):
        return Mirror()
    keys = [{"account_id": account, "name": reference} for account, reference in sorted(touched)]
    rows = {
        (row["account_id"], row["reference"]): row for row in execute(LOCK_ORDERS, document(keys))
    }
    if rows:
        for row in execute(CHARGES_OF_ORDERS, [row["id"] for row in rows.values()]):
            key = (row["account_id"], row["gateway_charge_id"])
            if key not in charges.states and key not in charges.gone:
                siblings = members[row["account_id"], row["order_reference"]]
                siblings[row["gateway_charge_id"]] = state_of_row(row)
    registered = told_of_orders(rows, found)
    states = {
        key: order_state(
            members.get(key, {}),
            registered.get(key, ()),
            has_access=key in rows and rows[key]["status"] == "active",
        )
        for key in touched
        if key in members or registered.get(key)
    }
    return Mirror(rows, states, [key for key in rows if key not in states])


def told_of_orders(
    rows: Mapping[Key, Row], found: Mapping[Key, list[Entry]]
) -> dict[Key, list[Told[OrderFact]]]:
    """What was told of orders themselves: what is kept, and the batch's."""
    known = {key: row["id"] for key, row in rows.items() if row["registered"]}
    kept = kept_news("order", list(known.values()), OrderFact)
    told = {key: list(kept.get(row_id, ())) for key, row_id in known.items()}
    for key, new in found.items():
        told.setdefault(key, []).extend(one.told for one in new)
    return told


def state_of_row(row: Row) -> ChargeState:
    """The state that a charge's row holds."""
    values = {name: row[name] for name in ChargeState.__struct_fields__}
    return ChargeState(
        **{
            **values,
            "status": ChargeStatus(row["status"]),
            "customer": row["customer"] or "",
        }
    )


def write(
    table: Table,
    mirror: Mirror,
    customers: Mapping[str, int],
    orders: Mapping[Key, int] | None = None,
) -> dict[Key, int]:
    """Insert what is new, update what differs. Gives the id of every row by its key."""
    new, changed = [], []
    ids = {key: row["id"] for key, row in mirror.rows.items()}
    for key, state in mirror.states.items():
        row = row_of(table, key, state, customers, orders)
        if key not in ids:
            new.append(row)
            continue
        if row["customer_id"] is None:  # joined before, by the gateway's id
            row["customer_id"] = mirror.rows[key]["customer_id"]
        if differs(mirror.rows[key], row):
            changed.append({**row, "id": ids[key]})
    update(table, sorted(changed, key=lambda row: row["id"]))
    return {**ids, **insert(table, new)}


def remove(table: Table, mirror: Mirror) -> None:
    """Delete the rows of which no fact is left."""
    if mirror.gone:
        delete(table, [mirror.rows[key]["id"] for key in mirror.gone])


def row_of(
    table: Table,
    key: Key,
    state: ChargeState | OrderState | SubscriptionState,
    customers: Mapping[str, int],
    orders: Mapping[Key, int] | None,
) -> Row:
    """A state as the columns of its row."""
    row = msgspec.structs.asdict(state)
    row["customer_id"] = customers.get(row.pop("customer"))
    row.update(zip(table.key, key, strict=True))
    if isinstance(state, ChargeState) and orders is not None:
        row["order_id"] = orders[key[0], row.pop("order_reference")]
        row["commissions"] = msgspec.to_builtins(state.commissions)
    return row


def differs(kept: Row, row: Row) -> bool:
    """Whether the row has to be written."""
    return any(kept[name] != value for name, value in row.items())


def keep(
    subject: str,
    found: Mapping[Key, list[Entry]],
    ids: Mapping[Key, int],
    customers: Mapping[str, int],
) -> None:
    """Keep the facts of the batch."""
    if rows := [one.row(ids[key], customers) for key, new in found.items() for one in new]:
        execute(INSERT_NEWS.format(subject=subject), document(rows))


def entries_of_orders(
    charges: Mirror, found: Mapping[Key, list[Entry]], told: Mapping[Key, list[Entry]]
) -> dict[Key, list[Entry]]:
    """The entries that led to each order's state."""
    by_order: dict[Key, list[Entry]] = defaultdict(list)
    for key, entries_of_order in told.items():
        by_order[key].extend(entries_of_order)
    for key, state in charges.states.items():
        by_order[key[0], state.order_reference].extend(found[key])
    return by_order


def changes(
    subject: Subject,
    mirror: Mirror,
    ids: Mapping[Key, int],
    found: Mapping[Key, list[Entry]],
) -> Iterable[Change]:
    """Whose status is another one now, and by which event."""
    for key, state in mirror.states.items():
        before = row["status"] if (row := mirror.before(key)) else ""
        if before != state.status:
            yield Change(
                subject=subject,
                id=ids[key],
                name=key[1],
                before=before,
                after=str(state.status),
                event_id=max((one.event_id for one in found[key]), default=0),
            )


def extensions(
    mirror: Mirror, ids: Mapping[Key, int], found: Mapping[Key, list[Entry]]
) -> Iterable[Change]:
    """Open charges that can be paid for longer than was known, and else stand as before."""
    for key, state in mirror.states.items():
        row = mirror.before(key)
        if row and row["status"] == state.status and is_extended(row["expires_at"], state):
            yield Change(
                subject=Subject.CHARGE,
                id=ids[key],
                name=key[1],
                before=str(state.status),
                after="extended",
                event_id=max((one.event_id for one in found[key]), default=0),
            )


def is_extended(before: datetime | None, state: ChargeState) -> bool:
    """Whether an open charge lapses later than it did."""
    if before is None or state.expires_at is None or state.status not in OPEN:
        return False
    return state.expires_at > before


def strangers(mirror: Mirror, found: Mapping[Key, list[Entry]]) -> Iterable[Change]:
    """Buyers that are known by the gateway's id only, and were not before: somebody has to ask."""
    for key, state in mirror.states.items():
        if not state.gateway_customer_id or state.customer or was_told(mirror, key):
            continue
        yield Change(
            subject=Subject.BUYER,
            id=key[0],
            name=state.gateway_customer_id,
            before="",
            after="unknown",
            event_id=max((one.event_id for one in found[key]), default=0),
        )


def carts(news: Iterable[News], customers: Mapping[str, int]) -> Iterable[Change]:
    """Who left something at a checkout."""
    for one in news:
        for fact in one.facts:
            if isinstance(fact, LeadFact) and fact.left_cart and fact.customer.email:
                yield Change(
                    subject=Subject.CART,
                    id=customers[fact.customer.email],
                    name=fact.product.name,
                    before="",
                    after="abandoned",
                    event_id=one.event_id,
                    details={
                        "product": fact.product.name,
                        "product_id": fact.product.id,
                        "url": fact.cart_url,
                    },
                )


def was_told(mirror: Mirror, key: Key) -> bool:
    """Whether the gateway's id of the buyer was known already, or the buyer himself."""
    row = mirror.before(key)
    told = mirror.states[key].gateway_customer_id
    return bool(row and (row["customer_id"] or row["gateway_customer_id"] == told))
