"""What happens next: one table from a change to the jobs that it asks for.

A reaction is called in the transaction of the change, so the change and its jobs stand or fall
together. Reactions only defer work; talking to the outside is what the deferred jobs do.
"""

from collections.abc import Callable, Iterable

from recibo.billing.changes import Change
from recibo.reconciliation.customers import look_up

Reaction = Callable[[Change], None]

#: By the kind of change, ``order.paid`` for instance. The parts that react (access, messages,
#: outbound webhooks) add their lines here.
REACTIONS: dict[str, tuple[Reaction, ...]] = {
    "buyer.unknown": (look_up,),
}


def react(changes: Iterable[Change]) -> None:
    """Defer what the changes ask for."""
    for change in changes:
        for reaction in REACTIONS.get(change.kind, ()):
            reaction(change)
