"""Changing a subscription, against a server that behaves as Asaas does."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from recibo.gateways.asaas import ASAAS, changes, schedule
from recibo.gateways.contract import ANSWER, Api
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionFact, SubscriptionStatus
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

CODE = "sub_000000000001"
PATH = f"/v3/subscriptions/{CODE}"
REFUSED = told({"errors": [{"code": "invalid_action", "description": "Não é possível."}]}, 400)

Change = Callable[[Api, str], Any]


class Subscription:
    """One subscription as Asaas keeps it: removed once, and changed by PUT."""

    def __init__(self, server: GatewayServer, name: str = "active", **changed: Any) -> None:
        self.body = json.loads(recorded(f"asaas/api_subscription_{name}").body) | changed
        self.puts: list[dict[str, Any]] = []
        server.routes[PATH] = self.answer

    def answer(self, asked: Asked) -> Canned:
        return {"GET": self.get, "PUT": self.put, "DELETE": self.delete}[asked.method](asked)

    def get(self, asked: Asked) -> Canned:
        return told(self.body)

    def put(self, asked: Asked) -> Canned:
        self.puts.append(json.loads(asked.body))
        self.body |= self.puts[-1]
        return told(self.body)

    def delete(self, asked: Asked) -> Canned:
        if self.body["deleted"]:
            return REFUSED
        self.body["deleted"] = True
        return Canned(body=recorded("asaas/api_subscription_deleted").body)


def due_day(api: Api, code: str) -> Any:
    return changes.change_due_day(api, code, 20)


ALL: list[Change] = [changes.cancel_subscription, changes.reactivate_subscription, due_day]


def only(answers: Any) -> SubscriptionFact:
    ((fact,),) = [ASAAS.parse(one) for one in answers]
    assert isinstance(fact, SubscriptionFact)
    return fact


def in_days(days: int) -> str:
    return (changes.today() + timedelta(days=days)).isoformat()


def test_a_subscription_is_cancelled_by_its_removal(server: GatewayServer, asaas: Api) -> None:
    Subscription(server)
    (answer,) = changes.cancel_subscription(asaas, CODE)
    assert answer.headers[ANSWER] == b"removed-subscription"
    assert only([answer]).status is SubscriptionStatus.CANCELLED
    assert [asked.method for asked in server.asked] == ["DELETE"]


def test_a_subscription_that_is_removed_already_stays_so(server: GatewayServer, asaas: Api) -> None:
    Subscription(server)
    for _ in range(2):
        fact = only(changes.cancel_subscription(asaas, CODE))
        assert (fact.code, fact.status) == (CODE, SubscriptionStatus.CANCELLED)


def test_a_removal_that_is_refused_says_why(server: GatewayServer, asaas: Api) -> None:
    Subscription(server)
    server.routes[f"DELETE {PATH}"] = REFUSED
    with pytest.raises(ApiError, match="Não é possível"):
        changes.cancel_subscription(asaas, CODE)


def test_a_removal_that_did_not_happen_is_asked_for_again(
    server: GatewayServer, asaas: Api
) -> None:
    server.routes[PATH] = told({"id": CODE, "deleted": False})
    with pytest.raises(UnavailableError, match="did not remove"):
        changes.cancel_subscription(asaas, CODE)


def test_a_paused_subscription_runs_again_from_its_next_day_on(
    server: GatewayServer, asaas: Api
) -> None:
    kept = Subscription(server, "inactive", nextDueDate=in_days(9))
    fact = only(changes.reactivate_subscription(asaas, CODE))
    assert fact.status is SubscriptionStatus.ACTIVE
    assert kept.puts == [{"status": "ACTIVE", "nextDueDate": in_days(9)}]


def test_the_days_that_passed_in_a_pause_are_not_collected(
    server: GatewayServer, asaas: Api
) -> None:
    kept = Subscription(server, "inactive", nextDueDate=in_days(-10), cycle="WEEKLY")
    changes.reactivate_subscription(asaas, CODE)
    assert kept.puts == [{"status": "ACTIVE", "nextDueDate": in_days(4)}]


def test_one_that_runs_is_left_alone_and_told_as_running(server: GatewayServer, asaas: Api) -> None:
    kept = Subscription(server)
    for _ in range(2):
        fact = only(changes.reactivate_subscription(asaas, CODE))
        assert fact.status is SubscriptionStatus.ACTIVE
    assert kept.puts == []


def test_what_asaas_answers_counts_not_what_was_asked_for(
    server: GatewayServer, asaas: Api
) -> None:
    kept = Subscription(server, "inactive")
    server.routes[f"PUT {PATH}"] = lambda _: told(kept.body)
    assert only(changes.reactivate_subscription(asaas, CODE)).status is SubscriptionStatus.PAUSED


@pytest.mark.parametrize("change", [changes.reactivate_subscription, due_day])
def test_a_removed_subscription_cannot_be_changed(
    server: GatewayServer, asaas: Api, change: Change
) -> None:
    kept = Subscription(server, deleted=True)
    with pytest.raises(ApiError, match="make a new one"):
        change(asaas, CODE)
    assert kept.puts == []


def test_the_due_day_moves_the_next_charge(server: GatewayServer, asaas: Api) -> None:
    kept = Subscription(server, nextDueDate="2099-03-05")
    fact = only(changes.change_due_day(asaas, CODE, 20))
    assert kept.puts == [{"nextDueDate": "2099-03-20"}]
    assert fact.next_billing_at is not None
    assert fact.next_billing_at.isoformat() == "2099-03-20T03:00:00+00:00"
    assert fact.status is None


def test_the_due_day_that_it_has_already_is_not_asked_for(
    server: GatewayServer, asaas: Api
) -> None:
    kept = Subscription(server, nextDueDate="2099-03-20")
    assert only(changes.change_due_day(asaas, CODE, 20)).code == CODE
    assert kept.puts == []


@pytest.mark.parametrize("cycle", ["WEEKLY", "BIWEEKLY"])
def test_a_subscription_by_weeks_has_no_day_of_the_month(
    server: GatewayServer, asaas: Api, cycle: str
) -> None:
    Subscription(server, cycle=cycle)
    with pytest.raises(ApiError, match="by weeks"):
        changes.change_due_day(asaas, CODE, 20)


@pytest.mark.parametrize("due", [None, "", "soon"])
def test_without_a_next_day_there_is_none_to_move(
    server: GatewayServer, asaas: Api, due: str | None
) -> None:
    Subscription(server, nextDueDate=due)
    with pytest.raises(UnavailableError):
        changes.change_due_day(asaas, CODE, 20)


@pytest.mark.parametrize("change", ALL)
@pytest.mark.parametrize("code", ["", "sub_", "pay_1", "sub_1/../../payments", "sub_ç"])
def test_what_is_no_subscription_is_not_there(
    server: GatewayServer, asaas: Api, change: Change, code: str
) -> None:
    with pytest.raises(NotFoundError):
        change(asaas, code)
    assert not server.asked


@pytest.mark.parametrize("change", ALL)
@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(404), NotFoundError),
        (Canned(401), DeniedError),
        (Canned(403), DeniedError),
        (Canned(500), UnavailableError),
        (Canned(429), UnavailableError),
        (Canned(body=b"<html>"), UnavailableError),
    ],
)
def test_every_failure_says_what_to_do_next(
    server: GatewayServer, asaas: Api, change: Change, canned: Canned, error: type[ApiError]
) -> None:
    server.routes[PATH] = canned
    with pytest.raises(ApiError) as failed:
        change(asaas, CODE)
    assert type(failed.value) is error


@pytest.mark.parametrize("change", [changes.reactivate_subscription, due_day])
def test_the_answer_about_another_subscription_is_not_taken(
    server: GatewayServer, asaas: Api, change: Change
) -> None:
    Subscription(server, id="sub_2")
    with pytest.raises(UnavailableError, match="another subscription"):
        change(asaas, CODE)


def test_asaas_has_no_plans() -> None:
    assert ASAAS.change_plan is None


# The calendar


@pytest.mark.parametrize(
    ("due", "cycle", "expected"),
    [
        ("2026-11-23", "MONTHLY", "2026-11-23"),
        ("2027-01-31", "MONTHLY", "2027-01-31"),
        ("2026-11-22", "MONTHLY", "2026-12-22"),
        ("2026-08-31", "MONTHLY", "2026-11-30"),
        ("2026-10-30", "MONTHLY", "2026-11-30"),
        ("2026-11-22", "WEEKLY", "2026-11-29"),
        ("2026-11-16", "WEEKLY", "2026-11-23"),
        ("2026-11-08", "BIWEEKLY", "2026-12-06"),
        ("2026-09-01", "BIMONTHLY", "2027-01-01"),
        ("2026-05-24", "QUARTERLY", "2026-11-24"),
        ("2025-11-24", "SEMIANNUALLY", "2026-11-24"),
        ("2024-02-29", "YEARLY", "2027-02-28"),
        ("2026-01-01", "", "2026-11-23"),
    ],
)
def test_a_schedule_goes_on_at_its_next_day(due: str, cycle: str, expected: str) -> None:
    today = date(2026, 11, 23)
    found = schedule.not_before(today, date.fromisoformat(due), cycle)
    assert found == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("day", "due", "expected"),
    [
        (20, "2026-12-05", "2026-12-20"),
        (1, "2026-12-05", "2026-12-01"),
        (24, "2026-11-30", "2026-11-24"),
        (23, "2026-11-30", "2026-12-23"),
        (5, "2026-11-30", "2026-12-05"),
        (28, "2026-01-31", "2026-11-28"),
        (5, "2026-12-31", "2026-12-05"),
    ],
)
def test_another_day_is_never_one_that_has_come(day: int, due: str, expected: str) -> None:
    found = schedule.on_day(day, date.fromisoformat(due), date(2026, 11, 23))
    assert found == date.fromisoformat(expected)
