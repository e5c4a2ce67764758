"""Changing a subscription, over real sockets, against a server that behaves as Pagar.me does."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from recibo.gateways.stone import STONE, changes
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

CODE = "sub_Fx00000000000001"
PATH = f"/core/v5/subscriptions/{CODE}"
REFUSED = told({"message": "This subscription is canceled."}, 412)

Change = Callable[[Api, str], list[RawRequest]]


class Subscription:
    """One subscription as Pagar.me keeps it."""

    def __init__(self, server: GatewayServer, **changed: Any) -> None:
        self.body = json.loads(recorded("stone/api-get-subscription").body) | changed
        self.sent: list[dict[str, Any]] = []
        server.routes[PATH] = self.answer
        server.routes[f"{PATH}/billing-date"] = self.move

    def answer(self, asked: Asked) -> Canned:
        return self.cancel(asked) if asked.method == "DELETE" else told(self.body)

    def cancel(self, asked: Asked) -> Canned:
        if self.body["status"] == "canceled":
            return REFUSED
        self.sent.append(json.loads(asked.body))
        self.body = json.loads(recorded("stone/api-delete-subscription").body)
        return told(self.body)

    def move(self, asked: Asked) -> Canned:
        assert asked.method == "PATCH"
        self.sent.append(json.loads(asked.body))
        self.body |= self.sent[-1]
        return told(self.body)


def due_day(api: Api, code: str) -> list[RawRequest]:
    return changes.change_due_day(api, code, 20)


def only(answers: list[RawRequest]) -> SubscriptionFact:
    ((fact,),) = [STONE.parse(one) for one in answers]
    assert isinstance(fact, SubscriptionFact)
    return fact


def test_a_cancelled_subscription_collects_no_more(server: GatewayServer, api: Api) -> None:
    kept = Subscription(server)
    (answer,) = changes.cancel_subscription(api, CODE)
    assert answer.headers[ANSWER] == b"subscription"
    fact = only([answer])
    assert (fact.code, fact.status) == (CODE, SubscriptionStatus.CANCELLED)
    assert fact.cancelled_at is not None
    assert fact.occurred_at == fact.cancelled_at
    assert kept.sent == [{"cancel_pending_invoices": True}]


def test_cancelling_again_is_the_same_news(server: GatewayServer, api: Api) -> None:
    kept = Subscription(server)
    first, again = (changes.cancel_subscription(api, CODE) for _ in range(2))
    assert STONE.identify(first[0]) == STONE.identify(again[0])
    assert len(kept.sent) == 1


def test_a_cancellation_without_its_time_is_of_now(server: GatewayServer, api: Api) -> None:
    Subscription(server)
    body = json.loads(recorded("stone/api-delete-subscription").body) | {"canceled_at": None}
    server.routes[f"DELETE {PATH}"] = told(body)
    fact = only(changes.cancel_subscription(api, CODE))
    assert datetime.now(changes.ZONE) - fact.occurred_at < timedelta(minutes=1)


def test_a_thin_answer_is_read_again(server: GatewayServer, api: Api) -> None:
    Subscription(server, status="canceled", canceled_at="2025-08-15T10:00:00Z")
    server.routes[f"DELETE {PATH}"] = told({"id": CODE, "status": "active"})
    assert only(changes.cancel_subscription(api, CODE)).status is SubscriptionStatus.CANCELLED


def test_what_pagarme_says_counts_not_what_was_asked_for(server: GatewayServer, api: Api) -> None:
    kept = Subscription(server)
    server.routes[f"DELETE {PATH}"] = told(kept.body)
    assert only(changes.cancel_subscription(api, CODE)).status is None


@pytest.mark.parametrize("status", [400, 409, 412, 422])
def test_a_refusal_says_why(server: GatewayServer, api: Api, status: int) -> None:
    Subscription(server)
    server.routes[f"DELETE {PATH}"] = told({"message": "Not now."}, status)
    with pytest.raises(ApiError, match=r"Not now\."):
        changes.cancel_subscription(api, CODE)


def test_the_due_day_moves_the_next_cycle(server: GatewayServer, api: Api) -> None:
    kept = Subscription(server, next_billing_at="2099-07-01T03:00:00Z")
    fact = only(changes.change_due_day(api, CODE, 20))
    assert kept.sent == [{"next_billing_at": "2099-07-20T03:00:00+00:00"}]
    assert fact.next_billing_at is not None
    assert fact.next_billing_at.isoformat() == "2099-07-20T03:00:00+00:00"


def test_a_moved_day_is_newer_than_the_times_of_the_subscription(
    server: GatewayServer, api: Api
) -> None:
    Subscription(server, next_billing_at="2099-07-01T03:00:00Z")
    before = only([http_answer(server, api)])
    after = only(changes.change_due_day(api, CODE, 20))
    assert before.occurred_at < after.occurred_at


def http_answer(server: GatewayServer, api: Api) -> RawRequest:
    """The subscription as it is read without an act: on the day that it has already."""
    (answer,) = changes.change_due_day(api, CODE, 1)
    assert [asked.method for asked in server.asked] == ["GET"]
    return answer


def test_the_day_is_one_of_brasilia(server: GatewayServer, api: Api) -> None:
    kept = Subscription(server, next_billing_at="2099-07-01T02:59:59Z")  # still the 30th of June
    changes.change_due_day(api, CODE, 1)
    assert kept.sent == [{"next_billing_at": "2099-06-02T02:59:59+00:00"}]


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        ({"status": "canceled"}, "has ended"),
        ({"status": "failed"}, "has ended"),
        ({"interval": "week"}, "by days or weeks"),
        ({"interval": "day"}, "by days or weeks"),
        ({"billing_type": "exact_day"}, "exact_day"),
    ],
)
def test_a_day_that_cannot_be_changed_is_refused(
    server: GatewayServer, api: Api, kept: dict[str, Any], reason: str
) -> None:
    subscription = Subscription(server, **kept)
    with pytest.raises(ApiError, match=reason):
        changes.change_due_day(api, CODE, 20)
    assert subscription.sent == []


@pytest.mark.parametrize("due", [None, "", "soon"])
def test_without_a_next_date_there_is_none_to_move(
    server: GatewayServer, api: Api, due: str | None
) -> None:
    Subscription(server, next_billing_at=due)
    with pytest.raises(UnavailableError):
        changes.change_due_day(api, CODE, 20)


def test_the_answer_about_another_subscription_is_not_taken(
    server: GatewayServer, api: Api
) -> None:
    kept = Subscription(server)
    server.routes[f"{PATH}/billing-date"] = told(kept.body | {"id": "sub_Fx00000000000002"})
    with pytest.raises(UnavailableError, match="another subscription"):
        changes.change_due_day(api, CODE, 20)


@pytest.mark.parametrize("change", [changes.cancel_subscription, due_day])
@pytest.mark.parametrize("code", ["", "sub_", "ch_Fx00000000000001", "sub_1/../../orders", "12345"])
def test_what_is_no_subscription_is_not_there(
    server: GatewayServer, api: Api, change: Change, code: str
) -> None:
    with pytest.raises(NotFoundError):
        change(api, code)
    assert server.asked == []


@pytest.mark.parametrize("change", [changes.cancel_subscription, due_day])
@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(404), NotFoundError),
        (Canned(401), DeniedError),
        (Canned(503), UnavailableError),
        (Canned(429), UnavailableError),
        (Canned(body=b"<html>"), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, api: Api, change: Change, canned: Canned, error: type[ApiError]
) -> None:
    server.routes[PATH] = canned
    with pytest.raises(ApiError) as failed:
        change(api, CODE)
    assert type(failed.value) is error


def test_what_was_cancelled_is_not_taken_up_and_there_is_no_way_to_another_plan() -> None:
    assert (STONE.reactivate_subscription, STONE.change_plan) == (None, None)


@pytest.mark.parametrize(
    ("day", "due", "expected"),
    [
        (20, "2026-12-05T00:00", "2026-12-20T00:00"),
        (1, "2026-12-05T00:00", "2026-12-01T00:00"),
        (24, "2026-11-30T09:00", "2026-11-24T09:00"),
        (23, "2026-11-30T09:00", "2026-12-23T09:00"),
        (23, "2026-11-30T13:00", "2026-11-23T13:00"),
        (5, "2025-01-31T00:00", "2026-12-05T00:00"),
        (28, "2026-01-31T00:00", "2026-11-28T00:00"),
    ],
)
def test_another_day_is_never_one_that_has_passed(day: int, due: str, expected: str) -> None:
    due_at, now, later = (
        datetime.fromisoformat(text).replace(tzinfo=changes.ZONE)
        for text in (due, "2026-11-23T12:00", expected)
    )
    assert changes.on_day(day, due_at, now) == later


def test_the_year_ends_where_it_does() -> None:
    now = datetime(2026, 12, 20, tzinfo=changes.ZONE)
    assert changes.on_day(5, now, now) == datetime(2027, 1, 5, tzinfo=changes.ZONE)
