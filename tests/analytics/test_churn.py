"""The weekly look at churn: on Sundays at 3, once, with those who are late."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from recibo.analytics import churn
from recibo.messaging.configuration import Mail, Seller
from recibo.messaging.models import Message
from tests.analytics import worked_example
from tests.analytics.conftest import bring_in

pytestmark = pytest.mark.django_db
SUNDAY_AT_3 = datetime(2026, 5, 17, 6, tzinfo=UTC)  # 3:00 in São Paulo


@pytest.fixture
def _told(settings):
    settings.RECIBO_SELLER = Seller(email="ana@example.com")
    settings.RECIBO_MAIL = Mail(provider="smtp", sender="loja@example.com", host="127.0.0.1")


@pytest.mark.usefixtures("_told", "example")
def test_the_seller_is_written_to_once_a_week():
    assert churn.report_if_due(SUNDAY_AT_3)
    churn.report_if_due(SUNDAY_AT_3)
    message = Message.objects.get()
    assert (message.kind, message.to) == ("report", "ana@example.com")
    assert message.details["title"] == "Churn in week 2026-W20"
    assert message.details["lines"][0].startswith("This week 1 of 12 paying customers left")


@pytest.mark.usefixtures("_told", "example")
@pytest.mark.parametrize("hour", [5, 7])
def test_at_no_other_hour(hour):
    assert not churn.report_if_due(SUNDAY_AT_3.replace(hour=hour))
    assert not churn.report_if_due(SUNDAY_AT_3.replace(day=18))
    assert not Message.objects.exists()


@pytest.mark.usefixtures("example")
def test_nobody_is_written_to_where_no_address_is_set(settings):
    settings.RECIBO_SELLER = Seller()
    assert not churn.report_if_due(SUNDAY_AT_3)


def test_who_is_late_is_named_with_what_is_late(rates):
    """Of today's standing: C01 paid for a month, and has been late for a week."""
    now = datetime.now(UTC)
    row = next(one for one in worked_example.rows("events") if one["event_id"] == "w-e001")
    day = (now.timestamp() - 40 * 86400, now.timestamp() - 7 * 86400)
    began, until = (datetime.fromtimestamp(one, UTC).isoformat() for one in day)
    bring_in([row | {"occurred_at": began, "received_at": began, "paid_through": until}])
    found = churn.analyse(now)
    [late] = found.at_risk
    assert (late.email, late.mrr, found.at_risk_count) == ("c01@import.invalid", 100, 1)
    assert any("c01@import.invalid: BRL 100.00, late since" in one for one in churn.lines_of(found))


def test_more_than_usual_is_measured_against_the_last_months():
    def month(rate):
        return {"customer_churn_rate": None if rate is None else Decimal(rate)}

    assert churn.limit_of([month(None)], 100) == 5
    assert churn.limit_of([month("0.10"), month("0.10")], 100) == 10
    assert churn.limit_of([month("0.00"), month("0.20")], 100) == 30
    assert churn.limit_of([month("0.01")], 30) == 2
