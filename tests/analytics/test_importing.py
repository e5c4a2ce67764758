"""Importing history: what is wrong is said by line, the rest goes in."""

import io

import pytest

from recibo.analytics import importing
from recibo.analytics.models import Rate
from recibo.billing.models import Charge, Customer, Subscription
from recibo.inbox.models import Event
from recibo.messaging.models import Message
from recibo.processing.drain import drain
from tests.analytics import worked_example
from tests.analytics.conftest import as_csv, bring_in

pytestmark = pytest.mark.django_db


def example_row(**changed: str) -> dict[str, str]:
    return worked_example.rows("events")[0] | changed


def errors(*rows: dict[str, str]) -> list[str]:
    return [one.error for one in importing.import_rows(as_csv(rows)).errors]


def test_rows_become_charges_subscriptions_and_customers(example):
    assert Subscription.objects.count() == 18
    refunded = Charge.objects.get(gateway_charge_id="w-ch007")
    assert (refunded.status, refunded.refunded_amount, refunded.amount) == ("refunded", 480, 480)
    assert Charge.objects.get(gateway_charge_id="w-ch042").status == "charged_back"
    assert Charge.objects.get(gateway_charge_id="w-ch027").status == "paid"
    instalments = Charge.objects.get(gateway_charge_id="w-ch015")
    assert (instalments.installments, instalments.total, instalments.amount) == (12, 1392, 1200)


def test_nobody_is_written_to_because_of_an_import(example):
    assert not Message.objects.exists()
    assert Customer.objects.filter(email="c01@import.invalid").exists()


def test_buyers_are_known_by_their_address_where_there_is_one(rates):
    bring_in([example_row(customer_email="Ana@Example.com", customer_name="Ana")])
    customer = Customer.objects.get()
    assert (customer.email, customer.name) == ("ana@example.com", "Ana")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"type": "levitated"}, "levitated"),
        ({"occurred_at": "yesterday"}, "yesterday"),
        ({"amount": "ten"}, "amount"),
        ({"amount": "-1"}, "amount cannot be -1"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": ""}, "needs amount"),
        ({"paid_through": ""}, "needs paid_through"),
        ({"interval": "daily"}, "daily"),
        ({"currency": "REAIS"}, "REAIS"),
        ({"kind": "gift"}, "gift"),
        ({"event_id": ""}, "event_id"),
        ({"customer_id": ""}, "customer_id"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_a_bad_row_is_reported_by_line_and_the_others_go_in(changed, said):
    good = worked_example.rows("events")[1]
    found = importing.import_rows(as_csv([example_row(**changed), good]))
    [error] = found.errors
    assert error.line == 2
    assert said in error.error
    assert (found.rows, found.new) == (1, 1)
    assert Event.objects.count() == 1


def test_a_file_without_its_columns_is_refused_as_a_whole():
    with pytest.raises(importing.FileError, match="event_id"):
        importing.import_rows(io.StringIO("a,b\n1,2\n"))
    with pytest.raises(importing.FileError, match="rate_to_brl"):
        importing.import_rates(io.StringIO("month,currency,rate\n"))


def test_a_refund_that_comes_before_its_payment_leaves_the_price_of_the_sale():
    rows = [row for row in worked_example.rows("events") if row["charge_id"] == "w-ch007"]
    payment, refund = sorted(rows, key=lambda row: row["occurred_at"])
    refund["amount"] = "80.00"
    importing.import_rows(as_csv([refund]))
    drain()
    importing.import_rows(as_csv([payment]))
    drain()
    charge = Charge.objects.get()
    assert (charge.status, charge.amount) == ("partially_refunded", 480)


def test_bad_rates_are_reported_and_the_same_again_changes_nothing():
    text = "month,currency,rate_to_brl\n2026-01,USD,5.40\n2026-02,USD,0\nJan,USD,5\n2026-03,EUR,x\n"
    found = importing.import_rates(io.StringIO(text))
    assert [one.line for one in found.errors] == [3, 4, 5]
    assert (found.rows, found.new) == (1, 1)
    assert importing.import_rates(io.StringIO(text)).new == 0
    assert Rate.objects.count() == 1
