"""An API is left alone while it is down or wants to be, and only what was asked tells of it."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError
from recibo.reconciliation import calls, circuits
from recibo.reconciliation.errors import OutOfTurnsError, RestingError
from recibo.reconciliation.models import Circuit

SLOWER = UnavailableError("GET /x: 429", status=429)


def fails(account: Account, error: ApiError, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)), circuits.watched(account):
            raise error


def works(account: Account) -> None:
    with circuits.watched(account):
        pass


def paused_until() -> datetime:
    found = Circuit.objects.get().paused_until
    assert found is not None
    return found


def pause() -> float:
    """Seconds that nobody is to ask."""
    return (paused_until() - timezone.now()).total_seconds()


def pass_over() -> None:
    Circuit.objects.update(paused_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "error", [DeniedError("no e-mail"), NotFoundError("no such id"), OutOfTurnsError("wait")]
)
def test_where_nobody_was_asked_nothing_is_learned(account: Account, error: ApiError) -> None:
    fails(account, error, circuits.TRIP + 1)
    assert not Circuit.objects.filter(failures__gt=0).exists()
    Circuit.objects.update_or_create(account=account, defaults={"failures": 3})
    fails(account, error)
    assert Circuit.objects.get().failures == 3


@pytest.mark.parametrize("error", [DeniedError("401", status=401), UnavailableError("timeout")])
def test_five_failures_in_a_row_open_it(account: Account, error: ApiError) -> None:
    fails(account, error, circuits.TRIP)
    assert circuits.is_down(account.pk)
    pass_over()
    fails(account, NotFoundError("404", status=404))
    assert not circuits.is_down(account.pk)


def test_told_to_ask_more_slowly_we_wait_longer_each_time(account: Account) -> None:
    waits = []
    for _ in range(8):
        fails(account, SLOWER, 4)  # three of them were asked before the first was answered
        waits.append(round(pause() / 30))
        pass_over()
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert not circuits.is_down(account.pk)
    works(account)
    fails(account, SLOWER)
    assert pause() < 31


def test_who_was_asked_before_takes_nothing_from_the_wait(account: Account) -> None:
    fails(account, UnavailableError("503", status=503))
    wait = timedelta(minutes=30)
    fails(account, UnavailableError("429", status=429, retry_after=wait))
    works(account)
    assert pause() > 1790
    assert Circuit.objects.get().failures == 0
    fails(account, SLOWER)
    works(account)
    assert pause() > 1790


def test_what_works_closes_it_at_once(account: Account) -> None:
    fails(account, UnavailableError("503", status=503), circuits.TRIP)
    works(account)
    assert Circuit.objects.get().paused_until is None
    assert not circuits.is_down(account.pk)


def test_while_it_rests_nobody_asks_and_a_person_only_where_it_counts_as_down(
    account: Account,
) -> None:
    fails(account, UnavailableError("503", status=503), circuits.TRIP)
    with pytest.raises(RestingError) as raised, calls.api(account):
        pass
    assert timedelta(seconds=25) < raised.value.wait <= timedelta(seconds=30)
    with calls.api(account, by_hand=True):
        pass
    Circuit.objects.update(opened_at=None)
    with pytest.raises(RestingError), calls.api(account, by_hand=True):
        pass
    pass_over()
    with calls.api(account):
        pass
