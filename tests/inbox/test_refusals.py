"""Refused requests are counted, and a flood of them stays small."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import translation

from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import Refused
from recibo.inbox import refusals
from recibo.inbox.models import Refusal
from recibo.inbox.refusals import REASONS, Refusals
from tests.inbox.acme import ACME

pytestmark = pytest.mark.django_db


def test_alike_refusals_are_one_row_that_counts_them() -> None:
    counting = Refusals()
    for body in (b"first", b"second", b"x" * 9000):
        counting.record("acme", "default", Refused.SIGNATURE_INVALID, "203.0.113.9", body)
    counting.flush()
    counting.record("acme", "default", Refused.SIGNATURE_INVALID, "203.0.113.9", b"last")
    counting.flush()

    refusal = Refusal.objects.get()
    assert refusal.times == 4
    assert bytes(refusal.excerpt) == b"last"
    assert refusal.first_at < refusal.last_at
    assert refusal.hour == refusal.last_at.replace(minute=0, second=0, microsecond=0)


def test_only_the_beginning_of_a_body_is_kept() -> None:
    counting = Refusals()
    counting.record("acme", "default", Refused.SIGNATURE_INVALID, "", b"x" * 9000)
    counting.flush()

    assert bytes(Refusal.objects.get().excerpt) == b"x" * 500


def test_another_reason_or_address_is_another_row() -> None:
    counting = Refusals()
    counting.record("acme", "default", Refused.SIGNATURE_INVALID, "203.0.113.9")
    counting.record("acme", "default", Refused.SIGNATURE_MISSING, "203.0.113.9")
    counting.record("acme", "default", Refused.SIGNATURE_MISSING, "203.0.113.10")
    counting.flush()

    assert Refusal.objects.count() == 3


def test_a_flood_from_many_addresses_is_counted_without_them() -> None:
    counting = Refusals()
    for n in range(5000):
        counting.record("acme", "default", Refused.SIGNATURE_INVALID, f"10.0.{n // 250}.{n % 250}")
    counting.flush()

    assert Refusal.objects.count() == 201
    assert Refusal.objects.get(remote_address="").times == 4800


def test_a_flood_of_invented_names_is_counted_without_them() -> None:
    counting = Refusals()
    for n in range(5000):
        counting.record(f"invented-{n}", "x" * n, Refused.INVALID_GATEWAY, "203.0.113.9")
    counting.flush()

    assert Refusal.objects.count() == 201
    assert Refusal.objects.get(gateway="").times == 4800


def test_the_table_keeps_the_newest_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_ROWS", 50)
    counting = Refusals()
    for n in range(150):
        counting.record("acme", "default", Refused.SIGNATURE_INVALID, f"10.0.0.{n}")
        if n == 99:
            counting.flush()
    counting.flush()

    assert Refusal.objects.count() == 50
    assert Refusal.objects.filter(remote_address="10.0.0.149").exists()
    assert not Refusal.objects.filter(remote_address="10.0.0.99").exists()


def test_rows_are_dropped_after_a_week() -> None:
    counting = Refusals()
    counting.record("acme", "default", Refused.SIGNATURE_INVALID, "203.0.113.9")
    counting.flush()
    Refusal.objects.update(last_at=datetime.now(UTC) - timedelta(days=7, minutes=1))
    counting.record("acme", "default", Refused.SIGNATURE_MISSING, "203.0.113.9")
    counting.flush()

    assert Refusal.objects.get().reason == "signature_missing"


def test_names_that_the_table_cannot_hold_are_recorded_all_the_same() -> None:
    counting = Refusals()
    counting.record("a\0b" * 100, "\ud800", Refused.INVALID_GATEWAY, "\0")
    counting.flush()

    assert Refusal.objects.get().times == 1


@pytest.mark.parametrize("reason", list(Refused))
def test_every_reason_is_told_in_plain_words(reason: Refused) -> None:
    with translation.override("en"):
        assert str(REASONS[reason]).endswith(".")


def test_what_was_named_waits_until_something_can_be_written_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: object) -> None:
        raise OperationalError("the database is away")

    named: list[tuple[int, str]] = []
    counting = Refusals(named.extend)
    counting.record("acme", "default", Refused.SIGNATURE_INVALID, "")
    counting.look_into(ACME, 1, RawRequest({}, b'{"id": "e1", "charge": "c1"}'))
    with monkeypatch.context() as patched:
        patched.setattr(refusals, "write", broken)
        with pytest.raises(OperationalError):
            counting.flush()
    counting.flush()
    assert named == [(1, "c1")]
