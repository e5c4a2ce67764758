"""What happens next: one table from a change to what it asks for.

A reaction is called in the transaction of the change, so the change and what follows stand or fall
together. Reactions only write rows that are due and nudge; talking to the outside is what the jobs
do that drain those rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from recibo.access.actions import provision
from recibo.automation.publishing import publish
from recibo.automation.telling import (
    confirm,
    instruct,
    recover,
    remind,
    tell_blocked,
    tell_refund,
    tell_restored,
)
from recibo.billing.changes import Change
from recibo.reconciliation.customers import look_up

#: Takes all changes of one kind at once, and asks the database a fixed number of times.
Reaction = Callable[[Sequence[Change]], None]

#: By the kind of change.
REACTIONS: dict[str, tuple[Reaction, ...]] = {
    "buyer.unknown": (look_up,),
    "order.paid": (confirm,),
    "charge.pending": (instruct,),
    "charge.paid": (provision,),
    # Paid and then disputed, or partly given back, may be one change.
    "charge.disputed": (provision,),
    "charge.partially_refunded": (tell_refund, provision),
    "charge.overdue": (remind,),
    "charge.refunded": (tell_refund,),
    "cart.abandoned": (recover,),
    "access.blocked": (tell_blocked,),
    "access.restored": (tell_restored,),
}


def react(changes: Iterable[Change]) -> None:
    """Publish the changes, and do what they ask for."""
    told = list(changes)
    publish(told)
    for kind, alike in by_kind(told).items():
        for reaction in REACTIONS.get(kind, ()):
            reaction(alike)


def rehearse(changes: Iterable[Change]) -> list[str]:
    """What the changes would ask for, by the names of the reactions."""
    return [
        f"{reaction.__name__} {change.name}"
        for kind, alike in by_kind(changes).items()
        for reaction in REACTIONS.get(kind, ())
        for change in alike
    ]


def by_kind(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """The changes in groups of one kind each."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.kind].append(change)
    return found
