"""Keeping cells, the sums over everybody, in step with the facts.

What a subject adds is derived anew from all facts about him, and cells take the difference to what
he added before, in one transaction: nothing is counted on its own, so nothing drifts. ``rebuild``
derives everybody anew, and says where that differs from what was kept.
"""

import logging
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone
from msgspec import Struct

from recibo.analytics import sql
from recibo.analytics.configuration import definitions, ground
from recibo.analytics.counting import Account, Figure, Figures, Ground, counted
from recibo.analytics.histories import History
from recibo.analytics.models import Edition
from recibo.analytics.movements import Stretch
from recibo.analytics.reading import everybody, histories
from recibo.analytics.subjects import of_charge, of_subscription
from recibo.journal.actions import audit
from recibo.work.sql import Row, document, execute

logger = logging.getLogger(__name__)

#: Marks, and subjects whose time has come, of one transaction.
BATCH = 1000
#: Names the lock of whoever writes cells.
WRITER = 7_310_520_013

Progress = Callable[[int], Any]
Cells = Counter[tuple[str, Figure]]


class Rebuilt(Struct, frozen=True):
    """What counting everybody anew took and found."""

    subjects: int
    differing: int  # whose kept figures were not those of the facts
    cells_amiss: int  # that were not the sum of what was kept
    seconds: float


def in_silence(_count: int) -> None:
    """Nobody wants to know how far it is."""


def drain(*, seconds: float = math.inf, progress: Progress = in_silence) -> int:
    """Count anew whoever is marked or whose time has come. Gives how many subjects.

    Begins no other batch after so many ``seconds``. ``progress`` is told how many were counted
    since.
    """
    follow_definitions()
    total, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and (count := drain_once(BATCH)):
        progress(count)
        total += count
    return total


def drain_once(limit: int = BATCH) -> int:
    """The same for one batch; 0 when nothing is due, or somebody else is at it."""
    with transaction.atomic():
        if not execute(sql.ONLY_WRITER, WRITER)[0]["is_ours"]:
            return 0
        now = timezone.now()
        marks = execute(sql.MARKED, limit)
        subjects = {row["subject"] for row in marks}
        if len(subjects) < limit:
            subjects |= {row["subject"] for row in execute(sql.DUE, now, limit)}
        if subjects:
            recount(sorted(subjects), ground(now))
        if marks:
            execute(sql.UNMARK, [row["id"] for row in marks])
    return len(subjects)


def follow_definitions() -> None:
    """Have everybody counted anew when a choice that changes figures is another one."""
    chosen = msgspec.to_builtins(definitions(), str_keys=True)
    chosen = {name: str(value) for name, value in chosen.items()}
    with transaction.atomic():
        edition = Edition.objects.select_for_update().first()
        if edition is not None and edition.definitions == chosen:
            return
        execute(sql.MARK_ALL)
        if edition is not None:
            audit(
                "system", "analytics.definitions", "analytics", before=edition.definitions,
                after=chosen,
            )  # fmt: skip
        Edition.objects.update_or_create(
            pk=edition.pk if edition else 1,
            defaults={"definitions": chosen, "built_at": timezone.now()},
        )


def recount(subjects: Sequence[int], on: Ground) -> int:
    """Derive these subjects anew and bring cells in line. Gives how many differed.

    In a transaction that holds the lock of the writer.
    """
    found = histories(subjects)
    accounts = {subject: counted(history, on) for subject, history in found.items()}
    touched = {*subjects, *left_behind(found)}
    before = execute(sql.LEDGERS_OF, sorted(touched))
    after = [row for subject, one in accounts.items() for row in ledger_rows(subject, one)]
    changed = differing(before, after)
    if changed:
        write(changed, before, after, accounts)
    return len(changed)


def left_behind(found: dict[int, History]) -> set[int]:
    """Under whom charges and subscriptions were counted before their customer was known."""
    return {
        subject
        for customer, history in found.items()
        if customer > 0
        for subject in (
            *(of_charge(one.id) for one in history.charges),
            *(of_subscription(one.id) for one in history.subscriptions),
        )
    }


def differing(before: Sequence[Row], after: Sequence[Row]) -> set[int]:
    """The subjects whose ledgers are other ones now."""
    kept, wanted = by_subject(before), by_subject(after)
    return {one for one in kept.keys() | wanted.keys() if kept.get(one) != wanted.get(one)}


def by_subject(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """The ledgers of each subject, in the order of their parts."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["subject"]].append(row)
    return found


def write(
    changed: set[int], before: Sequence[Row], after: Sequence[Row], accounts: dict[int, Account]
) -> None:
    """Replace the ledgers and stretches of the subjects; cells take the difference."""
    old = [row for row in before if row["subject"] in changed]
    new = [row for row in after if row["subject"] in changed]
    add_to_cells(difference(old, new))
    for statement in sql.FORGET:
        execute(statement, sorted(changed))
    if new:
        execute(sql.KEEP_LEDGERS, document(new))
    stretches = [
        row
        for subject in changed & accounts.keys()
        for row in stretch_rows(subject, accounts[subject].stretches)
    ]
    if stretches:
        execute(sql.KEEP_STRETCHES, document(stretches))


def difference(old: Iterable[Row], new: Iterable[Row]) -> Cells:
    """What cells lack of the new ledgers. Few sets of scopes are shared by many subjects."""
    sums: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for rows, sign in ((old, -1), (new, 1)):
        for row in rows:
            mine = sums[tuple(row["scopes"])]
            for key, value in row["figures"].items():
                mine[key] += sign * value
    cells: Cells = Counter()
    for scopes, changes in sums.items():
        for key, value in changes.items():
            for scope in scopes if value else ():
                cells[scope, figure_of(key)] += value
    return cells


def add_to_cells(cells: Cells) -> None:
    """Add these amounts."""
    rows = [
        {
            "scope": scope,
            "period": figure.period,
            "cohort": figure.cohort,
            "name": figure.name,
            "value": value,
        }
        for (scope, figure), value in cells.items()
        if value
    ]
    if rows:
        execute(sql.ADD_TO_CELLS, document(rows))


def ledger_rows(subject: int, account: Account) -> Iterable[Row]:
    """What a subject adds, as rows."""
    for number, part in enumerate(account.parts):
        if part.figures or (number == 0 and account.again_at):
            yield {
                "subject": subject,
                "part": number,
                "scopes": list(part.scopes),
                "figures": {key_of(one): value for one, value in part.figures.items()},
                "again_at": account.again_at if number == 0 else None,
            }


def stretch_rows(subject: int, stretches: Sequence[Stretch]) -> Iterable[Row]:
    """A subject's stretches as rows."""
    for number, one in enumerate(stretches):
        is_last = number + 1 == len(stretches)
        yield {
            "subject": subject,
            "since": one.since,
            "until": None if is_last else stretches[number + 1].since,
            "kind": one.kind,
            "amount": one.amount,
            "mrr": one.mrr,
            "at_risk": one.at_risk,
            "scheduled": one.scheduled,
            "segment": one.segment,
            "is_paying": one.is_paying,
        }


def key_of(figure: Figure) -> str:
    """A figure as a ledger names it."""
    return f"{figure.name}@{figure.period}@{figure.cohort}"


KNOWN: dict[str, Figure] = {}


def figure_of(key: str) -> Figure:
    """The figure of a ledger's key. There are few, and each comes up for many subjects."""
    if (known := KNOWN.get(key)) is None:
        name, period, cohort = key.rsplit("@", 2)
        known = Figure(name, date.fromisoformat(period), date.fromisoformat(cohort))
        KNOWN[key] = known
    return known


def rebuild(*, progress: Progress = in_silence) -> Rebuilt:
    """Derive everybody anew from the facts and mend what differs. Safe at any time.

    ``progress`` is told how many subjects were done since.
    """
    began = time.monotonic()
    follow_definitions()
    last_mark = execute(sql.LAST_MARK)[0]["id"]
    total = differed = 0
    for subjects in everybody():
        with transaction.atomic():
            execute(sql.ONE_WRITER, WRITER)
            differed += recount(subjects, ground(timezone.now()))
        total += len(subjects)
        progress(len(subjects))
    execute(sql.UNMARK_UNTIL, last_mark)
    differed += forget_strays()
    amiss = mend_cells()
    return Rebuilt(total, differed, amiss, time.monotonic() - began)


def verify() -> Rebuilt:
    """Rebuild, and complain where that was not what had been kept."""
    rebuilt = rebuild()
    if rebuilt.differing or rebuilt.cells_amiss:
        logger.error(
            "analytics: %s subjects and %s cells were not what the facts say; they are now",
            rebuilt.differing,
            rebuilt.cells_amiss,
        )
    return rebuilt


def forget_strays() -> int:
    """Drop what was counted of those who are no more. Gives how many there were."""
    total = 0
    while True:
        with transaction.atomic():
            execute(sql.ONE_WRITER, WRITER)
            strays = [row["subject"] for row in execute(sql.STRAY, BATCH)]
            if not strays:
                return total
            recount(strays, ground(timezone.now()))
            total += len(strays)


def mend_cells() -> int:
    """Make every cell the sum of all ledgers. Gives how many were not."""
    with transaction.atomic():
        execute(sql.ONE_WRITER, WRITER)
        amiss: Cells = Counter()
        for row in execute(sql.AMISS):
            amiss[row["scope"], figure_of(row["key"])] = row["lacks"]
        add_to_cells(amiss)
    return len(amiss)


def as_known(as_of: datetime, scope: str) -> tuple[Figures, dict[int, list[Stretch]]]:
    """The figures of a scope, and everybody's stretches, by what was known at an instant.

    Reads every fact: it takes as long as a rebuild.
    """
    on = ground(as_of)
    figures: Figures = defaultdict(int)
    stretches: dict[int, list[Stretch]] = {}
    for subjects in everybody():
        for subject, history in histories(subjects, as_of).items():
            account = counted(history, on)
            stretches[subject] = account.stretches
            for part in account.parts:
                if scope in part.scopes:
                    for figure, value in part.figures.items():
                        figures[figure] += value
    return figures, stretches
