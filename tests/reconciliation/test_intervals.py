"""When an unpaid order is looked at: the waits that were set, or what its method suggests."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recibo.reconciliation import intervals
from recibo.reconciliation.intervals import (
    DAY,
    HOUR,
    LADDER,
    MINUTE,
    Rule,
    Waiting,
    end_of,
    first_look,
    next_look,
    parse,
    spread_of,
)

#: A Tuesday, 9 o'clock in São Paulo.
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def looks(waiting: Waiting, rule: Rule, most: int = 1000) -> list[datetime]:
    """The moments of all looks from now on, each without a payment."""
    found: list[datetime] = []
    now = NOW
    while len(found) < most and (
        look := next_look([waiting], rule, looks=len(found), now=now, spread=0)
    ):
        found.append(now := look.at)
    return found


def waits(text: str, count: int) -> list[timedelta]:
    return [parse(text).after(number) for number in range(count)]


def test_the_ladder_grows_to_a_day_and_stays_there() -> None:
    hours = [0.25, 0.5, 1, 2, 4, 8, 16, 24, 24, 24]
    assert [LADDER.after(n) for n in range(10)] == [n * HOUR for n in hours]


def test_a_list_repeats_its_last_wait() -> None:
    assert waits("15m, 1h", 4) == [15 * MINUTE, HOUR, HOUR, HOUR]


def test_linear_waits_grow_by_one_step_up_to_a_day() -> None:
    assert waits("linear:30m", 3) == [30 * MINUTE, 60 * MINUTE, 90 * MINUTE]
    assert parse("linear:30m").after(999) == DAY
    assert parse("linear:30m..2h").after(999) == 2 * HOUR


def test_exponential_waits_double_up_to_the_longest() -> None:
    expected = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR]
    assert waits("exponential:15m..24h", 4) == expected
    assert parse("exponential:15m..24h").after(10_000) == DAY


@pytest.mark.parametrize("text", ["soon", "", "0s", "5m,,", "cubic:5m", "linear:", "linear:0m"])
def test_what_cannot_be_waits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse(text)


def test_waits_that_were_set_hold_for_every_method() -> None:
    for method in ("pix", "boleto", "card", ""):
        waiting = Waiting(NOW, method)
        found = looks(waiting, Rule(waits=parse("1h,2h"), min_age=MINUTE), most=3)
        assert found == [NOW + HOUR, NOW + 3 * HOUR, NOW + 5 * HOUR]


def test_nothing_is_looked_at_before_its_minimum_age() -> None:
    rule = Rule(waits=parse("1m"), min_age=10 * MINUTE)
    assert looks(Waiting(NOW), rule, most=2) == [NOW + 10 * MINUTE, NOW + 11 * MINUTE]
    old = Waiting(NOW - HOUR)
    assert looks(old, rule, most=1) == [NOW + MINUTE]


def test_a_charge_from_the_future_is_as_old_as_now() -> None:
    rule = Rule(waits=parse("1m"), min_age=10 * MINUTE)
    assert looks(Waiting(NOW + 9 * HOUR), rule, most=1) == [NOW + 10 * MINUTE]


def test_an_unknown_method_climbs_the_ladder_for_thirty_days_and_a_last_look() -> None:
    found = looks(Waiting(NOW), Rule())
    assert found[:3] == [NOW + 15 * MINUTE, NOW + 45 * MINUTE, NOW + 105 * MINUTE]
    assert found[-1] == NOW + 30 * DAY
    assert 35 <= len(found) <= 40


def test_the_end_is_what_was_set_or_the_charge_s_own_whichever_is_sooner() -> None:
    waiting = Waiting(NOW, "", NOW + 5 * DAY)
    assert end_of(waiting, Rule(give_up=2 * DAY)) == NOW + 2 * DAY
    assert end_of(waiting, Rule(give_up=9 * DAY)) == NOW + 5 * DAY + MINUTE


def test_a_charge_that_lives_longer_than_usual_is_followed_to_its_end() -> None:
    waiting = Waiting(NOW, "", NOW + 40 * DAY)
    assert end_of(waiting, Rule()) == NOW + 40 * DAY + MINUTE


def test_a_pix_is_followed_densely_until_its_expiry_and_looked_at_once_after() -> None:
    found = looks(Waiting(NOW, "pix", NOW + 30 * MINUTE), Rule())
    steps = {later - sooner for sooner, later in itertools.pairwise(found[:-1])}
    assert found[0] == NOW + 10 * MINUTE
    assert steps == {2 * MINUTE}
    assert found[-1] == NOW + 31 * MINUTE
    assert len(found) == 12


def test_a_pix_without_an_expiry_is_given_up_after_a_day() -> None:
    found = looks(Waiting(NOW, "pix"), Rule())
    assert found[-1] == NOW + DAY + MINUTE
    assert len(found) < 100


def test_a_boleto_is_left_alone_but_for_bank_mornings() -> None:
    due = datetime(2026, 3, 13, 3, tzinfo=UTC)  # Friday, midnight in São Paulo
    found = [
        at.astimezone(ZoneInfo("America/Sao_Paulo"))
        for at in looks(Waiting(NOW, "boleto", due), Rule())
    ]
    days = [at.day for at in found]
    # Wednesday to Friday, then the three business days after, and a last look on the third.
    assert days == [11, 12, 13, 16, 17, 18, 18]
    assert {at.hour for at in found[:-1]} == {8}
    assert found[-1].hour == 12


def test_a_boleto_that_is_due_on_a_holiday_may_be_paid_on_the_next_business_day() -> None:
    carnival = datetime(2026, 2, 17, 3, tzinfo=UTC)
    end = end_of(Waiting(carnival - 5 * DAY, "boleto", carnival), Rule())
    assert end.date().isoformat() == "2026-02-23"  # Wednesday the 18th and three more


def test_a_card_is_looked_at_a_few_times_within_days() -> None:
    found = looks(Waiting(NOW, "card"), Rule())
    assert len(found) <= 10
    assert found[-1] <= NOW + 4 * DAY + MINUTE


def test_of_several_charges_the_one_that_asks_first_decides() -> None:
    both = [Waiting(NOW, "boleto", NOW + 3 * DAY), Waiting(NOW, "pix", NOW + HOUR)]
    look = next_look(both, Rule(), looks=0, now=NOW, spread=0)
    assert look is not None
    assert look.at == NOW + 10 * MINUTE
    later = next_look(both, Rule(), looks=0, now=NOW + 2 * HOUR, spread=0)
    assert later is not None
    assert later.at.date() == (NOW + DAY).date()


def test_what_ended_just_before_we_heard_of_it_is_looked_at_once() -> None:
    lately = Waiting(NOW - DAY, "pix", NOW - HOUR)
    look = first_look([lately], Rule(), now=NOW, spread=0)
    assert look is not None
    assert look.at > NOW
    long_ago = Waiting(NOW - 60 * DAY, "pix", NOW - 59 * DAY)
    assert first_look([long_ago], Rule(), now=NOW, spread=0) is None


def test_orders_that_came_together_are_spread_and_each_always_alike() -> None:
    spreads = [spread_of(number) for number in range(1, 1001)]
    assert all(0 <= spread < 1 for spread in spreads)
    assert [sum(n / 10 <= s < (n + 1) / 10 for s in spreads) for n in range(10)] == pytest.approx(
        [100] * 10, abs=5
    )
    assert spread_of(7) == spread_of(7)


def test_a_wait_is_longer_by_a_tenth_at_most_and_so_is_the_morning_spread() -> None:
    rule = Rule(waits=parse("1h"), min_age=MINUTE)
    last = next_look([Waiting(NOW)], rule, looks=0, now=NOW, spread=0.999)
    assert last is not None
    assert NOW + HOUR < last.at <= NOW + 1.1 * HOUR
    assert last.interval == HOUR
    boleto = Waiting(NOW, "boleto", NOW + 9 * DAY)
    morning = next_look([boleto], Rule(), looks=0, now=NOW, spread=0.999)
    assert morning is not None
    assert morning.at.astimezone(intervals.BANKS).hour == 10
