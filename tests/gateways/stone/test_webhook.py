"""Pagar.me's webhooks and their traps, one behaviour a test."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec
import pytest

from recibo.billing.states import Told, charge_state, order_state, subscription_state
from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    LeadFact,
    Money,
    PaymentMethod,
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.http import answer
from recibo.gateways.stone import STONE
from tests.recordings import recorded

PIX = "stone/webhook-charge-paid-pix"
ORDER_PIX = "stone/webhook-order-paid-pix"
CARD = "stone/webhook-charge-paid-card"
AUTHORIZED = "stone/webhook-charge-pending-card-authorized"
PARTIAL = "stone/webhook-charge-partial-canceled-card"
REFUNDED = "stone/webhook-charge-refunded-card"
ORDER_REFUNDED = "stone/webhook-order-canceled-after-refund"
ORDER_CANCELLED = "stone/webhook-order-canceled-unpaid-boleto"
CHARGED_BACK = "stone/webhook-charge-chargedback-card"
CHARGEBACK = "stone/webhook-chargeback-received-unconfirmed-shape"
FAILED = "stone/webhook-charge-payment-failed-card"
UNDERPAID = "stone/webhook-charge-underpaid-boleto"
OVERPAID = "stone/webhook-charge-overpaid-boleto"
BOLETO = "stone/webhook-charge-created-boleto"
FIRST_CYCLE = "stone/webhook-charge-paid-subscription-first-cycle"
LATER_CYCLE = "stone/webhook-charge-paid-subscription-later-cycle"
INVOICE_PAID = "stone/webhook-invoice-paid"
INVOICE_FAILED = "stone/webhook-invoice-payment-failed"
INVOICE_CREATED = "stone/webhook-invoice-created"
SUBSCRIPTION = "stone/webhook-subscription-created"
SUBSCRIPTION_UPDATED = "stone/webhook-subscription-updated"
SUBSCRIPTION_CANCELLED = "stone/webhook-subscription-canceled"
MACHINE = "stone/webhook-connect-charge-paid-pos-debit"
MACHINE_ORDER = "stone/webhook-connect-order-paid-two-pos-payments"
CUSTOMER = "stone/webhook-customer-created"
BANKING = "stone/banking-webhook-encrypted"

MARINA = CustomerFact(
    email="marina.araujo@example.com",
    name="Marina Teixeira de Araújo",
    phone="+5511990000001",
    document="12345678909",
    gateway_id="cus_Fx00000000000001",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changed(name: str, changes: Mapping[str, Any]) -> RawRequest:
    """A recording with other values at the dotted places; ``...`` takes a place away."""
    request = recorded(name)
    body = json.loads(request.body)
    for place, value in changes.items():
        *path, last = place.split(".")
        holder = body
        for key in path:
            holder = holder[int(key) if key.isdecimal() else key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return RawRequest(request.headers, json.dumps(body).encode())


def facts(name: str, event: str = "", **changes: Any) -> list[Any]:
    """The facts of a recording; ``changes`` to ``data``, ``__`` for a dot."""
    places = {f"data.{key.replace('__', '.')}": value for key, value in changes.items()}
    return STONE.parse(changed(name, {**places, **({"type": event} if event else {})}))


def charge(name: str = CARD, event: str = "", **changes: Any) -> ChargeFact:
    fact = facts(name, event, **changes)[0]
    assert isinstance(fact, ChargeFact)
    return fact


def subscription(name: str = SUBSCRIPTION, event: str = "", **changes: Any) -> SubscriptionFact:
    fact = facts(name, event, **changes)[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


def told(*names: str) -> list[Told[Any]]:
    return [
        Told(
            fact=fact,
            text=msgspec.json.encode(fact).decode(),
            customer=fact.customer.email if fact.customer else "",
            simulated=False,
        )
        for name in names
        for fact in STONE.parse(recorded(name))
    ]


def told_charges(*names: str) -> list[Told[ChargeFact]]:
    return [one for one in told(*names) if isinstance(one.fact, ChargeFact)]


# The whole of a delivery


def test_a_paid_pix() -> None:
    paid_at = at("2025-06-01T12:03:10")
    assert STONE.parse(recorded(PIX)) == [
        ChargeFact(
            charge_id="ch_Fx00000000000001",
            status=ChargeStatus.PAID,
            occurred_at=paid_at,
            amount=Money(Decimal("49.90"), "BRL"),
            order_reference="PEDIDO-4001",
            customer=MARINA,
            total=Decimal("49.90"),
            payment_method=PaymentMethod.PIX,
            created_at=at("2025-06-01T12:00:02"),
            paid_at=paid_at,
            expires_at=at("2025-06-01T13:00:00"),
            payment_url="https://api.pagar.me/core/v5/transactions/tran_Fx00000000000001/qrcode"
            "?payment_method=pix",
            payment_code="00020101021226820014br.gov.bcb.pix2560pix.example.com/qr/v2/"
            "15204000053039865802BR5912LOJA EXEMPLO6009SAO PAULO62070503***63040000",
        )
    ]


def test_a_new_subscription() -> None:
    assert STONE.parse(recorded(SUBSCRIPTION)) == [
        SubscriptionFact(
            code="sub_Fx00000000000001",
            occurred_at=at("2025-06-01T12:00:00"),
            status=SubscriptionStatus.ACTIVE,
            customer=MARINA,
            product=ProductFact(name="Clube de Cerâmica"),
            plan="Clube de Cerâmica Mensal",
            plan_id="plan_Fx00000000000001",
            price=Money(Decimal("59.90"), "BRL"),
            period=Period.MONTHLY,
            next_billing_at=at("2025-07-01T03:00:00"),
            started_at=at("2025-06-01T03:00:00"),
        )
    ]


def test_a_customer_is_somebody_who_bought_nothing_yet() -> None:
    (fact,) = STONE.parse(recorded(CUSTOMER))
    assert isinstance(fact, LeadFact)
    assert fact.occurred_at == at("2025-06-01T12:00:00")
    assert fact.customer.email == "joao.conceicao@example.com"


# Which news it is


def test_a_webhook_is_known_by_its_hook() -> None:
    assert STONE.identify(recorded(PIX)) == Identity(
        event_id="hook_Fx00000000000004",
        gateway_event="charge.paid",
        event_type=EventType.CHARGE_PAID,
        charge_id="ch_Fx00000000000001",
    )


@pytest.mark.parametrize("absent", [..., None, ""])
def test_a_webhook_without_an_id_is_known_by_its_bytes(absent: Any) -> None:
    first, again = (STONE.identify(changed(PIX, {"id": absent})) for _ in range(2))
    other = STONE.identify(changed(PIX, {"id": absent, "created_at": "2025-06-02T00:00:00Z"}))
    assert first.event_id.startswith("sha256:")
    assert first == again
    assert first.event_id != other.event_id


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        (AUTHORIZED, EventType.CHARGE_AUTHORIZED),
        ("stone/webhook-charge-pending-pix", EventType.CHARGE_CREATED),
        (ORDER_REFUNDED, EventType.CHARGE_REFUNDED),
        (ORDER_CANCELLED, EventType.CHARGE_CANCELLED),
        (INVOICE_FAILED, EventType.SUBSCRIPTION_PAST_DUE),
        (UNDERPAID, EventType.CHARGE_UPDATED),
        (CHARGEBACK, EventType.CHARGE_CHARGED_BACK),
    ],
)
def test_what_an_event_is_about_is_more_than_its_word(name: str, event_type: EventType) -> None:
    assert STONE.identify(recorded(name)).event_type is event_type


def test_an_order_whose_refund_only_the_transaction_tells_is_refunded() -> None:
    amounts = {"data.charges.0.paid_amount": ..., "data.charges.0.paid_at": ...}
    request = changed(ORDER_REFUNDED, amounts)
    assert STONE.identify(request).event_type is EventType.CHARGE_REFUNDED
    (fact,) = STONE.parse(request)
    assert isinstance(fact, ChargeFact)
    assert fact.status is ChargeStatus.REFUNDED


@pytest.mark.parametrize(
    ("name", "charge_id"),
    [
        (ORDER_PIX, "ch_Fx00000000000001"),
        (INVOICE_PAID, "ch_Fx00000000000010"),
        (CHARGEBACK, "ch_Fx00000000000003"),
        (MACHINE_ORDER, ""),  # of two charges
        (INVOICE_CREATED, ""),
        (SUBSCRIPTION, ""),
    ],
)
def test_the_charge_that_news_is_about(name: str, charge_id: str) -> None:
    assert STONE.identify(recorded(name)).charge_id == charge_id


def test_a_chargeback_names_its_charge_in_one_of_two_places() -> None:
    request = changed(CHARGEBACK, {"data.charge_id": ..., "data.charge": {"id": "ch_1"}})
    assert STONE.identify(request).charge_id == "ch_1"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("charge.levitated", "charge.levitated is not known"),
        ("card.created", "card.created moves no money"),
        ("payment-link.canceled", "moves no money"),
        ("customer.deleted", "moves no money"),
        ("subscription_item.updated", "moves no money"),
        ("order.closed", "moves no money"),
    ],
)
def test_other_events_are_kept_as_ignored(event: str, reason: str) -> None:
    request = changed(PIX, {"type": event})
    assert STONE.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match=reason):
        STONE.parse(request)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"type": 1}', b'{"type": "\xff"}'),
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_payload(body: bytes) -> None:
    request = RawRequest(headers={}, body=body)
    with pytest.raises(PayloadError):
        STONE.identify(request)
    with pytest.raises(PayloadError):
        STONE.parse(request)


@pytest.mark.parametrize("resource", [..., None, "", "xx_1", "ch"])
def test_a_known_event_about_something_else_is_an_error(resource: Any) -> None:
    with pytest.raises(PayloadError):
        facts(PIX, id=resource)


def test_the_resource_is_told_by_its_id_not_by_the_event() -> None:
    request = changed(ORDER_PIX, {"type": "charge.paid"})
    assert STONE.parse(request) == STONE.parse(recorded(ORDER_PIX))


def test_a_nul_that_postgresql_cannot_store_is_left_out() -> None:
    assert charge(customer__name="Bea\0triz \\u0000").customer.name == "Beatriz \\u0000"


# One payment is told by several events


def same_but_for_the_product(one: ChargeFact, other: ChargeFact) -> bool:
    alike = msgspec.structs.replace
    return alike(one, product=ProductFact()) == alike(other, product=ProductFact())


@pytest.mark.parametrize(
    ("of_charge", "of_order"),
    [
        (PIX, ORDER_PIX),
        ("stone/webhook-charge-created-pix", "stone/webhook-order-created-pix"),
        (CARD, "stone/webhook-order-paid-card"),
        (REFUNDED, ORDER_REFUNDED),
        (FAILED, "stone/webhook-order-payment-failed"),
    ],
)
def test_an_order_and_its_charge_tell_the_same_fact(of_charge: str, of_order: str) -> None:
    one, other = charge(of_charge), charge(of_order)
    assert same_but_for_the_product(one, other)
    assert other.product == ProductFact(id="curso-001", name="Curso de Introdução à Cerâmica")


def test_an_invoice_and_its_charge_tell_the_same_fact() -> None:
    assert same_but_for_the_product(charge(FIRST_CYCLE), charge(INVOICE_PAID))


@pytest.mark.parametrize(
    "names", list(permutations([PIX, ORDER_PIX, "stone/webhook-charge-created-pix"]))
)
def test_a_payment_told_by_three_events_counts_once(names: tuple[str, ...]) -> None:
    news = told(*names)
    assert {one.fact.charge_id for one in news} == {"ch_Fx00000000000001"}
    state = charge_state(news)
    order = order_state({"ch": state}, has_access=False)
    assert (order.status, order.paid_amount, order.amount) == ("paid", *[Decimal("49.90")] * 2)


@pytest.mark.parametrize(
    "names",
    list(permutations([CARD, PARTIAL, REFUNDED, ORDER_REFUNDED, AUTHORIZED])),
)
def test_paid_then_refunded_ends_the_same_in_any_order(names: tuple[str, ...]) -> None:
    state = charge_state(told(*names))
    assert (state.status, state.refunded_amount) == (ChargeStatus.REFUNDED, Decimal("1500.00"))
    assert state.paid_at == at("2025-06-01T12:03:10")


def test_a_part_of_the_refund_leaves_the_rest_paid_in_any_order() -> None:
    for names in permutations([CARD, PARTIAL, "stone/webhook-order-paid-card"]):
        state = charge_state(told(*names))
        assert state.status is ChargeStatus.PARTIALLY_REFUNDED
        assert state.refunded_amount == Decimal("500.00")


def test_two_attempts_under_one_code_are_one_order() -> None:
    """The seller's code repeats: a refused card, and the second order that was paid."""
    first = charge(FAILED)
    second = charge(CARD, order__code="PEDIDO-4004", order__id="or_2")
    assert first.order_reference == second.order_reference == "PEDIDO-4004"
    assert first.charge_id != second.charge_id


# Status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("stone/webhook-charge-created-pix", ChargeStatus.PENDING),
        ("stone/webhook-charge-processing", ChargeStatus.PENDING),
        (AUTHORIZED, ChargeStatus.AUTHORIZED),
        ("stone/webhook-charge-antifraud-reproved", ChargeStatus.FAILED),
        (FAILED, ChargeStatus.FAILED),
        ("stone/webhook-charge-paid-boleto", ChargeStatus.PAID),
        (PARTIAL, ChargeStatus.PARTIALLY_REFUNDED),
        (REFUNDED, ChargeStatus.REFUNDED),
        (ORDER_REFUNDED, ChargeStatus.REFUNDED),
        (ORDER_CANCELLED, ChargeStatus.CANCELLED),
        (CHARGED_BACK, ChargeStatus.CHARGED_BACK),
    ],
)
def test_the_recorded_statuses(name: str, status: ChargeStatus) -> None:
    assert charge(name).status is status


def test_waiting_for_the_capture_is_authorized() -> None:
    assert charge(AUTHORIZED, last_transaction__status="waiting_capture").status is (
        ChargeStatus.AUTHORIZED
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, ChargeStatus.REFUNDED),
        ({"paid_amount": 0}, ChargeStatus.REFUNDED),  # paid_at is there
        ({"paid_at": None, "last_transaction__status": "voided"}, ChargeStatus.REFUNDED),
        ({"paid_amount": 0, "paid_at": None}, ChargeStatus.REFUNDED),  # the transaction is
        (
            {"paid_amount": 0, "paid_at": None, "last_transaction__status": "voided"},
            ChargeStatus.CANCELLED,
        ),
        ({"paid_amount": ..., "paid_at": ..., "last_transaction": None}, ChargeStatus.CANCELLED),
    ],
)
def test_canceled_is_read_by_what_was_paid(changes: dict[str, Any], status: ChargeStatus) -> None:
    assert charge(REFUNDED, "order.canceled", **changes).status is status


@pytest.mark.parametrize(
    ("cancelled_at", "status"),
    [
        ("2025-06-10T23:59:59Z", ChargeStatus.CANCELLED),
        ("2025-06-11T00:00:00Z", ChargeStatus.EXPIRED),
        (None, ChargeStatus.CANCELLED),
    ],
)
def test_a_boleto_canceled_after_its_due_date_expired(
    cancelled_at: str | None, status: ChargeStatus
) -> None:
    assert charge(BOLETO, status="canceled", canceled_at=cancelled_at).status is status


def test_a_pix_that_lapsed_expired() -> None:
    name = "stone/webhook-charge-pending-pix"
    told = charge(name, status="canceled", last_transaction__status="expired")
    assert told.status is ChargeStatus.EXPIRED


def test_refunded_as_the_plugins_write_it() -> None:
    assert charge(REFUNDED, status="refunded").status is ChargeStatus.REFUNDED


@pytest.mark.parametrize(
    ("given_back", "status", "refunded"),
    [
        (0, ChargeStatus.PAID, None),
        (1, ChargeStatus.PARTIALLY_REFUNDED, Decimal("0.01")),
        (149_999, ChargeStatus.PARTIALLY_REFUNDED, Decimal("1499.99")),
        (150_000, ChargeStatus.REFUNDED, Decimal("1500.00")),
        (None, ChargeStatus.PAID, None),
    ],
)
def test_paid_is_read_by_what_was_given_back(
    given_back: int | None, status: ChargeStatus, refunded: Decimal | None
) -> None:
    told = charge(CARD, canceled_amount=given_back)
    assert (told.status, told.refunded_amount) == (status, refunded)


def test_paid_without_an_amount_is_read_by_what_was_charged() -> None:
    told = charge(CARD, paid_amount=..., canceled_amount=150_000)
    assert (told.status, told.total) == (ChargeStatus.REFUNDED, None)


def test_an_underpaid_boleto_is_not_a_sale() -> None:
    told = charge(UNDERPAID)
    assert (told.status, told.paid_at, told.total) == (ChargeStatus.PENDING, None, None)
    assert told.amount.amount == Decimal("150.00")
    assert told.metadata == {"paid_amount": "120.00"}


def test_an_overpaid_boleto_is_paid_and_sold_for_its_price() -> None:
    told = charge(OVERPAID)
    assert told.status is ChargeStatus.PAID
    assert (told.amount.amount, told.total) == (Decimal("150.00"), Decimal("153.50"))
    assert told.metadata == {}


def test_what_is_given_back_is_never_more_than_was_sold() -> None:
    told = charge(OVERPAID, "charge.partial_canceled", canceled_amount=15_200)
    assert (told.status, told.refunded_amount) == (
        ChargeStatus.PARTIALLY_REFUNDED,
        Decimal("150.00"),
    )


def test_a_part_that_was_captured_is_what_was_sold() -> None:
    told = charge(CARD, paid_amount=100_000)
    assert (told.status, told.amount.amount) == (ChargeStatus.PAID, Decimal("1000.00"))


def test_a_partial_cancellation_of_what_was_never_paid_is_no_refund() -> None:
    told = charge(AUTHORIZED, "charge.partial_canceled", canceled_amount=50_000)
    assert (told.status, told.refunded_amount) == (ChargeStatus.AUTHORIZED, None)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        (AUTHORIZED, "charge.paid"),
        (FAILED, "charge.overpaid"),
        (CARD, "charge.refunded"),
        (ORDER_CANCELLED, "charge.refunded"),
    ],
)
def test_a_status_that_contradicts_its_event_is_not_believed(name: str, event: str) -> None:
    with pytest.raises(PayloadError, match=f"contradicts {event}"):
        facts(name, event)


@pytest.mark.parametrize("name", [PIX, SUBSCRIPTION, INVOICE_PAID, CHARGED_BACK])
def test_an_unknown_status_is_an_error_not_a_guess(name: str) -> None:
    with pytest.raises(UnknownStatusError, match="levitating"):
        facts(name, status="levitating")


# Chargebacks, by their old and their new name


def test_a_chargeback_is_one_whatever_the_charges_word() -> None:
    told = charge(CHARGED_BACK, status="paid")
    assert told.status is ChargeStatus.CHARGED_BACK
    assert told.occurred_at == at("2025-07-10T09:00:00")
    assert told.paid_at == at("2025-06-01T12:03:10")


def test_the_new_event_with_the_charge_in_it_tells_the_same() -> None:
    request = changed(CHARGED_BACK, {"type": "chargeback.received"})
    assert not STONE.identify(request).is_thin
    assert STONE.parse(request) == STONE.parse(recorded(CHARGED_BACK))


def test_the_new_event_without_the_charge_has_to_be_asked_for() -> None:
    assert STONE.identify(recorded(CHARGEBACK)).is_thin
    with pytest.raises(IgnoredError, match="the charge that we ask for"):
        STONE.parse(recorded(CHARGEBACK))


def test_the_charge_that_was_asked_for_is_charged_back_though_its_word_is_paid() -> None:
    request = answer(
        "charge",
        recorded("stone/api-get-charge-paid").body,
        event="chargeback.received",
        at="2025-07-10T09:00:00Z",
    )
    identity = STONE.identify(request)
    assert identity.event_type is EventType.CHARGE_CHARGED_BACK
    assert identity.gateway_event == "charge/chargeback.received"
    (fact,) = STONE.parse(request)
    assert isinstance(fact, ChargeFact)
    assert fact.status is ChargeStatus.CHARGED_BACK
    assert fact.occurred_at == at("2025-07-10T09:00:00")


# Times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-06-01T12:03:11.5727266Z", datetime(2025, 6, 1, 12, 3, 11, 572_726, UTC)),
        ("2025-06-01T12:03:11", at("2025-06-01T12:03:11")),
        ("2025-06-01T09:03:11-03:00", at("2025-06-01T12:03:11")),
    ],
)
def test_times_with_seven_digits_without_a_zone_or_with_one(text: str, time: datetime) -> None:
    assert charge(paid_at=text).occurred_at == time


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(PayloadError, match="paid_at is not a time"):
        charge(paid_at=text)


def test_news_is_dated_by_the_resource_not_by_the_notice() -> None:
    assert charge(BOLETO).occurred_at == at("2025-06-01T12:00:05")
    assert charge(BOLETO, updated_at="2025-06-02T00:00:00Z").occurred_at == at("2025-06-02")


def test_a_payment_without_a_time_of_its_own_is_dated_by_the_change() -> None:
    told = charge(paid_at=None)
    assert (told.occurred_at, told.paid_at) == (at("2025-06-01T12:00:05"), None)


def test_a_refund_is_dated_by_the_charge_if_that_changed_after_the_payment() -> None:
    assert charge(PARTIAL, updated_at="2025-06-04T00:00:00Z").occurred_at == at("2025-06-04")


def test_a_refund_that_the_charge_does_not_date_is_dated_by_the_notice() -> None:
    assert charge(PARTIAL).occurred_at == at("2025-06-05T12:00:00")
    body = json.dumps(json.loads(recorded(PARTIAL).body)["data"]).encode()
    (fact,) = STONE.parse(answer("charge", body))
    assert fact.occurred_at == at("2025-06-01T12:03:10")


def test_news_without_any_time_cannot_be_dated() -> None:
    nothing = {"data.created_at": ..., "data.updated_at": ..., "created_at": ...}
    with pytest.raises(PayloadError, match="updated_at is missing"):
        STONE.parse(changed(BOLETO, nothing))
    with pytest.raises(PayloadError, match="updated_at is missing"):
        STONE.parse(changed(SUBSCRIPTION, nothing))
    with pytest.raises(PayloadError, match="updated_at is missing"):
        STONE.parse(changed(CUSTOMER, nothing))


def test_news_without_a_time_of_its_own_is_dated_by_the_notice() -> None:
    nothing = {"created_at": ..., "updated_at": ...}
    for name in (BOLETO, SUBSCRIPTION, CUSTOMER):
        (fact,) = facts(name, **nothing)
        notice = json.loads(recorded(name).body)["created_at"]
        assert fact.occurred_at == datetime.fromisoformat(notice)


# The order, the buyer, the details


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({}, "PEDIDO-4002"),
        ({"order__code": None}, "or_Fx00000000000002"),
        ({"order": None}, "PEDIDO-4002"),
        ({"order": None, "code": "X"}, "X"),
        ({"order": None, "code": None}, "ch_Fx00000000000002"),
        ({"order": None, "code": None, "invoice": {"id": "in_1"}}, "in_1"),
    ],
)
def test_the_sellers_code_of_the_order_is_the_reference(
    changes: dict[str, Any], reference: str
) -> None:
    assert charge(**changes).order_reference == reference


def test_an_order_or_invoice_without_a_code_is_known_by_its_id() -> None:
    assert charge(ORDER_PIX, code=None).order_reference == "or_Fx00000000000001"
    assert charge(INVOICE_PAID, code="").order_reference == "in_Fx00000000000001"


def test_an_order_is_told_by_each_of_its_charges_whatever_its_own_status() -> None:
    first, second = facts(MACHINE_ORDER, "order.updated", status="pending")
    assert [first.charge_id, second.charge_id] == ["ch_Fx00000000000013", "ch_Fx00000000000014"]
    assert {first.status, second.status} == {ChargeStatus.PAID}
    states = {one.fact.charge_id: charge_state([one]) for one in told(MACHINE_ORDER)}
    assert order_state(states, has_access=False).paid_amount == Decimal("150.00")


def test_an_order_that_awaits_its_first_charge_has_nothing_to_tell() -> None:
    with pytest.raises(IgnoredError, match="PEDIDO-4001 has no charge yet"):
        facts("stone/webhook-order-created-pix", charges=[])


def test_a_paid_order_without_a_charge_is_an_error() -> None:
    with pytest.raises(PayloadError, match=r"order\.charges is missing"):
        facts(ORDER_PIX, charges=None)


@pytest.mark.parametrize(
    ("items", "product"),
    [
        ([], ProductFact()),
        (None, ProductFact()),
        ([{"code": None, "name": "A"}], ProductFact(name="A")),
        (
            [{"code": 7, "description": "A"}, {"code": "8"}, {"description": "B"}],
            ProductFact(id="7", name="A + B"),
        ),
    ],
)
def test_what_was_bought(items: Any, product: ProductFact) -> None:
    assert charge(ORDER_PIX, items=items).product == product


def test_the_buyer_of_an_order_buys_what_its_charges_collect_for() -> None:
    assert charge(ORDER_PIX, charges__0__customer=None).customer == MARINA
    assert charge(customer=None).customer is None


@pytest.mark.parametrize(
    ("phones", "phone"),
    [
        ([], ""),
        ({}, ""),
        (None, ""),
        ({"mobile_phone": {"country_code": "55", "area_code": "11"}}, ""),
        ({"mobile_phone": {"area_code": 11, "number": 990000001}}, "11990000001"),
        ({"home_phone": {"country_code": "55", "area_code": "11", "number": "3"}}, "+55113"),
    ],
)
def test_phones_in_all_their_shapes(phones: Any, phone: str) -> None:
    assert charge(customer__phones=phones).customer.phone == phone


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ([], {}),
        (None, {}),
        ("text", {}),
        (
            {"a": "x", "b": 1, "c": True, "d": 1.5, "e": "", "f": None, "g": {}},
            {"a": "x", "b": "1", "c": "true", "d": "1.5"},
        ),
    ],
)
def test_metadata_in_all_their_shapes(metadata: Any, kept: dict[str, str]) -> None:
    assert charge(metadata=metadata).metadata == kept


def test_the_orders_notes_are_kept_with_the_charges() -> None:
    told = charge(order__metadata={"a": "order", "b": "order"}, metadata={"b": "charge"})
    assert told.metadata == {"a": "order", "b": "charge"}


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("debit_card", PaymentMethod.CARD),
        ("voucher", PaymentMethod.CARD),
        ("bank_transfer", PaymentMethod.BANK_TRANSFER),
        ("cash", PaymentMethod.CASH),
        ("carrier_pigeon", PaymentMethod.OTHER),
        ("checkout", None),
        (None, None),
    ],
)
def test_payment_methods(word: str | None, method: PaymentMethod | None) -> None:
    assert charge(payment_method=word).payment_method is method


def test_only_a_refusal_says_why() -> None:
    assert charge(FAILED).refusal_reason == "Transação não autorizada"
    assert charge(FAILED, last_transaction__acquirer_message=None).refusal_reason == ""
    assert charge(CARD).refusal_reason == ""
    # The acquirer had approved what the antifraud analysis refused.
    assert charge("stone/webhook-charge-antifraud-reproved").refusal_reason == ""


def test_a_boleto_can_be_paid_by_its_line_until_its_due_date() -> None:
    told = charge(BOLETO, due_at=None)
    assert told.payment_code.startswith("19790.")
    assert told.payment_url.endswith("/pdf")
    assert told.expires_at == at("2025-06-10T23:59:59")


@pytest.mark.parametrize("amount", [-1, 10**13, "4990", 1.5, None])
def test_what_is_no_amount_is_an_error(amount: Any) -> None:
    with pytest.raises(PayloadError):
        charge(amount=amount)


def test_the_currency_is_the_charges_or_the_orders_or_brl() -> None:
    assert charge(currency="USD").amount.currency == "USD"
    assert charge(ORDER_PIX, charges__0__currency=..., currency="USD").amount.currency == "USD"
    assert charge(currency=...).amount.currency == "BRL"


@pytest.mark.parametrize("name", [PIX, ORDER_PIX, INVOICE_PAID])
def test_a_charge_without_an_id_is_an_error(name: str) -> None:
    place = {PIX: "id", ORDER_PIX: "charges__0__id", INVOICE_PAID: "charge__id"}[name]
    with pytest.raises(PayloadError):
        charge(name, **{place: ""})


def test_a_charge_of_an_order_without_a_name_is_an_error() -> None:
    with pytest.raises(PayloadError):
        charge(ORDER_PIX, code="", id="")


# Card machines


def test_a_card_machine_says_cash_and_means_a_card() -> None:
    told = charge(MACHINE)
    assert told.payment_method is PaymentMethod.CARD
    assert told.installments == 1
    assert told.occurred_at == at("2025-06-01T12:10:01")
    assert told.customer is not None
    assert (told.customer.email, told.customer.name) == ("", "Cliente Balcão")


@pytest.mark.parametrize(
    ("scheme", "method"), [("Pix", PaymentMethod.PIX), ("Elo", PaymentMethod.CARD)]
)
def test_a_card_machine_may_be_paid_by_pix(scheme: str, method: PaymentMethod) -> None:
    assert charge(MACHINE, metadata={"scheme_name": scheme}).payment_method is method


@pytest.mark.parametrize("count", ["", "²", "x", "-1", "9999"])
def test_a_card_machines_absurd_number_of_parts_is_left_out(count: str) -> None:
    assert charge(MACHINE, metadata__installment_quantity=count).installments is None


def test_the_transaction_knows_the_parts_better_than_a_note() -> None:
    assert charge(CARD, metadata={"installment_quantity": "3"}).installments == 12


# Subscriptions


def test_a_cycle_is_part_of_its_subscription() -> None:
    first, later = charge(FIRST_CYCLE), charge(LATER_CYCLE)
    assert first.subscription_code == later.subscription_code == "sub_Fx00000000000001"
    assert (first.cycle, later.cycle) == (1, None)
    assert charge(INVOICE_FAILED).cycle == 3
    assert charge(INVOICE_FAILED, cycle=None).cycle is None


def test_a_failed_invoice_makes_the_subscription_late_though_its_word_is_active() -> None:
    failed, late = facts(INVOICE_FAILED)
    assert failed.status is ChargeStatus.FAILED
    assert failed.refusal_reason == "Saldo insuficiente"
    assert late == SubscriptionFact(
        code="sub_Fx00000000000001",
        occurred_at=at("2025-08-01T03:00:00"),
        status=SubscriptionStatus.PAST_DUE,
        customer=MARINA,
        product=ProductFact(name="Clube de Cerâmica"),
        period=Period.MONTHLY,
        next_billing_at=at("2025-09-01T02:59:59"),
    )


@pytest.mark.parametrize(
    ("event", "word", "status"),
    [
        ("invoice.payment_failed", "pending", SubscriptionStatus.PAST_DUE),
        ("invoice.updated", "failed", SubscriptionStatus.PAST_DUE),
        ("invoice.updated", "paid", SubscriptionStatus.ACTIVE),
        ("invoice.paid", "paid", SubscriptionStatus.ACTIVE),
    ],
)
def test_what_an_invoice_says_of_its_subscription(
    event: str, word: str, status: SubscriptionStatus
) -> None:
    assert subscription(INVOICE_PAID, event, status=word).status is status


def test_a_failed_attempt_is_dated_by_the_charge_if_that_is_newer() -> None:
    told = subscription(INVOICE_FAILED, charge__updated_at="2025-08-03T00:00:00Z")
    assert told.occurred_at == at("2025-08-03")


def test_an_invoice_without_times_is_dated_by_the_notice() -> None:
    assert subscription(INVOICE_FAILED, charge=None, created_at=None).occurred_at == at(
        "2025-08-01T03:00:30"
    )
    nothing = {"data.charge": None, "data.created_at": None, "created_at": None}
    with pytest.raises(PayloadError, match="created_at is missing"):
        STONE.parse(changed(INVOICE_FAILED, nothing))


@pytest.mark.parametrize("word", ["canceled", "failed"])
def test_paying_an_old_invoice_does_not_bring_a_subscription_back(word: str) -> None:
    (fact,) = facts(INVOICE_PAID, subscription__status=word)
    assert isinstance(fact, ChargeFact)


def test_an_invoice_without_a_subscription_tells_of_its_charge_only() -> None:
    (fact,) = facts(INVOICE_PAID, subscription=None)
    assert fact.subscription_code == ""


@pytest.mark.parametrize("word", ["pending", "scheduled", "canceled"])
def test_an_invoice_that_is_neither_paid_nor_late_has_nothing_to_tell(word: str) -> None:
    with pytest.raises(IgnoredError, match=f"{word}. has no charge"):
        facts(INVOICE_CREATED, status=word)


def test_being_active_does_not_mean_that_the_cycle_is_paid() -> None:
    """Whatever changes on a late subscription, Pagar.me goes on calling it active."""
    updated = subscription(SUBSCRIPTION_UPDATED)
    assert (updated.status, updated.next_billing_at) == (None, at("2025-07-10T03:00:00"))
    later = subscription(SUBSCRIPTION_UPDATED, updated_at="2025-08-02T00:00:00Z")
    news = [one for one in told(SUBSCRIPTION, INVOICE_FAILED) if type(one.fact) is SubscriptionFact]
    news.append(Told(fact=later, text="", customer="", simulated=False))
    for order in permutations(news):
        assert subscription_state(order).status is SubscriptionStatus.PAST_DUE


@pytest.mark.parametrize(
    "names",
    list(permutations([SUBSCRIPTION, INVOICE_PAID, INVOICE_FAILED, SUBSCRIPTION_CANCELLED])),
)
def test_a_subscription_ends_the_same_in_any_order(names: tuple[str, ...]) -> None:
    news = [one for one in told(*names) if isinstance(one.fact, SubscriptionFact)]
    state = subscription_state(news)
    assert state.status is SubscriptionStatus.CANCELLED
    assert state.cancelled_at == at("2025-08-15T10:00:00")


def test_one_that_starts_later_runs_without_being_paid() -> None:
    told = subscription("stone/webhook-subscription-created-future")
    assert told.status is SubscriptionStatus.TRIAL
    assert told.started_at == told.next_billing_at == at("2025-09-01T03:00:00")


def test_a_cancelled_one_is_not_billed_again() -> None:
    told = subscription(SUBSCRIPTION_CANCELLED, next_billing_at="2025-09-01T03:00:00Z")
    assert told.next_billing_at is None
    assert told.cancelled_at == told.occurred_at == at("2025-08-15T10:00:00")


@pytest.mark.parametrize("event", ["subscription.canceled", "subscription.deleted"])
def test_a_cancellation_is_one_whatever_the_subscriptions_word(event: str) -> None:
    told = subscription(SUBSCRIPTION_CANCELLED, event, status="active", canceled_at=None)
    assert told.status is SubscriptionStatus.CANCELLED
    assert told.occurred_at == at("2025-08-15T10:00:01")


def test_a_cancelled_subscription_that_was_asked_for() -> None:
    body = json.dumps(json.loads(recorded(SUBSCRIPTION_CANCELLED).body)["data"]).encode()
    request = answer("subscription", body.replace(b'"canceled_at"', b'"ignored"'))
    (fact,) = STONE.parse(request)
    assert fact.occurred_at == at("2025-06-01T12:00:00")
    assert STONE.identify(request).event_type is EventType.SUBSCRIPTION_CANCELLED


@pytest.mark.parametrize(
    ("interval", "count", "period"),
    [
        ("week", 1, Period.WEEKLY),
        ("day", 7, Period.WEEKLY),
        ("day", 30, Period.MONTHLY),
        ("month", None, Period.MONTHLY),
        ("month", 2, Period.BIMONTHLY),
        ("month", 3, Period.QUARTERLY),
        ("month", 6, Period.SEMIANNUAL),
        ("month", 12, Period.ANNUAL),
        ("year", 1, Period.ANNUAL),
        ("month", 5, None),
        (None, None, None),
    ],
)
def test_periods(interval: str | None, count: int | None, period: Period | None) -> None:
    assert subscription(interval=interval, interval_count=count).period is period


def item(price: int | None, **more: Any) -> dict[str, Any]:
    return {"quantity": 1, "pricing_scheme": {"price": price}, **more}


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({"items": [item(1000, quantity=3)]}, "30.00"),
        ({"items": [item(1000), item(500, quantity=None)]}, "15.00"),
        ({"items": [item(1000), item(500, status="deleted")]}, "10.00"),
        (
            {"items": [item(1000)], "discounts": [{"value": 10, "discount_type": "percentage"}]},
            "9.00",
        ),
        (
            {"items": [item(999)], "discounts": [{"value": 5, "discount_type": "percentage"}]},
            "9.49",
        ),
        ({"items": [item(1000)], "discounts": [{"value": 250, "discount_type": "flat"}]}, "7.50"),
        ({"items": [item(1000)], "discounts": [{"value": 250, "status": "deleted"}]}, "10.00"),
        ({"items": [item(1000)], "discounts": [{"value": 5000, "discount_type": "flat"}]}, "0.00"),
        (
            {"items": [item(1000)], "increments": [{"value": 50, "increment_type": "percentage"}]},
            "15.00",
        ),
        ({"items": [item(1000)], "increments": [{"value": 50, "increment_type": "flat"}]}, "10.50"),
        ({"items": [item(1000), item(None)]}, None),
        ({"items": [{"quantity": 1}]}, None),
        ({"items": []}, None),
        ({"items": None}, None),
    ],
)
def test_the_price_is_the_items_less_discounts_plus_increments(
    changes: dict[str, Any], price: str | None
) -> None:
    told = subscription(**changes).price
    assert told == (None if price is None else Money(Decimal(price), "BRL"))


def test_a_subscription_without_a_plan_is_named_by_its_items() -> None:
    told = subscription(plan=None)
    assert (told.plan, told.plan_id) == ("Clube de Cerâmica", "")


def test_a_subscription_without_an_id_is_an_error() -> None:
    with pytest.raises(PayloadError):
        subscription(INVOICE_PAID, subscription__id="")


# Customers


@pytest.mark.parametrize("email", [None, "", "  "])
def test_a_customer_without_an_email_is_nobody_we_could_know(email: str | None) -> None:
    with pytest.raises(IgnoredError, match="has no e-mail"):
        facts(CUSTOMER, email=email)


def test_an_email_is_one_however_it_is_typed() -> None:
    (fact,) = facts(CUSTOMER, email=" JOAO@Example.com ")
    assert fact.customer.email == "joao@example.com"


# The Banking API


def test_an_encrypted_webhook_is_known_by_its_header_and_ignored() -> None:
    headers = {
        b"x-stone-webhook-event-id": b"0620e430",
        b"x-stone-webhook-event-type": b"order_paid",
    }
    request = RawRequest(headers, recorded(BANKING).body)
    assert STONE.identify(request) == Identity(
        event_id="banking/0620e430",
        gateway_event="banking/order_paid",
        event_type=EventType.UNKNOWN,
    )
    with pytest.raises(IgnoredError, match="encrypted to a key that Recibo does not have"):
        STONE.parse(request)


def test_an_encrypted_webhook_without_an_id_is_known_by_its_bytes() -> None:
    identity = STONE.identify(recorded(BANKING))
    assert identity.event_id.startswith("sha256:")
    assert identity.gateway_event == "banking/encrypted"


def test_claims_in_the_clear_are_not_believed() -> None:
    claims = {"event_type": "order_paid", "target_data": {"id": "or_1", "status": "paid"}}
    request = RawRequest({}, json.dumps(claims).encode())
    assert STONE.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError):
        STONE.parse(request)


# What was asked for


def test_a_state_read_twice_is_one_event_and_another_state_another() -> None:
    first, again = (answer("charge", recorded("stone/api-get-charge-paid").body) for _ in range(2))
    assert STONE.identify(first) == STONE.identify(again)
    refunded = first.body.replace(b'"paid_amount"', b'"canceled_amount": 50000, "paid_amount"')
    assert STONE.identify(answer("charge", refunded)).event_id != STONE.identify(first).event_id


def test_a_hook_that_was_delivered_once_more_is_the_same_event() -> None:
    body = recorded("stone/api-get-hook").body
    again = body.replace(b"1/3", b"2/3").replace(b'"sent"', b'"failed"')
    assert again != body
    assert STONE.identify(answer("hook", again)) == STONE.identify(answer("hook", body))


def test_a_hook_that_was_asked_for_is_not_the_notice_that_it_confirms() -> None:
    hook = answer("hook", recorded("stone/api-get-hook").body)
    assert STONE.identify(hook).event_id != STONE.identify(recorded(PIX)).event_id
    assert STONE.parse(hook) == STONE.parse(recorded(PIX))


def test_an_answer_tells_what_the_webhook_tells() -> None:
    charge_answer = answer("charge", recorded("stone/api-get-charge-paid").body)
    assert STONE.parse(charge_answer) == STONE.parse(recorded(CARD))
    order_answer = answer("order", recorded("stone/api-get-order-paid").body)
    assert STONE.parse(order_answer) == STONE.parse(recorded(ORDER_PIX))


def test_an_answer_about_two_charges_is_as_urgent_as_the_more_urgent_one() -> None:
    data = json.loads(recorded(MACHINE_ORDER).body)["data"]
    data["charges"][0] |= {"status": "pending", "paid_amount": 0}
    identity = STONE.identify(answer("order", json.dumps(data).encode()))
    assert identity.event_type is EventType.CHARGE_PAID


def test_an_answer_that_cannot_be_understood_is_still_identified() -> None:
    body = recorded("stone/api-get-charge-paid").body.replace(b'"paid"', b'"levitating"')
    identity = STONE.identify(answer("charge", body))
    assert identity.event_type is EventType.UNKNOWN
    assert identity.event_id.startswith("charge/ch_Fx00000000000002/levitating/sha256:")


def test_a_customer_that_was_asked_for() -> None:
    body = json.dumps(json.loads(recorded(CUSTOMER).body)["data"]).encode()
    assert STONE.parse(answer("customer", body)) == STONE.parse(recorded(CUSTOMER))
    assert STONE.identify(answer("customer", body)).event_type is EventType.UNKNOWN
