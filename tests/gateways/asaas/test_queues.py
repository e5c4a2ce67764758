"""Asaas's side of our webhooks, against a real server on this machine."""

import json
from typing import Any

import pytest

from recibo.gateways.asaas import queues
from recibo.gateways.contract import Api, WebhookQueue
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.recordings import recorded

ID = "1a000000-1111-4222-8333-444444444444"
PATH = f"/v3/webhooks/{ID}"
URL = "https://vendas.example.com/api/webhooks/asaas"
STOPPED = WebhookQueue(id=ID, url=URL, is_sending=False, waiting=15)


def webhook(**changes: Any) -> dict[str, Any]:
    return json.loads(recorded("asaas/api_webhook_config").body) | changes


def queue(server: GatewayServer, api: Api, **changes: Any) -> WebhookQueue:
    server.routes["/v3/webhooks"] = told({"data": [webhook(**changes)], "hasMore": False})
    (found,) = queues.webhook_queues(api)
    return found


def did(server: GatewayServer) -> list[tuple[str, str]]:
    return [(asked.method, asked.path) for asked in server.asked]


def test_a_queue_that_sends_has_no_problem(server: GatewayServer, asaas: Api) -> None:
    assert queue(server, asaas) == WebhookQueue(id=ID, url=URL, is_sending=True)
    assert queue(server, asaas, penalizedRequestsCount=0).waiting == 0


@pytest.mark.parametrize(
    ("changes", "is_sending", "problem", "waiting"),
    [
        ({"interrupted": True}, False, "interrupted: true", None),
        ({"enabled": False}, False, "enabled: false", None),
        ({"hasAuthToken": False}, True, "hasAuthToken: false", None),
        ({"penalizedRequestsCount": 3}, True, "penalizedRequestsCount: 3", 3),
        (
            {"interrupted": True, "penalizedRequestsCount": 15},
            False,
            "interrupted: true, penalizedRequestsCount: 15",
            15,
        ),
    ],
)
def test_what_is_wrong_with_a_queue_is_told(
    server: GatewayServer,
    asaas: Api,
    changes: dict[str, Any],
    is_sending: bool,
    problem: str,
    waiting: int | None,
) -> None:
    found = queue(server, asaas, **changes)
    assert (found.is_sending, found.problem, found.waiting) == (is_sending, problem, waiting)


def test_every_webhook_of_the_account_is_told(server: GatewayServer, asaas: Api) -> None:
    server.routes["/v3/webhooks"] = told({"data": [webhook(id=str(n)) for n in range(10)]})
    assert [one.id for one in queues.webhook_queues(asaas)] == [str(n) for n in range(10)]
    server.routes["/v3/webhooks"] = told({"data": []})
    assert queues.webhook_queues(asaas) == []


def test_a_stopped_queue_sends_again_and_at_once(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = told(webhook())
    server.routes[f"{PATH}/removeBackoff"] = Canned()
    queues.resume_webhooks(asaas, STOPPED)
    assert did(server) == [("PUT", PATH), ("POST", f"{PATH}/removeBackoff")]
    assert json.loads(server.asked[0].body) == {"enabled": True, "interrupted": False}


def test_a_queue_that_only_waits_is_not_switched_on(server: GatewayServer, asaas: Api) -> None:
    server.routes[f"{PATH}/removeBackoff"] = Canned()
    queues.resume_webhooks(asaas, WebhookQueue(id=ID, url=URL, is_sending=True, waiting=3))
    assert did(server) == [("POST", f"{PATH}/removeBackoff")]


def test_where_nothing_waits_no_pause_is_ended(server: GatewayServer, asaas: Api) -> None:
    server.routes[PATH] = told(webhook())
    queues.resume_webhooks(asaas, WebhookQueue(id=ID, url=URL, is_sending=False, waiting=0))
    assert did(server) == [("PUT", PATH)]


@pytest.mark.parametrize("status", [400, 404])
def test_pauses_that_asaas_does_not_end_end_by_themselves(
    server: GatewayServer, asaas: Api, status: int
) -> None:
    server.routes[PATH] = told(webhook())
    server.routes[f"{PATH}/removeBackoff"] = Canned(status)
    queues.resume_webhooks(asaas, STOPPED)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "error"), [(401, DeniedError), (403, DeniedError), (503, UnavailableError)]
)
def test_what_could_not_be_asked_is_told(
    server: GatewayServer, asaas: Api, status: int, error: type[ApiError]
) -> None:
    server.routes[PATH] = told(webhook())
    server.routes["/v3/webhooks"] = server.routes[f"{PATH}/removeBackoff"] = Canned(status)
    with pytest.raises(error):
        queues.resume_webhooks(asaas, STOPPED)
    with pytest.raises(error):
        queues.webhook_queues(asaas)


def test_a_webhook_that_is_gone_is_not_resumed(server: GatewayServer, asaas: Api) -> None:
    with pytest.raises(NotFoundError):
        queues.resume_webhooks(asaas, STOPPED)
    assert did(server) == [("PUT", PATH)]


@pytest.mark.parametrize("name", ["", "../payments", "a/b", "ç", "a?b"])
def test_what_is_no_webhook_goes_into_no_address(
    server: GatewayServer, asaas: Api, name: str
) -> None:
    with pytest.raises(NotFoundError):
        queues.resume_webhooks(asaas, WebhookQueue(id=name, url=URL, is_sending=False))
    assert not server.asked


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": [{"url": 7}]}', b'{"data": [7]}'])
def test_garbage_is_asked_for_again(server: GatewayServer, asaas: Api, body: bytes) -> None:
    server.routes["/v3/webhooks"] = Canned(body=body)
    with pytest.raises(UnavailableError):
        queues.webhook_queues(asaas)
