"""``recibo subscriptions``: looking, and having the gateway change them."""

import json

import pytest
from typer.testing import CliRunner

from recibo.accounts.encryption import sealed
from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.gateways.contract import Sale
from recibo.gateways.hotmart import HOTMART
from recibo.journal.models import AuditEntry
from recibo.processing.drain import drain
from recibo.server.cli import app
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.inboxes import NOW, received
from tests.reconciliation.agreements import agreement, asked_for, obey, subscribed


def invoke(*words: object, answer: str | None = None):
    return CliRunner().invoke(app, ["subscriptions", *map(str, words)], input=answer)


def loaded(*words: object):
    """What a script reads."""
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_newest_are_listed_first_and_can_be_narrowed(account: Account) -> None:
    subscribed(account)
    subscribed(account, "s2", "cancelled")
    listed = loaded("list")
    assert [item["subscriber_code"] for item in listed["items"]] == ["s2", "s1"]
    assert listed["count"] == 2
    assert listed["items"][0]["customer"]["email"] == "ana@example.com"
    found = loaded("list", "--status", "active", "--gateway", "hotmart")
    assert found == {"items": [], "count": 0}
    assert loaded("list", "--status", "active", "--limit", 1)["count"] == 1
    shown = invoke("list").stdout
    assert "ana@example.com" in shown
    assert "2 of 2" in shown


def test_a_status_that_is_none_is_refused(account: Account) -> None:
    result = invoke("list", "--status", "lost")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "past_due" in result.stderr


def test_one_is_shown_as_the_api_tells_it(account: Account) -> None:
    subscribed(account)
    shown = loaded("show", "s1")
    assert (shown["subscriber_code"], shown["gateway"], shown["status"]) == ("s1", "acme", "active")
    assert "ana@example.com" in invoke("show", "s1").stdout
    result = invoke("show", "nobody")
    assert result.exit_code == 2
    assert "no subscription 'nobody'" in result.stderr


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("cancel", "s1"), {"status": "cancelled"}),
        (("reactivate", "s1"), {"status": "active"}),
        (("due-day", "s1", 10), {"day": 10}),
        (("plan", "s1", "p2"), {"plan": "p2"}),
    ],
)
def test_a_change_asks_the_gateway_once_it_is_agreed_to(
    account: Account, server: GatewayServer, words: tuple[object, ...], asked: object
) -> None:
    subscribed(account)
    obey(server)
    result = invoke(*words, answer="n\n")
    assert (result.exit_code, server.asked) == (1, [])
    assert "Acme Pagamentos" in result.stderr
    assert "ana@example.com" in result.stderr
    assert invoke(*words, answer="y\n").exit_code == 0
    assert asked_for(server) == [asked]
    assert AuditEntry.objects.get().actor.startswith("cli:")


def test_for_scripts_there_is_no_question_and_json_alone(
    account: Account, server: GatewayServer
) -> None:
    subscribed(account)
    obey(server)
    assert loaded("cancel", "s1", "--yes")["status"] == "cancelled"
    assert Subscription.objects.get().status == "cancelled"


def test_what_the_gateway_refuses_is_a_sentence(account: Account, server: GatewayServer) -> None:
    subscribed(account)
    server.routes["PUT /subscriptions/s1"] = [Canned(400, body=b"already ended"), Canned(503)]
    result = invoke("cancel", "s1", "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Acme Pagamentos says no: already ended\n"
    result = invoke("cancel", "s1", "--yes")
    assert result.exit_code == 2
    assert "gave no answer" in result.stderr


def test_what_cannot_be_done_is_said_before_the_question(account: Account, settings) -> None:
    subscribed(account)
    settings.RECIBO_CREDENTIALS = {}
    result = invoke("cancel", "s1")
    assert result.exit_code == 2
    assert "ACME_KEY" in result.stderr
    assert "?" not in result.stderr


def test_what_may_surprise_is_said_with_the_question(account: Account, settings) -> None:
    settings.RECIBO_CREDENTIALS = {"hotmart": {"client_id": "1", "client_secret": "2"}}
    received(HOTMART.samples["purchase-approved"](Sale(number=1, at=NOW)), at=NOW)
    drain()
    code = Subscription.objects.get().code
    result = invoke("reactivate", code, answer="n\n")
    assert result.exit_code == 1
    assert "good for 3 days" in result.stderr


def test_an_answer_that_cannot_be_read_yet_says_so(account: Account, server: GatewayServer) -> None:
    subscribed(account)
    server.routes["PUT /subscriptions/s1"] = told({**agreement(), "status": "levitating"})
    result = invoke("cancel", "s1", "--yes", "--json")
    assert result.exit_code == 0
    assert "still being worked on" in result.stderr
    assert json.loads(result.stdout)["status"] == "active"


def test_of_several_accounts_one_has_to_be_named(account: Account, server: GatewayServer) -> None:
    second = Account.objects.create(
        gateway="acme", name="loja-2", sealed_credentials=sealed({"key": "their-key"})
    )
    subscribed(account)
    subscribed(second)
    obey(server)
    result = invoke("cancel", "s1", "--yes")
    assert (result.exit_code, server.asked) == (2, [])
    assert "--account" in result.stderr
    assert loaded("cancel", "s1", "--account", "loja-2", "--yes")["account"] == "loja-2"
    assert Subscription.objects.get(account=account).status == "active"


def test_a_day_that_every_month_does_not_have_is_refused(account: Account) -> None:
    subscribed(account)
    assert invoke("due-day", "s1", 29, "--yes").exit_code == 2
