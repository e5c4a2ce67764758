"""Lists in pages: ``{"items": [...], "count": N, "count_is_estimate": false, "next_cursor": C}``.

A page is found by its offset, which costs the more the deeper it is, or by the cursor that the
page before gave: it names the last row seen, so rows that come meanwhile move nothing.
"""

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field, StringConstraints

from recibo.api.errors import ApiError

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)

LIMIT = 50
LARGEST_LIMIT = 500
FARTHEST_OFFSET = 10_000_000
#: Counting goes this far; beyond it the planner's estimate stands.
COUNTED = 10_000


Cursor = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_-]*$")]


class Paging(Schema):
    """Which part of a list. ``cursor``: what the page before gave as ``next_cursor``."""

    limit: int = Field(LIMIT, ge=1, le=LARGEST_LIMIT)
    offset: int = Field(0, ge=0, le=FARTHEST_OFFSET)
    cursor: Cursor = ""


class Page(Schema, Generic[Item]):
    """A part of a list, newest first, with how many there are in all. ``next_cursor`` is null on
    the last page.
    """

    items: list[Item]
    count: int
    count_is_estimate: bool
    next_cursor: str | None


def page(rows: QuerySet[Row], paging: Paging) -> dict[str, Any]:
    """The part that was asked for, as a Page of rows. Raises ApiError for a cursor that is none."""
    rest = after(rows, paging.cursor) if paging.cursor else rows
    found = part(rest, paging.offset, paging.limit + 1)
    items = found[: paging.limit]
    count, is_estimate = counted(rows, items, paging.offset)
    return {
        "items": items,
        "count": count,
        "count_is_estimate": is_estimate,
        "next_cursor": cursor_of(rows, items[-1]) if len(found) > len(items) else None,
    }


def part(rows: QuerySet[Row], offset: int, limit: int) -> list[Row]:
    """So many rows behind the first ones, which are passed by their ids alone: with what they
    show of other tables, skipping them would take ten times as long.
    """
    if not offset:
        return list(rows[:limit])
    ids = rows.prefetch_related(None).values_list("pk", flat=True)[offset : offset + limit]
    return list(rows.filter(pk__in=list(ids)))


def order_of(rows: QuerySet[Row]) -> list[str]:
    """The fields that a list is sorted by, each from the largest value to the smallest."""
    return [str(name).removeprefix("-") for name in rows.query.order_by]


def cursor_of(rows: QuerySet[Row], row: Row) -> str:
    """The place of a row in a list."""
    values = [getattr(row, name) for name in order_of(rows)]
    written = json.dumps(values, default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def after(rows: QuerySet[Row], cursor: str) -> QuerySet[Row]:
    """The rows behind a place. Raises ApiError."""
    names = order_of(rows)
    try:
        values = place_of(rows, cursor)
    except (ValueError, TypeError, OverflowError, ValidationError):
        raise ApiError(422, fields={"cursor": _("This is no `next_cursor` of ours.")}) from None
    behind = Q()
    for depth, name in enumerate(names):
        behind |= Q(
            **dict(zip(names[:depth], values, strict=False)), **{f"{name}__lt": values[depth]}
        )
    # The first condition follows from the others; it is the one that an index can begin with.
    return rows.filter(behind, **{f"{names[0]}__lte": values[0]})


def place_of(rows: QuerySet[Row], cursor: str) -> list[Any]:
    """The values that a cursor stands for. Raises ValueError, TypeError, OverflowError or
    ValidationError.
    """
    written = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    fields = [rows.model._meta.get_field(name) for name in order_of(rows)]
    values = zip(fields, json.loads(written), strict=True)
    found = [field.to_python(value) for field, value in values]  # type: ignore[union-attr]
    if None in found:
        raise ValueError(cursor)
    return found


def counted(rows: QuerySet[Row], items: Sequence[Row], offset: int) -> tuple[int, bool]:
    """How many rows match, and whether that is an estimate; never fewer than were seen."""
    keys = rows.order_by().prefetch_related(None)
    exact = keys[: COUNTED + 1].count()
    if exact <= COUNTED:
        return exact, False
    [plan] = json.loads(keys.values("pk").explain(format="json"))
    return max(plan["Plan"]["Plan Rows"], exact, offset + len(items)), True
