"""Calls to applications: their limits, their rows, and what each failure means."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from recibo.access.errors import AccessError, DeniedError, RefusedError, UnavailableError
from recibo.access.providers import client
from recibo.access.providers.client import ask, failure, target
from recibo.access.providers.contract import Target
from recibo.journal import transport
from recibo.journal.actions import About
from tests.access.providers.steps import PASSWORD, reaching, step
from tests.gateways.gateway_server import Canned, GatewayServer, serving


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with serving() as running:
        yield running


@pytest.fixture
def application(server: GatewayServer) -> Iterator[Target]:
    with reaching(server.url, "secret") as target:
        yield target


def met(application: Target, server: GatewayServer, canned: Canned) -> AccessError:
    server.routes["/x"] = canned
    return failure(ask(application, "asking", "GET", f"{server.url}/x"), "asking")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, DeniedError),
        (403, DeniedError),
        (404, DeniedError),
        (405, DeniedError),
        (408, UnavailableError),
        (410, RefusedError),
        (422, RefusedError),
        (425, UnavailableError),
        (429, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_a_status_says_what_to_do(
    application: Target, server: GatewayServer, status: int, kind: type
) -> None:
    assert type(met(application, server, Canned(status))) is kind


def test_an_application_says_when_to_come_back(application: Target, server: GatewayServer) -> None:
    error = met(application, server, Canned(429, {"retry-after": "90"}))
    assert isinstance(error, UnavailableError)
    assert error.retry_after == timedelta(seconds=90)


def test_a_redirect_is_a_wrong_address_and_not_followed(
    application: Target, server: GatewayServer
) -> None:
    error = met(application, server, Canned(302, {"location": f"{server.url}/login"}))
    assert type(error) is DeniedError
    assert server.paths == ["/x"]


def test_slowness_is_tried_again(application: Target, server: GatewayServer) -> None:
    server.routes["/x"] = Canned(delay=1.0)
    with pytest.raises(UnavailableError, match="asking: ReadTimeout"):
        ask(application, "asking", "GET", f"{server.url}/x")


def test_nobody_there_is_tried_again(application: Target) -> None:
    with pytest.raises(UnavailableError, match="ConnectError"):
        ask(application, "asking", "GET", "http://127.0.0.1:1/x")


@pytest.mark.parametrize("url", ["http://[::1", "https://exa mple:port"])
def test_an_address_that_is_none_is_for_a_person(application: Target, url: str) -> None:
    with pytest.raises(DeniedError, match="address"):
        ask(application, "asking", "GET", url)


def test_an_answer_larger_than_any_is_not_read_to_its_end(
    application: Target, server: GatewayServer
) -> None:
    server.routes["/x"] = Canned(body=b"x" * (client.LARGEST_ANSWER + 1))
    with pytest.raises(UnavailableError, match="too large"):
        ask(application, "asking", "GET", f"{server.url}/x")


def test_an_answer_that_drips_is_not_waited_for(
    application: Target, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_ANSWER", -1.0)
    server.routes["/x"] = Canned(body=b"x")
    with pytest.raises(UnavailableError, match="does not end"):
        ask(application, "asking", "GET", f"{server.url}/x")


def test_a_header_that_cannot_be_sent_is_not_told(
    application: Target, server: GatewayServer
) -> None:
    with pytest.raises(UnavailableError) as failed:
        ask(application, "asking", "GET", server.url, headers={"apikey": f"{PASSWORD}\n"})
    assert PASSWORD not in str(failed.value)
    assert failed.value.__suppress_context__


def test_every_call_leaves_a_row_without_the_query(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[tuple[About, str, int | None]] = []

    def keep(about: About, *, operation: str, status: int | None, **rest: object) -> None:
        rows.append((about, operation, status))

    monkeypatch.setattr(transport, "keep_call", keep)
    server.routes["/x"] = Canned(204)
    about = About("access/http")
    with target(about, server.url, "secret", "https://app.example.com/") as reached:
        ask(reached, "asking", "POST", f"{server.url}/x?token=secret")
    assert rows == [(about, "POST /x", 204)]
    assert server.asked[0].headers["user-agent"] == "Recibo"
    assert reached.login_url == "https://app.example.com/"


def test_a_call_has_a_time_limit_and_goes_nowhere_else() -> None:
    with target(About("access/http"), "http://127.0.0.1:9", "secret") as reached:
        assert (reached.client.timeout.read, reached.client.timeout.connect) == (10.0, 5.0)
        assert not reached.client.follow_redirects


def test_neither_a_step_nor_a_target_tells_its_secret() -> None:
    with reaching("http://127.0.0.1:9", PASSWORD) as reached:
        assert PASSWORD not in f"{reached!r}{step(password=PASSWORD)!r}"


def test_a_hang_is_bounded(application: Target, server: GatewayServer) -> None:
    server.routes["/x"] = Canned(delay=2.0)
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        ask(application, "asking", "GET", f"{server.url}/x")
    assert time.monotonic() - began < 1.5
