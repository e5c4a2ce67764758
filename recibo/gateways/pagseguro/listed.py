"""Rows of PagSeguro's searches: that something is, and how it stands, but not who bought it.

A row is thin: it is the same event for as long as nothing changes, and only what changed is read
in full. So a search through thousands of known sales costs its pages and no more.
"""

from dataclasses import replace

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError
from recibo.gateways.facts import Fact
from recibo.gateways.http import answer
from recibo.gateways.pagseguro import documents, legacy
from recibo.gateways.pagseguro.documents import Row

#: What a row is introduced as.
TRANSACTION, PRE_APPROVAL = "transaction-row", "pre-approval-row"


def transactions(rows: list[Row]) -> list[RawRequest]:
    """The rows that are sales: money that only moves is of no concern."""
    return [answer(TRANSACTION, row.body) for row in rows if is_sale(row)]


def is_sale(row: Row) -> bool:
    """Whether the row is worth reading in full: it can lack the type."""
    return row.type not in legacy.NO_SALES


def pre_approvals(rows: list[Row]) -> list[RawRequest]:
    """The rows of subscriptions that somebody has begun."""
    return [answer(PRE_APPROVAL, row.body) for row in rows if is_begun(row)]


def is_begun(row: Row) -> bool:
    """Whether there is a subscription; true of a status that we do not know."""
    known = legacy.PRE_APPROVALS.get(row.status.upper())
    return known is None or known[1] is not None


def transaction_identity(body: bytes) -> Identity:
    """Known by the state that the transaction itself is known by."""
    return as_row(legacy.transaction_identity(body))


def pre_approval_identity(body: bytes) -> Identity:
    """Known by the state that the subscription itself is known by."""
    return as_row(legacy.pre_approval_identity(body))


def as_row(identity: Identity) -> Identity:
    """Of the row, which must not be taken for the whole: the whole is still to come."""
    return replace(identity, event_id=f"row:{identity.event_id}", is_thin=True)


def no_facts(body: bytes) -> list[Fact]:
    """None: nobody could be given what he bought. Raises IgnoredError."""
    raise IgnoredError(f"PagSeguro lists {code_of(body)} without its buyer: it is read in full")


def code_of(body: bytes) -> str:
    """Whose row it is. Raises PayloadError."""
    return documents.required(documents.parsed(body), "code")
