"""Mercado Pago's notices, and the states that were read: one behaviour a test."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from recibo.billing.states import Told, charge_state, subscription_state
from recibo.gateways import http
from recibo.gateways.contract import Identity, RawRequest, Sale
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    CustomerFact,
    EventType,
    Money,
    PaymentMethod,
    Period,
    ProductFact,
    SubscriptionFact,
)
from recibo.gateways.facts import ChargeStatus as C
from recibo.gateways.facts import SubscriptionStatus as S
from recibo.gateways.mercadopago import MERCADOPAGO, webhook
from tests.recordings import recorded

APPROVED = "api_payment_card_approved"
PIX = "api_payment_pix_pending"
RECURRING = "api_payment_recurring_approved"
INVOICE = "api_authorized_payment_processed_approved"
PREAPPROVAL = "api_preapproval_authorized"

CODE = "2c9380840000000001900000000a0001"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state(name: str, changes: Mapping[str, Any] | None = None, **notes: str) -> RawRequest:
    """An answer with other values at the dotted places; ``...`` takes a place away."""
    body = json.loads(recorded(f"mercadopago/{name}").body)
    for place, value in (changes or {}).items():
        *path, last = place.split(".")
        holder = body
        for key in path:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return http.answer(resource_of(name), json.dumps(body).encode(), **notes)


def resource_of(name: str) -> str:
    words = ("authorized_payment", "preapproval", "payment")
    return next(word for word in words if word in name)


def facts(name: str, notes: Mapping[str, str] | None = None, **changes: Any) -> list[Any]:
    """The facts of an answer; ``changes`` with ``__`` for a dot."""
    places = {key.replace("__", "."): value for key, value in changes.items()}
    return MERCADOPAGO.parse(state(name, places, **(notes or {})))


def charge(name: str = APPROVED, **changes: Any) -> ChargeFact:
    fact = facts(name, **changes)[0]
    assert isinstance(fact, ChargeFact)
    return fact


def subscription(name: str = PREAPPROVAL, **changes: Any) -> SubscriptionFact:
    fact = facts(name, **changes)[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


def identity(name: str, **changes: Any) -> Identity:
    places = {key.replace("__", "."): value for key, value in changes.items()}
    return MERCADOPAGO.identify(state(name, places))


def notice(name: str, query: bytes = b"", request_id: bytes = b"") -> RawRequest:
    request = recorded(f"mercadopago/{name}")
    headers = {**request.headers, b"x-request-id": request_id} if request_id else request.headers
    return replace(request, headers=headers, query=query)


# Notices


@pytest.mark.parametrize(
    ("name", "event", "charge_id"),
    [
        ("webhook_payment_created", "payment.created", "90010000001"),
        ("webhook_payment_updated", "payment.updated", "90010000001"),
        ("webhook_subscription_preapproval_updated", "subscription_preapproval.updated", ""),
        (
            "webhook_subscription_authorized_payment_created",
            "subscription_authorized_payment.created",
            "",
        ),
        ("webhook_chargeback", "topic_chargebacks_wh", ""),
        ("webhook_merchant_order", "topic_merchant_order_wh.update", ""),
        ("ipn_payment", "payment", "90010000001"),
        ("ipn_merchant_order", "merchant_order", ""),
    ],
)
def test_a_notice_only_says_what_has_to_be_read(name: str, event: str, charge_id: str) -> None:
    told = MERCADOPAGO.identify(notice(name))
    assert (told.gateway_event, told.charge_id, told.is_thin) == (event, charge_id, True)
    with pytest.raises(IgnoredError, match="has to be read"):
        MERCADOPAGO.parse(notice(name))


def test_the_resource_is_the_one_in_the_address_and_never_the_bodys() -> None:
    request = notice("webhook_payment_created", b"data.id=90010000077&type=payment")
    assert MERCADOPAGO.identify(request).charge_id == "90010000077"
    with pytest.raises(IgnoredError, match="payment 90010000077"):
        MERCADOPAGO.parse(request)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data":{"id":[]}}'])
def test_an_address_that_tells_enough_needs_no_body(body: bytes) -> None:
    request = RawRequest({}, body, b"data.id=90010000001&type=payment")
    assert MERCADOPAGO.identify(request).is_thin


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b""),
        (b"", b"{}"),
        (b"", b'{"type":"payment"}'),
        (b"", b'{"type":"payment","data":{}}'),
        (b"", b'{"type":"payment","id":90010000001}'),  # the id of the notice, not of a payment
        (b"type=payment", b""),
        (b"type=pay/ment&data.id=1", b""),
        (b"type=payment&data.id=../v1/users", b""),
        (b"source_news=webhooks", b"{"),
    ],
)
def test_a_notice_that_names_nothing_is_an_error(query: bytes, body: bytes) -> None:
    with pytest.raises(PayloadError):
        MERCADOPAGO.identify(RawRequest({}, body, query))


def test_integers_beyond_2_to_the_53_are_exact() -> None:
    with pytest.raises(IgnoredError, match="chargeback 233000061680860001 "):
        MERCADOPAGO.parse(notice("webhook_chargeback"))
    told = charge(id=9007199254740993000001)
    assert told.charge_id == "9007199254740993000001"


def test_an_address_in_an_ipn_gives_only_its_last_part() -> None:
    with pytest.raises(IgnoredError, match="merchant_order 26200000001 "):
        MERCADOPAGO.parse(notice("ipn_merchant_order"))


def test_a_repeated_delivery_is_one_and_a_redelivery_harmlessly_another() -> None:
    query = b"data.id=90010000001&type=payment"
    first = notice("webhook_payment_created", query, b"request-1")
    again = notice("webhook_payment_created", query, b"request-2")
    changed = notice("webhook_payment_created_redelivered", query, b"request-1")
    identify = MERCADOPAGO.identify
    assert identify(first).event_id == identify(changed).event_id  # only the body, unsigned
    assert identify(first).event_id != identify(again).event_id


def test_without_a_request_id_the_body_tells_deliveries_apart() -> None:
    first = MERCADOPAGO.identify(notice("webhook_payment_created"))
    assert first == MERCADOPAGO.identify(notice("webhook_payment_created"))
    again = MERCADOPAGO.identify(notice("webhook_payment_created_redelivered"))
    assert first.event_id != again.event_id


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("webhook_claim", "in_mediation"),
        ("webhook_mp_connect_deauthorized", "no sale"),
        ("webhook_order_processed", "Orders API"),
        ("webhook_stop_delivery_op", "asks not to deliver"),
        ("webhook_subscription_preapproval_plan_updated", "plan changed"),
    ],
)
def test_news_that_moves_no_money_is_kept_with_a_reason(name: str, reason: str) -> None:
    assert not MERCADOPAGO.identify(notice(name)).is_thin
    with pytest.raises(IgnoredError, match=reason):
        MERCADOPAGO.parse(notice(name))


def test_a_topic_that_is_new_is_kept() -> None:
    request = RawRequest({}, b'{"action":"x y"}', b"type=novelty&data.id=1")
    told = MERCADOPAGO.identify(request)
    assert (told.gateway_event, told.event_type) == ("novelty", EventType.UNKNOWN)
    with pytest.raises(IgnoredError, match="novelty: this version does not know"):
        MERCADOPAGO.parse(request)


@pytest.mark.parametrize("query", [b"", b"data.id=123456&type=payment"])
def test_the_panels_simulation_is_never_a_sale_and_never_asked_for(query: bytes) -> None:
    request = notice("webhook_payment_test_simulated", query)
    assert not MERCADOPAGO.identify(request).is_thin
    with pytest.raises(IgnoredError, match="never a sale"):
        MERCADOPAGO.parse(request)


# The whole of a payment


def test_an_approval_tells_of_a_paid_charge() -> None:
    assert facts("api_payment_pix_approved") == [
        ChargeFact(
            charge_id="90010000001",
            status=C.PAID,
            occurred_at=at("2026-10-05T14:22:40"),
            amount=Money(Decimal(150), "BRL"),
            order_reference="PED-2026-0001",
            customer=CustomerFact(
                email="ana.exemplo@example.com",
                name="Ana Exemplo",
                document="52998224725",
                gateway_id="800000001",
            ),
            product=ProductFact(id="curso-01", name="Curso de Exemplo"),
            total=Decimal(150),
            fee=Decimal("1.49"),
            net=Decimal("148.51"),
            payment_method=PaymentMethod.PIX,
            installments=1,
            created_at=at("2026-10-05T14:21:05"),
            paid_at=at("2026-10-05T14:22:40"),
            expires_at=at("2026-10-06T14:21:05"),
            payment_url=(
                "https://www.mercadopago.com.br/payments/90010000001/ticket?caller_id=800000001"
            ),
            payment_code=(
                "00020126580014br.gov.bcb.pix0136aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
                "5204000053039865406150.005802BR5912LOJA EXEMPLO6009SAO PAULO62070503***6304ABCD"
            ),
        )
    ]


def test_a_recurring_payment_tells_of_its_subscription_too() -> None:
    paid, running = facts(RECURRING)
    assert (paid.status, paid.subscription_code, paid.cycle) == (C.PAID, CODE, 1)
    assert paid.metadata == {"preapproval_id": CODE}
    assert running == SubscriptionFact(
        code=CODE,
        occurred_at=at("2026-10-05T19:30:02"),
        status=S.ACTIVE,
        customer=paid.customer,
        product=paid.product,
        plan="Clube de Exemplo",
        plan_id="2c9380840000000001900000000b0001",
        price=Money(Decimal("59.9"), "BRL"),
        period=Period.MONTHLY,
        started_at=at("2026-10-05T19:30:02"),
    )


# What happened


@pytest.mark.parametrize(
    ("name", "status", "event"),
    [
        (PIX, C.PENDING, EventType.CHARGE_CREATED),
        ("api_payment_boleto_pending", C.PENDING, EventType.CHARGE_CREATED),
        ("api_payment_card_in_process", C.PENDING, EventType.CHARGE_CREATED),
        ("api_payment_card_authorized", C.AUTHORIZED, EventType.CHARGE_AUTHORIZED),
        (APPROVED, C.PAID, EventType.CHARGE_PAID),
        ("api_payment_account_money_approved", C.PAID, EventType.CHARGE_PAID),
        ("api_payment_card_rejected", C.FAILED, EventType.CHARGE_FAILED),
        ("api_payment_pix_cancelled_expired", C.EXPIRED, EventType.CHARGE_EXPIRED),
        ("api_payment_partially_refunded", C.PARTIALLY_REFUNDED, None),
        ("api_payment_refunded", C.REFUNDED, EventType.CHARGE_REFUNDED),
        ("api_payment_in_mediation", C.DISPUTED, EventType.CHARGE_DISPUTED),
        ("api_payment_charged_back_in_process", C.CHARGED_BACK, EventType.CHARGE_CHARGED_BACK),
        ("api_payment_charged_back_settled", C.CHARGED_BACK, EventType.CHARGE_CHARGED_BACK),
    ],
)
def test_a_status_is_one_of_ours(name: str, status: C, event: EventType | None) -> None:
    assert charge(name).status is status
    assert identity(name).event_type is (event or EventType.CHARGE_PARTIALLY_REFUNDED)


@pytest.mark.parametrize("detail", ["by_collector", "by_payer", None])
def test_a_cancellation_that_is_no_expiry_is_one(detail: str | None) -> None:
    changes = {"status_detail": detail}
    assert charge("api_payment_pix_cancelled_expired", **changes).status is C.CANCELLED
    told = identity("api_payment_pix_cancelled_expired", **changes)
    assert told.event_type is EventType.CHARGE_CANCELLED


@pytest.mark.parametrize("detail", ["settled", "reimbursed", "in_process"])
def test_who_won_a_chargeback_is_never_decided_and_kept_for_a_person(detail: str) -> None:
    told = charge("api_payment_charged_back_settled", status_detail=detail)
    assert (told.status, told.metadata) == (C.CHARGED_BACK, {"chargeback": detail})
    assert told.refunded_amount is None  # all of it


def test_that_mercado_pago_covers_a_chargeback_is_noted() -> None:
    covered = state("api_payment_charged_back_settled", coverage="applied")
    (told,) = MERCADOPAGO.parse(covered)
    assert isinstance(told, ChargeFact)
    assert told.status is C.CHARGED_BACK
    assert told.metadata == {"chargeback": "settled", "chargeback_coverage": "applied"}
    plain = identity("api_payment_charged_back_settled").event_id
    assert MERCADOPAGO.identify(covered).event_id != plain


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    assert identity(APPROVED, status="levitating").gateway_event == "payment.levitating"
    with pytest.raises(UnknownStatusError, match="levitating"):
        charge(status="levitating")


def test_an_unknown_detail_of_a_known_status_is_no_error() -> None:
    assert charge(status_detail="novelty").status is C.PAID


# What is no sale


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_the_validation_of_a_card_is_neither_a_sale_nor_a_failed_charge(status: str) -> None:
    with pytest.raises(IgnoredError, match="no sale and no failed charge"):
        charge("api_payment_card_validation", status=status)
    told = identity("api_payment_card_validation", status=status)
    assert (told.gateway_event, told.event_type) == (
        "payment.card_validation",
        EventType.UNKNOWN,
    )


def test_a_payment_of_nothing_is_no_sale() -> None:
    with pytest.raises(IgnoredError, match="of 0"):
        charge(transaction_amount=0)


def test_funding_the_own_account_is_no_sale() -> None:
    with pytest.raises(IgnoredError, match="funded"):
        charge(operation_type="account_fund")


def test_a_payment_to_somebody_else_is_no_sale() -> None:
    assert facts(APPROVED, {"collector": "700000001"})
    with pytest.raises(IgnoredError, match="account 700000001, not to 700000002"):
        facts(APPROVED, {"collector": "700000002"})


@pytest.mark.parametrize("hidden", [None, "***", ...])
def test_a_hidden_collector_refuses_nothing(hidden: Any) -> None:
    assert facts(APPROVED, {"collector": "700000002"}, collector_id=hidden)


# Money


def test_the_interest_of_instalments_is_the_buyers() -> None:
    told = charge("api_payment_card_installments_buyer_interest")
    assert told.amount == Money(Decimal(1500), "BRL")
    assert told.total == Decimal("1784.4")
    assert told.fee == Decimal("74.85")  # not the 284.40 that the payer pays
    assert told.net == Decimal("1425.15")
    assert told.installments == 12


def test_fee_and_net_are_not_known_before_the_payment() -> None:
    told = charge(PIX)
    assert (told.fee, told.net, told.paid_at) == (None, None, None)


def test_a_fee_that_only_the_payer_pays_is_none_of_the_sellers() -> None:
    assert charge(fee_details=[{"amount": 3.5, "fee_payer": "payer"}]).fee == 0


def test_several_fees_of_the_seller_add_up() -> None:
    fees = [{"amount": a, "fee_payer": "collector"} for a in (1.1, 2.2)]
    assert charge(fee_details=fees).fee == Decimal("3.3")


@pytest.mark.parametrize(("net", "expected"), [(-3.5, Decimal("-3.5")), (0, None), (None, None)])
def test_a_net_may_be_below_zero_and_zero_is_unknown(net: Any, expected: Any) -> None:
    assert charge(transaction_details__net_received_amount=net).net == expected


def test_a_total_of_zero_is_unknown() -> None:
    assert charge("public_api_payment_pix").total is None


@pytest.mark.parametrize("place", ["transaction_amount", "transaction_amount_refunded"])
@pytest.mark.parametrize("absurd", [-1, 10**11, "NaN", "sNaN", "Infinity", "x", [], True])
def test_an_amount_that_is_none_is_an_error(place: str, absurd: Any) -> None:
    with pytest.raises(PayloadError):
        MERCADOPAGO.parse(state(APPROVED, {place: absurd}))


@pytest.mark.parametrize(
    "place",
    ["transaction_details.net_received_amount", "transaction_details.total_paid_amount"],
)
@pytest.mark.parametrize("absurd", [10**11, "NaN", "sNaN", "Infinity"])
def test_a_detail_that_is_no_amount_is_an_error(place: str, absurd: Any) -> None:
    with pytest.raises(PayloadError, match="amount"):
        MERCADOPAGO.parse(state(APPROVED, {place: absurd}))


@pytest.mark.parametrize("currency", ["brl", "R$", "", None, ...])
def test_a_currency_is_needed(currency: Any) -> None:
    with pytest.raises(PayloadError):
        charge(currency_id=currency)


def test_approved_stays_until_all_is_refunded() -> None:
    told = charge("api_payment_partially_refunded")
    assert (told.status, told.refunded_amount) == (C.PARTIALLY_REFUNDED, Decimal(100))
    without_detail = charge("api_payment_partially_refunded", status_detail="accredited")
    assert without_detail.status is C.PARTIALLY_REFUNDED
    event = identity("api_payment_partially_refunded", status_detail="accredited")
    assert event.gateway_event == "payment.partially_refunded"


def test_a_partial_refund_during_a_dispute_is_kept() -> None:
    told = charge("api_payment_in_mediation", transaction_amount_refunded=100)
    assert (told.status, told.refunded_amount) == (C.DISPUTED, Decimal(100))


def test_a_chargeback_takes_all_of_it_whatever_was_refunded_before() -> None:
    told = charge("api_payment_charged_back_settled", transaction_amount_refunded=100)
    assert told.refunded_amount is None


def test_a_full_refund_is_the_running_total_or_all_of_it() -> None:
    assert charge("api_payment_refunded").refunded_amount == Decimal(297)
    assert charge("api_payment_refunded", transaction_amount_refunded=0).refunded_amount is None


# How, who, what


@pytest.mark.parametrize(
    ("kind", "method", "expected"),
    [
        ("bank_transfer", "pix", PaymentMethod.PIX),
        ("pix", None, PaymentMethod.PIX),
        ("bank_transfer", "ted", PaymentMethod.BANK_TRANSFER),
        ("ticket", "bolbradesco", PaymentMethod.BOLETO),
        ("ticket", "pec", PaymentMethod.CASH),
        ("credit_card", "elo", PaymentMethod.CARD),
        ("debit_card", "elo", PaymentMethod.CARD),
        ("prepaid_card", "visa", PaymentMethod.CARD),
        ("account_money", "account_money", PaymentMethod.WALLET),
        ("digital_currency", "consumer_credits", PaymentMethod.FINANCING),
        ("crypto_transfer", "novelty", PaymentMethod.OTHER),
        (None, None, None),
    ],
)
def test_how_it_is_paid(kind: str | None, method: str | None, expected: Any) -> None:
    told = charge(payment_type_id=kind, payment_method_id=method)
    assert told.payment_method is expected


def test_a_boleto_has_a_line_an_address_and_a_last_day() -> None:
    told = charge("api_payment_boleto_pending")
    assert told.payment_code == "23790000000000000000000000000000000000000000"
    assert told.payment_url == "https://www.mercadopago.com.br/payments/90010000003/ticket"
    assert told.expires_at == at("2026-10-09T02:59:59")


def test_a_card_has_nothing_to_pay_with() -> None:
    assert (charge().payment_url, charge().payment_code) == ("", "")


@pytest.mark.parametrize("reference", [None, "", "  ", ...])
def test_without_a_reference_the_payment_is_the_order(reference: Any) -> None:
    assert charge(external_reference=reference).order_reference == "90010000002"


def test_a_second_try_is_another_charge_of_the_same_order() -> None:
    refused, paid = charge("api_payment_card_rejected"), charge()
    assert refused.order_reference == paid.order_reference
    assert refused.charge_id != paid.charge_id
    assert refused.refusal_reason == "cc_rejected_insufficient_amount"
    assert paid.refusal_reason == ""


def test_until_a_pix_is_paid_only_the_payers_id_is_known() -> None:
    assert charge(PIX).customer == CustomerFact(gateway_id="800000001")


@pytest.mark.parametrize("masked", ["XXXXXXXX", "a***@example.com", "", None])
def test_a_masked_e_mail_is_none(masked: str | None) -> None:
    told = charge(payer__email=masked).customer
    assert told
    assert told.email == ""


def test_a_payer_without_e_mail_and_id_is_nobody() -> None:
    assert charge(payer=None).customer is None
    assert charge(payer={"id": "***", "first_name": "Ana"}).customer is None


def test_a_phone_stands_behind_its_area_code() -> None:
    told = charge(payer__phone={"area_code": "11", "number": 912345678}).customer
    assert told
    assert told.phone == "11912345678"


def test_e_mails_are_compared_in_lower_case() -> None:
    told = charge(payer__email=" Ana@Example.COM ").customer
    assert told
    assert told.email == "ana@example.com"


@pytest.mark.parametrize("items", [None, [], ...])
def test_without_items_the_description_is_the_product(items: Any) -> None:
    assert charge(additional_info__items=items).product == ProductFact(name="Curso de Exemplo")


def test_hidden_numbers_are_unknown_and_no_error() -> None:
    assert charge(installments="***").installments is None
    assert charge(installments=-1).installments is None


def test_the_sellers_own_notes_are_kept_as_text() -> None:
    told = charge(metadata={"utm": "x", "n": 9007199254740993, "deep": {"a": 1}, "none": None})
    assert told.metadata == {"utm": "x", "n": "9007199254740993"}


def test_metadata_may_name_the_subscription() -> None:
    told = charge(metadata={"preapproval_id": CODE})
    assert told.subscription_code == CODE
    assert charge(metadata={"preapproval_id": 7}).subscription_code == ""


def test_nul_characters_fail_no_sale() -> None:
    told = charge(description="a\0b", additional_info=None)
    assert told.product.name == "ab"


# When


def test_a_state_is_dated_when_it_began_and_a_payment_when_it_was_approved() -> None:
    told = charge("api_payment_refunded")
    assert told.occurred_at == at("2026-10-12T13:00:00")
    assert told.paid_at == at("2026-10-05T15:10:02")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"date_last_updated": None}, "2026-10-05T15:10:02"),
        ({"date_last_updated": None, "date_approved": None}, "2026-10-05T15:10:00"),
        ({"date_last_updated": "2026-10-05T12:00:00.000-03:00"}, "2026-10-05T15:00:00"),
    ],
)
def test_without_its_own_date_a_state_takes_the_next_best(
    changes: dict[str, Any], expected: str
) -> None:
    assert charge(**changes).occurred_at == at(expected)


@pytest.mark.parametrize("date", ["yesterday", "2026-10-05T10:00:00", "0001-01-01T00:00:00+10:00"])
def test_a_time_that_cannot_be_read_is_an_error(date: str) -> None:
    with pytest.raises(PayloadError, match="date_last_updated is not a time"):
        charge(date_last_updated=date)


def test_without_any_date_there_is_no_news() -> None:
    dates = ("date_last_updated", "date_approved", "date_created")
    with pytest.raises(PayloadError, match="date_last_updated is missing"):
        MERCADOPAGO.identify(state(APPROVED, dict.fromkeys(dates)))


# Which state was read


def test_the_same_state_read_twice_is_one_event() -> None:
    body = state(APPROVED).body.replace(b'"transaction_amount_refunded": 0', b'"more": 1')
    assert MERCADOPAGO.identify(http.answer("payment", body)) == identity(APPROVED)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 1},
        {"status": "refunded"},
        {"status_detail": "partially_refunded"},
        {"transaction_amount_refunded": 1},
        {"date_last_updated": "2026-10-05T11:10:03.000-04:00"},
    ],
)
def test_another_state_is_another_event(changes: dict[str, Any]) -> None:
    assert identity(APPROVED, **changes).event_id != identity(APPROVED).event_id


def test_zeros_make_no_other_event() -> None:
    one, other = (identity(APPROVED, transaction_amount_refunded=amount) for amount in (100, 100.0))
    assert one == other


@pytest.mark.parametrize("code", [None, "", "../users/me", 1.5, "x" * 65])
def test_a_payment_needs_an_id(code: Any) -> None:
    with pytest.raises(PayloadError):
        identity(APPROVED, id=code)


def test_an_answer_that_is_no_resource_of_ours_is_an_error() -> None:
    for read in (MERCADOPAGO.identify, MERCADOPAGO.parse):
        with pytest.raises(PayloadError, match="not known"):
            read(http.answer("weather", b"{}"))


# Any order


def told(facts: Iterable[ChargeFact]) -> list[Told[ChargeFact]]:
    return [Told(fact, repr(fact), "ana@example.com", False) for fact in facts]


@pytest.mark.parametrize(
    ("names", "status", "refunded"),
    [
        ((PIX, "api_payment_pix_approved"), C.PAID, 0),
        ((APPROVED, "api_payment_partially_refunded"), C.PARTIALLY_REFUNDED, 100),
        ((APPROVED, "api_payment_partially_refunded", "api_payment_refunded"), C.REFUNDED, 297),
        (("api_payment_in_mediation", "api_payment_charged_back_settled"), C.CHARGED_BACK, 297),
        (
            (
                "api_payment_in_mediation",
                "api_payment_charged_back_in_process",
                "api_payment_charged_back_settled",
            ),
            C.CHARGED_BACK,
            297,
        ),
    ],
)
def test_a_stale_answer_undoes_nothing(names: tuple[str, ...], status: C, refunded: int) -> None:
    ends = set()
    for order in itertools.permutations([*names, names[0]]):
        end = charge_state(told(charge(name) for name in order))
        ends.add((end.status, end.refunded_amount, end.paid_at))
    assert [end[:2] for end in ends] == [(status, Decimal(refunded))]


def test_a_mediation_that_ends_well_is_paid_again() -> None:
    later = {"date_last_updated": "2026-11-18T09:00:00.000-04:00"}
    won = charge("api_payment_in_mediation", status="approved", **later)
    assert charge_state(told([won, charge("api_payment_in_mediation")])).status is C.PAID


# Subscriptions


def test_a_preapproval_is_a_subscription() -> None:
    assert facts(PREAPPROVAL) == [
        SubscriptionFact(
            code=CODE,
            occurred_at=at("2026-10-05T18:30:00"),
            status=S.ACTIVE,
            customer=CustomerFact(gateway_id="800000001"),
            plan="Clube de Exemplo",
            plan_id="2c9380840000000001900000000b0001",
            price=Money(Decimal("59.9"), "BRL"),
            period=Period.MONTHLY,
            next_billing_at=at("2026-11-05T18:30:00"),
            started_at=at("2026-10-05T18:30:00"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "status", "event"),
    [
        (PREAPPROVAL, S.ACTIVE, EventType.SUBSCRIPTION_ACTIVATED),
        ("api_preapproval_paused", S.PAUSED, EventType.UNKNOWN),
        ("api_preapproval_cancelled", S.CANCELLED, EventType.SUBSCRIPTION_CANCELLED),
    ],
)
def test_a_preapproval_stands_where_it_says(name: str, status: S, event: EventType) -> None:
    assert subscription(name).status is status
    assert identity(name).event_type is event


def test_a_preapproval_that_nobody_authorized_is_no_subscription_yet() -> None:
    with pytest.raises(IgnoredError, match="not authorized"):
        facts("api_preapproval_pending")


def test_a_cancellation_has_its_date() -> None:
    assert subscription("api_preapproval_cancelled").cancelled_at == at("2026-11-02T13:00:10")
    assert subscription("api_preapproval_paused").cancelled_at is None


@pytest.mark.parametrize("word", ["canceled", "finished", ""])
def test_an_unknown_status_of_a_preapproval_is_an_error(word: str) -> None:
    with pytest.raises(UnknownStatusError):
        subscription(status=word)


def test_a_free_trial_lasts_until_the_first_charge() -> None:
    trial: dict[str, Any] = {"auto_recurring__free_trial": {"frequency": 7}}
    assert subscription(summarized__charged_quantity=None, **trial).status is S.TRIAL
    assert subscription(summarized__charged_quantity=1, **trial).status is S.ACTIVE


@pytest.mark.parametrize(
    ("colour", "status"), [("green", S.ACTIVE), (None, S.ACTIVE), ("red", None), ("yellow", None)]
)
def test_an_authorized_preapproval_that_may_be_late_decides_nothing(
    colour: str | None, status: S | None
) -> None:
    assert subscription(summarized__semaphore=colour).status is status


@pytest.mark.parametrize(
    ("frequency", "unit", "expected"),
    [
        (1, "months", Period.MONTHLY),
        (12, "months", Period.ANNUAL),
        (7, "days", Period.WEEKLY),
        (5, "months", None),
        ("***", "months", None),
        (1, None, None),
    ],
)
def test_how_often_it_collects(frequency: Any, unit: str | None, expected: Any) -> None:
    changes = {"auto_recurring__frequency": frequency, "auto_recurring__frequency_type": unit}
    assert subscription(**changes).period is expected


def test_a_preapproval_may_tell_little() -> None:
    told = subscription(auto_recurring=None, summarized=None, payer_id=None, start_date=None)
    assert (told.price, told.period, told.customer) == (None, None, None)
    assert told.started_at == at("2026-10-05T18:29:50")


def test_a_price_without_a_currency_is_none() -> None:
    assert subscription(auto_recurring__currency_id=None).price is None


def test_an_e_mail_of_a_preapproval_is_taken_where_it_is_told() -> None:
    told = subscription(payer_email="ana@example.com").customer
    assert told == CustomerFact(email="ana@example.com", gateway_id="800000001")


def test_a_change_of_the_amount_alone_is_another_state() -> None:
    other = identity(PREAPPROVAL, auto_recurring__transaction_amount=69.9)
    assert other.event_id != identity(PREAPPROVAL).event_id


def test_a_preapproval_without_a_date_is_an_error() -> None:
    with pytest.raises(PayloadError, match="last_modified is missing"):
        identity(PREAPPROVAL, last_modified=None, date_created=None)
    dated = identity(PREAPPROVAL, last_modified=None).event_id
    assert "2026-10-05T18:29:50" in dated


# Invoices


def test_an_invoice_that_is_paid_tells_of_its_payment_and_its_subscription() -> None:
    assert facts(INVOICE) == [
        ChargeFact(
            charge_id="90010000014",
            status=C.PAID,
            occurred_at=at("2026-10-05T19:40:12"),
            amount=Money(Decimal("59.9"), "BRL"),
            order_reference="ASSIN-0001",
            created_at=at("2026-10-05T18:30:05"),
            subscription_code=CODE,
        ),
        SubscriptionFact(
            code=CODE,
            occurred_at=at("2026-10-05T19:40:12"),
            status=S.ACTIVE,
            plan="Clube de Exemplo",
        ),
    ]


@pytest.mark.parametrize("status", ["recycling_rejected", "processed_rejected"])
def test_a_refused_invoice_makes_the_subscription_late_whatever_its_own_status(
    status: str,
) -> None:
    refused, late = facts(f"api_authorized_payment_{status}")
    assert (refused.status, late.status) == (C.FAILED, S.PAST_DUE)
    assert refused.refusal_reason.startswith("cc_rejected")


def test_each_try_is_a_charge_of_its_own() -> None:
    first, second = facts("api_authorized_payment_recycling_rejected"), facts(INVOICE)
    assert first[0].charge_id != second[0].charge_id
    assert first[0].order_reference == second[0].order_reference


def test_an_invoice_that_awaits_another_try_is_late_without_a_payment() -> None:
    (late,) = facts("api_authorized_payment_recycling_rejected", payment=None)
    assert late.status is S.PAST_DUE


@pytest.mark.parametrize("status", ["scheduled", "cancelled", "processed"])
def test_an_invoice_without_a_payment_is_no_news(status: str) -> None:
    with pytest.raises(IgnoredError, match=status):
        facts("api_authorized_payment_scheduled", status=status)


def test_a_pending_payment_of_an_invoice_says_nothing_of_the_subscription() -> None:
    (pending,) = facts(INVOICE, payment__status="pending")
    assert pending.status is C.PENDING


@pytest.mark.parametrize("place", ["status", "payment.status"])
def test_an_unknown_status_of_an_invoice_is_an_error(place: str) -> None:
    with pytest.raises(UnknownStatusError, match="levitating"):
        MERCADOPAGO.parse(state(INVOICE, {place: "levitating"}))


def test_an_invoice_and_its_payment_are_one_charge() -> None:
    by_invoice, by_payment = facts(INVOICE)[0], charge(RECURRING)
    end = charge_state(told([by_invoice, by_payment]))
    assert (end.status, end.net, end.paid_at) == (C.PAID, Decimal("56.9"), by_payment.paid_at)
    assert end.order_reference == "ASSIN-0001"


def test_a_paid_cycle_that_changes_later_does_not_revive_its_subscription() -> None:
    released: dict[str, Any] = {"date_last_updated": "2026-12-05T15:30:02.000-04:00"}
    paid, running = facts(RECURRING, **released)
    assert paid.occurred_at == at("2026-12-05T19:30:02")
    assert running.occurred_at == at("2026-10-05T19:30:02")


def test_a_failed_cycle_is_late_and_a_paid_one_is_not() -> None:
    refused, late = facts("api_payment_recurring_rejected")
    assert (refused.status, refused.cycle, late.status) == (C.FAILED, 2, S.PAST_DUE)
    assert (late.price, late.started_at) == (None, None)
    _, running = facts(RECURRING)
    assert running.status is S.ACTIVE


@pytest.mark.parametrize("name", ["api_payment_refunded", PIX, "api_payment_in_mediation"])
def test_a_refund_or_a_dispute_says_nothing_of_the_subscription(name: str) -> None:
    assert len(facts(name, metadata={"preapproval_id": CODE})) == 1


def test_what_is_late_and_what_is_cancelled_outlives_older_news() -> None:
    subscriptions = [
        subscription(PREAPPROVAL),
        facts(RECURRING)[1],
        facts("api_authorized_payment_recycling_rejected")[1],
    ]
    late = [Told(fact, repr(fact), "", False) for fact in subscriptions]
    assert subscription_state(late).status is S.PAST_DUE
    cancelled = subscription("api_preapproval_cancelled", last_modified="2026-11-20T09:00:00.000Z")
    ended = [*late, Told(cancelled, repr(cancelled), "", False)]
    assert subscription_state(ended).status is S.CANCELLED


# Simulated sales

AT = datetime(2026, 3, 10, 14, 2, 11, 331_000, tzinfo=UTC)


def simulated(name: str, number: int = 7, reference: str = "") -> RawRequest:
    return MERCADOPAGO.samples[name](Sale(number=number, at=AT, reference=reference))


def test_a_simulated_state_counts_only_where_the_signature_covers_it() -> None:
    request = simulated("payment-approved")
    assert MERCADOPAGO.parse(request)
    forged = replace(request, body=request.body.replace(b"SIM-7", b"SIM-8"))
    assert MERCADOPAGO.identify(forged).is_thin
    with pytest.raises(IgnoredError, match="has to be read"):
        MERCADOPAGO.parse(forged)


def test_a_fingerprint_alone_is_no_simulation() -> None:
    body = recorded("mercadopago/webhook_payment_created").body
    request = RawRequest({b"x-request-id": webhook.fingerprint(body)}, body)
    assert MERCADOPAGO.identify(request).is_thin


def test_a_simulated_sale_is_dated_and_signed_when_it_happens() -> None:
    secret = b"a-secret"
    request = MERCADOPAGO.sign(simulated("payment-approved"), secret)
    MERCADOPAGO.verify(request, [secret])
    assert b"ts=1773151331," in request.headers[b"x-signature"]
    (paid,) = MERCADOPAGO.parse(request)
    assert paid.occurred_at == AT


def test_the_simulated_events_of_a_way_to_pay_tell_of_one_payment() -> None:
    pairs = [
        ("payment-pending-pix", "payment-approved-pix"),
        ("payment-pending-boleto", "payment-approved-boleto"),
        ("payment-approved", "payment-refunded"),
        ("payment-approved", "payment-charged-back"),
        ("subscription-payment-approved", "subscription-invoice-paid"),
        ("subscription-payment-rejected", "subscription-invoice-rejected"),
    ]
    for one, other in pairs:
        codes = {MERCADOPAGO.identify(simulated(name)).charge_id for name in (one, other)}
        assert len(codes) == 1


def test_simulated_events_of_a_subscription_tell_of_one() -> None:
    names = [name for name in MERCADOPAGO.samples if name.startswith("subscription-")]
    last = [MERCADOPAGO.parse(simulated(name))[-1] for name in names]
    assert {fact.code for fact in last if isinstance(fact, SubscriptionFact)} == {f"{7:032x}"}


def test_nobody_simulated_can_be_written_to() -> None:
    for name in MERCADOPAGO.samples:
        for fact in MERCADOPAGO.parse(simulated(name)):
            email = fact.customer.email if fact.customer else ""
            assert email.endswith("@example.com") or not email
