"""Having Pagar.me change a subscription: cancel it, or move its day.

Source: "Cancelar assinatura", "Editar data de cobrança", Pagar.me docs v5. Both may be repeated.
"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from recibo.gateways import http
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.stone.api import ask, read, readable, require
from recibo.gateways.stone.payload import Code, Moment, moment

#: Where a day begins and ends: Pagar.me writes midnight of Brasília in UTC.
ZONE = ZoneInfo("America/Sao_Paulo")

CANCELLED = "canceled"
ENDED = {CANCELLED, "failed"}
BY_MONTHS = {"month", "year"}

OVER = "Pagar.me changes no subscription that has ended: make a new one"
BY_DAYS = "The subscription collects by days or weeks, and so on no day of the month"
FIXED = "The subscription collects on the day that it was made with (exact_day)"


class Schedule(Struct):
    """The little of a subscription that decides what can be changed."""

    id: Code
    status: Code
    interval: Code | None = None
    billing_type: Code | None = None
    next_billing_at: Moment = None


SCHEDULE = msgspec.json.Decoder(Schedule)


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """Collect no more, invoices that nobody paid yet included.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    require(code, "subscription")
    try:
        body = ask(api, "DELETE", path_of(code), json={"cancel_pending_invoices": True})
    except (UnavailableError, NotFoundError, DeniedError):
        raise
    except ApiError as refusal:
        return [cancelled_already(api, code, refusal)]
    return [answer(body if is_cancelled(code, body) else read(api, code))]


def cancelled_already(api: Api, code: str, refusal: ApiError) -> RawRequest:
    """How a subscription stands that is not cancelled now. Raises the refusal unless it was."""
    body = read(api, code)
    if not is_cancelled(code, body):
        raise refusal
    return answer(body)


def is_cancelled(code: str, body: bytes) -> bool:
    """Whether an answer says so of this subscription. Raises UnavailableError."""
    subscription = readable(SCHEDULE, body)
    return (subscription.id, subscription.status) == (code, CANCELLED)


def change_due_day(api: Api, code: str, day: int) -> list[RawRequest]:
    """Collect on another day of the month from the next cycle on.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    require(code, "subscription")
    body = read(api, code)
    subscription = readable(SCHEDULE, body)
    refuse_impossible(subscription)
    due = due_at(subscription)
    if due.day == day:
        return [http.answer("subscription", body)]
    later = on_day(day, due, datetime.now(ZONE))
    return [moved(api, code, {"next_billing_at": later.astimezone(UTC).isoformat()})]


def refuse_impossible(subscription: Schedule) -> None:
    """Raise ApiError, with the reason, for one whose day cannot be changed."""
    refusals = {
        OVER: subscription.status in ENDED,
        BY_DAYS: subscription.interval not in BY_MONTHS,
        FIXED: subscription.billing_type == "exact_day",
    }
    for reason, is_so in refusals.items():
        if is_so:
            raise ApiError(reason)


def due_at(subscription: Schedule) -> datetime:
    """When it collects next, in Brasília. Raises UnavailableError where that is not told."""
    try:
        due = moment(subscription.next_billing_at, "next_billing_at")
    except PayloadError as error:
        raise UnavailableError("The answer cannot be read") from error
    if due is None:
        raise UnavailableError("The subscription has no next date")
    return due.astimezone(ZONE)


def on_day(day: int, due: datetime, now: datetime) -> datetime:
    """The next time on ``day`` (1 to 28) instead of ``due``, at the same hour.

    In the same month, or if that has passed, in the month after.
    """
    month = max(due.date(), now.date())
    candidate = datetime.combine(month.replace(day=day), due.timetz())
    return candidate if candidate > now else month_later(candidate)


def month_later(start: datetime) -> datetime:
    """The same day of the next month; no later day than the 28th."""
    is_december = start.month == 12
    return start.replace(year=start.year + is_december, month=1 if is_december else start.month + 1)


def moved(api: Api, code: str, change: dict[str, Any]) -> RawRequest:
    """The subscription after its date was moved."""
    body = ask(api, "PATCH", f"{path_of(code)}/billing-date", json=change)
    if readable(SCHEDULE, body).id != code:
        raise UnavailableError("The answer is about another subscription")
    return answer(body)


def answer(body: bytes) -> RawRequest:
    """How a subscription stands after an act: it is newer than its own times may say."""
    return http.answer("subscription", body, at=datetime.now(UTC).isoformat())


def path_of(code: str) -> str:
    """Where a subscription is."""
    return f"/subscriptions/{code}"
