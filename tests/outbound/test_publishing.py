"""What the seller's own applications hear of: each change once, in the shape of the catalogue."""

import json
from datetime import timedelta

import msgspec
import pytest
from django.db import transaction
from django.utils import timezone

from recibo.automation.publishing import publish, word_of
from recibo.billing.actions import correct
from recibo.billing.changes import Change, Subject
from recibo.billing.models import Charge, Customer, Order
from recibo.gateways.facts import ChargeStatus, EventType, SubscriptionStatus
from recibo.inbox.models import Event, Source
from recibo.outbound import log, telling
from recibo.outbound.models import Delivery, Endpoint, PublishedChange
from recibo.outbound.payloads import CATALOGUE, Message, encoded
from recibo.processing.actions import replay
from recibo.processing.drain import drain
from recibo.work.sql import execute
from tests.api.conftest import sold, told
from tests.inboxes import NOW

pytestmark = pytest.mark.django_db


def published() -> list[Message]:
    """What is in the log, as receivers get it, in the order in which it was kept."""
    return [telling.message_of(one) for one in PublishedChange.objects.order_by("id")]


def types() -> list[str]:
    return list(PublishedChange.objects.order_by("id").values_list("type", flat=True))


def wanting(**filters: object) -> Endpoint:
    return Endpoint.objects.create(url="https://loja.example.com/recibo", **filters)


def test_a_sale_is_told_of_as_subscription_charge_and_order() -> None:
    sold(1)
    assert types() == ["subscription.activated", "charge.paid", "order.paid"]


def test_a_paid_order_is_told_with_its_amounts_and_its_buyer() -> None:
    sold(1)
    order, event = Order.objects.get(), Event.objects.get()
    [message] = [one for one in published() if one.type == "order.paid"]
    body = json.loads(encoded(message))
    assert body["data"]["customer"] == {
        "id": order.customer_id,
        "email": order.customer.email,
        "name": order.customer.name,
    }
    assert (body["data"]["reference"], body["data"]["status"]) == (order.reference, "paid")
    assert (body["data"]["amount"], body["data"]["currency"]) == (f"{order.amount:.2f}", "BRL")
    assert (body["data"]["gateway"], body["data"]["account"]) == ("hotmart", "default")
    assert body["data"]["event_id"] == event.pk
    assert body["data"]["previous_status"] is None
    assert body["timestamp"].endswith("Z")
    assert body["version"] == 1


def test_a_charge_names_its_order_and_what_it_was_before() -> None:
    told("purchase-billet-printed", 1)
    drain()
    told("purchase-approved", 1, at=NOW + timedelta(hours=1))
    drain()
    told_of = [one.data for one in published() if one.type == "charge.paid"]
    [data] = told_of
    charge = Charge.objects.select_related("order").get()
    assert (data.order.id, data.order.reference) == (charge.order_id, charge.order.reference)
    assert (data.status, data.previous_status) == ("paid", "pending")
    assert data.gateway_charge_id == charge.gateway_charge_id


@pytest.mark.parametrize("source", [Source.SIMULATE, Source.SYNC])
def test_what_nobody_reacts_to_is_not_told(source: Source) -> None:
    told("purchase-approved", 1, source=source)
    drain()
    assert Charge.objects.exists()
    assert types() == []


def test_a_silent_replay_tells_nothing() -> None:
    sold(1)
    before = types()
    Charge.objects.update(status=ChargeStatus.PENDING)
    replay([Event.objects.get().pk], with_messages=False, actor="tests")
    drain()
    assert Charge.objects.get().status == ChargeStatus.PAID
    assert types() == before


def test_a_repeated_event_tells_nothing_twice() -> None:
    told("purchase-approved", 1)
    drain()
    before = types()
    told("purchase-complete", 1, at=NOW)  # the gateway says it again in other words
    drain()
    assert types() == before


def test_a_batch_is_kept_in_one_statement(monkeypatch) -> None:
    sold(20)
    wanting()
    statements: list[str] = []

    def counted(sql: str, *parameters: object) -> list:
        statements.append(sql)
        return execute(sql, *parameters)

    monkeypatch.setattr(log, "execute", counted)
    changes = [
        Change(Subject.CHARGE, pk, "x", "", "paid", 1)
        for pk in Charge.objects.values_list("pk", flat=True)
    ]
    changes += [
        Change(Subject.ORDER, pk, "x", "", "paid", 1)
        for pk in Order.objects.values_list("pk", flat=True)
    ]
    before = PublishedChange.objects.count()
    publish(changes)
    assert statements == [log.PUBLISH]
    assert PublishedChange.objects.count() == before + 40


def test_a_change_that_is_rolled_back_was_never_told() -> None:
    sold(1)
    wanting()
    before = types()
    with transaction.atomic():
        publish([Change(Subject.ORDER, Order.objects.get().pk, "x", "paid", "refunded", 1)])
        transaction.set_rollback(True)
    assert types() == before
    assert not Delivery.objects.exists()


def test_who_the_buyer_is_stands_in_no_log_and_follows_corrections() -> None:
    sold(1)
    customer = Customer.objects.get()
    assert customer.email not in json.dumps(list(PublishedChange.objects.values("data")))
    correct(customer.pk, {"email": "certo@example.com"}, actor="tests")
    assert {one.data.customer.email for one in published()} == {"certo@example.com"}


def test_an_order_whose_buyer_nobody_knows_is_told_without_one() -> None:
    sold(1)
    Order.objects.update(customer=None)
    [message] = [one for one in published() if one.type == "order.paid"]
    assert message.data.customer is None


def test_what_is_no_longer_there_is_left_out_and_the_rest_is_told() -> None:
    sold(1)
    PublishedChange.objects.filter(type="charge.paid").update(subject_id=0)
    told_of = telling.messages_of(list(PublishedChange.objects.order_by("id")))
    assert [one.type for one in told_of] == ["subscription.activated", "order.paid"]


def test_a_state_is_that_of_the_change_though_it_is_another_by_now() -> None:
    sold(1)
    Charge.objects.update(status=ChargeStatus.REFUNDED)
    [message] = [one for one in published() if one.type == "charge.paid"]
    assert message.data.status == "paid"


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, 3),
        ({"events": ["order.paid"]}, 1),
        ({"events": ["order.paid", "charge.*"]}, 2),
        ({"events": ["order.refunded"]}, 0),
        ({"events": ["order"]}, 0),
        ({"gateways": ["hotmart"]}, 3),
        ({"gateways": ["asaas"]}, 0),
        ({"accounts": ["hotmart/default"]}, 3),
        ({"accounts": ["hotmart/outra"]}, 0),
        ({"products": ["nothing"]}, 0),
        ({"disabled_at": timezone.now()}, 0),
    ],
)
def test_an_endpoint_gets_what_its_filters_take(filters: dict, wanted: int) -> None:
    endpoint = wanting(**filters)
    sold(1)
    assert endpoint.deliveries.count() == wanted


def test_an_endpoint_can_ask_for_one_product() -> None:
    sold(1)
    product = Order.objects.get().product_id
    endpoint = wanting(products=[product])
    told("purchase-approved", 2)
    drain()
    assert endpoint.deliveries.count() == 3


def test_only_an_endpoint_that_wants_order_has_lanes() -> None:
    free, ordered = wanting(), wanting(is_ordered=True)
    sold(1)
    charge = Charge.objects.get()
    assert set(free.deliveries.values_list("lane", flat=True)) == {""}
    assert f"charge:{charge.pk}" in ordered.deliveries.values_list("lane", flat=True)


@pytest.mark.parametrize("subject", ["charge", "subscription"])
def test_every_status_has_a_word_in_the_catalogue(subject: str) -> None:
    statuses = ChargeStatus if subject == "charge" else SubscriptionStatus
    for before in ("", *statuses):
        for after in statuses:
            change = Change(Subject(subject), 1, "x", before, after, 1)
            assert word_of(change) in CATALOGUE


def test_the_words_are_those_of_events_where_there_are_such() -> None:
    own = {kind for kind in CATALOGUE if kind.startswith("charge.")}
    assert own <= set(EventType)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("", "trial", "subscription.created"),
        ("trial", "active", "subscription.activated"),
        ("", "active", "subscription.activated"),
        ("past_due", "active", "subscription.reactivated"),
        ("cancelled", "trial", "subscription.reactivated"),
    ],
)
def test_a_subscription_that_runs_is_told_by_what_it_was(before, after, word) -> None:
    assert word_of(Change(Subject.SUBSCRIPTION, 1, "x", before, after, 1)) == word


def test_who_is_unknown_is_nobodys_news() -> None:
    publish([Change(Subject.BUYER, 1, "x", "", "unknown", 1)])
    assert types() == []


def test_an_abandoned_cart_is_told_with_what_was_in_it() -> None:
    told("cart-abandonment", 1)
    drain()
    [message] = published()
    assert message.type == "cart.abandoned"
    assert message.data.product.name
    assert message.data.customer.email == Customer.objects.get().email


def test_the_longest_texts_make_a_message_below_20_kb() -> None:
    sold(1)
    long = "ç" * 50_000
    fields = ("product", "product_id", "offer", "refusal_reason")
    Charge.objects.update(**dict.fromkeys(fields, long))
    publish([Change(Subject.CHARGE, Charge.objects.get().pk, "x", "paid", "refunded", 1)])
    assert len(encoded(published()[-1])) < 20_000


def test_what_was_kept_in_another_shape_is_an_error_and_not_sent() -> None:
    told("cart-abandonment", 1)
    drain()
    change = PublishedChange.objects.get()
    change.data = change.data.replace('"url"', '"address"')
    with pytest.raises(msgspec.ValidationError, match="url"):
        telling.message_of(change)
