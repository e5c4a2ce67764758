"""Reading what is kept of subjects, a batch at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection
from psycopg import Cursor
from psycopg.rows import dict_row

from recibo.analytics import sql
from recibo.analytics.histories import Cart, F, History, Told, charge_of, subscription_of
from recibo.gateways.facts import ChargeFact, SubscriptionFact
from recibo.work.sql import Row, document, execute

#: Subjects of one batch.
BATCH = 1000
SUBJECTS = {ChargeFact: "charge", SubscriptionFact: "subscription"}


def named(statement: str, **parameters: Any) -> list[Row]:
    """Run a statement with named parameters."""
    connection.ensure_connection()
    with Cursor(connection.connection, row_factory=dict_row) as cursor:
        cursor.execute(statement, parameters, binary=True)
        return cursor.fetchall() if cursor.description else []


def histories(subjects: Sequence[int], as_of: datetime | None = None) -> dict[int, History]:
    """What is known of each subject; of one of whom nothing is, nothing.

    ``as_of``: without what we learned after that.
    """
    customers = [one for one in subjects if one > 0]
    orphans = [-one for one in subjects if one < 0]
    subscriptions = named(
        sql.SUBSCRIPTIONS_OF,
        customers=customers,
        subscriptions=[one // 2 for one in orphans if one % 2 == 0],
        subjects=list(subjects),
    )
    charges = named(
        sql.CHARGES_OF,
        customers=customers,
        known=document([{"id": row["id"], "subject": row["subject"]} for row in subscriptions]),
        charges=[one // 2 for one in orphans if one % 2],
    )
    of_charges = told(ChargeFact, charges, as_of)
    of_subscriptions = told(SubscriptionFact, subscriptions, as_of)
    carts = named(sql.CARTS_OF, customers=customers, as_of=as_of)
    return gathered(charges, of_charges, subscriptions, of_subscriptions, carts)


def told(kind: type[F], rows: Sequence[Row], as_of: datetime | None) -> dict[int, list[Told[F]]]:
    """The facts about these rows."""
    found: dict[int, list[Told[F]]] = defaultdict(list)
    if not rows:
        return found
    decode = msgspec.json.Decoder(kind).decode
    statement = sql.NEWS_OF.format(subject=SUBJECTS[kind])
    for row in named(statement, ids=[one["id"] for one in rows], as_of=as_of):
        found[row["id"]].append(Told(row["event_id"], row["fact"], decode(row["fact"])))
    return found


def gathered(
    charges: Sequence[Row],
    of_charges: dict[int, list[Told[ChargeFact]]],
    subscriptions: Sequence[Row],
    of_subscriptions: dict[int, list[Told[SubscriptionFact]]],
    carts: Sequence[Row],
) -> dict[int, History]:
    """The histories, by subject."""
    found: dict[int, tuple[list[Any], list[Any], list[Any]]] = defaultdict(lambda: ([], [], []))
    for row in charges:
        if told_of := of_charges.get(row["id"]):
            one = charge_of(row["id"], row["account_id"], row["gateway"], told_of)
            found[row["subject"]][0].append(one)
    for row in subscriptions:
        if facts := of_subscriptions.get(row["id"]):
            found[row["subject"]][1].append(
                subscription_of(row["id"], row["account_id"], row["gateway"], row["code"], facts)
            )
    for row in carts:
        cart = Cart(row["at"], row["account_id"], row["gateway"], row["product"])
        found[row["subject"]][2].append(cart)
    return {subject: History(*parts) for subject, parts in found.items()}


def everybody() -> Iterator[list[int]]:
    """All subjects, a batch at a time: customers, then what has no known buyer."""
    for statement in (sql.CUSTOMERS, sql.ORPHAN_SUBSCRIPTIONS, sql.ORPHAN_CHARGES):
        last = 0
        while rows := execute(statement, last, BATCH):
            subjects = [row["subject"] for row in rows]
            yield subjects
            last = abs(subjects[-1]) if subjects[-1] > 0 else abs(subjects[-1]) // 2
