"""What PostgreSQL would do for a query."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

#: So small that reading it whole is the best plan.
SMALL = frozenset({"accounts_account"})


def read_whole(rows: QuerySet[Any]) -> list[str]:
    """The tables, other than small ones, that the query reads from one end to the other."""
    [plan] = json.loads(rows.explain(format="json"))
    tables = (node["Relation Name"] for node in nodes(plan["Plan"]) if "Seq" in node["Node Type"])
    return [table for table in tables if table not in SMALL]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of a plan."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)
