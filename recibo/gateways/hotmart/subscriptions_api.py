"""Asking Hotmart about subscriptions, and having it change them.

Sources: "Get subscriptions", "Cancel subscription", "Reactivate and charge subscription",
"Change the charge day" and "Switch plan", Hotmart developers. Hotmart has no idempotency key:
before a change we look, and after it we look again, for its own answers tell little.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from msgspec import Raw

from recibo.gateways.contract import Api, Listed, RawRequest
from recibo.gateways.errors import (
    ApiError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.facts import SubscriptionStatus
from recibo.gateways.hotmart import access, answers, pages, states
from recibo.gateways.hotmart.pages import Place
from recibo.gateways.hotmart.records import CANCELLED, SUBSCRIPTION, Subscription
from recibo.gateways.hotmart.values import decode, moment
from recibo.gateways.hotmart.words import SUBSCRIPTION_STATUSES

SUBSCRIPTIONS = "/subscriptions"

#: Those that began. The others, STARTED and INACTIVE, tell nothing; EXPIRED is no filter.
RUNNING = ("ACTIVE", "DELAYED", "OVERDUE")
ENDED = ("CANCELLED_BY_CUSTOMER", "CANCELLED_BY_SELLER", "CANCELLED_BY_ADMIN")
#: Days of a window of subscriptions: all of them, for a window has no end.
WINDOW = 365 * 100

CODE = re.compile(r"[A-Za-z0-9]{4,40}", re.ASCII)
OFFER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

OVER = {SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED}


def list_subscriptions(api: Api, since: datetime, until: datetime, cursor: str) -> Listed:
    """The subscriptions that were taken out in a time, first those that run, then those that ended.

    Hotmart cannot list what changed: list from the beginning for the statuses of all. Raises
    UnavailableError, DeniedError, and ApiError (400) for a cursor that was kept too long.
    """
    end = pages.milliseconds(until)
    place = pages.at(cursor, since, WINDOW)
    if place.start >= end:
        return Listed(())
    page = pages.ask(api, SUBSCRIPTIONS, filters(place), place.tokens.get(SUBSCRIPTIONS, ""))
    tokens = {SUBSCRIPTIONS: page.next_token} if page.next_token else {}
    told = [
        answers.told(states.RESOURCE, bytes(item))
        for item in page.items
        if not is_taken_out_after(item, until)
    ]
    return Listed(told, pages.after(place, end, parts=2, tokens=tokens))


def filters(place: Place) -> dict[str, Any]:
    """What is asked for: part 0 is what runs, part 1 what ended.

    No ``end_accession_date``: whether it ends the time of the start, as its name says, or that of
    the cancellation, as its description does, is not clear. The second would hide all that run.
    """
    taken_out = {"accession_date": place.start}
    if place.part == 0:
        return {**taken_out, "status": RUNNING}
    return {**taken_out, "status": ENDED, **ended_since(place.start)}


def is_taken_out_after(item: Raw, until: datetime) -> bool:
    """Whether a subscription is younger than the time asked for; not if that cannot be read."""
    try:
        begun_at = moment(decode(SUBSCRIPTION, item).accession_date, "accession_date")
    except PayloadError:
        return False
    return begun_at is not None and begun_at >= until


def ended_since(start: int) -> dict[str, int]:
    """Without it Hotmart lists what ended within the last 30 days."""
    now = pages.milliseconds(datetime.now(UTC))
    return {"cancelation_date": start, "end_cancelation_date": now}


def since_ever() -> dict[str, int]:
    """Without it Hotmart lists what was taken out within the last 30 days."""
    return {"accession_date": pages.milliseconds(pages.BEGINNING)}


def subscription_of(api: Api, asked: Mapping[str, str]) -> list[RawRequest]:
    """The subscription that a filter names, as it stands now; [] if there is none."""
    page = pages.ask(api, SUBSCRIPTIONS, {**asked, **since_ever()})
    if not page.items:
        start = pages.milliseconds(pages.BEGINNING)
        ended = {**asked, **since_ever(), "status": ENDED, **ended_since(start)}
        page = pages.ask(api, SUBSCRIPTIONS, ended)
    return [answers.told(states.RESOURCE, bytes(item)) for item in page.items]


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """Cancel; Hotmart writes to the subscriber. One that is over stays as it is.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    before = standing(api, code)
    if is_over(before):
        return [before]
    body = changed(api, "POST", code, "/cancel", {"send_mail": True})
    after = standing(api, code)
    if is_over(after) or not is_cancellation(body, code):
        return [after]
    return [answers.told(states.CANCELLATION, body)]  # their list lags behind their own answer


def reactivate_subscription(api: Api, code: str) -> list[RawRequest]:
    """Have Hotmart invite the subscriber to come back: he has 3 days to click.

    Until he does, the answer is that it is over still. Nothing is charged at once. Raises
    UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    before = standing(api, code)
    if not is_over(before):
        return [before]
    changed(api, "POST", code, "/reactivate", {"charge": False})
    return [standing(api, code)]


def change_due_day(api: Api, code: str, day: int) -> list[RawRequest]:
    """Collect on another day, from the charge after the next one.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    changed(api, "PATCH", code, "", {"due_day": day})
    return [standing(api, code)]


def change_plan(api: Api, code: str, plan_id: str) -> list[RawRequest]:
    """Move to another plan of the same product. ``plan_id``: the code of the plan's offer.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    if not OFFER.fullmatch(plan_id):
        raise ApiError("Hotmart changes plans by the code of the new plan's offer")
    body = {"subscriber_code": checked(code), "offer_code": plan_id}
    access.call(api, "POST", f"{SUBSCRIPTIONS}/switch-plan", json=body)
    return [standing(api, code)]


def changed(api: Api, method: str, code: str, act: str, body: Mapping[str, Any]) -> bytes:
    """The answer to a change."""
    path = f"{SUBSCRIPTIONS}/{quote(checked(code), safe='')}{act}"
    return access.call(api, method, path, json=dict(body))


def checked(code: str) -> str:
    """The code, if it can be one. Raises NotFoundError."""
    if not CODE.fullmatch(code):
        raise NotFoundError("not a subscriber code of Hotmart's")
    return code


def standing(api: Api, code: str) -> RawRequest:
    """How a subscription stands now. Raises NotFoundError."""
    for answer in subscription_of(api, {"subscriber_code": checked(code)}):
        if told_in(answer).subscriber_code == code:
            return answer
    raise NotFoundError("Hotmart knows no such subscription")


def told_in(answer: RawRequest) -> Subscription:
    """What an answer tells. Raises UnavailableError for what cannot be read."""
    try:
        return decode(SUBSCRIPTION, answer.body)
    except PayloadError as error:
        raise UnavailableError(f"the subscription cannot be read: {error}", status=200) from error


def is_over(answer: RawRequest) -> bool:
    """Whether nothing more is collected."""
    return SUBSCRIPTION_STATUSES.get(told_in(answer).status) in OVER


def is_cancellation(body: bytes, code: str) -> bool:
    """Whether this is Hotmart's answer to the cancellation of that subscription."""
    try:
        return decode(CANCELLED, body).subscriber_code == code
    except PayloadError:
        return False
