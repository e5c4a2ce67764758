"""``recibo accounts``: secrets come in hidden or piped, and never go out."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from recibo.accounts import actions, queries
from recibo.accounts.models import Account
from recibo.journal.models import AuditEntry
from recibo.server.cli import accounts, app
from tests.inbox.acme import ACME

pytestmark = pytest.mark.django_db

SECRET, KEY = "segredo-da-loja", "chave-da-api"


@pytest.fixture(autouse=True)
def _acme(monkeypatch, settings):
    """A gateway with two kinds of secret, a secret in its address, and two credentials."""
    acme = replace(
        ACME,
        secret_settings=("ACME_USER:ACME_PASSWORD", "ACME_TOKEN"),
        secret_parameters=frozenset({b"token"}),
        credentials={"key": "ACME_KEY", "token": "ACME_TOKEN"},
        api_url="https://api.acme.example",
    )
    monkeypatch.setitem(queries.GATEWAYS, "acme", acme)
    settings.RECIBO_PUBLIC_URL = "https://pay.example.com"
    actions.ensure_defaults()


@pytest.fixture
def _terminal(monkeypatch):
    """Somebody sits there and can be asked."""
    monkeypatch.setattr(accounts, "is_terminal", lambda: True)


def invoke(*words: str, answer: str = "", **variables: str):
    return CliRunner(env=variables).invoke(app, ["accounts", *words], input=answer)


def account(name: str = "loja-2") -> Account:
    return Account.objects.get(gateway="acme", name=name)


def secrets(name: str = "loja-2") -> list[str]:
    return [secret.decode() for secret in queries.secrets_of(account(name))]


def add(*words: str, answer: str = f"{SECRET}\n", **variables: str):
    result = invoke("add", "acme", "loja-2", *words, answer=answer, **variables)
    assert result.exit_code == 0, result.output
    return result


def listed() -> dict[tuple[str, str], dict]:
    rows = json.loads(invoke("list", "--json").stdout)
    return {(row["gateway"], row["name"]): row for row in rows}


def test_add_reads_secrets_from_standard_input_and_prints_the_address_to_paste():
    result = add()
    assert secrets() == [SECRET]
    assert "https://pay.example.com/api/webhooks/acme/loja-2?token=WEBHOOK-SECRET" in result.stdout
    assert "Credentials: none, of key, token" in result.stdout
    assert SECRET not in result.output


def test_settings_in_standard_input_go_by_their_names():
    lines = ["ACME_USER=ana", "ACME_PASSWORD = s3=nha", "", "ACME_TOKEN=both", f"ACME_KEY={KEY}"]
    result = add(answer="\n".join(lines))
    assert secrets() == ["ana:s3=nha", "both"]
    assert queries.credentials_of(account()) == {"key": KEY, "token": "both"}
    for hidden in ("s3=nha", "both", KEY):
        assert hidden not in result.output


@pytest.mark.usefixtures("_terminal")
def test_a_person_is_asked_for_each_setting_once_and_hidden():
    result = add(answer=f"ana\nsenha\n\n{KEY}\n")
    assert secrets() == ["ana:senha"]
    assert queries.credentials_of(account()) == {"key": KEY}
    assert [result.output.count(f"{name}: ") for name in ("ACME_USER", "ACME_TOKEN")] == [1, 1]
    assert "senha" not in result.output
    assert KEY not in result.output


def test_secrets_come_from_variables_and_then_nothing_is_read():
    result = add(
        "--secret-from-env", "LOJA_TOKEN", "--secret-from-env", "LOJA_OTHER",
        "--credential-from-env", "key=LOJA_KEY", answer="not-this\n",
        LOJA_TOKEN=SECRET, LOJA_OTHER="other", LOJA_KEY=KEY,
    )  # fmt: skip
    assert secrets() == [SECRET, "other"]
    assert queries.credentials_of(account()) == {"key": KEY}
    assert SECRET not in result.output


def test_no_option_takes_a_secret_itself():
    result = invoke("add", "acme", "loja-2", "--secret", SECRET)
    assert result.exit_code == 2
    assert not Account.objects.filter(name="loja-2").exists()


def test_an_account_without_a_secret_says_what_is_refused_and_how_to_mend_it():
    result = add(answer="")
    assert "recibo accounts rotate acme loja-2" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "hotmort", "loja-2"], "There are: "),
        (["add", "acme", "Loja 2"], "letters from a to z"),
        (["add", "acme", "default"], "'default' of acme already"),
        (["add", "acme", "x", "--secret-from-env", "NOT_THERE"], "NOT_THERE is not set"),
        (["add", "acme", "x", "--credential-from-env", "key"], "access_token=MY_VARIABLE"),
        (["add", "acme", "x", "--credential-from-env", "shop=PATH"], "takes no shop"),
        (["add", "acme", "x", "--api-url", "ftp://x"], "address of an API"),
        (["rotate", "acme", "nowhere"], "no account 'nowhere'"),
        (["rotate", "acme", "default"], "Nothing was entered"),
        (["forget", "acme", "nowhere"], "no account 'nowhere'"),
        (["disable", "acme", "nowhere"], "no account 'nowhere'"),
        (["enable", "acme", "nowhere"], "no account 'nowhere'"),
    ],
)
def test_what_cannot_be_is_one_sentence(words, said):
    result = invoke(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not AuditEntry.objects.exists()


@pytest.mark.usefixtures("_terminal")
def test_a_name_that_cannot_be_is_said_before_anything_is_asked():
    assert "ACME_TOKEN" not in invoke("add", "acme", "Loja 2").output


def test_rotate_keeps_the_old_secrets_until_they_are_forgotten():
    add()
    result = invoke("rotate", "acme", "loja-2", answer="second\n")
    assert "Webhook secrets in force: 2" in result.stdout
    assert secrets() == [SECRET, "second"]
    assert "Forgotten: 1" in invoke("forget", "acme", "loja-2").stdout
    assert secrets() == ["second"]
    invoke("rotate", "acme", "loja-2", "--forget-old", answer="third\n")
    assert secrets() == ["third"]


def test_rotate_replaces_the_credentials_that_are_given_and_the_address():
    add(answer=f"{SECRET}\nACME_KEY=old\n")
    invoke("rotate", "acme", "loja-2", "--api-url", "https://sandbox.example", answer="")
    assert queries.credentials_of(account()) == {"key": "old"}
    invoke("rotate", "acme", "loja-2", "--credential-from-env", "key=LOJA_KEY", LOJA_KEY=KEY)
    assert queries.credentials_of(account()) == {"key": KEY}
    assert queries.api_url_of(account()) == "https://sandbox.example"
    assert secrets() == [SECRET]


def test_a_rotation_that_fails_halfway_changes_nothing():
    add()
    result = invoke("rotate", "acme", "loja-2", "--api-url", "ftp://x", answer="second\n")
    assert result.exit_code == 2
    assert secrets() == [SECRET]


def test_another_key_is_a_sentence(settings):
    add()
    settings.SECRET_KEY = "another"
    for words in (["rotate", "acme", "loja-2"], ["forget", "acme", "loja-2"]):
        result = invoke(*words, answer="second\n")
        assert result.exit_code == 2
        assert "RECIBO_SECRET_KEY" in result.stderr
    assert listed()["acme", "loja-2"]["secrets"] is None


def test_disable_and_enable():
    add()
    assert invoke("disable", "acme", "loja-2").exit_code == 0
    assert listed()["acme", "loja-2"]["disabled_at"] is not None
    assert invoke("enable", "acme", "loja-2").exit_code == 0
    assert listed()["acme", "loja-2"]["disabled_at"] is None


def test_the_list_counts_secrets_and_names_credentials_and_shows_neither():
    add(answer=f"{SECRET}\nACME_KEY={KEY}\n")
    row = listed()["acme", "loja-2"]
    assert row["secrets"] == 1
    assert row["credentials"] == ["key"]
    assert row["address"] == "https://pay.example.com/api/webhooks/acme/loja-2"
    assert row["api_url"] == "https://api.acme.example"
    assert listed()["hotmart", "default"]["secrets"] == 1
    told = invoke("list").stdout + invoke("list", "--json").stdout
    assert SECRET not in told
    assert KEY not in told


def test_the_audit_names_who_ran_the_command():
    add()
    entry = AuditEntry.objects.get()
    assert entry.actor.startswith("cli:")
    assert entry.subject == "account:acme/loja-2"
