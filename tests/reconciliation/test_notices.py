"""A thin notice is asked about until the gateway answers; the answer is an event like any other."""

import json
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from recibo.accounts.encryption import sealed
from recibo.accounts.models import Account
from recibo.accounts.queries import api_url_of
from recibo.billing.models import Charge
from recibo.gateways.contract import RawRequest
from recibo.inbox.actions import store
from recibo.inbox.models import Event, Source, Status
from recibo.journal.models import IntegrationCall
from recibo.processing.actions import replay
from recibo.processing.drain import drain
from recibo.reconciliation import calls, circuits, claiming, notices
from recibo.reconciliation.models import Circuit
from recibo.reconciliation.notices import fetch_all
from recibo.work import draining, limits
from recibo.work.sql import execute
from tests.gateways.gateway_server import Canned, GatewayServer, told

PAID = {
    "id": "c1",
    "status": "paid",
    "cents": 9790,
    "at": "2026-03-10T12:00:00Z",
    "customer": "cus_1",
}


def noticed(account: Account, charge: str = "c1", source: Source = Source.WEBHOOK) -> Event:
    """A thin notice, as the receiver stores it."""
    body = json.dumps({"charge": charge}).encode()
    (event_id,) = store(account, [RawRequest({}, body)], source)
    return Event.objects.get(pk=event_id)


def due_again(event: Event) -> None:
    Event.objects.filter(pk=event.pk).update(next_attempt_at=timezone.now())


def test_a_notice_is_asked_about_and_the_answer_moves_money(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges/c1"] = told(PAID)
    notice = noticed(account)
    assert notice.status == Status.PROCESSING

    assert fetch_all() == 1
    drain()

    notice.refresh_from_db()
    answer = Event.objects.get(source=Source.FETCH)
    assert (notice.status, notice.result) == (Status.PROCESSED, f"answered: event {answer.pk}")
    assert answer.status == Status.PROCESSED
    assert Charge.objects.get().status == "paid"
    assert server.asked[0].headers["authorization"] == "Bearer our-key"


def test_the_drain_never_believes_a_notice(account: Account) -> None:
    notice = noticed(account)
    assert drain() == 0
    notice.refresh_from_db()
    assert notice.status == Status.PROCESSING


def test_the_same_state_read_twice_is_one_event(account: Account, server: GatewayServer) -> None:
    server.routes["/charges/c1"] = told(PAID)
    noticed(account)
    fetch_all()
    replay([Event.objects.get(source=Source.WEBHOOK).pk], with_messages=False, actor="test")
    fetch_all()
    assert len(server.asked) == 2
    answer = Event.objects.get(source=Source.FETCH)
    assert answer.duplicates == 1


def test_not_found_yet_is_asked_again_later(account: Account, server: GatewayServer) -> None:
    server.routes["/charges/c1"] = [Canned(404), told(PAID)]
    notice = noticed(account)
    fetch_all()
    notice.refresh_from_db()
    assert (notice.status, notice.attempts) == (Status.PROCESSING, 1)
    assert "404" in notice.error
    assert notice.next_attempt_at > timezone.now() + timedelta(seconds=3)

    assert fetch_all() == 0
    due_again(notice)
    assert fetch_all() == 1
    notice.refresh_from_db()
    assert notice.status == Status.PROCESSED


def test_the_wait_that_the_gateway_asks_for_is_kept(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges/c1"] = told({}, 429, retry_after="600")
    notice = noticed(account)
    fetch_all()
    notice.refresh_from_db()
    assert notice.next_attempt_at > timezone.now() + timedelta(seconds=590)


@pytest.mark.parametrize(
    "trouble",
    [Canned(500), Canned(503), Canned(401), Canned(body=b"x" * (5 * 1024 * 1024))],
    ids=["500", "503", "401", "huge"],
)
def test_after_the_last_wait_it_fails_with_the_error(
    account: Account, server: GatewayServer, trouble: Canned
) -> None:
    server.routes["/charges/c1"] = trouble
    notice = noticed(account)
    for _ in range(3):
        due_again(notice)
        fetch_all()
    notice.refresh_from_db()
    assert (notice.status, notice.next_attempt_at) == (Status.FAILED, None)
    assert notice.error


def test_a_slow_gateway_is_left_after_the_time_limit(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(0.2))
    server.routes["/charges/c1"] = Canned(delay=1.0)
    notice = noticed(account)
    fetch_all()
    notice.refresh_from_db()
    assert (notice.status, notice.attempts) == (Status.PROCESSING, 1)
    assert "ReadTimeout" in notice.error


def test_garbage_is_an_event_that_fails_for_a_person_to_see(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges/c1"] = Canned(body=b"<html>maintenance</html>")
    noticed(account)
    fetch_all()
    drain()
    assert Event.objects.get(source=Source.FETCH).status == Status.FAILED


def test_a_failed_notice_can_be_replayed(account: Account, server: GatewayServer) -> None:
    server.routes["/charges/c1"] = Canned(500)
    notice = noticed(account)
    for _ in range(3):
        due_again(notice)
        fetch_all()
    server.routes["/charges/c1"] = told(PAID)
    replay([notice.pk], with_messages=True, actor="test")
    fetch_all()
    notice.refresh_from_db()
    assert notice.status == Status.PROCESSED


def test_every_call_is_kept_without_secrets(account: Account, server: GatewayServer) -> None:
    server.routes["/charges/c1"] = [Canned(500), told(PAID)]
    notice = noticed(account)
    fetch_all()
    due_again(notice)
    fetch_all()
    rows = list(IntegrationCall.objects.order_by("id"))
    assert [row.status_code for row in rows] == [500, 200]
    assert {(row.account, row.event_id) for row in rows} == {("acme/default", notice.pk)}
    assert rows[0].operation == "GET /charges/c1"
    assert "our-key" not in repr([vars(row) for row in rows])


def test_without_credentials_the_error_names_the_settings(account: Account, settings) -> None:
    settings.RECIBO_CREDENTIALS = {}
    notice = noticed(account)
    fetch_all()
    notice.refresh_from_db()
    assert "ACME_KEY" in notice.error


def test_a_simulated_notice_asks_nobody(account: Account, server: GatewayServer) -> None:
    notice = noticed(account, source=Source.SIMULATE)
    fetch_all()
    notice.refresh_from_db()
    assert notice.status == Status.IGNORED
    assert not server.asked


def test_a_claimed_notice_is_left_to_its_holder(account: Account, server: GatewayServer) -> None:
    notice = noticed(account)
    soon = timezone.now() + timedelta(seconds=20)
    Event.objects.filter(pk=notice.pk).update(claimed_until=soon)
    assert fetch_all() == 0
    Event.objects.filter(pk=notice.pk).update(claimed_until=timezone.now())
    server.routes["/charges/c1"] = told(PAID)
    assert fetch_all() == 1


def test_one_account_keeps_to_its_rate_and_a_turn_too_far_off_is_not_taken(
    account: Account,
) -> None:
    waits = [limits.take("api:test", 2.0, longest=1.0) for _ in range(20)]
    assert waits[:2] == [0, 0]
    assert waits[3] == pytest.approx(1.0, abs=0.2)
    assert waits[-1] is None
    later = limits.take("api:test", 2.0, longest=60.0)
    assert later is not None
    assert later < 2.0


def test_out_of_turns_counts_as_no_attempt(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "take", lambda *_, **__: None)
    notice = noticed(account)
    fetch_all()
    notice.refresh_from_db()
    assert (notice.status, notice.attempts) == (Status.PROCESSING, 0)
    assert notice.next_attempt_at > timezone.now()
    assert not server.asked


def test_a_question_that_breaks_unforeseen_waits_longer_and_then_for_a_person(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Account) -> dict[str, str]:
        raise RuntimeError("the key does not fit")

    monkeypatch.setattr(calls, "credentials_of", broken)
    notice = noticed(account)
    for attempt in range(3):
        due_again(notice)
        fetch_all()
        notice.refresh_from_db()
        assert notice.attempts == attempt + 1
    assert notice.status == Status.FAILED
    assert "the key does not fit" in notice.error


def test_a_job_that_asks_ends_after_its_shift_and_runs_once_in_a_process(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.routes["/charges/c1"] = told(PAID)
    noticed(account)
    monkeypatch.setattr(draining, "SHIFT", 0.0)
    assert fetch_all() == 0
    monkeypatch.setattr(draining, "SHIFT", 10.0)
    with draining.BUSY["inbox_event"]:
        assert fetch_all() == 0
    assert fetch_all() == 1


def test_a_silent_replay_of_a_notice_is_silent_to_its_end(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges/c1"] = Canned(400)
    notice = noticed(account)
    fetch_all()
    server.routes["/charges/c1"] = told(PAID)
    replay([notice.pk], with_messages=False, actor="test")
    fetch_all()
    assert Event.objects.get(source=Source.FETCH).silent


@pytest.mark.parametrize(
    ("found_by", "kept_as"),
    [
        (Source.WEBHOOK, Source.FETCH),
        (Source.SYNC, Source.SYNC),
        (Source.POLL, Source.POLL),
    ],
)
def test_what_was_found_in_part_is_no_news_when_the_rest_is_asked_for(
    account: Account, server: GatewayServer, found_by: Source, kept_as: Source
) -> None:
    server.routes["/charges/c1"] = told(PAID)
    notice = noticed(account, source=found_by)
    fetch_all()
    assert Event.objects.exclude(pk=notice.pk).get().source == kept_as


def second_account(account: Account) -> Account:
    """Another account at the same API."""
    return Account.objects.create(
        gateway="acme",
        name="second",
        sealed_credentials=sealed({"key": "other"}),
        api_url=api_url_of(account),
    )


def test_an_account_whose_api_hangs_does_not_starve_the_others(
    account: Account, server: GatewayServer
) -> None:
    for number in range(20):
        noticed(account, f"slow{number}")
    live = noticed(second_account(account), "c1")
    circuits.ensure_all()
    taken = claiming.claim(notices.DUE, 8)
    assert live.pk in taken
    assert len(taken) == circuits.MOST_AT_ONCE + 1
    assert claiming.claim(notices.DUE, 8) == []


def test_what_a_sync_found_waits_for_what_was_told(account: Account) -> None:
    for number in range(6):
        noticed(account, f"s{number}", Source.SYNC)
    live = noticed(account, "c1")
    circuits.ensure_all()
    taken = claiming.claim(notices.DUE, 8)
    assert live.pk in taken
    assert len(taken) == circuits.MOST_AT_ONCE


def test_an_account_that_is_to_be_left_alone_is(account: Account, server: GatewayServer) -> None:
    server.routes["/charges/c1"] = told({}, 429, retry_after="600")
    noticed(account)
    fetch_all()
    later = noticed(account, "c2")
    assert fetch_all() == 0
    notices.fetch(later.pk)
    later.refresh_from_db()
    assert (later.status, later.attempts) == (Status.PROCESSING, 0)
    assert later.next_attempt_at > timezone.now() + timedelta(seconds=590)
    assert len(server.asked) == 1


def test_an_outage_is_learned_of_and_no_notice_is_given_up_in_it(
    account: Account, server: GatewayServer
) -> None:
    server.routes["/charges/c1"] = Canned(503)
    notice = noticed(account)
    Circuit.objects.update_or_create(
        account=account, defaults={"failures": circuits.TRIP - 1, "paused_until": None}
    )
    for _ in range(9):
        due_again(notice)
        Circuit.objects.update(paused_until=None)
        fetch_all()
    assert circuits.down().get().account == account
    notice.refresh_from_db()
    assert (notice.status, notice.attempts) == (Status.PROCESSING, 0)
    server.routes["/charges/c1"] = told(PAID)
    Circuit.objects.update(paused_until=None)
    due_again(notice)
    fetch_all()
    notice.refresh_from_db()
    assert notice.status == Status.PROCESSED
    assert not circuits.down().exists()


def test_notices_are_found_by_an_index(account: Account) -> None:
    execute("set enable_seqscan = off")
    rows = execute(
        "explain " + claiming.GATES.format(table=notices.TABLE, is_due=notices.DUE.is_due)
    )
    execute("set enable_seqscan = on")
    assert "event_to_ask" in str(rows)
