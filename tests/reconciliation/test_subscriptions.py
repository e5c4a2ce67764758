"""Subscriptions are changed through their gateways, and stand as those then say."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from recibo.accounts.encryption import sealed
from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event, Source
from recibo.journal.models import AuditEntry, IntegrationCall
from recibo.processing import actions
from recibo.processing.actions import change_subscription
from recibo.processing.drain import drain
from recibo.reconciliation import advice, calls, subscriptions
from recibo.reconciliation.change_errors import (
    BusyError,
    ChangeError,
    LaterError,
    NotSupportedError,
    RefusedError,
)
from recibo.reconciliation.models import AccountToken, Circuit
from recibo.reconciliation.subscriptions import CANCEL, REACTIVATE, Wish, due_day, plan
from recibo.work.sql import execute
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.acme import ACME
from tests.reconciliation.agreements import agreement, asked_for, obey, obeying, subscribed

ROUTE = "PUT /subscriptions/s1"
WISHES = {"cancel": CANCEL, "reactivate": REACTIVATE, "due_day": due_day(10), "plan": plan("p2")}


def change(subscription: Subscription, wish: Wish = CANCEL) -> bool:
    return change_subscription(subscription, wish, actor="test")


def refused(subscription: Subscription, wish: Wish = CANCEL) -> ChangeError:
    with pytest.raises(ChangeError) as caught:
        change(subscription, wish)
    return caught.value


def status() -> str:
    return Subscription.objects.get().status


def test_the_gateways_answer_is_an_event_that_is_folded_at_once(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    obey(server)
    assert change(subscription)
    assert status() == subscription.status == "cancelled"
    event = Event.objects.latest("pk")
    assert (event.source, event.status) == (Source.FETCH, "processed")
    assert asked_for(server) == [{"status": "cancelled"}]


def test_who_did_it_is_kept_with_what_was_before_and_what_the_gateway_said(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    obey(server)
    change(subscription, plan("p2"))
    change(subscription, due_day(10))
    change(subscription)
    first, second, last = AuditEntry.objects.order_by("pk")
    assert (first.actor, first.action) == ("test", "subscription.plan")
    assert first.subject == "subscription:acme/default/s1"
    assert (first.before, first.after) == (
        {"status": "active"},
        {"status": "active", "plan_id": "p2"},
    )
    assert second.action == "subscription.due_day"
    assert second.after == {
        "day": 10,
        "status": "active",
        "plan_id": "p2",
        "next_billing_at": "2026-12-10T12:00:00Z",
    }
    assert last.before == {
        "status": "active",
        "plan_id": "p2",
        "next_billing_at": "2026-12-10T12:00:00Z",
    }
    assert last.after["status"] == "cancelled"


def test_what_was_before_is_what_stood_then_not_what_was_read_earlier(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    read_earlier = Subscription.objects.get()
    obey(server)
    change(subscription)
    change(read_earlier, REACTIVATE)
    assert AuditEntry.objects.latest("pk").before["status"] == "cancelled"


def test_what_an_answer_says_of_another_subscription_is_not_said_of_this_one(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = told(agreement("s2", "cancelled"))
    assert change(subscription)
    assert AuditEntry.objects.get().after == {}
    assert subscription.status == "active"


def test_every_call_is_in_the_journal(account: Account, server: GatewayServer) -> None:
    subscription = subscribed(account)
    obey(server)
    change(subscription)
    [call] = IntegrationCall.objects.all()
    assert (call.account, call.stage) == ("acme/default", "subscription.cancel")
    assert (call.operation, call.status_code) == ("PUT /subscriptions/s1", 200)


@pytest.mark.parametrize(
    ("wish", "asked", "column", "value"),
    [
        (REACTIVATE, {"status": "active"}, "status", "active"),
        (plan("p 2"), {"plan": "p 2"}, "plan_id", "p 2"),
        (due_day(9), {"day": 9}, "next_billing_at__day", 9),
    ],
)
def test_it_is_taken_up_again_moved_and_collected_on_another_day(
    account: Account, server: GatewayServer, wish: Wish, asked: object, column: str, value: object
) -> None:
    subscription = subscribed(account, status="cancelled")
    obey(server)
    assert change(subscription, wish)
    assert asked_for(server) == [asked]
    assert Subscription.objects.filter(**{column: value}).exists()


def test_what_was_asked_for_changes_nothing_but_what_is_answered(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account, status="cancelled")
    server.routes[ROUTE] = told(agreement("s1", "cancelled"))
    assert change(subscription, REACTIVATE)
    assert status() == "cancelled"
    assert AuditEntry.objects.get().after == {"status": "cancelled"}


def test_no_transaction_is_open_while_the_gateway_is_asked(
    account: Account, server: GatewayServer
) -> None:
    open_ones = []

    def answer(asked: Asked) -> Canned:
        open_ones.extend(
            execute(
                "select query from pg_stat_activity where datname = current_database()"
                " and state like 'idle in transaction%%'"
            )
        )
        connection.close()
        return told(agreement("s1", "cancelled"))

    subscription = subscribed(account)
    server.routes[ROUTE] = answer
    assert change(subscription)
    assert open_ones == []


# What cannot be asked for


def test_what_the_gateway_does_not_have_is_not_asked_for(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribed(account)
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, change_plan=None))
    error = refused(subscription, plan("p2"))
    assert isinstance(error, NotSupportedError)
    assert str(error) == "Acme Pagamentos's API cannot do this: do it in the gateway's own panel."
    assert not server.asked
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("slug", GATEWAYS)
@pytest.mark.parametrize("verb", WISHES)
def test_each_gateway_says_what_to_do_instead_of_what_it_cannot(slug: str, verb: str) -> None:
    is_missing = WISHES[verb].way(GATEWAYS[slug]) is None
    assert ((slug, verb) in advice.INSTEAD) is is_missing
    assert not (is_missing and advice.before(slug, verb))


def simulated(subscription: Subscription, settings: object) -> None:
    Subscription.objects.update(simulated=True)
    subscription.refresh_from_db()


def disabled(subscription: Subscription, settings: object) -> None:
    Account.objects.update(disabled_at=timezone.now())
    subscription.refresh_from_db()


def without_credentials(subscription: Subscription, settings: pytest.FixtureRequest) -> None:
    settings.RECIBO_CREDENTIALS = {}


def sealed_otherwise(subscription: Subscription, settings: object) -> None:
    Account.objects.update(sealed_credentials=b"of another key")
    subscription.refresh_from_db()


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (simulated, "simulated"),
        (disabled, "recibo accounts enable acme default"),
        (without_credentials, "ACME_KEY"),
        (sealed_otherwise, "recibo check"),
    ],
)
def test_what_stands_in_the_way_is_said_and_nobody_is_asked(
    account: Account,
    server: GatewayServer,
    settings: pytest.FixtureRequest,
    happen: Callable[..., None],
    reason: str,
) -> None:
    subscription = subscribed(account)
    happen(subscription, settings)
    error = refused(subscription)
    assert isinstance(error, NotSupportedError)
    assert reason in str(error)
    assert not server.asked


# What the gateway refuses


def test_a_refusal_is_told_in_the_gateways_words_without_what_is_secret(
    account: Account, server: GatewayServer
) -> None:
    AccountToken.objects.create(
        account=account,
        name="api",
        sealed_token=sealed("token-of-today"),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    words = "no plan for our-key or token-of-today, Authorization: Bearer ab.cd"
    subscription = subscribed(account)
    server.routes[ROUTE] = Canned(422, body=words.encode())
    error = refused(subscription)
    assert isinstance(error, RefusedError)
    assert str(error) == "Acme Pagamentos says no: no plan for … or …, Authorization: …"
    assert status() == "active"
    assert AuditEntry.objects.get().after == {"error": "ApiError"}
    assert Event.objects.count() == 1


def test_long_words_are_cut(account: Account, server: GatewayServer) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = Canned(400, body=b"no " * 5000)
    assert len(str(refused(subscription))) < 400


def test_wrong_credentials_are_named(account: Account, server: GatewayServer) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = Canned(401)
    error = refused(subscription)
    assert isinstance(error, RefusedError)
    assert "Mend the credentials: ACME_KEY" in str(error)


def test_those_of_a_further_account_say_by_which_command(
    account: Account, server: GatewayServer
) -> None:
    second = Account.objects.create(
        gateway="acme", name="loja-2", sealed_credentials=sealed({"key": "their-key"})
    )
    subscription = subscribed(second)
    server.routes[ROUTE] = Canned(403)
    assert "ACME_KEY (`recibo accounts rotate acme loja-2`)" in str(refused(subscription))
    assert server.asked[0].headers["authorization"] == "Bearer their-key"


def test_a_subscription_that_the_gateway_does_not_know(
    account: Account, server: GatewayServer
) -> None:
    error = refused(subscribed(account))
    assert isinstance(error, RefusedError)
    assert "knows no such subscription" in str(error)
    assert status() == "active"


# What the gateway does not answer


@pytest.mark.parametrize(
    ("canned", "seconds"),
    [(Canned(503, {"retry-after": "17"}), 17), (Canned(500), 30)],
)
def test_a_gateway_that_is_down_is_to_be_asked_later(
    account: Account, server: GatewayServer, canned: Canned, seconds: int
) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = canned
    error = refused(subscription)
    assert isinstance(error, LaterError)
    assert error.retry_after == timedelta(seconds=seconds)
    assert status() == "active"


def test_an_answer_that_was_lost_is_asked_for_again(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(0.3))
    subscription = subscribed(account)
    done = told(agreement("s1", "cancelled"))
    server.routes[ROUTE] = [replace(done, delay=1.0), done]
    error = refused(subscription)
    assert isinstance(error, LaterError)
    assert "may have been done all the same" in str(error)
    assert status() == "active"
    assert change(subscription)
    assert status() == "cancelled"
    assert change(subscription)
    assert Event.objects.filter(source=Source.FETCH).count() == 1
    assert [entry.after for entry in AuditEntry.objects.order_by("pk")] == [
        {"error": "UnavailableError"},
        {"status": "cancelled"},
        {"status": "cancelled"},
    ]


def test_a_gateway_that_wants_to_be_left_alone_is(account: Account, server: GatewayServer) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = Canned(429, {"retry-after": "120"})
    refused(subscription)
    error = refused(subscription)
    assert isinstance(error, LaterError)
    assert timedelta(seconds=110) < error.retry_after <= timedelta(seconds=120)
    assert len(server.asked) == 1


def test_one_that_counts_as_down_may_be_tried_by_hand(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    now = timezone.now()
    Circuit.objects.create(
        account=account, failures=9, opened_at=now, paused_until=now + timedelta(minutes=9)
    )
    obey(server)
    assert change(subscription)
    circuit = Circuit.objects.get()
    assert (circuit.failures, circuit.opened_at, circuit.paused_until) == (0, None, None)


def test_calls_keep_to_the_rate_of_the_account(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, calls_per_second=0.01))
    monkeypatch.setattr(calls, "LONGEST_TURN", 0.1)
    subscription = subscribed(account)
    obey(server)
    assert change(subscription)
    error = refused(subscription, REACTIVATE)
    assert isinstance(error, LaterError)
    assert "Too many calls to acme/default" in str(error)
    assert len(server.asked) == 1


# Two at once, and crashes


def test_of_two_at_once_one_asks(account: Account, server: GatewayServer) -> None:
    is_asking, may_answer = threading.Event(), threading.Event()

    def answer(asked: Asked) -> Canned:
        is_asking.set()
        may_answer.wait(5)
        return obeying()(asked)

    subscription = subscribed(account)
    server.routes[ROUTE] = answer
    first = threading.Thread(target=changing, args=(subscription.pk,))
    first.start()
    assert is_asking.wait(5)
    assert isinstance(refused(subscription), BusyError)
    may_answer.set()
    first.join()
    assert len(server.asked) == 1
    assert status() == "cancelled"
    assert change(subscription, REACTIVATE)


def changing(subscription_id: int) -> None:
    """Another process."""
    change(Subscription.objects.get(pk=subscription_id))
    connection.close()


def test_whose_turn_it_is_outlives_the_connection(account: Account) -> None:
    one = subscribed(account)
    with subscriptions.alone(one):
        connection.close()
        with pytest.raises(BusyError), subscriptions.alone(one):
            pass
    with subscriptions.alone(one):
        pass


def test_another_subscription_does_not_wait(account: Account, server: GatewayServer) -> None:
    one, two = subscribed(account), subscribed(account, "s2")
    obey(server, "s2")
    with subscriptions.alone(one):
        assert change(two)


def test_after_a_refusal_it_may_be_asked_for_again_by_anybody(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = [Canned(400), told(agreement("s1", "cancelled"))]
    refused(subscription)
    other = threading.Thread(target=changing, args=(subscription.pk,))
    other.start()
    other.join()
    assert status() == "cancelled"


def test_an_answer_outlives_the_process_that_asked(
    account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> int:
        raise KeyboardInterrupt

    subscription = subscribed(account)
    obey(server)
    with monkeypatch.context() as patched:
        patched.setattr(actions, "process", crash)
        with pytest.raises(KeyboardInterrupt):
            change(subscription)
    assert status() == "active"
    assert AuditEntry.objects.get().after == {"status": "cancelled"}
    drain()
    assert status() == "cancelled"


def test_an_answer_that_cannot_be_read_is_kept_for_a_person(
    account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    server.routes[ROUTE] = told({**agreement(), "status": "levitating"})
    assert change(subscription) is False
    assert Event.objects.latest("pk").status == "failed"
    assert status() == "active"
    assert AuditEntry.objects.get().action == "subscription.cancel"
