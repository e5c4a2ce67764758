"""The gateways' own side of our webhooks: asked, switched on again, or told where to click."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.gateways.errors import Refused
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Refusal
from recibo.inbox.refusals import Refusals, note_turned_away
from recibo.journal.models import Alert, AuditEntry
from recibo.operations.alerts import review
from recibo.operations.doctor import PLACES, examine, examine_after_spells, place_of, rounds
from recibo.reconciliation.models import Circuit, Sync
from recibo.reconciliation.syncing import start, sync_due
from tests.gateways.gateway_server import Canned, GatewayServer, told
from tests.reconciliation.acme import ACME

OURS = "https://pay.example/api/webhooks/acme"


@pytest.fixture(autouse=True)
def _connected(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(connected_at=timezone.now())
    account.refresh_from_db()


def queue(url: str = OURS, *, is_sending: bool = True, **more: object) -> dict[str, object]:
    return {"id": "q1", "url": url, "is_sending": is_sending, **more}


def refused(times: int, reason: Refused = Refused.SIGNATURE_INVALID) -> None:
    refusals = Refusals()
    for _ in range(times):
        refusals.record("acme", "default", reason, "192.0.2.1")
    refusals.flush()


def test_an_account_whose_webhooks_are_sent_is_well(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/webhooks"] = told([queue(), queue("https://elsewhere.example/hook")])
    found = examine(account, mend=False, actor="test")
    assert found.is_well
    assert [one.is_ours for one in found.queues] == [True, False]
    assert not Sync.objects.exists()


def test_a_stopped_queue_is_told_and_left_until_it_is_to_be_mended(
    account: Account, server: GatewayServer
) -> None:
    held = queue(is_sending=False, problem="interrupted: true", waiting=12)
    server.routes["/webhooks"] = told([held])
    found = examine(account, mend=False, actor="test")
    assert not found.is_well
    assert "interrupted: true" in found.advice[0]
    assert server.paths == ["/webhooks"]


def test_mending_switches_it_on_reads_the_gap_and_is_audited(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/webhooks"] = told([queue(is_sending=False), queue("https://else.example/x")])
    server.routes["POST /webhooks/q1/resume"] = told({})
    found = examine(account, mend=True, actor="test")
    assert found.is_well
    assert found.is_syncing
    assert found.queues[0].was_resumed
    assert server.paths == ["/webhooks", "/webhooks/q1/resume"]
    assert set(Sync.objects.values_list("account", flat=True)) == {account.pk}
    assert AuditEntry.objects.get(action="account.examine").after == {"resumed": [OURS]}


def test_what_a_gateway_holds_back_is_sent_on(account: Account, server: GatewayServer) -> None:
    server.routes["/webhooks"] = told([queue(waiting=7)])
    server.routes["POST /webhooks/q1/resume"] = told({})
    assert examine(account, mend=True, actor="test").queues[0].was_resumed


def test_a_gateway_without_our_address_is_told(account: Account, server: GatewayServer) -> None:
    server.routes["/webhooks"] = told([queue("https://elsewhere.example/hook")])
    [sentence] = examine(account, mend=True, actor="test").advice
    assert "no webhook to this account's address" in sentence
    assert server.paths == ["/webhooks"]


@pytest.mark.parametrize("trouble", [Canned(500), Canned(401)])
def test_a_gateway_that_cannot_be_asked_ends_nothing(
    account: Account, server: GatewayServer, trouble: Canned
) -> None:
    server.routes["/webhooks"] = trouble
    found = examine(account, mend=True, actor="test")
    assert str(trouble.status) in found.advice[0]
    assert found.is_syncing


def test_the_address_of_another_account_is_not_this_one_s(
    account: Account, server: GatewayServer
) -> None:
    other = queue(f"{OURS}/second", is_sending=False)
    server.routes["/webhooks"] = told([other, queue(f"{OURS}/?x=1")])
    assert [one.is_ours for one in examine(account, mend=True, actor="test").queues] == [
        False,
        True,
    ]


def test_every_account_in_use_is_examined(account: Account, server: GatewayServer) -> None:
    server.routes["/webhooks"] = told([queue()])
    in_use = Account.objects.filter(connected_at__isnull=False)
    found = [one.account for one in rounds(mend=False, actor="test")]
    assert sorted(found) == sorted(str(one) for one in in_use)
    Account.objects.filter(pk=account.pk).update(disabled_at=timezone.now())
    assert str(account) not in [one.account for one in rounds(mend=False, actor="test")]


@pytest.mark.parametrize("slug", [slug for slug in GATEWAYS if slug != "acme"])
def test_every_gateway_has_a_place_where_to_click(db: None, slug: str) -> None:
    assert slug in PLACES
    assert f"/api/webhooks/{slug}" in place_of(Account.objects.get(gateway=slug))


def test_refusals_are_told_with_where_to_look(account: Account, server: GatewayServer) -> None:
    server.routes["/webhooks"] = told([queue()])
    refused(2)
    assert examine(account, mend=False, actor="test").is_well
    refused(1)
    found = examine(account, mend=False, actor="test")
    assert found.refused == 3
    assert "GET /api/refusals" in found.advice[0]


def test_after_a_spell_an_account_is_examined_by_itself_once_an_hour(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/webhooks"] = told([queue(is_sending=False)])
    server.routes["POST /webhooks/q1/resume"] = told({})
    now = timezone.now()
    assert examine_after_spells(now) == []
    refused(5)
    [found] = examine_after_spells(now)
    assert found.queues[0].was_resumed
    assert examine_after_spells(now) == []
    Circuit.objects.update(examined_at=now - timedelta(minutes=61))
    assert len(examine_after_spells(now)) == 1
    Circuit.objects.update(examined_at=None)
    assert examine_after_spells(now + timedelta(hours=2)) == []


def test_after_our_own_503_an_account_is_examined_too(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/webhooks"] = told([queue()])
    note_turned_away({("acme", "default"): 4})
    assert Refusal.objects.get().reason == "unavailable"
    assert len(examine_after_spells(timezone.now())) == 1
    review(timezone.now())
    assert not Alert.objects.filter(kind="webhooks_refused").exists()


def test_an_api_that_is_down_is_an_alert_until_it_works(account: Account) -> None:
    now = timezone.now()
    Circuit.objects.create(account=account, failures=6, opened_at=now, error="503")
    review(now)
    alert = Alert.objects.get(kind="api_down")
    assert "acme/default" in alert.text
    Circuit.objects.update(opened_at=None)
    review(now)
    alert.refresh_from_db()
    assert alert.resolved_at is not None


def was_read(account: Account, server: GatewayServer) -> None:
    """Both lists were read once."""
    server.routes["POST /token"] = told({"token": "t"})
    server.routes["/charges"] = server.routes["/subscriptions"] = told({"items": []})
    start(account)
    sync_due()
    server.asked.clear()


def is_read(server: GatewayServer) -> list[str]:
    """The lists that are read after a spell of refusals."""
    server.routes["/webhooks"] = told([queue()])
    Circuit.objects.update(examined_at=None)
    [found] = examine_after_spells(timezone.now())
    sync_due()
    paths = [path for path in server.paths if path != "/webhooks"]
    assert found.is_syncing == bool(paths)
    return paths


def test_requests_of_strangers_have_nothing_read(account: Account, server: GatewayServer) -> None:
    was_read(account, server)
    refused(5)
    assert is_read(server) == []


def test_refused_notices_have_the_sales_since_the_first_of_them_read(
    account: Account, server: GatewayServer
) -> None:
    was_read(account, server)
    refused(5)
    Circuit.objects.create(account=account, named_at=timezone.now())
    assert is_read(server) == ["/charges"]
    since = datetime.fromisoformat(server.asked[-1].query["since"][0])
    assert timedelta(days=1) <= timezone.now() - since < timedelta(days=1, minutes=5)


def test_no_stranger_begins_the_first_sync(account: Account, server: GatewayServer) -> None:
    refused(5)
    Circuit.objects.create(account=account, named_at=timezone.now())
    assert is_read(server) == []
    assert not Sync.objects.exists()


def test_our_own_503_has_the_gap_read(account: Account, server: GatewayServer) -> None:
    was_read(account, server)
    note_turned_away({("acme", "default"): 4})
    assert is_read(server) == ["/charges"]


@pytest.mark.parametrize("path", ["webhooks/acme/default", "webhooks/acme", "acme-old"])
def test_every_address_of_the_account_is_its_own(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, aliases=("acme-old",)))
    server.routes["/webhooks"] = told([queue(f"https://pay.example/api/{path}")])
    assert examine(account, mend=False, actor="test").queues[0].is_ours


def test_what_is_secret_in_an_address_is_not_told(account: Account, server: GatewayServer) -> None:
    secret = "https://user:word@pay.example/api/webhooks/acme?token=word#word"
    server.routes["/webhooks"] = told([queue(secret, waiting=3)])
    server.routes["POST /webhooks/q1/resume"] = told({})
    found = examine(account, mend=True, actor="test")
    assert [one.url for one in found.queues] == [OURS]
    assert AuditEntry.objects.get(action="account.examine").after == {"resumed": [OURS]}


def test_what_was_switched_on_is_told_though_the_next_one_could_not_be(
    account: Account, server: GatewayServer
) -> None:
    held = [queue(waiting=3), queue(waiting=3) | {"id": "q2"}]
    server.routes["/webhooks"] = told(held)
    server.routes["POST /webhooks/q1/resume"] = told({})
    server.routes["POST /webhooks/q2/resume"] = Canned(500)
    found = examine(account, mend=True, actor="test")
    assert [one.was_resumed for one in found.queues] == [True]
    assert "500" in found.advice[0]
    assert AuditEntry.objects.get(action="account.examine").after == {"resumed": [OURS]}
