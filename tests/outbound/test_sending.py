"""Deliveries: signed, tried again, given up; what an answer means for an endpoint."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from recibo.journal.models import Alert
from recibo.operations import alerts
from recibo.outbound import actions, log, sending, wire
from recibo.outbound.log import DELIVER, News
from recibo.outbound.models import Attempt, Delivery, DeliveryStatus, Disabled, Endpoint
from recibo.outbound.wire import Answer
from recibo.work import lease
from tests.outbound.conftest import Connect, come, go, tell
from tests.outbound.receivers import OK, Reply, Way

FAILURE = Reply(status=500)


def test_a_change_arrives_signed_with_a_stable_id(connect: Connect) -> None:
    _, receiver = connect()
    [key] = tell(1)
    go()
    [received] = receiver.received
    assert received.id == key
    assert received.message is not None
    assert received.message["type"] == "cart.abandoned"
    assert received.message["id"] == key
    assert received.headers["content-type"] == "application/json"
    [delivery] = Delivery.objects.all()
    assert (delivery.status, delivery.attempts, delivery.status_code) == ("delivered", 1, 204)
    assert delivery.next_attempt_at is None
    assert delivery.claimed_until is None


def test_publishing_nudges_who_delivers(connect: Connect) -> None:
    tell(1)
    assert not ProcrastinateJob.objects.filter(task_name=DELIVER).exists()
    connect()
    ProcrastinateJob.objects.all()
    tell(2)
    assert ProcrastinateJob.objects.filter(task_name=DELIVER).exists()


def test_what_failed_is_tried_again_under_the_same_id_and_a_new_signature(
    connect: Connect,
) -> None:
    _, receiver = connect()
    receiver.replies = [FAILURE, OK]
    [key] = tell(1)
    go()
    waiting = Delivery.objects.get()
    assert waiting.status == DeliveryStatus.PENDING
    assert len(receiver.received) == 1
    come()
    go()
    assert receiver.ids == [key, key]
    assert len(receiver.messages) == 2
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED
    tries = Attempt.objects.order_by("id").values_list("status_code", "error")
    assert list(tries) == [(500, "answered 500"), (204, "")]


def test_after_the_last_wait_it_is_given_up(connect: Connect) -> None:
    _, receiver = connect()
    receiver.replies = [FAILURE]
    tell(1)
    for _ in range(5):
        go()
        come()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("failed", 3)
    assert delivery.next_attempt_at is None
    assert len(receiver.received) == 3


def test_the_ladder_takes_about_three_days(settings) -> None:
    settings.RECIBO_OUTBOUND_DELAYS = sending_delays()
    waits = [sending.wait_after(number, Answer(status=500)) for number in range(1, 11)]
    assert waits[-1] is None
    whole = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(hours=75) < whole < timedelta(hours=75.6 * 1.1)
    assert timedelta(seconds=5) <= waits[0] <= timedelta(seconds=5.5)


def sending_delays() -> tuple[timedelta, ...]:
    """As they are unless set otherwise."""
    from recibo.server.environment import OUTBOUND_DELAYS
    from recibo.server.values import durations

    return durations("RECIBO_OUTBOUND_DELAYS", OUTBOUND_DELAYS)


def test_waits_differ_so_that_not_all_come_back_at_once(settings) -> None:
    settings.RECIBO_OUTBOUND_DELAYS = (timedelta(hours=1),)
    assert len({sending.wait_after(1, Answer(status=500)) for _ in range(20)}) > 1


def test_a_receiver_may_ask_for_more_time_and_is_left_alone_meanwhile(connect: Connect) -> None:
    endpoint, receiver = connect(concurrency=1)
    receiver.replies = [Reply(status=429, headers=(("retry-after", "7200"),)), OK]
    tell(1, 2)
    go()
    assert len(receiver.received) == 1
    endpoint.refresh_from_db()
    later = timezone.now() + timedelta(minutes=119)
    assert endpoint.resting_until > later
    assert Delivery.objects.order_by("-next_attempt_at").first().next_attempt_at > later
    come()
    go()
    assert Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 2
    endpoint.refresh_from_db()
    assert (endpoint.resting_until, endpoint.failing_since, endpoint.error) == (None, None, "")


def test_gone_disables_at_once_and_a_person_hears_of_it(connect: Connect) -> None:
    endpoint, receiver = connect()
    receiver.replies = [Reply(status=410)]
    tell(1)
    go()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == Disabled.GONE
    assert Delivery.objects.get().status == DeliveryStatus.FAILED
    tell(2)
    go()
    assert len(receiver.received) == 1
    alerts.review(timezone.now())
    [alert] = Alert.objects.filter(kind="endpoint_lost", resolved_at=None)
    assert endpoint.url in alert.text
    actions.enable(endpoint, actor="tests")
    alerts.review(timezone.now())
    assert not Alert.objects.filter(kind="endpoint_lost", resolved_at=None).exists()


def test_five_days_of_nothing_but_failures_disable_and_less_does_not(connect: Connect) -> None:
    endpoint, receiver = connect()
    receiver.replies = [FAILURE]
    tell(1)
    go()
    since = timezone.now() - timedelta(days=4, hours=23)
    Endpoint.objects.update(failing_since=since)
    come()
    go()
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None
    Endpoint.objects.update(failing_since=since - timedelta(hours=2))
    come()
    go()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == Disabled.FAILING


def test_one_success_ends_the_days_of_failures(connect: Connect) -> None:
    endpoint, receiver = connect()
    receiver.replies = [FAILURE, OK]
    tell(1)
    go()
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=9))
    come()
    go()
    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.failing_since) == (None, None)


def test_what_was_under_way_waits_while_disabled_and_goes_on_after(connect: Connect) -> None:
    endpoint, receiver = connect()
    tell(1)
    actions.disable(endpoint, actor="tests")
    go()
    assert receiver.received == []
    actions.enable(endpoint, actor="tests")
    go()
    assert len(receiver.received) == 1


def test_one_taken_when_it_was_disabled_meanwhile_is_let_go(connect: Connect) -> None:
    endpoint, receiver = connect()
    tell(1)
    [delivery_id] = sending_claim()
    actions.disable(endpoint, actor="tests")
    sending.take(delivery_id)
    delivery = Delivery.objects.get()
    assert receiver.received == []
    assert (delivery.status, delivery.claimed_until) == (DeliveryStatus.PENDING, None)


def sending_claim() -> list[int]:
    from recibo.outbound.claiming import claim

    return claim(32)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(connect: Connect, status: int) -> None:
    _, receiver = connect()
    _, elsewhere = connect(events=["order.paid"])
    receiver.replies = [Reply(status=status, headers=(("location", elsewhere.url),))]
    tell(1)
    go()
    assert elsewhere.received == []
    assert Delivery.objects.get().status == DeliveryStatus.PENDING


def test_the_first_kib_of_an_answer_is_kept(connect: Connect) -> None:
    _, receiver = connect()
    receiver.replies = [Reply(status=422, body=b"no\0t " + b"x" * 5000)]
    tell(1)
    go()
    kept = Attempt.objects.get().answer
    assert kept.startswith("no�t x")
    assert len(kept) == wire.KEPT


@pytest.mark.parametrize("way", [Way.GARBAGE, Way.DIE, Way.HANG, Way.DRIP])
def test_whatever_a_receiver_does_ends_in_time_and_is_tried_again(
    connect: Connect, monkeypatch, way: Way
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT", 0.5)
    _, receiver = connect()
    receiver.replies = [Reply(way), OK]
    tell(1)
    go()
    attempt = Attempt.objects.get()
    assert attempt.status_code is None
    assert attempt.error
    assert attempt.duration_ms < 1500
    come()
    go()
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED


def test_nobody_there_is_a_failure(connect: Connect) -> None:
    _endpoint, receiver = connect()
    receiver.shutdown()
    receiver.server_close()
    tell(1)
    go()
    assert "ConnectError" in Delivery.objects.get().error


def test_a_worker_that_died_is_followed_by_another(connect: Connect) -> None:
    """Claimed, perhaps sent, never settled: the lease runs out and it is sent again."""
    _, receiver = connect()
    [key] = tell(1)
    [delivery_id] = sending_claim()
    sending.attempt(Delivery.objects.select_related("endpoint", "change").get(pk=delivery_id))
    go()
    assert receiver.ids == [key]
    Delivery.objects.update(claimed_until=timezone.now() - timedelta(seconds=lease.LEASE))
    go()
    assert receiver.ids == [key, key]
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED


def test_two_that_send_the_same_count_it_once(connect: Connect) -> None:
    connect()
    tell(1)
    first = Delivery.objects.select_related("endpoint", "change").get()
    second = Delivery.objects.select_related("endpoint", "change").get()
    sending.settle(first, Answer(status=204))
    sending.settle(second, Answer(status=500, error="answered 500"))
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.error) == ("delivered", 1, "")


def test_what_breaks_unforeseen_is_tried_again_later(connect: Connect, monkeypatch) -> None:
    _endpoint, receiver = connect()
    tell(1)

    def broken(*_: object) -> Answer:
        raise RuntimeError("never thought of")

    with monkeypatch.context() as patch:
        patch.setattr(wire, "post", broken)
        go()
    delivery = Delivery.objects.get()
    assert "never thought of" in delivery.error
    assert delivery.next_attempt_at > timezone.now()
    come()
    go()
    assert len(receiver.received) == 1


def test_a_secret_that_cannot_be_opened_is_said_and_mended_by_a_new_one(
    connect: Connect, settings
) -> None:
    endpoint, receiver = connect()
    tell(1)
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    go()
    assert "Rotate" in Delivery.objects.get().error
    receiver.secret = actions.rotate(endpoint, actor="tests")
    come()
    go()
    assert len(receiver.messages) == 1
    settings.SECRET_KEY = key


def test_what_is_no_longer_there_is_given_up_and_the_next_goes(connect: Connect) -> None:
    _, receiver = connect()
    log.publish([News(type="order.paid", subject="order", id=0, after="paid")])
    [key] = tell(1)
    go()
    assert receiver.ids == [key]
    gone = Delivery.objects.get(change__type="order.paid")
    assert (gone.status, gone.next_attempt_at, gone.claimed_until) == ("failed", None, None)
    assert "no longer there" in gone.error


def test_a_test_is_signed_and_leaves_nothing_behind(connect: Connect) -> None:
    endpoint, receiver = connect()
    receiver.replies = [Reply(status=200, body=b"hello")]
    answer = actions.test(endpoint)
    assert (answer.status, answer.text, answer.is_success) == (200, "hello", True)
    [message] = receiver.messages
    assert (message["type"], message["data"]) == ("endpoint.test", {"endpoint_id": endpoint.pk})
    assert not Delivery.objects.exists()


def test_the_message_is_json_that_fits_the_bytes_that_are_signed(connect: Connect) -> None:
    _, receiver = connect()
    tell(1)
    go()
    [received] = receiver.received
    assert json.loads(received.body) == received.message
