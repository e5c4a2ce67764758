"""What a subscription that the API tells says, and that webhooks say the same."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from recibo.gateways import http
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    CustomerFact,
    EventType,
    Money,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.hotmart import HOTMART
from tests.recordings import recorded

ACTIVE = "hotmart/answer-subscription-active"
ENDED = "hotmart/answer-subscription-cancelled"
READ_AT = datetime(2025, 5, 10, 5, tzinfo=UTC)
BEGUN_AT = datetime(2025, 4, 25, 0, 45, 19, tzinfo=UTC)
NEXT_AT = datetime(2026, 4, 25, 12, tzinfo=UTC)


def answer(
    name: str = ACTIVE, changes: Mapping[str, Any] | None = None, at: datetime | None = READ_AT
) -> RawRequest:
    """A recorded subscription with other values at its top."""
    body = json.loads(recorded(name).body) | (changes or {})
    notes = {"at": at.isoformat()} if at else {}
    return http.answer("subscription", json.dumps(body).encode(), **notes)


def told(name: str = ACTIVE, at: datetime | None = READ_AT, **changes: Any) -> SubscriptionFact:
    (fact,) = HOTMART.parse(answer(name, changes, at))
    assert isinstance(fact, SubscriptionFact)
    return fact


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_a_running_subscription() -> None:
    assert told() == SubscriptionFact(
        code="SUB740B37F5",
        occurred_at=READ_AT,
        status=SubscriptionStatus.ACTIVE,
        customer=CustomerFact(email="assinante2@example.com", name="Assinante Exemplo 2"),
        product=ProductFact(id="1355458", name="Produto de Teste 2"),
        plan="Plano Teste 360 dias",
        plan_id="558689",
        price=Money(Decimal(997), "BRL"),
        period=Period.ANNUAL,
        next_billing_at=NEXT_AT,
        started_at=BEGUN_AT,
        is_dated_by_us=True,
    )


def test_an_end_has_its_own_date() -> None:
    fact = told(ENDED)
    assert not fact.is_dated_by_us
    ended_at = datetime(2025, 4, 28, 13, 56, 40, tzinfo=UTC)
    assert fact.status is SubscriptionStatus.CANCELLED
    assert (fact.occurred_at, fact.cancelled_at) == (ended_at, ended_at)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("DELAYED", SubscriptionStatus.PAST_DUE),
        ("OVERDUE", SubscriptionStatus.PAST_DUE),
        ("CANCELLED_BY_CUSTOMER", SubscriptionStatus.CANCELLED),
        ("CANCELLED_BY_ADMIN", SubscriptionStatus.CANCELLED),
        ("CANCELLED", SubscriptionStatus.CANCELLED),
        ("CANCELED", SubscriptionStatus.CANCELLED),
        ("EXPIRED", SubscriptionStatus.EXPIRED),
    ],
)
def test_statuses_are_understood_in_every_spelling(word: str, status: SubscriptionStatus) -> None:
    fact = told(status=word)
    assert (fact.status, fact.occurred_at, fact.cancelled_at) == (status, READ_AT, None)


def test_an_end_date_of_one_that_runs_is_no_end() -> None:
    assert told(end_accession_date=milliseconds(BEGUN_AT)).cancelled_at is None


@pytest.mark.parametrize("word", ["STARTED", "INACTIVE"])
def test_what_never_began_is_left_aside(word: str) -> None:
    with pytest.raises(IgnoredError, match="never came"):
        told(status=word)


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    request = answer(changes={"status": "LEVITATING"})
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        HOTMART.parse(request)
    assert HOTMART.identify(request).event_type is EventType.UNKNOWN


@pytest.mark.parametrize(
    ("period", "days", "is_trial"),
    [
        (30, 7, True),
        (30, 30, True),
        (30, 37, False),  # the free entry and a month
        (360, 30, True),
        (360, 372, False),
        (7, 7, True),
        (7, 14, False),
    ],
)
def test_a_trial_is_over_with_its_first_period(period: int, days: int, is_trial: bool) -> None:
    fact = told(
        trial=True,
        plan={"recurrency_period": period},
        date_next_charge=milliseconds(BEGUN_AT + timedelta(days=days)),
    )
    status = SubscriptionStatus.TRIAL if is_trial else SubscriptionStatus.ACTIVE
    assert fact.status is status


@pytest.mark.parametrize(
    "changes",
    [
        {"trial": False},
        {"plan": None},
        {"accession_date": None},
        {"date_next_charge": None},
    ],
)
def test_without_the_dates_or_the_flag_nothing_is_called_a_trial(changes: dict[str, Any]) -> None:
    soon = milliseconds(BEGUN_AT + timedelta(days=7))
    whole: dict[str, Any] = {
        "trial": True,
        "plan": {"recurrency_period": 30},
        "date_next_charge": soon,
    }
    assert told(**whole).status is SubscriptionStatus.TRIAL
    assert told(**(whole | changes)).status is SubscriptionStatus.ACTIVE


def test_a_trial_that_was_cancelled_is_cancelled() -> None:
    assert told(ENDED, trial=True).status is SubscriptionStatus.CANCELLED


@pytest.mark.parametrize(
    ("days", "period"),
    [
        (7, Period.WEEKLY),
        (30, Period.MONTHLY),
        (60, Period.BIMONTHLY),
        (90, Period.QUARTERLY),
        (180, Period.SEMIANNUAL),
        (360, Period.ANNUAL),
        (None, None),
        (1, None),
    ],
)
def test_periods_are_told_in_days(days: int | None, period: Period | None) -> None:
    assert told(plan={"recurrency_period": days}).period is period


def test_the_plan_has_the_id_that_webhooks_tell() -> None:
    assert told(plan={"id": 700101, "name": "Clube Mensal"}).plan_id == "700101"


def test_no_price_is_none() -> None:
    assert told(price=None).price is None
    assert told(price={"value": 0, "currency_code": "BRL"}).price is None
    with pytest.raises(PayloadError):
        told(price={"value": -1, "currency_code": "BRL"})


@pytest.mark.parametrize("subscriber", [None, {}, {"email": " "}])
def test_a_subscriber_without_an_email_is_nobody(subscriber: Any) -> None:
    assert told(subscriber=subscriber).customer is None


def test_an_email_is_compared_in_lower_case() -> None:
    customer = told(subscriber={"email": " Ana@Example.com"}).customer
    assert customer
    assert customer.email == "ana@example.com"


def test_documented_samples_count_in_seconds() -> None:
    body = json.loads(recorded("hotmart/api-subscriptions-list").body)["items"][0]
    (fact,) = HOTMART.parse(http.answer("subscription", json.dumps(body).encode()))
    assert isinstance(fact, SubscriptionFact)
    assert fact.started_at == datetime(2020, 1, 1, 3, tzinfo=UTC)
    assert fact.occurred_at == fact.started_at  # nothing tells when it was read


def test_the_same_state_read_twice_is_one_event() -> None:
    first, again = (HOTMART.identify(answer(at=at)) for at in (READ_AT, NEXT_AT))
    assert first == again
    assert first.event_type is EventType.SUBSCRIPTION_ACTIVATED


@pytest.mark.parametrize(
    "changes", [{"status": "DELAYED"}, {"date_next_charge": 1}, {"price": None}, {"plan": None}]
)
def test_a_changed_state_is_another_event(changes: dict[str, Any]) -> None:
    changed = HOTMART.identify(answer(changes=changes))
    assert changed.event_id != HOTMART.identify(answer()).event_id


def test_a_cancellation_that_hotmart_carried_out() -> None:
    body = recorded("hotmart/answer-cancellation").body
    request = http.answer("cancellation", body, at=READ_AT.isoformat())
    assert HOTMART.parse(request) == [
        SubscriptionFact(
            code="SUBKGB81N",
            occurred_at=READ_AT,
            status=SubscriptionStatus.CANCELLED,
            next_billing_at=datetime(2025, 12, 11, 12, tzinfo=UTC),
            cancelled_at=READ_AT,
        )
    ]
    again = http.answer("cancellation", body, at=NEXT_AT.isoformat())
    assert HOTMART.identify(request).event_id != HOTMART.identify(again).event_id
    assert HOTMART.identify(request).event_type is EventType.SUBSCRIPTION_CANCELLED


def test_a_cancellation_without_its_time_cannot_be_read() -> None:
    request = http.answer("cancellation", recorded("hotmart/answer-cancellation").body)
    for read in (HOTMART.identify, HOTMART.parse):
        with pytest.raises(PayloadError, match="at is missing"):
            read(request)
