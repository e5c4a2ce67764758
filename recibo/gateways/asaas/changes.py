"""Having Asaas change a subscription: remove it, take up one that is paused, or move its day.

Source: docs.asaas.com, "Atualizar assinatura existente", "Remover assinatura". All of it may be
repeated. There are no plans, so none can be changed.
"""

import re
from datetime import date, datetime
from typing import Any

from recibo.gateways import http
from recibo.gateways.asaas import answers, schedule
from recibo.gateways.asaas.api import ask, now, readable
from recibo.gateways.asaas.dates import ZONE, moment
from recibo.gateways.asaas.payloads import REMOVAL, SUBSCRIPTION, Subscription
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)

SUBSCRIPTION_ID = re.compile(r"sub_[0-9A-Za-z]{1,60}")

REMOVED = "Asaas takes up no subscription that was removed: make a new one"
BY_WEEKS = "The subscription collects by weeks, and so on no day of the month"


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """Remove it, and with it the charges that nobody paid yet.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    path = path_of(code)
    at = now()
    try:
        body = ask(api, path, method="DELETE")
    except (UnavailableError, DeniedError):
        raise
    except ApiError as refusal:
        return [removed_already(api, code, refusal)]
    if not readable(REMOVAL, body).deleted:
        raise UnavailableError("Asaas did not remove the subscription")
    return [http.answer(answers.REMOVAL_RESOURCE, body, at=at)]


def removed_already(api: Api, code: str, refusal: ApiError) -> RawRequest:
    """How a subscription stands whose removal is refused. Raises the refusal unless it is gone."""
    body, subscription = read(api, code)
    if not subscription.deleted:
        raise refusal
    return answer("cancel", body)


def reactivate_subscription(api: Api, code: str) -> list[RawRequest]:
    """Collect again from the next day of its schedule on, which Asaas wants to be told.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    body, subscription = read(api, code)
    refuse_removed(subscription)
    if subscription.status != "ACTIVE":
        due = schedule.not_before(today(), due_date(subscription), subscription.cycle or "")
        body = changed(api, code, {"status": "ACTIVE", "nextDueDate": due.isoformat()})
    return [answer("reactivate", body)]


def change_due_day(api: Api, code: str, day: int) -> list[RawRequest]:
    """Collect on another day of the month from the next charge on; open charges stay as they are.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    body, subscription = read(api, code)
    refuse_removed(subscription)
    if subscription.cycle in schedule.WEEKS:
        raise ApiError(BY_WEEKS)
    due = due_date(subscription)
    if due.day != day:
        later = schedule.on_day(day, due, today())
        body = changed(api, code, {"nextDueDate": later.isoformat()})
    return [answer("due-day", body)]


def refuse_removed(subscription: Subscription) -> None:
    """Raise ApiError for one that no call brings back."""
    if subscription.deleted:
        raise ApiError(REMOVED)


def due_date(subscription: Subscription) -> date:
    """The day of the next charge, in Brasília. Raises UnavailableError where none is told."""
    try:
        due = moment(subscription.next_due_date, "nextDueDate")
    except PayloadError as error:
        raise UnavailableError("The answer cannot be read") from error
    if due is None:
        raise UnavailableError("The subscription has no next due date")
    return due.astimezone(ZONE).date()


def today() -> date:
    """The day in Brasília."""
    return datetime.now(ZONE).date()


def read(api: Api, code: str) -> tuple[bytes, Subscription]:
    """A subscription. Raises UnavailableError, NotFoundError, DeniedError."""
    return told(code, ask(api, path_of(code)))


def changed(api: Api, code: str, change: dict[str, Any]) -> bytes:
    """The subscription after a change, as Asaas answers it."""
    body, _ = told(code, ask(api, path_of(code), method="PUT", json=change))
    return body


def told(code: str, body: bytes) -> tuple[bytes, Subscription]:
    """An answer about this subscription. Raises UnavailableError for any other."""
    subscription = readable(SUBSCRIPTION, body)
    if subscription.id != code:
        raise UnavailableError("The answer is about another subscription")
    return body, subscription


def path_of(code: str) -> str:
    """Where a subscription is. Raises NotFoundError for what is no id of one."""
    if not SUBSCRIPTION_ID.fullmatch(code):
        raise NotFoundError("Not the id of a subscription of Asaas")
    return f"/v3/subscriptions/{code}"


def answer(act: str, body: bytes) -> RawRequest:
    """How a subscription stands after an act, which makes it news of its own."""
    return http.answer(answers.SUBSCRIPTION_RESOURCE, body, at=now(), act=act)
