"""What a person does with endpoints: audited, checked, and without telling a secret twice."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from recibo.journal.models import AuditEntry
from recibo.outbound import actions
from recibo.outbound.actions import EndpointError, Wish
from recibo.outbound.claiming import claim
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint, PublishedChange
from tests.outbound.conftest import Connect, come, go, tell
from tests.outbound.receivers import OK, Reply

URL = "https://loja.example.com/recibo"


@pytest.fixture(autouse=True)
def _allowed(settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True


@pytest.mark.django_db
def test_a_secret_is_sealed_and_in_no_audit() -> None:
    endpoint, secret = actions.add(Wish(url=URL), actor="cli:ana")
    assert secret.encode() not in bytes(endpoint.sealed_secrets)
    new = actions.rotate(endpoint, actor="cli:ana")
    written = json.dumps(list(AuditEntry.objects.values("action", "before", "after")))
    assert "endpoint.add" in written
    assert "endpoint.rotate" in written
    assert secret not in written
    assert new not in written


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://user:pw@loja.example.com"},
        {"events": ["order.payed"]},
        {"events": ["payment.*"]},
        {"gateways": ["hotmort"]},
        {"concurrency": 0},
        {"concurrency": 17},
        {"per_second": 0},
        {"per_second": 1001},
        {"products": ["x" * 201]},
        {"products": [f"p{number}" for number in range(101)]},
        {"products": ["a\0b"]},
    ],
)
def test_what_cannot_be_right_is_refused(fields: dict) -> None:
    with pytest.raises(EndpointError):
        actions.add(Wish(**{"url": URL, **fields}), actor="tests")
    assert not Endpoint.objects.exists()


@pytest.mark.django_db
def test_an_address_of_our_network_is_refused_unless_allowed(settings) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = False
    for url in ("https://127.0.0.1/", "https://localhost/", "https://[::1]/", "http://8.8.8.8/"):
        with pytest.raises(EndpointError):
            actions.add(Wish(url=url), actor="tests")


@pytest.mark.django_db
def test_a_star_is_every_event() -> None:
    endpoint, _ = actions.add(Wish(url=URL, events=["order.paid", "*"]), actor="tests")
    assert endpoint.events == []


@pytest.mark.django_db
def test_a_change_leaves_the_rest_as_it_was() -> None:
    endpoint, _ = actions.add(Wish(url=URL, events=["order.*"], concurrency=2), actor="tests")
    changed = actions.change(endpoint, {"events": ["charge.paid"]}, actor="tests")
    assert (changed.events, changed.concurrency, changed.url) == (["charge.paid"], 2, URL)
    assert AuditEntry.objects.get(action="endpoint.change").before["events"] == ["order.*"]
    with pytest.raises(EndpointError):
        actions.change(endpoint, {"url": "nowhere"}, actor="tests")


def test_one_delivery_can_be_sent_again_under_its_id(connect: Connect) -> None:
    _endpoint, receiver = connect()
    [key] = tell(1)
    go()
    delivery = Delivery.objects.get()
    assert actions.replay(delivery, actor="tests")
    [claimed] = claim(32)
    assert not actions.replay(delivery, actor="tests")  # it is being sent
    Delivery.objects.filter(pk=claimed).update(claimed_until=None)
    go()
    assert receiver.ids == [key, key]
    assert Delivery.objects.get().tries.count() == 2


def test_all_that_failed_can_be_sent_again(connect: Connect, settings) -> None:
    settings.RECIBO_OUTBOUND_DELAYS = ()
    endpoint, receiver = connect(concurrency=1)
    receiver.replies = [OK, Reply(status=500), Reply(status=500), OK]
    tell(1, 2, 3)
    go()
    assert Delivery.objects.filter(status=DeliveryStatus.FAILED).count() == 2
    assert actions.replay_failed(endpoint, actor="tests") == 2
    come()
    go()
    assert not Delivery.objects.exclude(status=DeliveryStatus.DELIVERED).exists()
    assert len(receiver.received) == 5


def test_what_waits_to_be_tried_again_goes_now_once_its_receiver_is_mended(
    connect: Connect,
) -> None:
    endpoint, receiver = connect()
    receiver.replies = [Reply(status=500), OK]
    tell(1)
    go()
    assert actions.replay_failed(endpoint, actor="tests") == 1
    go()
    assert len(receiver.received) == 2
    assert actions.replay_failed(endpoint, actor="tests") == 0


def test_a_replay_of_a_time_brings_what_was_missed_while_disabled(connect: Connect) -> None:
    endpoint, receiver = connect()
    [before] = tell(1)
    go()
    PublishedChange.objects.update(at=timezone.now() - timedelta(hours=3))
    actions.disable(endpoint, actor="tests")
    missed = tell(2, 3)
    actions.enable(endpoint, actor="tests")
    go()
    assert receiver.ids == [before]
    since = timezone.now() - timedelta(hours=1)
    assert actions.replay_time(endpoint, since, timezone.now(), actor="tests") == 2
    go()
    assert sorted(receiver.ids) == sorted([before, *missed])
    everything = timezone.now() - timedelta(hours=4)
    assert actions.replay_time(endpoint, everything, timezone.now(), actor="tests") == 3
    assert actions.replay_time(endpoint, everything, since, actor="tests") == 1


def test_a_replay_of_a_time_keeps_to_the_filters(connect: Connect) -> None:
    endpoint, _ = connect(events=["order.*"])
    tell(1)
    since = timezone.now() - timedelta(hours=1)
    assert actions.replay_time(endpoint, since, timezone.now(), actor="tests") == 0


def test_an_endpoint_goes_with_all_that_went_to_it(connect: Connect) -> None:
    endpoint, _ = connect()
    tell(1)
    go()
    actions.remove(endpoint, actor="tests")
    assert not Delivery.objects.exists()
    assert PublishedChange.objects.count() == 1  # others may still ask for it
    assert AuditEntry.objects.get(action="endpoint.remove").before


def test_disabling_and_enabling_twice_is_one_act(connect: Connect) -> None:
    endpoint, _ = connect()
    for _ in range(2):
        actions.disable(endpoint, actor="tests")
    for _ in range(2):
        actions.enable(endpoint, actor="tests")
    acts = AuditEntry.objects.filter(action__startswith="endpoint.").values_list(
        "action", flat=True
    )
    assert sorted(acts) == ["endpoint.add", "endpoint.disable", "endpoint.enable"]
