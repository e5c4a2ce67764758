"""Lists in pages: ``{"items": [...], "count": N, "count_is_estimate": false}``."""

import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)

LIMIT = 50
LARGEST_LIMIT = 500
FARTHEST_OFFSET = 10_000_000
#: Counting goes this far; beyond it the planner's estimate stands.
COUNTED = 10_000


class Paging(Schema):
    """Which part of a list."""

    limit: int = Field(LIMIT, ge=1, le=LARGEST_LIMIT)
    offset: int = Field(0, ge=0, le=FARTHEST_OFFSET)


class Page(Schema, Generic[Item]):
    """A part of a list, newest first, with how many there are in all."""

    items: list[Item]
    count: int
    count_is_estimate: bool


def page(rows: QuerySet[Row], paging: Paging) -> dict[str, Any]:
    """The part that was asked for, as a Page of rows."""
    items = list(rows[paging.offset : paging.offset + paging.limit])
    count, is_estimate = counted(rows, items, paging.offset)
    return {"items": items, "count": count, "count_is_estimate": is_estimate}


def counted(rows: QuerySet[Row], items: Sequence[Row], offset: int) -> tuple[int, bool]:
    """How many rows match, and whether that is an estimate; never fewer than were seen."""
    keys = rows.order_by().prefetch_related(None)
    exact = keys[: COUNTED + 1].count()
    if exact <= COUNTED:
        return exact, False
    [plan] = json.loads(keys.values("pk").explain(format="json"))
    return max(plan["Plan"]["Plan Rows"], exact, offset + len(items)), True
