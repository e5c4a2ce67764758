"""A charge of ours that a refused notice names is looked at; nothing in the notice is believed."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Charge, Order
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import Refused
from recibo.inbox.models import Event, Source
from recibo.inbox.refusals import Refusals
from recibo.journal.models import IntegrationCall
from recibo.processing.drain import drain
from recibo.reconciliation.lookups import look, look_at_all, named
from recibo.reconciliation.models import ChargeLookup, Circuit
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.reconciliation.acme import ACME
from tests.reconciliation.orders import ago, charge, learned


def knock(account: Account, body: bytes) -> None:
    """A request that proves nothing comes in, and a second passes."""
    refusals = Refusals(named)
    refusals.record("acme", "default", Refused.SIGNATURE_INVALID, "192.0.2.1", body)
    refusals.look_into(ACME, account.pk, RawRequest({}, body))
    refusals.flush()


def test_a_refused_notice_has_the_gateway_asked_and_its_answer_counts(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge(status="paid", paid_at=ago(days=1), at=ago(days=1)))
    server.routes["/charges/c1"] = told(charge(status="refunded"))
    knock(account, b'{"charge": "c1", "status": "charged_back"}')
    assert look_at_all() == 1
    drain()
    assert Charge.objects.get().status == "refunded"
    assert Event.objects.latest("id").source == Source.POLL
    call = IntegrationCall.objects.get()
    assert (call.order_id, call.stage) == (Order.objects.get().pk, "refused")


def test_a_charge_is_looked_at_once_a_minute(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = told(charge())
    for _ in range(5):
        knock(account, b'{"charge": "c1"}')
    look_at_all()
    knock(account, b'{"charge": "c1"}')
    assert look_at_all() == 0
    assert len(server.asked) == 1
    ChargeLookup.objects.update(named_at=timezone.now() - timedelta(seconds=61))
    knock(account, b'{"charge": "c1"}')
    assert look_at_all() == 1


@pytest.mark.parametrize(
    "body", [b'{"charge": "invented"}', b"\xff\x00not json", b"", b'{"charge": ""}', b"{}"]
)
def test_nobody_can_make_us_ask_for_what_we_do_not_know(
    account: Account, server: GatewayServer, body: bytes
) -> None:
    learned(account, charge())
    knock(account, body)
    assert not ChargeLookup.objects.exists()
    assert look_at_all() == 0
    assert not server.asked


def test_a_charge_of_another_account_is_not_ours(account: Account) -> None:
    learned(account, charge())
    second = Account.objects.create(gateway="acme", name="second")
    knock(second, b'{"charge": "c1"}')
    assert not ChargeLookup.objects.exists()


def test_a_flood_of_refused_requests_is_looked_into_in_part(account: Account) -> None:
    learned(account, *(charge(f"c{number}") for number in range(300)))
    refusals = Refusals(named)
    for number in range(300):
        body = json.dumps({"charge": f"c{number}"}).encode()
        refusals.look_into(ACME, account.pk, RawRequest({}, body))
    refusals.look_into(ACME, account.pk, RawRequest({}, b" " * 100_000))
    refusals.flush()
    assert ChargeLookup.objects.count() == 200


def test_trouble_is_tried_again(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    server.routes["/charges/c1"] = [Canned(503), told(charge(status="paid"))]
    knock(account, b'{"charge": "c1"}')
    look_at_all()
    lookup = ChargeLookup.objects.get()
    assert "503" in lookup.error
    assert lookup.next_attempt_at > timezone.now()
    ChargeLookup.objects.update(next_attempt_at=timezone.now())
    look_at_all()
    drain()
    assert Charge.objects.get().status == "paid"


def test_without_credentials_it_is_left_with_a_reason(account: Account, settings) -> None:
    learned(account, charge())
    settings.RECIBO_CREDENTIALS = {}
    knock(account, b'{"charge": "c1"}')
    look_at_all()
    assert "ACME_KEY" in ChargeLookup.objects.get().error


def test_old_rows_go(account: Account) -> None:
    learned(account, charge())
    knock(account, b'{"charge": "c1"}')
    ChargeLookup.objects.update(next_attempt_at=None, named_at=ago(hours=2))
    look_at_all()
    assert not ChargeLookup.objects.exists()


def test_a_charge_that_is_named_while_it_is_asked_about_is_asked_about_anew(
    account: Account, server: GatewayServer
) -> None:
    learned(account, charge())

    def answer(_: Asked) -> Canned:
        ChargeLookup.objects.update(named_at=ago(minutes=2))
        named([(account.pk, "c1")])
        connection.close()
        return told(charge())

    named([(account.pk, "c1")])
    server.routes["/charges/c1"] = answer
    lookup = ChargeLookup.objects.get()
    look(lookup.pk)
    lookup.refresh_from_db()
    assert lookup.next_attempt_at is not None
    assert lookup.claimed_until is None


def test_an_account_that_is_to_be_left_alone_is(account: Account, server: GatewayServer) -> None:
    learned(account, charge())
    knock(account, b'{"charge": "c1"}')
    Circuit.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    assert look_at_all() == 0
    assert not server.asked


def test_what_reads_as_a_notice_is_remembered_of_its_account(account: Account) -> None:
    knock(account, b"\xff\x00not json")
    assert not Circuit.objects.filter(named_at__isnull=False).exists()
    knock(account, b'{"charge": "unknown"}')
    assert Circuit.objects.get(account=account).named_at is not None
