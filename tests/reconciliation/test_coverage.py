"""How each payment was learned first, by account and day; and when webhooks stop telling."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from recibo.accounts.models import Account
from recibo.inbox.models import Event, Source
from recibo.reconciliation.coverage import coverage, missed, sql
from recibo.work.sql import execute
from tests.reconciliation.orders import ago, charge, learned

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def paid(
    account: Account, name: str, *sources: Source, at: datetime = AT, method: str = "pix"
) -> None:
    """A payment that was told by these sources, in this order."""
    for turn, source in enumerate(sources):
        moment = at + timedelta(seconds=turn)
        learned(account, charge(name, "paid", at=moment, paid_at=at), source=source)


def ways(**options: object) -> dict[str, dict[str, int]]:
    found = coverage(AT - 9 * DAY, AT + 9 * DAY, **options)
    return {day.day.isoformat(): day.ways for day in found}


def test_what_told_first_counts(account: Account) -> None:
    paid(account, "a", Source.WEBHOOK, Source.POLL)
    paid(account, "b", Source.POLL, Source.SYNC)
    paid(account, "c", Source.FETCH)
    paid(account, "d", Source.SYNC)
    paid(account, "e", Source.WEBHOOK)
    Event.objects.filter(gateway_charge_id="e").update(source=Source.IMPORT)
    assert ways() == {"2026-03-10": {"webhook": 2, "poll": 1, "sync": 1, "import": 1}}


def test_days_are_those_of_the_seller_and_of_the_payment(account: Account, settings) -> None:
    settings.TIME_ZONE = "America/Sao_Paulo"
    paid(account, "a", Source.WEBHOOK, at=datetime(2026, 3, 10, 2, 59, tzinfo=UTC))
    paid(account, "b", Source.WEBHOOK, at=datetime(2026, 3, 10, 3, 0, tzinfo=UTC))
    assert ways() == {"2026-03-10": {"webhook": 1}, "2026-03-09": {"webhook": 1}}


def test_a_pending_charge_is_not_yet_learned(account: Account) -> None:
    learned(account, charge("a", at=AT), source=Source.WEBHOOK)
    paid(account, "a", Source.POLL, at=AT + timedelta(hours=1))
    assert ways() == {"2026-03-10": {"poll": 1}}


def test_a_payment_that_was_learned_of_as_a_refund_was_learned_then(account: Account) -> None:
    told = charge("a", "refunded", at=AT + DAY, paid_at=AT)
    learned(account, told, source=Source.SYNC)
    assert ways() == {"2026-03-10": {"sync": 1}}


def test_simulations_do_not_count(account: Account) -> None:
    paid(account, "a", Source.SIMULATE)
    assert ways() == {}


def test_it_is_told_by_account_and_gateway(account: Account) -> None:
    second = Account.objects.create(gateway="acme", name="second")
    paid(account, "a", Source.WEBHOOK)
    paid(second, "b", Source.POLL)
    found = {day.account: (day.total, day.by_webhook) for day in coverage(AT, AT + DAY)}
    assert found == {"default": (1, 1.0), "second": (1, 0.0)}
    assert ways(gateway="hotmart") == {}
    assert len(ways(gateway="acme")) == 1


def lately(account: Account, name: str, *sources: Source, days: float = 1) -> None:
    """A payment of this week."""
    paid(account, name, *sources, at=ago(days=days))


def test_webhooks_that_tell_too_little_are_missed(account: Account) -> None:
    for number in range(7):
        lately(account, f"w{number}", Source.WEBHOOK, Source.POLL)
    assert list(missed(timezone.now())) == []
    for number in range(2):
        lately(account, f"p{number}", Source.POLL)
    [one] = missed(timezone.now())
    assert (one.account, one.told, one.found) == (account, 7, 2)


def test_few_payments_say_nothing_and_neither_do_old_ones(account: Account) -> None:
    for number in range(4):
        lately(account, f"p{number}", Source.POLL, days=6)
    assert list(missed(timezone.now())) == []
    lately(account, "p5", Source.POLL)
    assert len(list(missed(timezone.now()))) == 1
    assert list(missed(timezone.now() + 3 * DAY)) == []


def test_only_the_newest_payments_count(account: Account) -> None:
    for number in range(6):
        lately(account, f"p{number}", Source.POLL, days=2)
    assert len(list(missed(timezone.now()))) == 1
    for number in range(20):
        lately(account, f"w{number}", Source.WEBHOOK)
    assert list(missed(timezone.now())) == []


def test_payments_of_an_account_are_found_by_an_index(account: Account) -> None:
    execute("set enable_seqscan = off")
    statement = "explain " + sql("recent_ways")
    assert "charge_by_payment" in str(execute(statement, AT, AT, 20))
    execute("set enable_seqscan = on")
