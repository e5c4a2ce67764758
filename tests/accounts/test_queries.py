"""Whose secrets and credentials they are: the environment's, the database's, both."""

from dataclasses import replace

import pytest

from recibo.accounts import actions, queries
from recibo.accounts.models import Account
from tests.inbox.acme import ACME

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _acme(monkeypatch, settings):
    acme = replace(
        ACME, credentials={"key": "ACME_KEY", "shop": "ACME_SHOP"}, api_url="https://acme.example"
    )
    monkeypatch.setitem(queries.GATEWAYS, "acme", acme)
    settings.RECIBO_WEBHOOK_SECRETS = {"acme": (b"from-environment",)}
    settings.RECIBO_CREDENTIALS = {"acme": {"key": "environment", "shop": "1"}}
    settings.RECIBO_API_URLS = {}
    actions.ensure_defaults()


def default() -> Account:
    return Account.objects.get(gateway="acme", name="default")


def other(**given) -> Account:
    return actions.add("acme", "loja-2", **given, actor="cli:ana")


def test_the_environment_is_the_default_accounts_alone():
    account = other()
    assert queries.secrets_of(default()) == (b"from-environment",)
    assert queries.secrets_of(account) == ()
    assert queries.credentials_of(default()) == {"key": "environment", "shop": "1"}
    assert queries.credentials_of(account) == {}


def test_what_is_kept_for_default_comes_on_top_of_the_environment():
    actions.rotate(default(), ["kept"], actor="cli:ana")
    actions.change(default(), credentials={"key": "kept"}, actor="cli:ana")
    assert queries.secrets_of(default()) == (b"from-environment", b"kept")
    assert queries.credentials_of(default()) == {"key": "kept", "shop": "1"}


def test_a_secret_that_is_known_twice_is_one():
    actions.rotate(default(), ["from-environment"], actor="cli:ana")
    assert queries.secrets_of(default()) == (b"from-environment",)


def test_every_open_account_has_a_door_with_its_own_secrets():
    account = other(secrets=["hers"], credentials={"key": "hers"})
    doors = queries.doors()
    assert doors["acme", "default"].secrets == (b"from-environment",)
    assert doors["acme", "loja-2"].secrets == (b"hers",)
    assert doors["acme", "loja-2"].account_id == account.pk
    assert doors["acme", "loja-2"].has_credentials
    assert not doors["hotmart", "default"].has_credentials


def test_secrets_that_cannot_be_opened_close_no_other_door(settings, caplog):
    other(secrets=["hers"])
    settings.SECRET_KEY = "another"
    queries.complain.cache_clear()
    for _ in range(3):
        doors = queries.doors()
    assert doors["acme", "loja-2"].secrets == ()
    assert doors["acme", "default"].secrets == (b"from-environment",)
    [record] = caplog.records
    assert "acme/loja-2" in record.getMessage()


def test_an_api_is_where_the_account_says_else_the_environment_else_the_gateway(settings):
    sandbox = other(api_url="https://sandbox.example")
    assert queries.api_url_of(default()) == "https://acme.example"
    settings.RECIBO_API_URLS = {"acme": "http://127.0.0.1:9"}
    assert queries.api_url_of(default()) == "http://127.0.0.1:9"
    assert queries.api_url_of(sandbox) == "https://sandbox.example"


def test_addresses_name_every_account_but_the_default(settings):
    settings.RECIBO_PUBLIC_URL = "https://pay.example.com"
    assert queries.address_of(default()) == "https://pay.example.com/api/webhooks/acme"
    assert queries.address_of(other()) == "https://pay.example.com/api/webhooks/acme/loja-2"


def test_a_gateway_is_configured_by_any_open_account_with_a_secret(settings):
    settings.RECIBO_WEBHOOK_SECRETS = {}
    assert queries.configured() == []
    account = other(secrets=["hers"])
    assert queries.configured() == ["acme"]
    actions.disable(account, actor="cli:ana")
    assert queries.configured() == []


def test_accounts_are_listed_by_gateway_with_default_first():
    actions.add("acme", "a", actor="cli:ana")
    Account.objects.create(gateway="gone")
    listed = queries.listed()
    assert [one.gateway for one in listed if one.name == "default"] == list(queries.GATEWAYS)
    assert [one.name for one in listed if one.gateway == "acme"] == ["default", "a"]


def test_settings_of_secrets_are_told_in_words():
    several = replace(ACME, secret_settings=("ACME_USER:ACME_PASSWORD", "ACME_TOKEN"))
    assert queries.secret_settings(several) == "ACME_USER with ACME_PASSWORD, or ACME_TOKEN"
