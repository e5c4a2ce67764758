"""What we went and looked for is acted upon while it is young; what we are told always is."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from recibo.gateways import http
from recibo.gateways.asaas import ASAAS
from recibo.gateways.contract import RawRequest
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Money,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.hotmart import HOTMART
from recibo.inbox.models import Source
from recibo.processing.reacting import reacts
from tests.recordings import recorded

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Event(NamedTuple):
    source: str = Source.POLL
    silent: bool = False
    connected_at: datetime | None = NOW - 30 * DAY


def fact(
    age: timedelta = DAY,
    paid: timedelta | None = None,
    status: ChargeStatus = ChargeStatus.PAID,
) -> ChargeFact:
    """A fact that is so old, about money that came so long ago."""
    return ChargeFact(
        charge_id="c1",
        status=status,
        occurred_at=NOW - age,
        amount=Money(Decimal(100), "BRL"),
        order_reference="o1",
        paid_at=None if paid is None else NOW - paid,
    )


@pytest.mark.parametrize("source", [Source.POLL, Source.SYNC])
@pytest.mark.parametrize(
    ("told", "is_acted_upon"),
    [
        (fact(), True),
        (fact(6.9 * DAY), True),
        (fact(7 * DAY), False),
        (fact(100 * DAY), False),
        (fact(age=timedelta(0), paid=9 * DAY), False),  # the money came long before it was told
        (fact(age=9 * DAY, paid=DAY), True),
        (fact(age=DAY, paid=9 * DAY, status=ChargeStatus.REFUNDED), True),  # the refund is young
    ],
)
def test_what_was_found_is_acted_upon_while_it_is_young(
    source: Source, told: ChargeFact, is_acted_upon: bool
) -> None:
    assert reacts(Event(source), [told], NOW) is is_acted_upon


def test_how_young_is_a_setting(settings) -> None:
    settings.RECIBO_REACT_WITHIN = timedelta(hours=1)
    assert not reacts(Event(), [fact(timedelta(hours=2))], NOW)
    settings.RECIBO_REACT_WITHIN = 30 * DAY
    assert reacts(Event(), [fact(20 * DAY)], NOW)


def test_what_was_sold_before_the_account_was_connected_is_no_news() -> None:
    assert not reacts(Event(connected_at=NOW - timedelta(hours=1)), [fact()], NOW)
    assert not reacts(Event(connected_at=None), [fact()], NOW)


def test_the_newest_fact_of_an_event_decides() -> None:
    assert reacts(Event(), [fact(50 * DAY), fact(DAY)], NOW)
    assert not reacts(Event(), [], NOW)


@pytest.mark.parametrize("source", [Source.WEBHOOK, Source.FETCH, Source.API])
def test_what_we_are_told_is_always_acted_upon(source: Source) -> None:
    assert reacts(Event(source, connected_at=None), [fact(900 * DAY)], NOW)


@pytest.mark.parametrize("source", [Source.SIMULATE, Source.IMPORT])
def test_simulations_and_imports_never_are(source: Source) -> None:
    assert not reacts(Event(source), [fact()], NOW)


@pytest.mark.parametrize("source", list(Source))
def test_nothing_that_is_silent_is(source: Source) -> None:
    assert not reacts(Event(source, silent=True), [fact()], NOW)


def test_a_subscription_is_as_old_as_its_beginning_whenever_it_is_read() -> None:
    """Some gateways date no change of a subscription: it is told as of the moment we look."""
    read_now = SubscriptionFact(
        code="SUB",
        occurred_at=NOW,
        status=SubscriptionStatus.ACTIVE,
        started_at=NOW - 400 * DAY,
        is_dated_by_us=True,
    )
    assert not reacts(Event(), [fact(300 * DAY), read_now], NOW)
    assert not reacts(Event(), [replace(read_now, started_at=None)], NOW)
    assert not reacts(Event(), [replace(read_now, cancelled_at=NOW)], NOW)
    ended = SubscriptionFact(
        code="SUB",
        occurred_at=NOW,
        status=SubscriptionStatus.CANCELLED,
        started_at=NOW - 400 * DAY,
        cancelled_at=NOW - DAY,
    )
    assert reacts(Event(), [ended], NOW)


@pytest.mark.parametrize(
    "status",
    [SubscriptionStatus.PAST_DUE, SubscriptionStatus.PAUSED, SubscriptionStatus.EXPIRED],
)
def test_news_of_an_old_subscription_is_as_young_as_its_gateway_says(
    status: SubscriptionStatus,
) -> None:
    told = SubscriptionFact(
        code="SUB", occurred_at=NOW - DAY, status=status, started_at=NOW - 400 * DAY
    )
    assert reacts(Event(Source.SYNC), [told], NOW)
    assert not reacts(Event(Source.SYNC), [replace(told, occurred_at=NOW - 9 * DAY)], NOW)


@pytest.mark.parametrize("status", [ChargeStatus.REFUNDED, ChargeStatus.CANCELLED])
def test_what_only_our_reading_dates_is_as_old_as_what_it_is_about(status: ChargeStatus) -> None:
    """The first sync of an account finds the refunds of years, all of them read today."""
    read_now = replace(fact(timedelta(0), 20 * DAY, status), is_dated_by_us=True)
    assert not reacts(Event(Source.SYNC), [read_now], NOW)
    assert reacts(Event(Source.SYNC), [replace(read_now, paid_at=NOW - DAY)], NOW)
    unpaid = replace(read_now, paid_at=None)
    assert not reacts(Event(Source.SYNC), [unpaid], NOW)
    assert reacts(Event(Source.SYNC), [replace(unpaid, created_at=NOW - DAY)], NOW)
    undated = replace(read_now, paid_at=NOW, created_at=NOW - 20 * DAY)
    assert not reacts(Event(Source.SYNC), [undated], NOW)  # its payment is dated by us as well


def asaas_answer(resource: str, name: str, **changes: Any) -> RawRequest:
    body = json.loads(recorded(f"asaas/{name}").body) | changes
    return http.answer(resource, json.dumps(body).encode(), at=READ_AT)


def hotmart_sale(status: str) -> RawRequest:
    body = recorded("hotmart/answer-sale-approved").body.replace(b"APPROVED", status.encode())
    return http.answer("sale", body, at=READ_AT)


READ_AT = "2029-01-01T12:00:00+00:00"
#: As their APIs tell them years later.
OLD_NEWS = {
    "asaas-refund": (
        ASAAS,
        asaas_answer("payment", "api_payment_pix_received", status="REFUNDED", refunds=None),
    ),
    "asaas-removed-charge": (
        ASAAS,
        asaas_answer("payment", "api_payment_boleto_pending", deleted=True),
    ),
    "asaas-removed-subscription": (
        ASAAS,
        asaas_answer(
            "subscription", "api_subscription_active", deleted=True, nextDueDate="05/06/2029"
        ),
    ),
    "hotmart-refund": (HOTMART, hotmart_sale("REFUNDED")),
    "hotmart-chargeback": (HOTMART, hotmart_sale("CHARGEBACK")),
}


@pytest.mark.parametrize("name", OLD_NEWS)
def test_the_first_sync_of_an_account_acts_upon_nothing_old(name: str) -> None:
    gateway, answer = OLD_NEWS[name]
    facts = gateway.parse(answer)
    read_at = datetime.fromisoformat(READ_AT)
    connected_hours_ago = Event(Source.SYNC, connected_at=read_at - timedelta(hours=8))
    connected_long_ago = Event(Source.SYNC, connected_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert facts
    assert not reacts(connected_hours_ago, facts, read_at + timedelta(seconds=5))
    assert not reacts(connected_long_ago, facts, read_at + timedelta(seconds=5))
