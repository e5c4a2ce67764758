"""What Pagar.me could not deliver, over real sockets."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recibo.gateways.contract import Api, WebhookQueue
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.gateways.stone import deliveries
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.recordings import recorded

HOOKS = "/core/v5/hooks"
OURS = "https://loja.example.com/api/webhooks/stone"
THEIRS = "https://erp.example.com/hooks"


def hook(number: int, url: str = OURS, status: str = "failed", **changes: Any) -> dict[str, Any]:
    body = json.loads(recorded("stone/api-get-hook").body)
    failure = {"response_status": 503, "attempts": "3/3"} if status == "failed" else {}
    return body | {"id": name(number), "url": url, "status": status} | failure | changes


def name(number: int) -> str:
    return f"hook_{number:016d}"


class Hooks:
    """The webhooks of an account, newest first: listed, and sent again."""

    def __init__(self, server: GatewayServer, *hooks: dict[str, Any], filters: bool = True) -> None:
        self.hooks, self.filters = list(hooks), filters
        self.again: list[str] = []
        server.routes[HOOKS] = self.listed
        for one in hooks:
            server.routes[f"POST {HOOKS}/{one['id']}/retry"] = self.retry

    def listed(self, asked: Asked) -> Canned:
        status = asked.query.get("status", [""])[0] if self.filters else ""
        chosen = [one for one in self.hooks if status in {"", one["status"]}]
        first = (int(asked.query["page"][0]) - 1) * (size := int(asked.query["size"][0]))
        return told({"data": chosen[first : first + size], "paging": {"total": len(chosen)}})

    def retry(self, asked: Asked) -> Canned:
        found = next(one for one in self.hooks if one["id"] in asked.path)
        found["status"] = "sent"
        self.again.append(found["id"])
        return told(found)


def queue(url: str = OURS) -> WebhookQueue:
    return WebhookQueue(id=url, url=url, is_sending=True, waiting=1)


def test_an_address_that_everything_reaches_has_no_problem(server: GatewayServer, api: Api) -> None:
    Hooks(server, hook(2, status="sent"), hook(1, status="sent"))
    assert deliveries.webhook_queues(api) == [
        WebhookQueue(id=OURS, url=OURS, is_sending=True, waiting=0)
    ]


def test_what_an_address_did_not_take_is_counted_and_the_newest_told(
    server: GatewayServer, api: Api
) -> None:
    Hooks(
        server,
        *(hook(5, status="sent"), hook(4, event="order.paid"), hook(3, THEIRS, status="sent")),
        *(hook(2, response_status="401", attempts=None), hook(1, THEIRS)),
    )
    ours, theirs = deliveries.webhook_queues(api)
    assert (ours.url, ours.waiting, ours.is_sending) == (OURS, 2, True)
    assert ours.problem == "event: order.paid, status: failed, response_status: 503, attempts: 3/3"
    assert (theirs.url, theirs.waiting) == (THEIRS, 1)


def test_an_account_without_webhooks_has_no_address(server: GatewayServer, api: Api) -> None:
    Hooks(server)
    assert deliveries.webhook_queues(api) == []


def test_what_failed_lately_is_asked_for_whatever_the_defaults(
    server: GatewayServer, api: Api
) -> None:
    Hooks(server, hook(1))
    deliveries.webhook_queues(api)
    newest, failed = (asked.query for asked in server.asked)
    assert newest == {"page": ["1"], "size": ["100"]}
    assert failed["status"] == ["failed"]
    since = datetime.fromisoformat(failed["created_since"][0])
    age = datetime.now(UTC) - since
    assert deliveries.RECENT <= age < deliveries.RECENT + timedelta(minutes=1)


def test_a_filter_that_is_not_heeded_does_no_harm(server: GatewayServer, api: Api) -> None:
    Hooks(server, hook(2, status="sent"), hook(1), filters=False)
    (found,) = deliveries.webhook_queues(api)
    assert found.waiting == 1


def test_failures_are_read_from_several_pages_and_not_from_all(
    server: GatewayServer, api: Api
) -> None:
    Hooks(server, *(hook(number) for number in range(250, 0, -1)))
    assert deliveries.webhook_queues(api)[0].waiting == 250
    Hooks(server, *(hook(number) for number in range(700, 0, -1)))
    assert deliveries.webhook_queues(api)[0].waiting == 500


def test_what_failed_is_sent_again_oldest_first(server: GatewayServer, api: Api) -> None:
    hooks = Hooks(server, hook(4), hook(3, THEIRS), hook(2), hook(1, status="sent"))
    deliveries.resume_webhooks(api, queue())
    assert hooks.again == [name(2), name(4)]
    deliveries.resume_webhooks(api, queue())
    assert len(hooks.again) == 2


def test_of_many_the_oldest_are_sent_again_first(server: GatewayServer, api: Api) -> None:
    hooks = Hooks(server, *(hook(number) for number in range(60, 0, -1)))
    deliveries.resume_webhooks(api, queue())
    assert hooks.again == [name(number) for number in range(1, deliveries.MOST + 1)]
    assert len(server.asked) <= 50
    deliveries.resume_webhooks(api, queue())
    assert len(hooks.again) == 60


@pytest.mark.parametrize("status", [400, 404, 412])
def test_one_that_cannot_be_sent_again_does_not_hold_up_the_others(
    server: GatewayServer, api: Api, status: int
) -> None:
    hooks = Hooks(server, hook(2), hook(1))
    server.routes[f"POST {HOOKS}/{name(1)}/retry"] = Canned(status)
    deliveries.resume_webhooks(api, queue())
    assert hooks.again == [name(2)]


@pytest.mark.parametrize(
    ("status", "error"), [(401, DeniedError), (429, UnavailableError), (503, UnavailableError)]
)
def test_what_could_not_be_asked_is_told(
    server: GatewayServer, api: Api, status: int, error: type[ApiError]
) -> None:
    Hooks(server, hook(1))
    server.routes[f"POST {HOOKS}/{name(1)}/retry"] = Canned(status)
    with pytest.raises(error):
        deliveries.resume_webhooks(api, queue())
    server.routes[HOOKS] = Canned(status)
    with pytest.raises(error):
        deliveries.webhook_queues(api)


def test_what_is_no_id_goes_into_no_address(server: GatewayServer, api: Api) -> None:
    Hooks(server, hook(1, id="../charges"), hook(2, id="ch_Fx00000000000001"))
    server.routes.update({f"POST {HOOKS}/{one}/retry": Canned() for one in ("x", "y")})
    deliveries.resume_webhooks(api, queue())
    assert server.paths == [HOOKS]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": [{"url": 7}]}', b'{"data": [7]}'])
def test_garbage_is_asked_for_again(server: GatewayServer, api: Api, body: bytes) -> None:
    server.routes[HOOKS] = Canned(body=body)
    with pytest.raises(UnavailableError):
        deliveries.webhook_queues(api)
