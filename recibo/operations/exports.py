"""Rows as files: CSV that no spreadsheet takes for formulas, or JSON lines.

Rows are read newest first, a batch at a time by their ids, so that neither memory nor a
transaction grows with their number. What is small is streamed to whoever asked; what is large is
written by a worker below ``RECIBO_HOME/exports``, under its name only once it is whole.
"""

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from recibo.access.queries import access_of_customers
from recibo.billing import queries
from recibo.billing.models import Customer
from recibo.inbox.queries import listed as events
from recibo.journal.actions import audit
from recibo.operations.models import Export
from recibo.work import draining
from recibo.work.engine import DRAINS, nudge
from recibo.work.lease import BusyError

TASK = "operations.exports"
DRAINS.add(TASK)
TABLE = Export._meta.db_table
#: Rows of one query, and of one piece of a file.
BATCH = 1_000
#: Rows up to which a request is answered with the file itself.
STREAMED = 50_000
#: How long a file is kept: it names buyers.
LASTS = timedelta(hours=24)
ATTEMPTS = 3
RETRY_AFTER = timedelta(minutes=1)

#: What a spreadsheet takes for the beginning of a formula, in either width.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"

Getter = Callable[[Any], Any]
#: Called with how many more rows are done.
Advance = Callable[[int], object]


class Style(NamedTuple):
    """How a file is written. ``decimal`` is that of amounts in CSV."""

    format: str = Export.Format.CSV
    separator: str = ","
    decimal: str = "."
    bom: bool = False


SEPARATORS = (",", ";", "\t", "|")
DECIMALS = (".", ",")


def style(form: str, *, separator: str = ",", decimal: str = "", bom: bool = False) -> Style:
    """How a file is written. Where ``;`` separates, amounts have a comma unless it is said: that
    is what spreadsheets set to Portuguese read as numbers. Raises ValueError.
    """
    chosen = decimal or ("," if separator == ";" else ".")
    if separator not in SEPARATORS:
        raise ValueError(_("The separator must be one of: %s") % " ".join(map(repr, SEPARATORS)))
    if chosen not in DECIMALS or chosen == separator:
        raise ValueError(_("Amounts have a point or a comma, and not the separator."))
    return Style(form, separator, chosen, bom=bom)


class Source(NamedTuple):
    """Which rows there are of a gateway ("" for all), and what is told of each, by column."""

    rows: Callable[[str], QuerySet[Any]]
    columns: Mapping[str, Getter]
    #: What a batch of rows is read from: with what other tables know of them.
    prepared: Callable[[Sequence[Any]], Iterable[Any]] = iter


class Buyer:
    """A customer with what is asked of other tables for a whole batch at once."""

    def __init__(
        self, customer: Customer, values: Mapping[str, Decimal], access: tuple[str, str]
    ) -> None:
        self.customer = customer
        self.person = customer.person
        self.access, self.user_id = access
        self.currency, self.lifetime_value = next(iter(values.items()), ("", Decimal(0)))

    @property
    def tags(self) -> str:
        """As one cell."""
        return " ".join(tag.tag for tag in self.customer.tags.all())


def buyers(customers: Sequence[Customer]) -> Iterator[Buyer]:
    """Customers with what they are worth and may use, in three queries for all of them."""
    ids = [customer.pk for customer in customers]
    values, access = queries.lifetime_values(ids), access_of_customers(ids)
    return (Buyer(one, values.get(one.pk, {}), access[one.pk]) for one in customers)


def person(name: str) -> Getter:
    """A field of the customer that a row belongs to, if it belongs to one."""
    read = attrgetter(f"person.{name}")
    return lambda row: read(row.customer) if row.customer else None


def same(*names: str) -> dict[str, Getter]:
    """Columns that are called as the row calls them."""
    return {name: attrgetter(name) for name in names}


ACCOUNT: Mapping[str, Getter] = {
    "gateway": attrgetter("account.gateway"),
    "account": attrgetter("account.name"),
}
CUSTOMER: Mapping[str, Getter] = {
    "customer_id": attrgetter("customer_id"),
    "customer_email": person("email"),
    "customer_name": person("name"),
}
SOURCES: Mapping[str, Source] = {
    Export.Kind.CUSTOMERS: Source(
        lambda gateway: queries.customers(gateway=gateway),
        {
            "id": attrgetter("customer.pk"),
            **{name: attrgetter(f"person.{name}") for name in ("email", "name")},
            **{name: attrgetter(f"person.{name}") for name in ("phone", "document")},
            "segment": attrgetter("customer.segment"),
            **same("access", "user_id", "tags", "lifetime_value", "currency"),
            "created_at": attrgetter("customer.created_at"),
        },
        buyers,
    ),
    Export.Kind.CHARGES: Source(
        lambda gateway: queries.charges(gateway=gateway),
        {
            **same("id"),
            **ACCOUNT,
            **same("gateway_charge_id", "status", "amount", "currency", "fee", "net"),
            **same("refunded_amount", "payment_method", "installments", "product"),
            **same("subscription_code", "refusal_reason", "simulated"),
            **same("created_at", "paid_at", "expires_at", "order_id"),
            "order_reference": attrgetter("order.reference"),
            **CUSTOMER,
        },
    ),
    Export.Kind.SUBSCRIPTIONS: Source(
        lambda gateway: queries.subscriptions(gateway=gateway),
        {
            **same("id"),
            "subscriber_code": attrgetter("code"),
            **ACCOUNT,
            **same("status", "plan", "product", "price", "currency", "period"),
            **same("next_billing_at", "started_at", "cancelled_at", "simulated"),
            **CUSTOMER,
        },
    ),
    Export.Kind.EVENTS: Source(
        lambda gateway: events(gateway=gateway),
        {
            **same("id", "gateway_event_id", "gateway_charge_id"),
            **ACCOUNT,
            **same("source", "event_type", "gateway_event", "status", "attempts", "duplicates"),
            **same("received_at", "processed_at", "error", "result"),
        },
    ),
}


def pieces(
    kind: str, gateway: str, style: Style, *, advance: Advance = lambda _rows: None
) -> Iterator[bytes]:
    """A file piece by piece: a beginning, then a batch of rows in each."""
    source = SOURCES[kind]
    yield beginning(source, style)
    for batch in batches(source.rows(gateway)):
        cells = [[read(row) for read in source.columns.values()] for row in source.prepared(batch)]
        yield WRITERS[style.format](list(source.columns), cells, style)
        advance(len(batch))


def batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The rows in batches, each of which begins after the last id of the one before."""
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__lt=batch[-1].pk)[:BATCH])


def beginning(source: Source, style: Style) -> bytes:
    """What stands before the rows: the names of the columns, in CSV."""
    if style.format != Export.Format.CSV:
        return b""
    return (BOM if style.bom else "").encode() + table([list(source.columns)], style)


def lines(columns: Sequence[str], cells: Sequence[Sequence[Any]], _style: Style) -> bytes:
    """Rows as JSON, one a line."""
    return b"".join(
        msgspec.json.encode(dict(zip(columns, map(plain, row), strict=True))) + b"\n"
        for row in cells
    )


def plain(value: Any) -> Any:
    """A value as the API tells it: amounts are strings of two places."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value


def comma_separated(_columns: Sequence[str], cells: Sequence[Sequence[Any]], style: Style) -> bytes:
    """Rows as CSV."""
    return table([[cell(value, style) for value in row] for row in cells], style)


def table(rows: Sequence[Sequence[str]], style: Style) -> bytes:
    """Cells as lines."""
    text = io.StringIO()
    csv.writer(text, delimiter=style.separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(errors="replace")


def cell(value: Any, style: Style) -> str:
    """A value as a cell. Numbers are numbers; a text that a formula could begin is a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:.2f}".replace(".", style.decimal)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = str(value)
    is_formula = isinstance(value, str) and text.startswith(FORMULAS)
    return f"'{text}" if is_formula else text


WRITERS: Mapping[str, Callable[[Sequence[str], Sequence[Sequence[Any]], Style], bytes]] = {
    Export.Format.CSV: comma_separated,
    Export.Format.JSONL: lines,
}


def count(kind: str, gateway: str, *, limit: int | None = None) -> int:
    """How many rows there are; ``limit``: at most so many are counted."""
    rows = SOURCES[kind].rows(gateway).order_by().prefetch_related(None)
    return rows[:limit].count()


def is_large(kind: str, gateway: str) -> bool:
    """Whether there are more rows than a request should wait for."""
    return count(kind, gateway, limit=STREAMED + 1) > STREAMED


def queue(kind: str, gateway: str, style: Style, *, actor: str) -> Export:
    """Have a worker write a file."""
    with transaction.atomic():
        export = Export.objects.create(
            kind=kind,
            gateway=gateway,
            **style._asdict(),
            actor=actor,
            next_attempt_at=timezone.now(),
        )
        tell(kind, gateway, actor=actor)
        nudge(TASK)
    return export


def tell(kind: str, gateway: str, *, actor: str) -> None:
    """Keep who took rows out of the house."""
    audit(actor, f"export.{kind}", f"gateway:{gateway or 'all'}")


def write_all() -> int:
    """Write every file that is asked for. Gives how many."""
    return draining.drain(EXPORTS)


def write(export_id: int) -> None:
    """Write one file. Raises OSError, BusyError."""
    export = Export.objects.get(pk=export_id)
    if export.next_attempt_at is None:
        raise BusyError(f"{TABLE} {export_id}")
    style = Style(export.format, export.separator, export.decimal, bom=export.bom)
    counted = Counter()
    size = put(place(export), pieces(export.kind, export.gateway, style, advance=counted))
    now = timezone.now()
    settle(
        export,
        status=Export.Status.DONE,
        rows=counted.total,
        size=size,
        finished_at=now,
        expires_at=now + LASTS,
    )


class Counter:
    """Adds up what it is called with."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, count: int) -> None:
        self.total += count


def settle(export: Export, **values: Any) -> None:
    """Nothing more is to be done about it."""
    done = {"next_attempt_at": None, "claimed_until": None, "error": "", **values}
    Export.objects.filter(pk=export.pk).update(**done)


def broke(export_id: int, error: Exception) -> None:
    """Try again in a minute, a few times."""
    export = Export.objects.get(pk=export_id)
    attempts = export.attempts + 1
    if attempts >= ATTEMPTS:
        settle(export, status=Export.Status.FAILED, attempts=attempts, error=str(error))
        return
    Export.objects.filter(pk=export_id).update(
        attempts=attempts,
        error=str(error),
        claimed_until=None,
        next_attempt_at=timezone.now() + RETRY_AFTER,
    )


EXPORTS = draining.Kind(TABLE, write, broke)


def folder() -> Path:
    """Where files are, for this user's eyes only."""
    found: Path = settings.RECIBO_HOME / "exports"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def place(export: Export) -> Path:
    """Where the file of an export is, once it is written."""
    return folder() / f"{export.kind}-{export.pk}.{export.format}"


def put(path: Path, content: Iterable[bytes]) -> int:
    """Write a file, whole and on disk or not at all. Gives its size in bytes."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open_new(draft) as file:
            size = sum(file.write(piece) for piece in content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return size


def open_new(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def opened(export: Export) -> BinaryIO | None:
    """The file of an export; None if it is not written yet or deleted already."""
    is_there = export.status == Export.Status.DONE and not is_over(export)
    try:
        return place(export).open("rb") if is_there else None
    except FileNotFoundError:
        return None


def is_over(export: Export) -> bool:
    """Whether the file's time is over."""
    return export.expires_at is not None and export.expires_at <= timezone.now()


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces; it is closed at the end."""
    with file:
        while piece := file.read(256 * 1024):
            yield piece


def clean() -> int:
    """Delete the files whose time is over, and what killed workers left. Gives how many."""
    over = Export.objects.filter(expires_at__lte=timezone.now(), status=Export.Status.DONE)
    doomed = [place(export) for export in over] + leftovers()
    for path in doomed:
        path.unlink(missing_ok=True)
    over.update(status=Export.Status.EXPIRED)
    return len(doomed)


def leftovers() -> list[Path]:
    """Drafts that nobody has written to for a day."""
    limit = timezone.now().timestamp() - LASTS.total_seconds()
    return [path for path in folder().glob(".*") if path.stat().st_mtime < limit]
