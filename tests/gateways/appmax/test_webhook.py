"""AppMax's deliveries and their traps, one behaviour a test."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recibo.billing.states import Told, charge_state, subscription_state
from recibo.gateways import http
from recibo.gateways.appmax import APPMAX, words
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import (
    IgnoredError,
    PayloadError,
    Refused,
    SignatureError,
    UnknownStatusError,
)
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    LeadFact,
    Money,
    PaymentMethod,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from tests.recordings import recorded

EXAMPLES = json.loads((Path(__file__).parent / "authentication_examples.json").read_bytes())

PAID = "appmax/panel_standard_OrderPaid"
APP_PAID = "appmax/app_order_paid"
PARTIAL = "appmax/panel_standard_OrderPartialRefund"
FLAT = "appmax/panel_two_level_flat_OrderApproved"
SUCCESS = "appmax/panel_standard_ChargeSuccess"
CANCELLATION = "appmax/panel_standard_SubscriptionCancellationEvent"
DELAY = "appmax/panel_standard_SubscriptionDelayedEvent"
APP_SUBSCRIPTION = "appmax/app_subscription_charge_success"
V1_SUBSCRIPTION = "appmax/api_v1_subscription"

ANA = CustomerFact(
    email="ana.exemplo@example.com",
    name="Ana Exemplo",
    phone="11900000001",
    document="52998224725",
    gateway_id="40001",
)
TOTAL = Money(Decimal("267.48"), "BRL")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changed(name: str, **changes: Any) -> RawRequest:
    """A recording with other values; ``__`` for a dot, ``...`` takes a place away."""
    body = json.loads(recorded(name).body)
    for place, value in changes.items():
        *path, last = place.split("__")
        holder = body
        for key in path:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return RawRequest(headers={}, body=json.dumps(body).encode())


def charge(name: str = PAID, **changes: Any) -> ChargeFact:
    """The charge of a recording; ``changes`` to its ``data``, or to ``event``."""
    fact = APPMAX.parse(changed(name, **places(changes)))[0]
    assert isinstance(fact, ChargeFact)
    return fact


def subscription(name: str, **changes: Any) -> SubscriptionFact:
    fact = APPMAX.parse(changed(name, **places(changes)))[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


def is_thin(name: str, **changes: Any) -> bool:
    return APPMAX.identify(changed(name, **places(changes))).is_thin


def places(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key if key == "event" else f"data__{key}": value for key, value in changes.items()}


def answer(resource: str, name: str, notes: Mapping[str, str] | None = None, **changes: Any) -> Any:
    body = changed(name, **changes).body
    return APPMAX.parse(http.answer(resource, body, **(notes or {})))


def read(
    name: str = "appmax/api_v1_order", notes: Mapping[str, str] | None = None, **changes: Any
) -> ChargeFact:
    """The charge of an order that was asked for."""
    resource = "order-v1" if "v1" in name else "order-v3"
    (fact,) = answer(resource, name, notes, **changes)
    assert isinstance(fact, ChargeFact)
    return fact


def state_of(*facts: ChargeFact) -> Any:
    """What the facts add up to; the same for every order of them."""
    told = [Told(fact, repr(fact), "", simulated=False) for fact in facts]
    assert charge_state(told) == charge_state(told[::-1])
    return charge_state(told)


# Who sent it


@pytest.mark.parametrize("example", EXAMPLES["cases"], ids=lambda example: example["name"])
def test_every_example_of_authentication_gets_its_verdict(example: Mapping[str, Any]) -> None:
    request = RawRequest(
        headers={name.encode(): value.encode() for name, value in example["headers"].items()},
        body=recorded(f"appmax/{example['body_file'].removesuffix('.json')}").body,
        query=example["query"].encode(),
    )
    secrets = [EXAMPLES["configured_token"].encode()]
    if example["expected"] == "accepted":
        APPMAX.verify(request, secrets)
    else:
        with pytest.raises(SignatureError, match=example["error"]):
            APPMAX.verify(request, secrets)


@pytest.mark.parametrize("secret", [b"a+b/c==", b"a b", b"a&b=c", b"\xc3\xa7\xff", b"100%"])
def test_a_secret_may_hold_any_bytes(secret: bytes) -> None:
    APPMAX.verify(APPMAX.sign(recorded(PAID), secret), [secret])


def test_a_plus_that_was_pasted_as_it_is_is_a_plus() -> None:
    APPMAX.verify(RawRequest({}, b"", b"utm=1&token=a+b"), [b"a+b"])


def test_a_header_proves_nothing() -> None:
    request = RawRequest({b"x-appmax-signature": b"secret", b"token": b"secret"}, b"{}")
    with pytest.raises(SignatureError) as refused:
        APPMAX.verify(request, [b"secret"])
    assert refused.value.reason is Refused.SIGNATURE_MISSING


# Which news it is


def test_the_order_of_fields_and_what_is_empty_make_no_other_news() -> None:
    body = json.loads(recorded(PAID).body)
    turned = {name: body[name] for name in reversed(body)}
    turned["data"] = {**{name: body["data"][name] for name in reversed(body["data"])}, "x": []}
    identify = APPMAX.identify
    written = RawRequest({}, json.dumps(turned, indent=3).encode())
    assert identify(written).event_id == identify(recorded(PAID)).event_id


def test_a_second_partial_refund_is_other_news() -> None:
    first, second = (
        APPMAX.identify(changed(PARTIAL, data__total_refunded=total)) for total in (100, 150)
    )
    assert first.charge_id == second.charge_id
    assert first.event_id != second.event_id


def test_an_applications_subscription_is_other_news_on_another_day() -> None:
    body = recorded(APP_SUBSCRIPTION).body
    times = ("2026-10-05T10:00", "2026-10-05T16:30", "2026-11-05T10:00")
    first, retried, next_month = (
        APPMAX.identify(RawRequest({}, body, received_at=at(time))).event_id for time in times
    )
    assert first == retried != next_month


def test_an_order_is_the_same_news_on_another_day() -> None:
    body = recorded(APP_PAID).body
    first, later = (
        APPMAX.identify(RawRequest({}, body, received_at=at(time))).event_id
        for time in ("2026-10-05T10:00", "2026-10-06T10:00")
    )
    assert first == later


def test_the_reason_behind_the_bar_is_no_part_of_the_events_name() -> None:
    name = "appmax/panel_standard_PaymentNotAuthorized_with_reason"
    identity = APPMAX.identify(recorded(name))
    assert identity.gateway_event == "PaymentNotAuthorized"
    assert identity.event_type is EventType.CHARGE_FAILED
    assert charge(name).refusal_reason == "Autorizacao negada"


def test_the_reason_behind_the_bar_is_told_where_nothing_else_tells_one() -> None:
    name = "appmax/panel_standard_PaymentNotAuthorized_with_reason"
    assert charge(name, issuer_message=None).refusal_reason == "Autorizacao negada"
    assert charge(name, event="PaymentNotAuthorized", issuer_message="").refusal_reason == ""


@pytest.mark.parametrize(
    "name",
    [
        "appmax/panel_standard_CustomerCreated",
        "appmax/panel_standard_CustomerInterested",
        CANCELLATION,
        DELAY,
    ],
)
def test_a_customers_id_is_never_taken_for_an_orders(name: str) -> None:
    request = changed(name, data__id=200001)
    assert APPMAX.identify(request).charge_id == ""
    assert not any(isinstance(fact, ChargeFact) for fact in APPMAX.parse(request))


def test_an_unknown_event_is_kept_and_ignored() -> None:
    request = changed(PAID, event="OrderTeleported")
    assert APPMAX.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match="OrderTeleported"):
        APPMAX.parse(request)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"event": 1}', b'{"event": " | x"}'])
def test_what_is_no_event_is_an_error(body: bytes) -> None:
    with pytest.raises(PayloadError):
        APPMAX.identify(RawRequest({}, body))


def test_what_cannot_be_read_is_no_hint_but_an_error() -> None:
    request = changed(PAID, data__total="much")
    assert not APPMAX.identify(request).is_thin
    with pytest.raises(PayloadError):
        APPMAX.parse(request)


@pytest.mark.parametrize("data", [[], None, 1])
def test_a_notice_without_data_is_an_error(data: Any) -> None:
    with pytest.raises(PayloadError, match="id"):
        APPMAX.parse(changed(PAID, data=data))


# The whole of a delivery


def test_the_panels_payment_tells_all_of_the_charge() -> None:
    assert APPMAX.parse(recorded(PAID)) == [
        ChargeFact(
            charge_id="200001",
            status=ChargeStatus.PAID,
            occurred_at=at("2026-10-05T14:06:10"),
            amount=TOTAL,
            order_reference="200001",
            customer=ANA,
            product=ProductFact(id="501", name="Curso de Exemplo"),
            total=Decimal("267.48"),
            net=Decimal("248.76"),
            payment_method=PaymentMethod.CARD,
            installments=1,
            created_at=at("2026-10-05T14:05:00"),
            paid_at=at("2026-10-05T14:06:10"),
            metadata={
                "utm_source": "campanha",
                "utm_medium": "email",
                "utm_campaign": "lancamento",
            },
        )
    ]


def test_an_applications_payment_is_in_cents_and_names_no_buyer() -> None:
    assert APPMAX.parse(recorded(APP_PAID)) == [
        ChargeFact(
            charge_id="300001",
            status=ChargeStatus.PAID,
            occurred_at=at("2026-10-05T14:06:10"),
            amount=TOTAL,
            order_reference="300001",
            customer=CustomerFact(gateway_id="order-300001"),
            product=ProductFact(id="CURSO-01", name="Curso de Exemplo"),
            total=Decimal("267.48"),
            net=Decimal("248.76"),
            payment_method=PaymentMethod.CARD,
            installments=1,
            created_at=at("2026-10-05T14:05:00"),
            paid_at=at("2026-10-05T14:06:10"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "total"),
    [(PAID, "267.48"), ("appmax/panel_2020_form_OrderPaid", "267.48"), (APP_PAID, "267.48")],
)
def test_reais_as_numbers_or_text_and_cents_are_one_amount(name: str, total: str) -> None:
    assert charge(name).amount == Money(Decimal(total), "BRL")


@pytest.mark.parametrize("mark", ["app_id", "site_id"])
def test_either_mark_of_an_application_means_cents(mark: str) -> None:
    other = {"app_id": "site_id", "site_id": "app_id"}[mark]
    fact = APPMAX.parse(changed(APP_PAID, **{other: ...}))[0]
    assert isinstance(fact, ChargeFact)
    assert fact.amount == TOTAL


def test_what_the_buyer_pays_for_instalments_is_not_what_was_sold() -> None:
    fact = charge(interest=17.48)
    assert (fact.amount.amount, fact.total) == (Decimal("250.00"), Decimal("267.48"))


@pytest.mark.parametrize("total", [-1, 10**10, 1e300, "NaN", "Infinity"])
def test_an_absurd_amount_is_an_error(total: float | str) -> None:
    with pytest.raises(PayloadError):
        charge(total=total)


def test_times_are_in_sao_paulo() -> None:
    assert charge(paid_at="2026-10-31 23:30:00").paid_at == at("2026-11-01T02:30:00")
    assert charge(paid_at="2018-12-01 12:00:00").paid_at == at("2018-12-01T14:00:00")  # summer


def test_a_time_with_a_zone_is_taken_at_its_word() -> None:
    assert charge(paid_at="2026-10-05T11:06:10Z").paid_at == at("2026-10-05T11:06:10")


@pytest.mark.parametrize("time", ["soon", "31/02/2026 10h00", "0001-01-01 00:00:00+14:00"])
def test_what_is_no_time_is_an_error(time: str) -> None:
    with pytest.raises(PayloadError, match="time"):
        charge(paid_at=time)


@pytest.mark.parametrize(
    ("name", "expires_at"),
    [
        ("appmax/panel_standard_OrderPixCreated", "2026-10-05T15:05:01"),
        ("appmax/panel_standard_OrderBilletCreated", "2026-10-09T02:59:00"),
        ("appmax/app_order_billet_created", "2026-10-09T02:59:59"),
    ],
)
def test_what_awaits_payment_tells_until_when_and_how(name: str, expires_at: str) -> None:
    fact = charge(name)
    assert fact.status is ChargeStatus.PENDING
    assert fact.expires_at == at(expires_at)
    assert fact.payment_url.startswith("https://")
    assert fact.payment_code


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("CreditCard", PaymentMethod.CARD),
        ("credit_card", PaymentMethod.CARD),
        ("Boleto", PaymentMethod.BOLETO),
        ("Billet", PaymentMethod.BOLETO),
        ("Pix", PaymentMethod.PIX),
        ("Shells", PaymentMethod.OTHER),
        ("", None),
    ],
)
def test_a_method_has_a_word_of_ours(word: str, method: PaymentMethod | None) -> None:
    assert charge(payment_type=word).payment_method is method


@pytest.mark.parametrize(
    ("info", "method"),
    [
        ({"pix": {"pix_emv": "x"}}, PaymentMethod.PIX),
        ({"boleto": {}, "pix": []}, PaymentMethod.BOLETO),
        ([], None),
    ],
)
def test_an_application_tells_the_method_by_what_is_there(
    info: Any, method: PaymentMethod | None
) -> None:
    assert charge(APP_PAID, payment_info=info).payment_method is method


def test_empty_lists_stand_for_objects_that_are_not_there() -> None:
    fact = charge(visit=[], bundles=[], customer=[])
    assert (fact.metadata, fact.product) == ({}, ProductFact())
    assert fact.customer == CustomerFact(gateway_id="order-200001")


def test_products_tell_what_was_sold_where_no_bundle_does() -> None:
    fact = charge(bundles=[], products=[{"sku": 7, "name": "Livro"}])
    assert fact.product == ProductFact(id="7", name="Livro")


def test_ids_and_numbers_may_be_text() -> None:
    fact = charge(id="200001", installments="3", total="267.48", customer__telephone=11900000001)
    assert fact == charge(installments=3)


def test_a_stray_nul_is_no_reason_to_fail_a_sale() -> None:
    fact = charge(customer__fullname="Ana\0 Exemplo")
    assert fact.customer == ANA


def test_a_payload_without_the_buyer_names_the_order_to_ask_for() -> None:
    fact = charge("appmax/panel_standard_OrderPaid_without_customer")
    assert fact.customer == CustomerFact(gateway_id="order-200008")


def test_a_name_may_come_in_two_parts() -> None:
    fact = charge(customer__fullname=...)
    assert fact.customer == ANA


@pytest.mark.parametrize("name", ["appmax/panel_standard_OrderUpSold", "appmax/app_order_up_sold"])
def test_what_is_sold_on_top_belongs_to_the_first_order(name: str) -> None:
    fact = charge(name)
    assert fact.charge_id.endswith("0005")
    assert fact.order_reference == fact.charge_id[:-1] + "1"


# What the events mean


@pytest.mark.parametrize(
    ("event", "status", "expected"),
    [
        ("OrderPaid", "autorizado", ChargeStatus.AUTHORIZED),
        ("OrderPaid", "integrado", ChargeStatus.PAID),
        ("OrderPaid", "", ChargeStatus.PAID),
        ("OrderApproved", "pendente_integracao_em_analise", ChargeStatus.PAID),
        ("OrderIntegrated", "integrado", ChargeStatus.PAID),
        ("OrderAuthorizedWithDelay", "processing", ChargeStatus.AUTHORIZED),
        ("OrderBilletOverdue", "cancelado", ChargeStatus.EXPIRED),
        ("OrderPixExpired", "cancelado", ChargeStatus.EXPIRED),
        ("OrderPixExpired", "aprovado", ChargeStatus.EXPIRED),
        ("PaymentNotAuthorizedWithDelay", "cancelado", ChargeStatus.FAILED),
        ("OrderPartialRefund", "aprovado", ChargeStatus.PARTIALLY_REFUNDED),
        ("OrderChargeBackInTreatment", "aprovado", ChargeStatus.DISPUTED),
        ("OrderChargeBackInTreatment", "chargeback_em_disputa", ChargeStatus.DISPUTED),
        ("OrderChargeBackInTreatment", "chargeback_perdido", ChargeStatus.CHARGED_BACK),
        ("OrderChargeBackGain", "chargeback_vencido", ChargeStatus.PAID),
        ("OrderChargeBackGain", "integrado", ChargeStatus.PAID),
    ],
)
def test_the_event_decides_and_the_status_refines(
    event: str, status: str, expected: ChargeStatus
) -> None:
    assert charge(event=event, status=status).status is expected


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("OrderPaid", "pendente"),
        ("OrderPaid", "cancelado"),
        ("OrderPaid", "estornado"),
        ("OrderPaidByPix", "chargeback_em_tratativa"),
        ("OrderIntegrated", "recusado_por_risco"),
        ("OrderChargeBackGain", "chargeback_perdido"),
        ("OrderRefund", "aprovado"),
        ("ChargeSuccess", "cancelado"),
    ],
)
def test_money_that_the_status_belies_is_asked_for(event: str, status: str) -> None:
    assert is_thin(PAID, event=event, status=status)


@pytest.mark.parametrize(
    "changes", [{"paid_at": None}, {"total": None}, {"event": "OrderRefund", "status": "estornado"}]
)
def test_money_without_an_amount_or_a_time_is_asked_for(changes: dict[str, Any]) -> None:
    assert is_thin(PAID, **changes)


@pytest.mark.parametrize("name", [PAID, "appmax/app_order_refund", "appmax/api_v1_order"])
def test_an_unknown_status_is_an_error_not_a_guess(name: str) -> None:
    request = changed(name, data__status="levitando")
    if "api" in name:
        request = http.answer("order-v1", changed(name, data__order__status="levitando").body)
    with pytest.raises(UnknownStatusError, match="levitando"):
        APPMAX.parse(request)


def test_a_flat_model_tells_as_much_as_the_standard_one() -> None:
    fact = charge(FLAT, order_paid_at="2026-10-05 11:06:10", order_upsell_order_id=200000)
    assert fact.occurred_at == at("2026-10-05T14:06:10")
    assert (fact.charge_id, fact.order_reference) == ("200001", "200000")
    assert (fact.amount, fact.customer) == (TOTAL, ANA)
    assert fact.payment_method is PaymentMethod.CARD


def test_a_custom_content_model_may_nest_the_buyer() -> None:
    name = "appmax/panel_custom_content_OrderApproved"
    fact = charge(name, order_paid_at="2026-10-05 11:06:10", customer={"email": "A@Example.com "})
    assert fact.customer == CustomerFact(email="a@example.com")


# What the facts add up to


def test_a_dispute_that_was_won_is_paid_again() -> None:
    disputed = charge("appmax/panel_standard_OrderChargeBackInTreatment")
    won = charge("appmax/panel_standard_OrderChargeBackGain")
    paid = charge(id=200004)
    assert state_of(paid, disputed).status is ChargeStatus.DISPUTED
    assert state_of(paid, disputed, won).status is ChargeStatus.PAID
    assert state_of(won, disputed).status is ChargeStatus.PAID


def test_a_dispute_after_a_partial_refund_is_a_dispute() -> None:
    refunded = charge("appmax/app_order_partial_refund")
    disputed = charge(
        "appmax/app_order_chargeback_in_treatment",
        order_id=300001,
        refund_at="2026-10-10 10:00:00",
    )
    assert state_of(charge(APP_PAID), refunded, disputed).status is ChargeStatus.DISPUTED


def test_an_expiry_that_comes_late_undoes_no_payment() -> None:
    expired = charge("appmax/panel_standard_OrderPixExpired_status_cancelado")
    paid = charge("appmax/panel_standard_OrderPaidByPix", id=200012)
    assert state_of(paid, expired).status is ChargeStatus.PAID


def test_partial_refunds_count_apart() -> None:
    first = charge(PARTIAL)
    second = charge(PARTIAL, total_refunded=150.0, refund_amount=50.0)
    assert state_of(charge(), first, first).refunded_amount == Decimal(100)
    assert state_of(charge(), first, second).refunded_amount == Decimal(150)
    assert state_of(charge(), second).refunded_amount == Decimal(150)
    assert state_of(charge(), first, second).status is ChargeStatus.PARTIALLY_REFUNDED


def test_partial_refunds_count_apart_where_no_running_total_is_told() -> None:
    first = charge(PARTIAL)
    second = charge(PARTIAL, total_refunded=30.0, refund_amount=30.0)
    third = charge(PARTIAL, total_refunded=0, refund_amount=20.0)
    assert state_of(first, second, third).refunded_amount == Decimal(150)


def test_a_part_and_then_the_rest_is_all_of_it() -> None:
    state = state_of(charge(), charge(PARTIAL), charge("appmax/panel_standard_OrderRefund"))
    assert state.status is ChargeStatus.REFUNDED
    assert state.refunded_amount == Decimal("267.48")


def test_an_applications_partial_refund_does_not_say_how_much() -> None:
    fact = charge("appmax/app_order_partial_refund")
    assert (fact.refund_id, fact.refunded_amount) == ("", None)
    assert state_of(charge(APP_PAID), fact).status is ChargeStatus.PARTIALLY_REFUNDED


def test_a_refund_without_an_amount_is_all_of_it() -> None:
    fact = charge("appmax/panel_standard_OrderRefund", total_refunded=..., refund_amount=...)
    assert state_of(fact).refunded_amount == TOTAL.amount


def test_a_later_event_still_tells_what_was_refunded() -> None:
    fact = charge("appmax/panel_standard_OrderIntegrated", total_refunded=100.0)
    assert state_of(fact).status is ChargeStatus.PARTIALLY_REFUNDED


# Subscriptions


def test_a_collected_renewal_is_a_paid_charge_and_a_running_subscription() -> None:
    told_charge, told = APPMAX.parse(recorded(SUCCESS))
    assert isinstance(told_charge, ChargeFact)
    assert (told_charge.status, told_charge.subscription_code) == (ChargeStatus.PAID, "40001-501")
    assert told == SubscriptionFact(
        code="40001-501",
        occurred_at=at("2026-10-05T14:06:10"),
        status=SubscriptionStatus.ACTIVE,
        customer=ANA,
        product=ProductFact(id="501", name="Curso de Exemplo"),
        plan="Curso de Exemplo",
        plan_id="501",
        price=Money(Decimal("59.9"), "BRL"),
    )


def test_all_events_of_the_panel_tell_of_one_subscription() -> None:
    names = (SUCCESS, "appmax/panel_standard_CanceledSubscription", CANCELLATION, DELAY)
    assert {subscription(name).code for name in names} == {"40001-501"}


def test_the_id_of_a_subscription_may_be_missing() -> None:
    assert subscription(CANCELLATION, subscription__id=None).code == "40001-501"


def test_a_subscription_without_a_bundle_is_known_by_its_customer() -> None:
    assert subscription(CANCELLATION, subscription__bundle=[]).code == "40001-"
    with pytest.raises(PayloadError, match="customer_id"):
        subscription(CANCELLATION, subscription__bundle=[], id=None)


def test_a_new_subscription_runs_once_it_is_paid() -> None:
    name = "appmax/panel_standard_CreatedSubscription"
    assert subscription(name).status is SubscriptionStatus.ACTIVE
    assert subscription(name).started_at == at("2026-10-05T14:05:00")
    waiting = subscription(name, status="pendente", paid_at=None)
    assert (waiting.status, waiting.occurred_at) == (None, at("2026-10-05T14:05:00"))


def test_a_failed_renewal_is_never_a_payment() -> None:
    for status in ("aprovado", "cancelado"):
        failed = "appmax/panel_standard_ChargeFailed"
        assert charge(failed, status=status).status is ChargeStatus.FAILED
        assert subscription(failed, status=status).status is SubscriptionStatus.PAST_DUE


def test_a_cancellation_is_dated_and_another_event_follows_its_payment() -> None:
    fact = subscription(CANCELLATION)
    assert fact.status is SubscriptionStatus.CANCELLED
    assert fact.occurred_at == fact.cancelled_at == at("2026-11-01T12:00:00")
    undated = subscription("appmax/panel_standard_CanceledSubscription")
    assert undated.status is SubscriptionStatus.CANCELLED
    assert undated.occurred_at == at("2026-10-05T14:06:11")


def test_a_cancellation_without_its_date_is_an_error() -> None:
    with pytest.raises(PayloadError, match="cancelled_at"):
        subscription(CANCELLATION, subscription__cancelled_at=None)


def test_a_delay_ends_what_was_paid_first_and_is_ended_by_the_next_payment() -> None:
    late, first = subscription(DELAY), subscription(SUCCESS)
    renewed = subscription(SUCCESS, paid_at="2026-11-05 11:00:00")
    for told, status in (
        ([first, late], SubscriptionStatus.PAST_DUE),
        ([late, renewed, first], SubscriptionStatus.ACTIVE),
    ):
        state = subscription_state([Told(fact, repr(fact), "", simulated=False) for fact in told])
        assert state.status is status


def test_a_subscription_event_may_come_with_a_customer_whatever_its_name() -> None:
    fact = subscription(CANCELLATION, event="ChargeSuccess")
    assert (fact.status, fact.occurred_at) == (SubscriptionStatus.ACTIVE, at("2026-10-05T14:05:00"))


@pytest.mark.parametrize("price", [0, None])
def test_a_subscription_for_nothing_tells_no_price(price: int | None) -> None:
    assert subscription(CANCELLATION, subscription__total=price).price is None
    assert subscription("appmax/panel_standard_ChargeFailed", total=price).price is None


def test_an_order_of_a_subscription_without_any_time_is_an_error() -> None:
    with pytest.raises(PayloadError, match="created_at"):
        subscription("appmax/panel_standard_CanceledSubscription", created_at=..., paid_at=...)


# Leads


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("appmax/panel_standard_CustomerInterested", ProductFact("501", "Curso de Exemplo")),
        ("appmax/panel_standard_CustomerCreated", ProductFact()),
        ("appmax/app_customer_interested", ProductFact()),
    ],
)
def test_somebody_who_showed_up_is_a_lead(name: str, product: ProductFact) -> None:
    (fact,) = APPMAX.parse(recorded(name))
    assert fact == LeadFact(
        occurred_at=at("2026-10-05T14:00:00"),
        customer=ANA,
        product=product,
        left_cart="nterested" in name,
    )


def test_an_applications_customer_is_dated_by_his_last_change() -> None:
    name = "appmax/app_customer_interested"
    for updated_at, expected in (
        ("2026-10-06 09:00:00", "2026-10-06T12:00:00"),
        (None, "2026-10-05T14:00:00"),
    ):
        (fact,) = APPMAX.parse(changed(name, data__updated_at=updated_at))
        assert fact.occurred_at == at(expected)


def test_only_interest_is_an_abandoned_cart() -> None:
    words_of_carts = {w for w, kind in APPMAX.events.items() if kind is EventType.CART_ABANDONED}
    assert words_of_carts == {"CustomerInterested", "customer_interested"}


@pytest.mark.parametrize("field", ["email", "created_at"])
def test_a_lead_without_an_email_or_a_time_is_an_error(field: str) -> None:
    with pytest.raises(PayloadError, match=field):
        APPMAX.parse(changed("appmax/panel_standard_CustomerCreated", **{f"data__{field}": ""}))


# What was asked for


def test_an_order_of_v1_tells_all_of_the_charge() -> None:
    notes = {"net": "248.76", "fee": "18.72"}
    assert read(notes=notes) == ChargeFact(
        charge_id="300001",
        status=ChargeStatus.PAID,
        occurred_at=at("2026-10-05T14:06:10"),
        amount=TOTAL,
        order_reference="300001",
        customer=CustomerFact(
            email="ana.exemplo@example.com",
            name="Ana Exemplo",
            document="52998224725",
            gateway_id="40001",
        ),
        total=Decimal("267.48"),
        net=Decimal("248.76"),
        fee=Decimal("18.72"),
        payment_method=PaymentMethod.CARD,
        installments=1,
        created_at=at("2026-10-05T14:05:00"),
        paid_at=at("2026-10-05T14:06:10"),
    )


def test_an_order_of_v3_reads_like_the_panels() -> None:
    assert read("appmax/api_v3_order") == charge()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pendente", ChargeStatus.PENDING),
        ("waiting_payment", ChargeStatus.PENDING),
        ("analyzing", ChargeStatus.AUTHORIZED),
        ("cancelado", ChargeStatus.CANCELLED),
        ("recusado_por_risco", ChargeStatus.FAILED),
        ("pending_refund", ChargeStatus.REFUNDED),
        ("chargeback_em_tratativa", ChargeStatus.DISPUTED),
        ("chargeback_perdido", ChargeStatus.CHARGED_BACK),
        ("chargeback_vencido", ChargeStatus.PAID),
    ],
)
def test_what_was_read_decides(word: str, status: ChargeStatus) -> None:
    assert read(data__order__status=word).status is status
    assert read("appmax/api_v3_order", data__status=word).status is status


@pytest.mark.parametrize(
    ("news", "word", "status"),
    [
        ("charge.overdue", "cancelado", ChargeStatus.EXPIRED),
        ("charge.expired", "cancelado", ChargeStatus.EXPIRED),
        ("charge.expired", "aprovado", ChargeStatus.PAID),
        ("charge.failed", "cancelado", ChargeStatus.FAILED),
        ("charge.failed", "pendente", ChargeStatus.FAILED),
        ("charge.failed", "integrado", ChargeStatus.PAID),
        ("charge.disputed", "aprovado", ChargeStatus.DISPUTED),
        ("charge.disputed", "chargeback_perdido", ChargeStatus.CHARGED_BACK),
        ("charge.levitated", "cancelado", ChargeStatus.CANCELLED),
    ],
)
def test_the_news_tells_what_the_status_does_not(
    news: str, word: str, status: ChargeStatus
) -> None:
    assert read(notes={"news": news}, data__order__status=word).status is status


def test_a_dispute_that_was_read_and_one_that_was_told_are_won_alike() -> None:
    disputed = read(data__order__status="chargeback_em_tratativa")
    won = charge("appmax/app_order_charge_back_gain", order_id=300001)
    assert state_of(disputed, won).status is ChargeStatus.PAID
    read_later = read(data__order__status="chargeback_vencido")
    assert state_of(disputed, read_later).status is ChargeStatus.PAID


def test_a_paid_order_with_a_refund_is_refunded_in_part() -> None:
    refund = {"refunded_at": "2026-10-10 10:00:00"}
    fact = read(data__refund=refund)
    assert (fact.status, fact.occurred_at) == (
        ChargeStatus.PARTIALLY_REFUNDED,
        at("2026-10-10T13:00:00"),
    )
    told = read("appmax/api_v3_order", data__total_refunded=100.0, data__refund_amount=40.0)
    assert (told.status, told.refunded_amount) == (
        ChargeStatus.PARTIALLY_REFUNDED,
        Decimal("100.0"),
    )


def test_a_refund_is_dated_by_the_answer() -> None:
    fact = read("appmax/api_v1_order_refunded")
    assert (fact.status, fact.occurred_at) == (ChargeStatus.REFUNDED, at("2026-10-12T13:00:00"))


def test_what_the_answer_does_not_date_is_as_late_as_its_latest_time() -> None:
    fact = read(data__order__status="aprovado", data__payment__paid_at=None)
    assert fact.occurred_at == at("2026-10-05T14:05:00")
    assert read(data__order__status="chargeback_perdido").occurred_at == at("2026-10-05T14:06:10")


@pytest.mark.parametrize(
    "changes",
    [{"data__status": ""}, {"data__total": None}, {"data__created_at": None, "data__paid_at": ""}],
)
def test_an_order_that_tells_too_little_even_when_asked_for_is_an_error(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(PayloadError):
        read("appmax/api_v3_order", **changes)


def test_the_same_state_read_twice_is_one_event_and_another_state_another() -> None:
    def identity(resource: str, name: str) -> str:
        return APPMAX.identify(http.answer(resource, recorded(name).body)).event_id

    first = identity("order-v1", "appmax/api_v1_order")
    assert first == identity("order-v1", "appmax/api_v1_order")
    assert first != identity("order-v1", "appmax/api_v1_order_refunded")
    assert first.startswith("order-v1/300001/")


def test_the_buyer_of_an_order_is_told_under_the_id_that_was_asked_for() -> None:
    for resource, name in (
        ("buyer-v1", "appmax/api_v1_order"),
        ("buyer-v3", "appmax/api_v3_order"),
    ):
        request = http.answer(resource, recorded(name).body, buyer="order-300001")
        (fact,) = APPMAX.parse(request)
        assert isinstance(fact, LeadFact)
        assert fact.customer.email == "ana.exemplo@example.com"
        assert fact.customer.gateway_id == "order-300001"
        identity = APPMAX.identify(request)
        assert identity.event_id.startswith(f"{resource}/order-300001/")
        assert (identity.charge_id, identity.event_type) == ("", EventType.UNKNOWN)


@pytest.mark.parametrize(
    "changes", [{"data__customer__email": None}, {"data__order__created_at": None}]
)
def test_an_answer_without_the_buyer_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(PayloadError, match=r"email|created_at"):
        answer("buyer-v1", "appmax/api_v1_order", {"buyer": "order-300001"}, **changes)


def test_a_subscription_tells_its_paid_cycles_and_how_it_stands() -> None:
    told_charge, told = answer("subscription-v1", V1_SUBSCRIPTION, {"name": "Clube%20%C3%A0%20m"})
    assert told_charge == ChargeFact(
        charge_id="300009",
        status=ChargeStatus.PAID,
        occurred_at=at("2026-10-05T14:05:05"),
        amount=Money(Decimal("59.9"), "BRL"),
        order_reference="300009",
        customer=CustomerFact(gateway_id="order-300009"),
        product=ProductFact(name="Clube à m"),
        total=Decimal("59.9"),
        paid_at=at("2026-10-05T14:05:05"),
        subscription_code="8001",
        cycle=1,
    )
    assert told == SubscriptionFact(
        code="8001",
        occurred_at=at("2026-10-05T14:05:05"),
        status=SubscriptionStatus.ACTIVE,
        customer=CustomerFact(gateway_id="order-300009"),
        product=ProductFact(name="Clube à m"),
        plan="Clube à m",
        price=Money(Decimal("59.9"), "BRL"),
        next_billing_at=at("2026-11-05T03:00:00"),
        started_at=at("2026-10-05T14:05:00"),
    )


@pytest.mark.parametrize(
    ("changes", "news", "status", "time"),
    [
        ({"status": "ACTIVE"}, "", SubscriptionStatus.ACTIVE, "2026-10-05T14:05:05"),
        (
            {"status": "active"},
            "subscription.past_due",
            SubscriptionStatus.PAST_DUE,
            "2026-10-05T14:05:06",
        ),
        (
            {"status": "paused", "paused_at": "2026-10-20 09:00:00"},
            "",
            SubscriptionStatus.PAUSED,
            "2026-10-20T12:00:00",
        ),
        (
            {"status": "CANCELED", "canceled_at": "2026-11-01 09:00:00"},
            "subscription.past_due",
            SubscriptionStatus.CANCELLED,
            "2026-11-01T12:00:00",
        ),
        ({"charges": []}, "", SubscriptionStatus.ACTIVE, "2026-10-05T14:05:00"),
    ],
)
def test_a_subscription_stands_as_it_was_read(
    changes: dict[str, Any], news: str, status: SubscriptionStatus, time: str
) -> None:
    told = answer("subscription-v1", V1_SUBSCRIPTION, {"news": news}, **places(changes))[-1]
    assert (told.status, told.occurred_at) == (status, at(time))


def test_a_subscription_that_was_read_is_known_by_its_state() -> None:
    request = http.answer("subscription-v1", recorded(V1_SUBSCRIPTION).body)
    identity = APPMAX.identify(request)
    assert identity.event_id.startswith("subscription-v1/8001/")
    assert identity.event_type is EventType.SUBSCRIPTION_ACTIVATED
    assert identity.charge_id == "300009"


def test_an_unknown_status_of_a_subscription_is_an_error() -> None:
    with pytest.raises(UnknownStatusError, match="flying"):
        answer("subscription-v1", V1_SUBSCRIPTION, data__status="flying")


def test_a_cycle_that_is_not_paid_moves_nothing() -> None:
    cycles = [{"order_id": 1, "status": "refused"}]
    facts = answer("subscription-v1", V1_SUBSCRIPTION, data__charges=cycles)
    assert [type(fact) for fact in facts] == [SubscriptionFact]
    assert facts[0].customer is None


@pytest.mark.parametrize("field", ["order_id", "charged_at", "value"])
def test_a_paid_cycle_that_tells_too_little_is_an_error(field: str) -> None:
    cycle = {"order_id": 1, "charged_at": "2026-10-05 11:05:05", "value": 1, "status": "paid"}
    with pytest.raises(PayloadError, match=field):
        answer("subscription-v1", V1_SUBSCRIPTION, data__charges=[{**cycle, field: None}])


def test_an_answer_that_nobody_asked_for_is_an_error() -> None:
    request = http.answer("weather", recorded(PAID).body)
    with pytest.raises(PayloadError, match="weather"):
        APPMAX.identify(request)


@pytest.mark.parametrize("body", [b"{}", b'{"data": []}', b"<html>", b'{"data": {"order": []}}'])
def test_an_answer_without_data_is_an_error(body: bytes) -> None:
    with pytest.raises(PayloadError):
        APPMAX.parse(http.answer("order-v1", body))


# What is told about the gateway


def test_everything_personal_in_a_recording_has_a_listed_name() -> None:
    buyer = json.loads(recorded(PAID).body)["data"]["customer"]
    assert set(buyer) - APPMAX.personal_fields == {"id", "site_id", "created_at", "visited_url"}
    flat = json.loads(recorded(FLAT).body)["data"]
    told = {name for name in flat if name.startswith("customer_")}
    assert told - APPMAX.personal_fields == {"customer_id", "customer_site"}
    told = json.loads(recorded("appmax/app_customer_created").body)["data"]
    for part in ("customer_data", "customer_address"):
        assert set(told[part]) <= APPMAX.personal_fields


def test_every_status_has_a_type_and_a_date() -> None:
    assert set(words.STATUSES.values()) <= set(words.TYPE_OF)
    assert set(words.SUBSCRIPTION_STATUSES.values()) <= set(words.SUBSCRIPTION_TYPE_OF)
