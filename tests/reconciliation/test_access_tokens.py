"""Access tokens are asked for once, used by every process, sealed, and given up when refused."""

import pytest
from django.test.utils import override_settings

from recibo.accounts.models import Account
from recibo.reconciliation.access_tokens import SharedTokens
from recibo.reconciliation.models import AccountToken, Sync
from recibo.reconciliation.syncing import start, sync_due
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.orders import page


@pytest.fixture
def tokens(db: None) -> SharedTokens:
    return SharedTokens(Account.objects.get(gateway="hotmart"))


def test_a_token_is_there_for_another_process_and_lies_sealed(tokens: SharedTokens) -> None:
    tokens.put("api", "secret-token", 3600)
    assert SharedTokens(tokens.account).get("api") == "secret-token"
    assert b"secret-token" not in bytes(AccountToken.objects.get().sealed_token)
    assert SharedTokens(Account.objects.get(gateway="asaas")).get("api") == ""
    assert tokens.get("other") == ""


def test_a_newer_token_takes_the_place_of_the_old_one(tokens: SharedTokens) -> None:
    tokens.put("api", "old", 3600)
    tokens.put("api", "new", 3600)
    assert tokens.get("api") == "new"


@pytest.mark.parametrize(("seconds", "is_good"), [(90, True), (-1, False), (0, False), (1, True)])
def test_a_token_that_is_about_to_end_is_none(
    tokens: SharedTokens, seconds: float, is_good: bool
) -> None:
    tokens.put("api", "token", seconds)
    assert bool(tokens.get("api")) is is_good
    if seconds == 90:
        left = AccountToken.objects.get().expires_at
        tokens.put("api", "token", 45)
        assert AccountToken.objects.get().expires_at < left  # a minute, or half its life, before


def test_a_refused_token_is_forgotten(tokens: SharedTokens) -> None:
    tokens.put("api", "token", 3600)
    tokens.forget("api")
    assert tokens.get("api") == ""


def test_a_token_sealed_with_another_key_is_none(tokens: SharedTokens) -> None:
    tokens.put("api", "token", 3600)
    with override_settings(SECRET_KEY="another-key-of-fifty-characters-xxxxxxxxxxxxxxxxxxx"):
        assert tokens.get("api") == ""


def test_a_refused_token_is_forgotten_but_not_the_one_that_took_its_place(
    tokens: SharedTokens,
) -> None:
    tokens.put("api", "old", 3600)
    another_process = SharedTokens(tokens.account)
    assert another_process.get("api") == "old"
    another_process.put("api", "new", 3600)
    tokens.forget("api")
    assert tokens.get("api") == "new"


def test_one_token_serves_until_the_gateway_rotates_it(
    account: Account, server: GatewayServer
) -> None:
    good = "first"

    def pages(asked: Asked) -> Canned:
        return page() if asked.headers["authorization"] == f"Bearer {good}" else Canned(401)

    server.routes["/charges"] = server.routes["/subscriptions"] = pages
    server.routes["POST /token"] = told({"token": "second"})
    SharedTokens(account).put("api", "first", 3600)
    start(account)
    sync_due()
    assert "/token" not in server.paths
    good = "second"
    start(account)
    sync_due()
    assert 1 <= server.paths.count("/token") <= 2  # both lists may find out at the same time
    assert set(Sync.objects.values_list("error", flat=True)) == {""}
    assert SharedTokens(account).get("api") == "second"
