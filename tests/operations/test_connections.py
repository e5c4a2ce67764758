"""What ``recibo check`` says of each account, with gateways that answer, refuse and are away."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from recibo.accounts import actions, queries
from recibo.accounts.models import Account
from recibo.gateways import http
from recibo.operations import connections
from recibo.operations.checks import Check, State
from tests.gateways.gateway_server import Canned, GatewayServer, serving
from tests.inbox.acme import ACME

pytestmark = pytest.mark.django_db

KEY = "chave-da-api"


def ping(api) -> None:
    """Acme tells whether a key works."""
    http.get(api, "/me", headers={"x-key": api.credentials["key"]})


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with serving() as one:
        one.routes["/me"] = Canned()
        yield one


@pytest.fixture(autouse=True)
def _acme(monkeypatch, settings, server):
    """Acme is the only gateway, and everything is set for its account ``default``."""
    acme = replace(ACME, credentials={"key": "ACME_KEY"}, api_url=server.url, ping=ping)
    gateways = {"acme": acme}
    for module in (actions, connections, queries):
        monkeypatch.setattr(module, "GATEWAYS", gateways)
    settings.RECIBO_WEBHOOK_SECRETS = {"acme": (b"token",)}
    settings.RECIBO_CREDENTIALS = {"acme": {"key": KEY}}
    settings.RECIBO_API_URLS = {}
    actions.ensure_defaults()


def gateway(monkeypatch, **changes) -> None:
    monkeypatch.setitem(
        connections.GATEWAYS, "acme", replace(connections.GATEWAYS["acme"], **changes)
    )


def found() -> dict[str, Check]:
    return {one.name: one for one in connections.checks(has_tables=True)}


def states() -> dict[str, State]:
    return {name: one.state for name, one in found().items()}


def test_secrets_and_credentials_that_work_are_well(server):
    assert states() == {"gateway acme": State.OK, "credentials acme": State.OK}
    [asked] = server.asked
    assert asked.headers["x-key"] == KEY


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_broken_and_name_their_setting(server, status):
    server.routes["/me"] = Canned(status)
    check = found()["credentials acme"]
    assert check.state is State.BROKEN
    assert "The gateway refuses these credentials" in check.sentence
    assert "check ACME_KEY" in check.sentence
    assert KEY not in check.sentence


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_gateway_that_does_not_say_is_a_warning(server, status):
    server.routes["/me"] = Canned(status)
    check = found()["credentials acme"]
    assert check.state is State.WARNING
    assert server.url in check.sentence
    assert str(status) in check.sentence


def test_a_gateway_that_is_too_slow_is_a_warning(server, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    server.routes["/me"] = Canned(delay=1)
    assert states()["credentials acme"] is State.WARNING


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "https://"])
def test_a_gateway_that_is_not_there_is_a_warning(settings, url):
    settings.RECIBO_API_URLS = {"acme": url}
    assert states()["credentials acme"] is State.WARNING


def test_credentials_that_no_header_can_hold_are_broken_and_not_repeated(settings):
    settings.RECIBO_CREDENTIALS = {"acme": {"key": "não-é-ascii"}}
    check = found()["credentials acme"]
    assert check.state is State.BROKEN
    assert "não-é-ascii" not in check.sentence


def test_a_gateway_without_a_way_to_try_credentials_is_believed(monkeypatch, server):
    gateway(monkeypatch, ping=None)
    assert states()["credentials acme"] is State.OK
    assert server.asked == []


def test_a_missing_secret_is_a_warning_that_names_its_settings(settings, monkeypatch):
    gateway(monkeypatch, secret_settings=("ACME_USER:ACME_PASSWORD", "ACME_TOKEN"))
    settings.RECIBO_WEBHOOK_SECRETS = {}
    check = found()["gateway acme"]
    assert check.state is State.WARNING
    assert "Set ACME_USER with ACME_PASSWORD, or ACME_TOKEN" in check.sentence


def test_missing_credentials_are_a_warning_that_names_their_settings(settings, server):
    settings.RECIBO_CREDENTIALS = {}
    check = found()["credentials acme"]
    assert check.state is State.WARNING
    assert "Set ACME_KEY" in check.sentence
    assert server.asked == []


def test_a_gateway_that_proves_nothing_needs_no_secret(settings, monkeypatch):
    gateway(monkeypatch, secret_settings=())
    settings.RECIBO_WEBHOOK_SECRETS = {}
    assert states() == {"gateway acme": State.OK, "credentials acme": State.OK}


def test_a_gateway_for_which_nothing_is_set_is_not_used_and_not_asked(settings, server):
    settings.RECIBO_WEBHOOK_SECRETS = settings.RECIBO_CREDENTIALS = {}
    assert states() == {"gateway acme": State.UNUSED, "gateways": State.WARNING}
    assert "ACME_TOKEN" in found()["gateway acme"].sentence
    assert server.asked == []


def test_every_account_is_asked_with_its_own_credentials(server):
    actions.add("acme", "loja-2", secrets=["hers"], credentials={"key": "hers"}, actor="cli:ana")
    server.routes["/me"] = lambda asked: Canned(401 if asked.headers["x-key"] == "hers" else 200)
    assert states()["credentials acme"] is State.OK
    check = found()["credentials acme/loja-2"]
    assert check.state is State.BROKEN
    assert "recibo accounts rotate acme loja-2" in check.sentence


def test_a_further_account_that_lacks_everything_says_which_command_mends_it():
    actions.add("acme", "loja-2", actor="cli:ana")
    sentences = {name: one.sentence for name, one in found().items() if one.state is State.WARNING}
    assert sentences.keys() == {"gateway acme/loja-2", "credentials acme/loja-2"}
    assert all("recibo accounts rotate acme loja-2" in one for one in sentences.values())


def test_a_disabled_account_is_not_asked(server):
    actions.disable(Account.objects.get(gateway="acme"), actor="cli:ana")
    assert states()["gateway acme"] is State.UNUSED
    assert server.asked == []


def test_secrets_that_cannot_be_opened_are_broken_and_the_others_are_looked_at(settings):
    actions.add("acme", "loja-2", secrets=["hers"], actor="cli:ana")
    settings.SECRET_KEY = "another"
    check = found()["gateway acme/loja-2"]
    assert check.state is State.BROKEN
    assert "RECIBO_SECRET_KEY" in check.sentence
    assert states()["gateway acme"] is State.OK


def test_without_tables_the_environment_is_looked_at_all_the_same(django_assert_num_queries):
    with django_assert_num_queries(0):
        names = [one.name for one in connections.checks(has_tables=False)]
    assert names == ["gateway acme", "credentials acme"]
