"""`/api/{gateway}/analytics`: revenue by month, by week, by cohort, and whom each figure counts."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router, Schema
from pydantic import Field, StringConstraints

from recibo.analytics import figures, queries, sources
from recibo.analytics.configuration import definitions
from recibo.analytics.queries import RangeError, Span
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import ALL, GatewayPart, Moment, Text
from recibo.api.paging import Paging
from recibo.api.schemas import CustomerName, Json

router = Router(tags=["analytics"])

Month = Annotated[str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$")]


class Table(StrEnum):
    """Which table of the report."""

    MONTHS = "months"
    WEEKS = "weeks"
    COHORTS = "cohorts"
    CUSTOMERS = "customers"


class Format(StrEnum):
    """How it is written."""

    JSON = "json"
    CSV = "csv"


class Dimension(StrEnum):
    """What revenue is divided by."""

    GATEWAY = "gateway"
    ACCOUNT = "account"
    PRODUCT = "product"
    PLAN = "plan"
    PERIOD = "period"
    CURRENCY = "currency"


COLUMNS = {
    Table.MONTHS: figures.MONTHLY,
    Table.WEEKS: figures.WEEKLY,
    Table.COHORTS: figures.COHORTS,
}


class ReportFilters(Schema):
    """``currency``: the report's own, or another one, whose sales are then shown unconverted.
    ``part``: such as ``plan:mensal``. ``as_of``: only what was known then.
    """

    first: Month | None = Field(None, alias="from")
    last: Month | None = Field(None, alias="to")
    currency: Currency = ""
    part: Text = ""
    as_of: Moment | None = None
    table: Table = Table.MONTHS
    format: Format = Format.JSON

    def span(self, gateway: str) -> Span:
        """What was asked for. Raises ApiError."""
        try:
            scope = queries.scope_of(gateway=gateway, currency=self.currency, part=self.part)
            return queries.span(month(self.first), month(self.last), scope=scope, as_of=self.as_of)
        except RangeError as error:
            raise ApiError(422, str(error)) from None


class SourceFilters(Paging):
    """``figure``: a column of the monthly report."""

    figure: Text
    month: Month
    currency: Currency = ""
    part: Text = ""


class Report(Schema):
    """A table of the report. ``is_current``: nothing that came in waits to be counted."""

    currency: str
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    scope: str
    as_of: str | None
    is_current: bool
    items: list[Json]
    count: int


class SourceRow(Schema):
    """Whom a figure counts, and what he adds to it."""

    customer: CustomerName | None
    value: str
    link: str | None


class Sources(Schema):
    """The rows of a figure, the largest first."""

    items: list[SourceRow]
    count: int


@router.get(
    "/report",
    response={200: Report, **ANSWERS},
    by_alias=True,
    summary="Revenue by month, week or cohort",
)
def report(request: HttpRequest, gateway: Path[GatewayPart], filters: Query[ReportFilters]) -> Any:
    """The last twelve months unless told. Each month's `links` lead to whom its figures count."""
    asked = filters.span(gateway)
    rows = table(filters.table, asked)
    if filters.format is Format.CSV:
        return as_csv(rows, columns(filters.table, rows))
    if filters.table is Table.MONTHS and asked.as_of is None:
        for row in rows:
            row["links"] = links(gateway or ALL, row["month"], filters)
    return {
        "currency": (filters.currency or definitions().currency).upper(),
        "from": f"{asked.first:%Y-%m}",
        "to": f"{asked.last:%Y-%m}",
        "scope": asked.scope,
        "as_of": asked.as_of.isoformat() if asked.as_of else None,
        "is_current": not queries.waiting(),
        "items": [plain(row) for row in rows],
        "count": len(rows),
    }


@router.get("/rows", response={200: Sources, **ANSWERS}, summary="Whom a figure counts")
def rows(
    request: HttpRequest, gateway: Path[GatewayPart], filters: Query[SourceFilters]
) -> dict[str, Any]:
    """The values add up to the figure; of a ratio, to what is above its line."""
    if filters.figure not in sources.COLUMNS:
        raise ApiError(422, fields={"figure": ", ".join(sources.COLUMNS)})
    try:
        scope = queries.scope_of(gateway=gateway, currency=filters.currency, part=filters.part)
    except RangeError as error:
        raise ApiError(422, str(error)) from None
    found, count = sources.rows_of(
        filters.figure,
        queries.month_named(filters.month),
        scope=scope,
        limit=filters.limit,
        offset=filters.offset,
    )
    return {"items": [source_row(one) for one in found], "count": count}


@router.get("/parts", response={200: list[Json], **ANSWERS}, summary="A month by plan, product …")
def parts(
    request: HttpRequest,
    gateway: Path[GatewayPart],
    by: Dimension,
    month: Month,
) -> list[dict[str, Any]]:
    """One row for each plan, product, gateway …, with the columns of the month."""
    if gateway:
        raise ApiError(422, _("Parts are of all gateways: use `all`."))
    return [plain(row) for row in queries.by_part(by.value, queries.month_named(month))]


def table(which: Table, asked: Span) -> list[dict[str, Any]]:
    """The rows of one table."""
    if which is Table.CUSTOMERS:
        return queries.customers_by_month(asked)
    return queries.report(asked, (which.value,))[which.value]


def columns(which: Table, found: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """The columns of a file."""
    return COLUMNS.get(which) or list(found[0] if found else ["customer_id"])


def as_csv(found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> HttpResponse:
    """Rows as a file."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows([[plain_value(row[name]) for name in names] for row in found])
    return HttpResponse(file.getvalue(), content_type="text/csv; charset=utf-8")


def links(gateway: str, named: str, filters: ReportFilters) -> dict[str, str]:
    """Where the rows of each figure are."""
    narrowed = {"currency": filters.currency, "part": filters.part}
    kept = {name: value for name, value in narrowed.items() if value}
    return {
        column: f"/api/{gateway}/analytics/rows?"
        + urlencode({"figure": column, "month": named, **kept})
        for column in sources.COLUMNS
    }


def source_row(source: sources.Source) -> dict[str, Any]:
    """Whom a figure counts, with where his payments are."""
    customer = source.customer
    link = f"/api/{ALL}/customers/{customer.pk}/transactions" if customer else None
    return {"customer": customer, "value": str(source.value), "link": link}


def month(text: str | None) -> date | None:
    """A month by its first day."""
    return queries.month_named(text) if text else None


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON: decimals as strings."""
    return {name: plain_value(value) for name, value in row.items()}


def plain_value(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str | dict) else str(value)
