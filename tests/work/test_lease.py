"""A row is held by one at a time, and whoever lost it leaves it alone."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.reconciliation.models import ChargeLookup
from recibo.work import lease

TABLE = ChargeLookup._meta.db_table


@pytest.fixture
def row(transactional_db: None) -> ChargeLookup:
    account, _ = Account.objects.get_or_create(gateway="asaas", name="default")
    return ChargeLookup.objects.create(
        account=account, gateway_charge_id="c1", named_at=timezone.now()
    )


def claimed_until(row: ChargeLookup) -> object:
    row.refresh_from_db()
    return row.claimed_until


def test_a_row_is_held_by_one_and_let_go(row: ChargeLookup) -> None:
    with lease.alone(TABLE, row.pk), pytest.raises(lease.BusyError), lease.alone(TABLE, row.pk):
        pass
    assert claimed_until(row) is None


def test_a_lease_is_renewed_while_the_work_goes_on(
    row: ChargeLookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.02)
    with lease.alone(TABLE, row.pk):
        first = claimed_until(row)
        time.sleep(0.3)
        assert claimed_until(row) > first
    assert claimed_until(row) is None


def test_whoever_lost_a_row_takes_it_from_nobody(
    row: ChargeLookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.02)
    theirs = timezone.now() + timedelta(hours=1)
    with lease.alone(TABLE, row.pk):
        ChargeLookup.objects.update(claimed_until=theirs)
        time.sleep(0.2)
        assert claimed_until(row) == theirs
    assert claimed_until(row) == theirs
    connection.close()
