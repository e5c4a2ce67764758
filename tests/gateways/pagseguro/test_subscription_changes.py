"""Changing subscriptions of both generations, over real sockets."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.gateways.facts import SubscriptionStatus
from recibo.gateways.pagseguro import PAGSEGURO
from recibo.gateways.pagseguro.subscription_changes import (
    cancel_subscription,
    change_due_day,
    change_plan,
    reactivate_subscription,
)
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.gateways.pagseguro.canned import changed, recording
from tests.recordings import recorded

ID = "SUBS_A1B2C3D4-0120-4F00-8A00-000000000120"
V4 = f"/subscriptions/{ID}"
ACTIVE: dict[str, Any] = json.loads(recorded("pagseguro/v4-webhook-subscription-activated").body)
DONE = Canned(204)
NO_ACTION = told({"error_messages": [{"code": "40002", "description": "invalid status"}]}, 400)

CODE = "C0FFEE0000000000000000000000A001"
OLDER, NEWER = f"/v2/pre-approvals/{CODE}", f"/pre-approvals/{CODE}"
CANCELLED = recording("legacy-v2-preapproval-cancelled-by-receiver")
RUNNING = recording("legacy-v2-preapproval-active")
SUSPENDED = recording("legacy-v2-preapproval-suspended")


def refusal(code: str, message: str, status: int = 400) -> Canned:
    error = f"<error><code>{code}</code><message>{message}</message></error>"
    return Canned(status, {}, f"<errors>{error}</errors>".encode("iso-8859-1"))


NOT_KNOWN = refusal("17008", "pre-approval not found.")
WRONG_STATUS = refusal("17022", "invalid pre-approval status to execute the requested operation.")


def standing(status: str, **fields: Any) -> Canned:
    """PagBank's subscription as it stands."""
    return told({**ACTIVE["resource"], "status": status, **fields})


def statuses(answers: list[RawRequest]) -> list[Any]:
    return [PAGSEGURO.parse(answer)[0].status for answer in answers]


def calls(server: GatewayServer) -> list[str]:
    return [f"{asked.method} {asked.path}" for asked in server.asked]


# PagBank's recurring payments


@pytest.mark.parametrize(
    ("change", "action", "status", "becomes"),
    [
        (cancel_subscription, "cancel", "CANCELED", SubscriptionStatus.CANCELLED),
        (reactivate_subscription, "activate", "ACTIVE", SubscriptionStatus.ACTIVE),
    ],
)
def test_a_change_has_no_answer_so_how_it_stands_is_read(
    server: GatewayServer,
    asked_api: Api,
    change: Callable[[Api, str], list[RawRequest]],
    action: str,
    status: str,
    becomes: SubscriptionStatus,
) -> None:
    server.routes[f"PUT {V4}/{action}"] = DONE
    server.routes[V4] = standing(status)
    (answer,) = change(asked_api, ID)
    assert answer.headers == {ANSWER: b"subscription"}
    assert statuses([answer]) == [becomes]
    assert calls(server) == [f"PUT {V4}/{action}", f"GET {V4}"]
    assert server.asked[0].headers["authorization"] == "Bearer token-ficticio"


def test_what_the_gateway_says_counts_not_what_was_wanted(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[f"PUT {V4}/cancel"] = DONE
    server.routes[V4] = standing("ACTIVE")
    assert statuses(cancel_subscription(asked_api, ID)) == [SubscriptionStatus.ACTIVE]


@pytest.mark.parametrize(
    ("change", "action", "stands"),
    [
        (cancel_subscription, "cancel", "CANCELED"),
        (cancel_subscription, "cancel", "EXPIRED"),
        (reactivate_subscription, "activate", "ACTIVE"),
        (reactivate_subscription, "activate", "TRIAL"),
    ],
)
def test_one_that_stands_so_already_is_an_answer(
    server: GatewayServer,
    asked_api: Api,
    change: Callable[[Api, str], list[RawRequest]],
    action: str,
    stands: str,
) -> None:
    server.routes[f"PUT {V4}/{action}"] = NO_ACTION
    server.routes[V4] = standing(stands)
    assert len(change(asked_api, ID)) == 1


@pytest.mark.parametrize(
    ("change", "action", "stands"),
    [
        (cancel_subscription, "cancel", "ACTIVE"),
        (cancel_subscription, "cancel", "LEVITATING"),
        (reactivate_subscription, "activate", "CANCELED"),
    ],
)
def test_a_refusal_says_why(
    server: GatewayServer,
    asked_api: Api,
    change: Callable[[Api, str], list[RawRequest]],
    action: str,
    stands: str,
) -> None:
    server.routes[f"PUT {V4}/{action}"] = NO_ACTION
    server.routes[V4] = standing(stands)
    with pytest.raises(ApiError, match="PagSeguro refuses: 40002 invalid status") as failed:
        change(asked_api, ID)
    assert type(failed.value) is ApiError
    assert failed.value.status == 400


def test_the_due_day_is_changed(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {V4}"] = DONE
    server.routes[V4] = standing("ACTIVE", next_invoice_at="2025-07-10")
    (answer,) = change_due_day(asked_api, ID, 10)
    (fact,) = PAGSEGURO.parse(answer)
    assert fact.next_billing_at.day == 10
    assert json.loads(server.asked[0].body) == {"best_invoice_date": {"day": 10}}


def test_the_plan_is_changed(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {V4}"] = DONE
    server.routes[f"GET {V4}"] = standing("ACTIVE", plan={"id": "PLAN_2", "name": "Anual"})
    (answer,) = change_plan(asked_api, ID, "PLAN_2")
    assert PAGSEGURO.parse(answer)[0].plan_id == "PLAN_2"
    assert json.loads(server.asked[0].body) == {"plan": {"id": "PLAN_2"}}


def test_a_refused_plan_counts_unless_it_is_the_one_that_there_is(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[f"PUT {V4}"] = NO_ACTION
    server.routes[f"GET {V4}"] = standing("ACTIVE", plan={"id": "PLAN_2", "name": "Anual"})
    assert len(change_plan(asked_api, ID, "PLAN_2")) == 1
    with pytest.raises(ApiError, match="invalid status"):
        change_plan(asked_api, ID, "PLAN_3")
    with pytest.raises(ApiError, match="invalid status"):
        change_due_day(asked_api, ID, 10)


# The XML API


@pytest.mark.parametrize("not_known", [NOT_KNOWN, Canned(404, {}, b"Not Found")])
def test_an_older_subscription_is_cancelled_where_it_was_made(
    server: GatewayServer, asked_api: Api, not_known: Canned
) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = not_known
    server.routes[f"/v2/pre-approvals/cancel/{CODE}"] = recording("legacy-refund-ok")
    server.routes[OLDER] = CANCELLED
    (answer,) = cancel_subscription(asked_api, CODE)
    assert answer.headers == {ANSWER: b"pre-approval"}
    assert statuses([answer]) == [SubscriptionStatus.CANCELLED]
    assert calls(server) == [
        f"PUT {NEWER}/cancel",
        f"GET /v2/pre-approvals/cancel/{CODE}",
        f"GET {OLDER}",
    ]


def test_a_newer_one_is_cancelled_and_read_in_its_own_way(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = DONE
    server.routes[OLDER] = NOT_KNOWN
    server.routes[NEWER] = CANCELLED
    assert statuses(cancel_subscription(asked_api, CODE)) == [SubscriptionStatus.CANCELLED]
    for asked in server.asked:
        assert asked.query["email"] == ["loja@example.com"]
        is_newer = asked.headers["accept"].startswith("application/vnd.pagseguro.com.br.v3+xml")
        assert is_newer == (not asked.path.startswith("/v2/"))


def test_a_suspended_one_is_taken_up_again(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {NEWER}/status"] = DONE
    server.routes[OLDER] = RUNNING
    assert statuses(reactivate_subscription(asked_api, CODE)) == [SubscriptionStatus.ACTIVE]
    assert json.loads(server.asked[0].body) == {"status": "ACTIVE"}


@pytest.mark.parametrize(
    ("change", "action", "state"),
    [
        (cancel_subscription, "cancel", CANCELLED),
        (cancel_subscription, "cancel", recording("legacy-v2-preapproval-expired")),
        (reactivate_subscription, "status", RUNNING),
    ],
)
def test_an_older_one_that_stands_so_already_is_an_answer(
    server: GatewayServer,
    asked_api: Api,
    change: Callable[[Api, str], list[RawRequest]],
    action: str,
    state: Canned,
) -> None:
    server.routes[f"PUT {NEWER}/{action}"] = WRONG_STATUS
    server.routes[OLDER] = state
    assert len(change(asked_api, CODE)) == 1


def test_the_refusal_of_the_older_api_says_why(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = WRONG_STATUS
    server.routes[OLDER] = recording("legacy-v2-preapproval-pending")
    with pytest.raises(ApiError, match="17022 invalid pre-approval status"):
        cancel_subscription(asked_api, CODE)
    server.routes[f"PUT {NEWER}/status"] = Canned(404)
    server.routes[OLDER] = SUSPENDED
    with pytest.raises(ApiError, match="this kind of subscription cannot be changed so"):
        reactivate_subscription(asked_api, CODE)


@pytest.mark.parametrize(
    "change",
    [lambda view: change_due_day(view, CODE, 10), lambda view: change_plan(view, CODE, "PLAN_1")],
)
def test_day_and_plan_of_an_older_one_stay_as_they_are(
    server: GatewayServer, asked_api: Api, change: Callable[[Api], list[RawRequest]]
) -> None:
    with pytest.raises(ApiError, match="only the subscriptions of PagBank's recurring payments"):
        change(asked_api)
    assert server.asked == []


# Both

CHANGES = pytest.mark.parametrize(
    "change",
    [
        cancel_subscription,
        reactivate_subscription,
        lambda view, code: change_due_day(view, code, 5),
        lambda view, code: change_plan(view, code, "PLAN_1"),
    ],
)
Change = Callable[[Api, str], list[RawRequest]]


@CHANGES
@pytest.mark.parametrize("code", ["", "SUBS_../x", "SUBS_a/cancel?x", "PLAN_1", "12"])
def test_what_is_no_code_of_a_subscription_is_not_asked_for(
    server: GatewayServer, asked_api: Api, change: Change, code: str
) -> None:
    with pytest.raises(NotFoundError):
        change(asked_api, code)
    assert server.asked == []


@CHANGES
def test_one_that_is_not_there_is_not_found(
    server: GatewayServer, asked_api: Api, change: Change
) -> None:
    with pytest.raises(NotFoundError):
        change(asked_api, ID)


@pytest.mark.parametrize("code", [ID, CODE])
def test_one_that_neither_api_has_is_not_found(
    server: GatewayServer, asked_api: Api, code: str
) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = server.routes[OLDER] = NOT_KNOWN
    server.routes[f"/v2/pre-approvals/cancel/{CODE}"] = server.routes[NEWER] = NOT_KNOWN
    with pytest.raises(NotFoundError):
        cancel_subscription(asked_api, code)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(429, {"retry-after": "17"}), UnavailableError),
        (Canned(503), UnavailableError),
        (Canned(delay=0.7), UnavailableError),
        (recording("v4-api-error-401", 401), DeniedError),
        (Canned(403), DeniedError),
    ],
)
@pytest.mark.parametrize("code", [ID, CODE])
def test_a_change_that_may_not_have_come_through_can_be_asked_for_again(
    server: GatewayServer, asked_api: Api, code: str, answer: Canned, error: type[ApiError]
) -> None:
    path = f"{V4}/cancel" if code == ID else f"{NEWER}/cancel"
    server.routes[V4], server.routes[OLDER] = standing("CANCELED"), CANCELLED
    server.routes[f"PUT {path}"] = [answer, NO_ACTION if code == ID else WRONG_STATUS]
    with pytest.raises(error) as failed:
        cancel_subscription(asked_api, code)
    if isinstance(failed.value, UnavailableError) and answer.headers:
        assert failed.value.retry_after == timedelta(seconds=17)
    assert statuses(cancel_subscription(asked_api, code)) == [SubscriptionStatus.CANCELLED]


def test_no_refusal_tells_our_credentials(server: GatewayServer, asked_api: Api) -> None:
    told_back = "email invalid value: loja@example.com token=token-ficticio"
    server.routes[f"PUT {NEWER}/cancel"] = refusal("10003", told_back)
    server.routes[OLDER] = RUNNING
    with pytest.raises(ApiError, match="10003 email invalid value") as failed:
        cancel_subscription(asked_api, CODE)
    assert "loja@" not in str(failed.value)
    assert "token-ficticio" not in str(failed.value)


def test_an_older_one_needs_the_email(server: GatewayServer, asked_api: Api) -> None:
    view = Api(asked_api.client, asked_api.base_url, {"token": "t"})
    with pytest.raises(DeniedError, match="PAGSEGURO_EMAIL"):
        cancel_subscription(view, CODE)


def test_a_changed_subscription_is_another_event(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {V4}/cancel"] = DONE
    server.routes[V4] = [standing("ACTIVE"), standing("CANCELED"), standing("CANCELED")]
    ids = [
        PAGSEGURO.identify(answer).event_id
        for _ in range(3)
        for answer in cancel_subscription(asked_api, ID)
    ]
    assert ids[0] != ids[1] == ids[2]


def test_letters_of_the_buyer_arrive(server: GatewayServer, asked_api: Api) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = DONE
    server.routes[OLDER] = changed("legacy-v2-preapproval-cancelled-by-receiver")
    (fact,) = PAGSEGURO.parse(cancel_subscription(asked_api, CODE)[0])
    assert fact.customer.name == "Marina Teixeira de Araújo"


def test_one_that_cannot_be_read_just_now_is_not_missing(
    server: GatewayServer, asked_api: Api
) -> None:
    server.routes[f"PUT {NEWER}/cancel"] = DONE
    server.routes[OLDER] = recording("legacy-error-503-outage", 503)
    with pytest.raises(UnavailableError):
        cancel_subscription(asked_api, CODE)
