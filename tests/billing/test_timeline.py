"""The story of an order. How it reads over HTTP is tried in tests/api."""

from datetime import timedelta

import msgspec
import pytest

from recibo.billing.models import ChargeNews, Order
from recibo.billing.timeline import timeline
from recibo.processing.drain import drain
from tests.api.conftest import told
from tests.inboxes import NOW, received

pytestmark = pytest.mark.django_db


def story() -> list[tuple[str, str]]:
    """What happened to the one order, without what came in."""
    entries = timeline(Order.objects.get())
    return [(one.kind, one.text) for one in entries if one.kind.startswith("charge.")]


def test_a_refund_shows_though_the_gateway_still_says_paid():
    told("purchase-approved", 1)
    told("purchase-complete", 1, at=NOW + timedelta(days=8))
    drain()
    news = ChargeNews.objects.order_by("occurred_at").last()
    fact = {**msgspec.json.decode(news.fact), "refunded_amount": "20.00"}
    ChargeNews.objects.filter(pk=news.pk).update(fact=msgspec.json.encode(fact).decode())
    assert story() == [
        ("charge.paid", "Charge HP2000000001 paid: BRL 97.90"),
        (
            "charge.partially_refunded",
            "Charge HP2000000001 partially_refunded: BRL 20.00 given back",
        ),
    ]


def test_news_that_repeats_what_is_known_adds_no_step():
    told("purchase-approved", 1)
    told("purchase-complete", 1, at=NOW + timedelta(days=8))
    drain()
    assert [kind for kind, _ in story()] == ["charge.paid"]


def test_an_event_that_could_not_be_applied_yet_is_part_of_the_story():
    told("purchase-approved", 1)
    drain()
    waiting = told("purchase-refunded", 1, at=NOW + timedelta(days=4))
    received(b"{")  # about nothing
    entries = timeline(Order.objects.get())
    assert [one.event_id for one in entries][-1] == waiting.pk
    assert "pending" in entries[-1].text
