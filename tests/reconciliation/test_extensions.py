"""A charge that can be paid for longer than was known is followed for longer."""

from datetime import timedelta

from django.utils import timezone

from recibo.accounts.models import Account
from recibo.gateways.facts import ChargeStatus
from recibo.reconciliation.models import PaymentCheck
from recibo.reconciliation.payment_checks import GIVEN_UP, ended
from tests.reconciliation.orders import ago, charge, learned, only

DAY = timedelta(days=1)


def given_up(account: Account) -> None:
    """A charge whose end has passed, and whose check has ended."""
    learned(account, charge(at=ago(days=9), created_at=ago(days=9), expires_at=ago(hours=1)))
    PaymentCheck.objects.update(**ended(GIVEN_UP))


def test_a_later_end_takes_up_a_check_that_ended(account: Account) -> None:
    given_up(account)
    end = timezone.now() + 9 * DAY
    learned(account, charge(created_at=ago(days=9), expires_at=end))
    check = only()
    assert (check.status, check.reason, check.ended_at) == ("pending", "", None)
    assert check.next_attempt_at is not None
    assert check.give_up_at > end


def test_the_same_end_told_again_takes_up_nothing(account: Account) -> None:
    end = ago(hours=1)
    learned(account, charge(at=ago(days=9), created_at=ago(days=9), expires_at=end))
    PaymentCheck.objects.update(**ended(GIVEN_UP))
    learned(account, charge(created_at=ago(days=9), expires_at=end))
    learned(account, charge(created_at=ago(days=9), expires_at=end - DAY))
    assert only().status == "expired"


def test_a_paid_charge_is_followed_no_longer_whatever_its_end(account: Account) -> None:
    given_up(account)
    learned(account, charge(status=ChargeStatus.PAID))
    learned(account, charge(status=ChargeStatus.PAID, expires_at=timezone.now() + 9 * DAY))
    assert only().status == "paid"
