"""Bringing history in from a file: each row is an event, and enters by the same door.

A row is known by its ``event_id``: a second import of the same file changes nothing. Of a row that
is there twice the first received counts, in whatever order files come. Imported events belong to
the account ``import/default``, which has no webhooks: its door is closed for good.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, TextIO, TypeVar

import msgspec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from recibo.accounts.models import Account
from recibo.analytics import sql
from recibo.analytics.configuration import definitions
from recibo.analytics.reading import named
from recibo.analytics.rollups import Progress, in_silence
from recibo.inbox import imported
from recibo.inbox.deliveries import LAST, RETENTIONS, STORE, UNCOUNTED, storable
from recibo.inbox.deliveries import Row as Stored
from recibo.inbox.imported import EVENTS, Row, RowType
from recibo.inbox.models import Source
from recibo.work.sql import document, execute

Item = TypeVar("Item")

#: Rows of one statement.
BATCH = 500
#: Characters of a field.
LONGEST = 500
LARGEST = 10**12
T = RowType
#: What a row of each type cannot do without, besides its id, its times and its customer.
NEEDED = {
    T.TRIAL_STARTED: ("subscription_id", "paid_through"),
    T.PAYMENT_APPROVED: ("charge_id", "amount"),
    T.CHARGE_DECLINED: ("charge_id",),
    T.CHARGE_EXPIRED: ("charge_id",),
    T.PLAN_SWITCHED: ("subscription_id",),
    T.CANCELLATION_REQUESTED: ("subscription_id",),
    T.CANCELLATION_UNDONE: ("subscription_id",),
    T.REFUND: ("charge_id", "amount"),
    T.CHARGEBACK: ("charge_id",),
    T.CART_ABANDONED: (),
}
#: What a payment of a subscription has besides.
OF_SUBSCRIPTION = ("subscription_id", "recurring_price", "interval", "paid_through")
TIMES = ("occurred_at", "received_at", "charge_created_at", "paid_through")
COLUMNS = ("event_id", "type", "occurred_at", "customer_id")
RATE_COLUMNS = ("month", "currency")

STORE_THESE = STORE.format(repeated=UNCOUNTED, rows="%s", headers="%s", query="%s", body="%s")
#: Events that were received earlier than was known: the first delivery counts.
RECEIVED_EARLIER = """
    with given as (
        select r.account_id, substring(sha256(convert_to(r.event_id, 'UTF8')) for 16) as key,
            to_timestamp(r.received_at) as at
        from json_to_recordset(%(rows)s::json) as r(
            account_id bigint, event_id text, received_at float8)
    ), moved as (
        update inbox_event e set received_at = g.at from given g
        where e.account_id = g.account_id and e.key = g.key
            and e.received_at > g.at + interval '1 millisecond'
        returning e.id, g.at
    ), bodies as (
        update inbox_eventbody b set received_at = m.at from moved m where b.event_id = m.id
    ), charges as (
        update billing_chargenews n set known_at = m.at from moved m where n.event_id = m.id
    ), subscriptions as (
        update billing_subscriptionnews n set known_at = m.at from moved m
        where n.event_id = m.id
    )
    update analytics_cart k set known_at = m.at from moved m where k.event_id = m.id
"""
STORE_RATES = """
    insert into analytics_rate as k (month, currency, rate)
    select * from json_to_recordset(%s::json) as r(month date, currency text, rate numeric)
    on conflict (currency, month) do update set rate = excluded.rate
    where k.rate <> excluded.rate
    returning currency
"""


class FileError(Exception):
    """The file as a whole cannot be read. The message says why."""


class LineError(Struct, frozen=True):
    """A row that was left out."""

    line: int
    error: str


class Imported(Struct, frozen=True):
    """What an import did."""

    rows: int  # that were good
    new: int  # that were not known
    errors: list[LineError]


def import_rows(file: TextIO, *, progress: Progress = in_silence) -> Imported:
    """Store every good row as an event, pending; the bad ones are reported by line.

    Raises FileError when columns are missing. ``progress`` is told how many rows were read since.
    """
    errors: list[LineError] = []
    good = new = 0
    account = account_of_imports()
    for lines in batches(numbered(file, COLUMNS), BATCH):
        rows = [row for number, line in lines if (row := row_or_error(number, line, errors))]
        new += store(account, rows)
        good += len(rows)
        progress(len(lines))
    return Imported(good, new, errors)


def account_of_imports() -> Account:
    """The account that imported events belong to."""
    account, _ = Account.objects.get_or_create(
        gateway=imported.SLUG, name=Account.DEFAULT, defaults={"disabled_at": timezone.now()}
    )
    return account


def numbered(file: TextIO, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV file by their number. Raises FileError."""
    reader = csv.DictReader(file)
    columns = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in needed if name not in columns]:
        raise FileError(_("The file has no column %s.") % ", ".join(missing))
    reader.fieldnames = columns
    try:
        for line in reader:
            yield reader.line_num, trimmed(line)
    except (csv.Error, UnicodeDecodeError) as error:
        sentence = _("Line %(line)s is not CSV in UTF-8: %(error)s.")
        raise FileError(sentence % {"line": reader.line_num + 1, "error": error}) from error


def trimmed(line: Mapping[str | None, Any]) -> dict[str, str]:
    """What a line says; nothing of what it leaves empty or has too much."""
    return {
        name: text
        for name, value in line.items()
        if name and isinstance(value, str) and (text := value.strip())
    }


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items, so many at a time."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def row_or_error(number: int, line: dict[str, str], errors: list[LineError]) -> Row | None:
    """The row of a line; None, and an error more, if it makes no sense."""
    try:
        return row_of(line)
    except ValueError as error:  # msgspec's errors are too
        errors.append(LineError(number, str(error)))
        return None


def row_of(line: dict[str, str]) -> Row:
    """A line as a row. Raises ValueError, which says what is wrong with it."""
    if too_long := [name for name, text in line.items() if len(text) > LONGEST]:
        names = ", ".join(too_long)
        sentence = _("%(names)s: %(most)s characters at most")
        raise ValueError(sentence % {"names": names, "most": LONGEST})
    known = {name: text for name, text in line.items() if name in Row.__struct_fields__}
    known.setdefault("received_at", known.get("occurred_at", ""))
    known |= {name: aware(known[name]) for name in TIMES if name in known}
    if "currency" in known:
        known["currency"] = known["currency"].upper()
    row = msgspec.convert(known, Row, strict=False)
    check(row)
    return row


def aware(text: str) -> str:
    """A time with its zone: UTC where none is said. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def check(row: Row) -> None:
    """Raises ValueError for what no row can be."""
    needed = NEEDED[row.type]
    if row.type is T.PAYMENT_APPROVED and row.kind == "subscription":
        needed = (*needed, *OF_SUBSCRIPTION)
    missing = [name for name in needed if getattr(row, name) in {"", None}]
    if missing:
        sentence = _("%(type)s needs %(names)s")
        raise ValueError(sentence % {"type": row.type, "names": ", ".join(missing)})
    if row.kind not in {"", "subscription", "one_off"}:
        raise ValueError(_("kind is subscription or one_off, not %s") % row.kind)
    if len(row.currency) != 3 or not row.currency.isalpha():
        raise ValueError(_("currency is a code like BRL, not %s") % row.currency)
    check_amounts(row)


def check_amounts(row: Row) -> None:
    """Raises ValueError for what no amount can be."""
    for name in ("amount", "charged_total", "recurring_price"):
        value: Decimal | None = getattr(row, name)
        if value is not None and not (value.is_finite() and 0 <= value < LARGEST):
            sentence = _("%(name)s cannot be %(value)s")
            raise ValueError(sentence % {"name": name, "value": value})


@transaction.atomic
def store(account: Account, rows: Sequence[Row]) -> int:
    """Put rows into the inbox. Gives how many were not known."""
    first: dict[str, Row] = {}
    for row in rows:
        known = first.get(row.event_id)
        if known is None or row.received_at < known.received_at:
            first[row.event_id] = row
    if not first:
        return 0
    events = [stored(account, row) for row in first.values()]
    told = document(events)
    named(RECEIVED_EARLIER, rows=told)
    before = known_count(account, events)
    nothing = [b""] * len(events)
    bodies = [imported.request_of(row).body for row in first.values()]
    execute(STORE_THESE, told, nothing, nothing, bodies)
    return len(events) - before


def stored(account: Account, row: Row) -> Stored:
    """A row as the inbox keeps it."""
    kind = EVENTS[row.type]
    return Stored(
        account_id=account.pk,
        event_id=storable(row.event_id),
        charge_id=storable(row.charge_id),
        source=Source.IMPORT,
        gateway_event=row.type.value,
        event_type=kind,
        priority=LAST,
        received_at=row.received_at.timestamp(),
        retention=RETENTIONS[kind],
        is_thin=False,
    )


def known_count(account: Account, events: Sequence[Stored]) -> int:
    """How many of these are in the inbox already."""
    return int(
        execute(
            """select count(*) from inbox_event where account_id = %s and key in (
                select substring(sha256(convert_to(e, 'UTF8')) for 16) from unnest(%s::text[]) e)
            """,
            account.pk,
            [one.event_id for one in events],
        )[0]["count"]
    )


# Rates


def import_rates(file: TextIO) -> Imported:
    """Keep the rates of a file: ``month,currency,rate_to_brl``; whom they concern is counted anew.

    Raises FileError.
    """
    column = f"rate_to_{definitions().currency.lower()}"
    errors: list[LineError] = []
    rows: dict[tuple[str, date], Any] = {}
    for number, line in numbered(file, (*RATE_COLUMNS, column)):
        try:
            month, currency, rate = rate_of(line, column)
        except (ValueError, InvalidOperation) as error:
            errors.append(LineError(number, _("not a rate: %s") % error))
            continue
        rows[currency, month] = {"month": month, "currency": currency, "rate": rate}
    with transaction.atomic():
        changed = execute(STORE_RATES, document(list(rows.values()))) if rows else []
        if changed:
            named(sql.MARK_CURRENCIES, some=sorted({row["currency"] for row in changed}))
    return Imported(len(rows), len(changed), errors)


def rate_of(line: Mapping[str, str], column: str) -> tuple[date, str, Decimal]:
    """The rate of a line. Raises ValueError, InvalidOperation."""
    month = date.fromisoformat(f"{line.get('month', '')[:7]}-01")
    currency, rate = line.get("currency", "").upper(), Decimal(line.get(column, ""))
    if len(currency) != 3 or not currency.isalpha() or not 0 < rate < 10**9:
        raise ValueError(f"{currency} {rate}")
    return month, currency, rate
