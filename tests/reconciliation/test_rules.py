"""What the seller decided: for an account, else for all, else in the environment."""

from datetime import timedelta

import pytest

from recibo.accounts.models import Account
from recibo.journal.models import AuditEntry
from recibo.reconciliation import rules
from recibo.reconciliation.intervals import parse
from recibo.reconciliation.models import PollingRule

HOUR = timedelta(hours=1)


@pytest.fixture
def mine(db: None) -> Account:
    return Account.objects.get(gateway="hotmart")


def test_the_environment_decides_where_nobody_else_does(mine: Account, settings) -> None:
    settings.RECIBO_PAYMENT_CHECK_DELAYS = parse("5m")
    settings.RECIBO_PAYMENT_CHECK_GIVE_UP = 9 * HOUR
    settings.RECIBO_PAYMENT_CHECK_MIN_AGE = HOUR
    rule = rules.of(mine.pk, rules.read()).rule
    assert (rule.waits, rule.give_up, rule.min_age) == (parse("5m"), 9 * HOUR, HOUR)


def test_an_account_s_own_rule_goes_before_the_one_for_all(mine: Account) -> None:
    rules.change(None, "test", delays="linear:10m", give_up=9 * HOUR)
    rules.change(mine, "test", delays="1h,2h", min_age=timedelta(0))
    other = Account.objects.get(gateway="asaas")
    own, general = (rules.of(one.pk, rules.read()).rule for one in (mine, other))
    assert (own.waits, own.give_up, own.min_age) == (parse("1h,2h"), 9 * HOUR, timedelta(0))
    assert general.waits == parse("linear:10m")


def test_a_rule_is_changed_in_part_and_forgotten_as_a_whole(mine: Account) -> None:
    rules.change(mine, "test", delays="1h")
    rules.change(mine, "test", products=["p1"])
    kept = PollingRule.objects.get()
    assert (kept.delays, kept.products) == ("1h", ["p1"])
    assert rules.drop(mine, "test")
    assert not rules.drop(mine, "test")
    assert rules.of(mine.pk, rules.read()).products == frozenset()
    assert [entry.subject for entry in AuditEntry.objects.filter(action="polling.rule")] == [
        "account:hotmart/default"
    ] * 3


def test_waits_that_cannot_be_read_are_not_kept(mine: Account) -> None:
    with pytest.raises(ValueError, match="must read like"):
        rules.change(mine, "test", delays="soon")
    assert not PollingRule.objects.exists()
