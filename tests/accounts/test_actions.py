"""Adding, rotating and disabling accounts: what is kept, what is refused, what the audit says."""

import logging
from dataclasses import replace

import pytest

from recibo.accounts import actions, queries
from recibo.accounts.actions import AccountError
from recibo.accounts.encryption import SealedError
from recibo.accounts.models import Account
from recibo.journal.models import AuditEntry
from tests.inbox.acme import ACME

pytestmark = pytest.mark.django_db

SECRET, NEW, KEY = "segredo-antigo", "segredo-novo", "chave-da-api"


@pytest.fixture(autouse=True)
def _acme(monkeypatch):
    """A gateway that takes two credentials."""
    credentials = {"key": "ACME_KEY", "shop": "ACME_SHOP"}
    acme = replace(ACME, credentials=credentials, api_url="https://api.acme.example")
    monkeypatch.setitem(actions.GATEWAYS, "acme", acme)


def added(name: str = "loja-2", **given) -> Account:
    return actions.add("acme", name, **{"secrets": [SECRET], "actor": "cli:ana", **given})


def secrets(account: Account) -> tuple[bytes, ...]:
    return queries.secrets_of(Account.objects.get(pk=account.pk))


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_an_added_account_keeps_what_it_was_given():
    account = added(credentials={"key": KEY}, api_url="https://sandbox.acme.example:8443/")
    account.refresh_from_db()
    assert queries.secrets_of(account) == (SECRET.encode(),)
    assert queries.credentials_of(account) == {"key": KEY}
    assert queries.api_url_of(account) == "https://sandbox.acme.example:8443"
    assert account.connected_at is not None


def test_secrets_lie_nowhere_in_plain_text(caplog):
    caplog.set_level(logging.DEBUG)
    account = added(credentials={"key": KEY})
    actions.rotate(account, [NEW], actor="cli:ana")
    actions.change(account, credentials={"shop": KEY}, actor="cli:ana")
    actions.forget_old(account, actor="cli:ana")
    row = Account.objects.filter(pk=account.pk).values().get()
    row |= {name: bytes(row[name]) for name in ("sealed_secrets", "sealed_credentials")}
    shown = [row, account, queries.kept_secrets(account), queries.doors(), caplog.text]
    shown += AuditEntry.objects.values()
    for hidden in (SECRET, NEW, KEY):
        assert hidden not in repr(shown)


def test_an_account_may_get_its_secret_later():
    account = added(secrets=[])
    assert secrets(account) == ()
    assert account.connected_at is None
    actions.rotate(account, [SECRET], actor="cli:ana")
    assert secrets(account) == (SECRET.encode(),)
    account.refresh_from_db()
    assert account.connected_at is not None


@pytest.mark.parametrize("name", ["", "Loja", "loja_2", "loja/2", "x" * 33, "ação", "loja\n"])
def test_a_name_that_no_address_can_hold_is_refused(name):
    with pytest.raises(AccountError, match="letters from a to z"):
        added(name)


@pytest.mark.parametrize("name", ["default", "loja-2"])
def test_a_name_that_is_taken_is_refused_and_nothing_changes(name):
    actions.ensure_defaults()
    first = added("loja-2")
    with pytest.raises(AccountError, match=f"an account '{name}' of acme already"):
        added(name, secrets=[NEW])
    assert secrets(first) == (SECRET.encode(),)
    assert audited() == ["account.add"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secrets": [" "]}, "webhook secret must be one line"),
        ({"secrets": ["two\nlines"]}, "webhook secret must be one line"),
        ({"credentials": {"key": ""}}, "key must be one line"),
        ({"credentials": {"chave": KEY}}, "takes no chave. It takes: key, shop"),
        ({"api_url": "api.acme.example"}, "address of an API"),
        ({"api_url": "https://api.acme.example/v3"}, "address of an API"),
        ({"api_url": "https://user:pass@api.acme.example"}, "address of an API"),
        ({"api_url": "https://api.acme.example:99999"}, "address of an API"),
        ({"api_url": "https://" + "a" * 200}, "address of an API"),
        ({"secrets": [f"secret-{n}" for n in range(11)]}, "10 is the most"),
    ],
)
def test_what_cannot_be_is_refused_whole(given, said):
    with pytest.raises(AccountError, match=said) as raised:
        added(**given)
    assert KEY not in str(raised.value)
    assert not Account.objects.filter(name="loja-2").exists()


def test_an_unknown_gateway_is_answered_with_those_that_there_are():
    with pytest.raises(AccountError, match=r"There are: .*hotmart"):
        actions.add("hotmort", "loja-2", actor="cli:ana")


def test_rotated_secrets_are_valid_together_until_the_old_ones_are_forgotten():
    account = added()
    actions.rotate(account, [NEW], actor="cli:ana")
    assert secrets(account) == (SECRET.encode(), NEW.encode())
    assert actions.forget_old(account, actor="cli:ana") == 1
    assert secrets(account) == (NEW.encode(),)
    assert actions.forget_old(account, actor="cli:ana") == 0
    assert audited() == ["account.add", "account.rotate", "account.forget"]


def test_a_secret_that_got_out_ends_at_once():
    account = added()
    actions.rotate(account, [NEW], actor="cli:ana", keep_old=False)
    assert secrets(account) == (NEW.encode(),)


def test_secrets_that_were_added_together_are_kept_together():
    account = added()
    actions.rotate(account, [NEW, "user:password"], actor="cli:ana")
    actions.forget_old(account, actor="cli:ana")
    assert secrets(account) == (NEW.encode(), b"user:password")


def test_rotating_back_makes_the_older_secret_the_newest():
    account = added()
    actions.rotate(account, [NEW], actor="cli:ana")
    actions.rotate(account, [SECRET], actor="cli:ana")
    assert secrets(account) == (NEW.encode(), SECRET.encode())
    actions.forget_old(account, actor="cli:ana")
    assert secrets(account) == (SECRET.encode(),)


def test_rotating_to_nothing_is_refused():
    with pytest.raises(AccountError, match="no new secret"):
        actions.rotate(added(), [], actor="cli:ana")


def test_a_rotation_starts_from_what_is_kept_now_and_not_from_what_the_caller_saw():
    stale = added()
    actions.rotate(Account.objects.get(pk=stale.pk), [NEW], actor="cli:ana")
    actions.rotate(stale, ["third"], actor="cli:ana")
    assert len(secrets(stale)) == 3


def test_credentials_are_replaced_one_by_one():
    account = added(credentials={"key": "old", "shop": "9"})
    actions.change(account, credentials={"key": KEY}, actor="cli:ana")
    account.refresh_from_db()
    assert queries.credentials_of(account) == {"key": KEY, "shop": "9"}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5432", "http://localhost", "http://169.254.169.254"]
)
def test_credentials_are_not_sent_to_our_own_network_unless_that_is_allowed(url, settings):
    with pytest.raises(actions.AccountError, match="RECIBO_ALLOW_PRIVATE_ADDRESSES"):
        actions.change(added(), api_url=url, actor="cli:ana")


def test_an_address_of_the_api_is_changed_and_taken_back(settings):
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True
    account = added()
    changed = actions.change(account, api_url="http://127.0.0.1:8080", actor="cli:ana")
    assert queries.api_url_of(changed) == "http://127.0.0.1:8080"
    assert queries.api_url_of(actions.change(account, actor="cli:ana")) == "http://127.0.0.1:8080"
    back = actions.change(account, api_url="", actor="cli:ana")
    assert queries.api_url_of(back) == "https://api.acme.example"


def test_with_another_key_nothing_is_overwritten_unless_all_is_entered_anew(settings):
    account = added(credentials={"key": KEY})
    settings.SECRET_KEY = "another"
    with pytest.raises(SealedError):
        actions.rotate(account, [NEW], actor="cli:ana")
    with pytest.raises(SealedError):
        actions.change(account, credentials={"shop": "9"}, actor="cli:ana")
    actions.rotate(account, [NEW], actor="cli:ana", keep_old=False)
    actions.change(account, credentials={"key": "new", "shop": "9"}, actor="cli:ana")
    account.refresh_from_db()
    assert secrets(account) == (NEW.encode(),)
    assert queries.credentials_of(account) == {"key": "new", "shop": "9"}


def test_disabled_accounts_have_no_door_until_they_are_enabled():
    account = added()
    for _ in range(2):
        actions.disable(account, actor="cli:ana")
    assert ("acme", "loja-2") not in queries.doors()
    for _ in range(2):
        actions.enable(account, actor="cli:ana")
    assert queries.doors()["acme", "loja-2"].secrets == (SECRET.encode(),)
    assert audited() == ["account.add", "account.disable", "account.enable"]


def test_the_audit_says_who_did_what_to_which_account():
    account = added(credentials={"key": KEY})
    actions.rotate(account, [NEW], actor="user:bia")
    first, second = AuditEntry.objects.order_by("pk")
    assert (first.actor, first.subject) == ("cli:ana", "account:acme/loja-2")
    assert first.after == {"secrets": 1, "credentials": ["key"], "api_url": ""}
    assert (second.actor, second.after) == ("user:bia", {"secrets": 2, "kept_old": True})


def test_the_default_account_is_connected_once_the_environment_configures_it(settings):
    settings.RECIBO_WEBHOOK_SECRETS, settings.RECIBO_CREDENTIALS = {}, {}
    Account.objects.all().delete()
    actions.ensure_defaults()
    assert not Account.objects.exclude(connected_at=None).exists()
    settings.RECIBO_WEBHOOK_SECRETS = {"hotmart": (b"secret",)}
    settings.RECIBO_CREDENTIALS = {"acme": {"key": KEY}}
    actions.ensure_defaults()
    connected = Account.objects.exclude(connected_at=None)
    assert set(connected.values_list("gateway", flat=True)) == {"hotmart", "acme"}
    since = connected.get(gateway="acme").connected_at
    actions.ensure_defaults()
    assert Account.objects.get(gateway="acme").connected_at == since
