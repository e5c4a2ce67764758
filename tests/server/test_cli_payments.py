"""``recibo payments``, ``recibo sync`` and ``recibo doctor``, on a real database."""

import json

import pytest
from django.utils import timezone
from typer.testing import CliRunner

from recibo.accounts.models import Account
from recibo.billing.models import Charge, Order
from recibo.inbox.models import Source
from recibo.reconciliation.models import PaymentCheck, PollingRule
from recibo.server.cli import app
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.reconciliation.orders import charge, due, learned, page


def invoke(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def loaded(*words: object, code: int = 0):
    """What a script reads."""
    result = invoke(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_what_is_due_is_checked_and_processed(account: Account, server: GatewayServer) -> None:
    learned(account, charge("c1"), charge("c2"))
    server.routes["/charges/c1"] = told(charge("c1", "paid"))
    due(order__reference="c1")
    found = loaded("payments", "check", "--due")
    assert found["checked"] == 1
    assert (found["items"][0]["order"], found["items"][0]["status"]) == ("c1", "paid")
    assert Order.objects.get(reference="c1").status == "paid"
    assert server.paths == ["/charges/c1"]
    assert loaded("payments", "check")["checked"] == 0


def test_one_order_is_checked_before_its_time(account: Account, server: GatewayServer) -> None:
    learned(account, charge("c1"), charge("c2"))
    server.routes["/charges/c2"] = told(charge("c2", "paid"))
    result = invoke("payments", "check", "--order", "c2")
    assert result.exit_code == 0, result.output
    assert "c2" in result.stdout
    assert Charge.objects.get(gateway_charge_id="c2").status == "paid"
    assert PaymentCheck.objects.get(order__reference="c1").attempts == 0


def test_an_order_that_is_not_followed_is_a_sentence(account: Account) -> None:
    learned(account, charge("c1", "paid"))
    result = invoke("payments", "check", "--order", "c1")
    assert result.exit_code == 2
    assert "not followed" in result.stderr
    assert "no order" in invoke("payments", "check", "--order", "nobody").stderr
    assert invoke("payments", "check", "--order", "c1", "--due").exit_code == 2


def test_an_order_that_cannot_be_asked_about_says_why(account: Account, settings) -> None:
    learned(account, charge("c1"))
    settings.RECIBO_CREDENTIALS = {}
    assert "ACME_KEY" in invoke("payments", "check", "--order", "c1").stderr


def test_checks_are_listed(account: Account) -> None:
    learned(account, charge("c1"), charge("c2"))
    found = loaded("payments", "list", "--status", "pending", "--limit", 1)
    assert (found["count"], len(found["items"])) == (2, 1)
    assert "c2" in invoke("payments", "list", "--gateway", "acme").stdout


def test_a_rule_is_set_shown_and_dropped(account: Account) -> None:
    words = ("--delays", "linear:30m", "--give-up", "10d", "--product", "p1", "--product", "p2")
    [rule] = loaded("payments", "rule", "acme", *words)
    assert (rule["account"], rule["delays"], rule["products"]) == (
        "acme/default",
        "linear:30m",
        "p1, p2",
    )
    assert len(loaded("payments", "rule", "--min-age", "1m")) == 2
    assert len(loaded("payments", "rule")) == 2
    assert len(loaded("payments", "rule", "acme", "--drop")) == 1
    assert PollingRule.objects.get().account is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme", "--delays", "soon"), "--delays must"),
        (("acme", "--give-up", "soon"), "--give-up must"),
        (("acme", "--account", "other"), "no account"),
        (("nobody",), "no gateway"),
    ],
)
def test_a_rule_that_cannot_be_is_a_sentence(account: Account, words, said: str) -> None:
    result = invoke("payments", "rule", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_coverage_is_shown_in_shares(account: Account) -> None:
    for number in range(3):
        source = Source.POLL if number else Source.WEBHOOK
        learned(account, charge(f"c{number}", "paid"), source=source)
    assert "67% by poll, 33% by webhook" in invoke("payments", "coverage").stdout
    [day] = loaded("payments", "coverage", "--gateway", "acme", "--since", "7d")
    assert (day["total"], day["ways"]) == (3, {"poll": 2, "webhook": 1})


def test_a_sync_says_what_was_found_and_mended(account: Account, server: GatewayServer) -> None:
    learned(account, charge("known"))
    server.routes["POST /token"] = told({"token": "t"})
    server.routes["/charges"] = page(charge("known", "paid"), charge("missed", "paid"))
    server.routes["/subscriptions"] = page()
    [found] = loaded("sync", "acme", "--since", "30d")
    assert (found["found"], found["new"], found["paid"], found["charges"]) == (2, 2, 2, 1)
    assert Order.objects.filter(status="paid").count() == 2
    again = invoke("sync", "acme", "--since", "30d")
    assert again.exit_code == 0, again.output


def test_a_sync_that_cannot_finish_says_so(account: Account, server: GatewayServer) -> None:
    server.routes["POST /token"] = Canned(503)
    result = invoke("sync", "acme")
    assert result.exit_code == 1
    assert "503" in result.stderr


def test_a_sync_of_what_cannot_be_read_is_a_sentence(account: Account, settings) -> None:
    assert "no account" in invoke("sync", "acme", "--account", "other").stderr
    settings.RECIBO_CREDENTIALS = {}
    result = invoke("sync", "acme")
    assert (result.exit_code, "ACME_KEY" in result.stderr) == (2, True)


def test_the_doctor_says_what_to_do_and_mends(account: Account, server: GatewayServer) -> None:
    Account.objects.exclude(pk=account.pk).update(connected_at=None)
    Account.objects.filter(pk=account.pk).update(connected_at=timezone.now())
    stopped = {"id": "q1", "url": "https://x.example/api/webhooks/acme", "is_sending": False}
    server.routes["/webhooks"] = told([stopped])
    server.routes["POST /webhooks/q1/resume"] = told({})
    ill = invoke("doctor")
    assert ill.exit_code == 1
    assert "recibo doctor --mend" in ill.stdout
    [mended] = loaded("doctor", "--mend")
    assert mended["queues"][0]["was_resumed"]
