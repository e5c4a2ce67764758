"""What was sold, and which subscriptions there are, page by page.

Source: docs.asaas.com, "Listar cobranças", "Listar assinaturas". There is no filter by the time of
a change, and none by date at all for subscriptions.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from recibo.gateways.asaas import answers
from recibo.gateways.asaas.api import answers_of, ask_page
from recibo.gateways.asaas.dates import ZONE
from recibo.gateways.contract import Api, Listed
from recibo.gateways.errors import ApiError

#: What happens to a payment long after it was made, due and paid.
LATER = (
    *("REFUND_REQUESTED", "REFUND_IN_PROGRESS", "REFUNDED"),
    *("CHARGEBACK_REQUESTED", "CHARGEBACK_DISPUTE", "AWAITING_CHARGEBACK_REVERSAL"),
)
#: How long after it was made a payment is looked for among those.
LATEST = timedelta(days=180)

#: Where a list goes on: the question, and how many of its answers were read.
CURSOR = re.compile(r"(\d{1,2})\|(\d{1,9})", re.ASCII)

Question = dict[str, str]


def list_sales(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """A page of the payments that were made, due or paid in these days, and of those made up to
    half a year before that stand refunded or disputed.

    Asaas knows whole days of Brasília only, so a few more come. One payment can come for several
    reasons; it is one event. Raises UnavailableError, DeniedError.
    """
    questions = sales_between(since, until)
    turn, offset = place(cursor, len(questions))
    at, page = ask_page(api, "/v3/payments", {**questions[turn], "offset": offset})
    found = answers_of(answers.PAYMENT_RESOURCE, page, at)
    if page.has_more and found:
        return Listed(found, f"{turn}|{offset + len(found)}")
    return Listed(found, f"{turn + 1}|0" if turn + 1 < len(questions) else "")


def sales_between(since: datetime, until: datetime) -> Sequence[Question]:
    """The questions whose answers make up a list of sales."""
    last = until - timedelta(microseconds=1)
    by_day = [between(field, since, last) for field in ("dateCreated", "dueDate", "paymentDate")]
    recent = between("dateCreated", since - LATEST, last)
    return [*by_day, *({**recent, "status": status} for status in LATER)]


def between(field: str, first: datetime, last: datetime) -> Question:
    """The filter for the days from ``first`` to ``last``, both included."""
    return {f"{field}[ge]": day(first), f"{field}[le]": day(last)}


def day(moment: datetime) -> str:
    """The day in Brasília."""
    return moment.astimezone(ZONE).date().isoformat()


def list_subscriptions(
    api: Api,
    since: datetime,  # noqa: ARG001  # Asaas knows no dates here
    until: datetime,  # noqa: ARG001
    cursor: str,
) -> Listed:
    """A page of all subscriptions, removed ones too, whenever they were made or changed.

    Raises UnavailableError, DeniedError.
    """
    _, offset = place(cursor, 1)
    parameters = {"includeDeleted": "true", "offset": offset}
    at, page = ask_page(api, "/v3/subscriptions", parameters)
    found = answers_of(answers.SUBSCRIPTION_RESOURCE, page, at)
    return Listed(found, f"0|{offset + len(found)}" if page.has_more and found else "")


def place(cursor: str, turns: int) -> tuple[int, int]:
    """Where a list goes on. Raises ApiError for a cursor that is none of ours."""
    found = CURSOR.fullmatch(cursor or "0|0")
    if found is None or int(found[1]) >= turns:
        raise ApiError("The list cannot go on from there: begin it again")
    return int(found[1]), int(found[2])
