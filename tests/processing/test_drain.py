"""Draining: every event settles once, and one that cannot be applied fails alone."""

import hashlib

import pytest
from django.db import connection

from recibo.billing.models import Charge, ChargeNews, Customer, Order
from recibo.inbox.models import Event, Source, Status
from recibo.processing.drain import drain
from recibo.processing.tasks import retry_failed
from tests.inboxes import received
from tests.recordings import recorded

pytestmark = pytest.mark.django_db


def approved(number: int, **replacing: str) -> bytes:
    """A sale of its own: another delivery, transaction and buyer."""
    body = recorded("hotmart/webhook-purchase-approved").body
    changes = {
        "5b0e6a10-0001-4c00-9000-000000000001": f"delivery-{number}",
        "HP1000000001": f"HP{number:010}",
        "beatriz.exemplo@example.com": f"buyer-{number}@example.com",
        "AB12CD34": f"SUB{number:05}",
        **replacing,
    }
    for old, new in changes.items():
        body = body.replace(old.encode(), new.encode())
    return body


def test_a_sale_becomes_a_paid_charge_with_its_order_and_buyer():
    event = received(approved(1))
    assert drain() == 1
    charge = Charge.objects.get()
    assert (charge.gateway_charge_id, charge.status) == ("HP0000000001", "paid")
    assert (charge.order.reference, charge.order.status) == ("HP0000000001", "paid")
    assert charge.customer.email == "buyer-1@example.com"
    event.refresh_from_db()
    assert (event.status, event.next_attempt_at, event.attempts) == (Status.PROCESSED, None, 1)
    assert "order HP0000000001: new → paid" in event.result


def test_one_malformed_event_among_500_fails_alone():
    for number in range(1, 500):
        received(approved(number))
    bad = received(b'{"id": "bad", "event": "PURCHASE_APPROVED", "data": {')
    drain()
    bad.refresh_from_db()
    assert bad.status == Status.FAILED
    assert bad.error
    assert bad.next_attempt_at is not None
    assert Event.objects.filter(status=Status.PROCESSED).count() == 499
    assert Charge.objects.filter(status="paid").count() == 499


def test_one_event_that_the_database_refuses_fails_alone():
    for number in range(1, 40):
        received(approved(number))
    name = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(100))
    bad = received(approved(40, **{"buyer-40@": f"{name}@"}))  # no index takes such an e-mail
    drain()
    bad.refresh_from_db()
    assert (bad.status, bad.attempts) == (Status.FAILED, 1)
    assert "ProgramLimitExceeded" in bad.error
    assert Charge.objects.count() == 39


def test_critical_news_is_taken_first():
    received(recorded("hotmart/webhook-purchase-billet-printed").body)
    received(approved(1))
    from recibo.processing.drain import process_due

    process_due(limit=1)
    assert Charge.objects.get().gateway_charge_id == "HP0000000001"


def test_what_was_processed_is_not_taken_again():
    received(approved(1))
    assert drain() == 1
    assert drain() == 0
    assert ChargeNews.objects.count() == 1


def test_a_failed_event_waits_longer_each_time_and_then_for_a_person(settings):
    event = received(b"not json")
    waits = []
    for _ in range(4):
        Event.objects.filter(pk=event.pk, next_attempt_at__isnull=False).update(
            next_attempt_at=event.received_at
        )
        drain()
        event.refresh_from_db()
        with connection.cursor() as cursor:
            cursor.execute(
                "select round(extract(epoch from next_attempt_at - now()) / 60)"
                " from inbox_event where id = %s",
                [event.pk],
            )
            waits.append(cursor.fetchone()[0])
    assert waits == [5, 10, 20, None]
    assert event.attempts == 4


def test_an_unknown_event_is_kept_and_ignored_with_the_reason():
    body = approved(1, PURCHASE_APPROVED="PURCHASE_TELEPORTED")
    event = received(body)
    drain()
    event.refresh_from_db()
    assert event.status == Status.IGNORED
    assert "PURCHASE_TELEPORTED" in event.result
    assert not Charge.objects.exists()


def test_an_unknown_status_is_an_error_not_a_guess():
    event = received(approved(1, **{'"status": "APPROVED"': '"status": "LEVITATING"'}))
    drain()
    event.refresh_from_db()
    assert event.status == Status.FAILED
    assert "LEVITATING" in event.error
    assert not Order.objects.exists()


def test_text_that_postgresql_cannot_hold_is_cleaned_not_lost():
    event = received(approved(1, **{"Beatriz Exemplo da Silva": "Bea\\u0000triz"}))
    drain()
    event.refresh_from_db()
    assert event.status == Status.PROCESSED, event.error
    assert Customer.objects.get().name == "Beatriz"


def test_a_simulated_sale_is_marked_and_never_outweighs_a_real_one():
    received(approved(1), source=Source.SIMULATE)
    drain()
    assert Charge.objects.get().simulated
    received(approved(1, **{"delivery-1": "delivery-2"}))
    drain()
    charge = Charge.objects.get()
    assert (charge.simulated, charge.status) == (False, "paid")


def test_every_hour_failed_events_with_tries_left_are_tried_again():
    event = received(b"not json")
    for _ in range(7):
        retry_failed(0)
        Event.objects.filter(status=Status.PENDING).update(next_attempt_at=event.received_at)
        drain()
    event.refresh_from_db()
    assert (event.status, event.attempts) == (Status.FAILED, 5)
