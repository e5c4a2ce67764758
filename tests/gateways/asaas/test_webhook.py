"""Asaas's deliveries and their traps, one behaviour a test."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from recibo.billing.states import ChargeState, Told, charge_state, order_state, subscription_state
from recibo.gateways.asaas import ASAAS, payments, webhook
from recibo.gateways.contract import ANSWER, Identity, RawRequest
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
    Period,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.http import answer
from tests.recordings import recorded

CONFIRMED = "card_PAYMENT_CONFIRMED"
RECEIVED = "card_PAYMENT_RECEIVED"
PARTIAL = "card_PAYMENT_PARTIALLY_REFUNDED"
REFUNDED = "card_PAYMENT_REFUNDED"
DISPUTED = "card_PAYMENT_CHARGEBACK_REQUESTED"
WON = "card_PAYMENT_AWAITING_CHARGEBACK_REVERSAL"
INSTALMENT = "card_installment_2_of_3_PAYMENT_CONFIRMED"
CYCLE = "subscription_charge_PAYMENT_CONFIRMED"
LATE = "subscription_charge_PAYMENT_OVERDUE"

BUYER = CustomerFact(gateway_id="cus_000090000001")
COURSE = ProductFact(name="Curso de Exemplo")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def delivery(name: str) -> RawRequest:
    return recorded(f"asaas/webhook_{name}")


def changed(name: str, **changes: Any) -> RawRequest:
    """A delivery with other values of its payment or subscription; ``...`` takes one away.

    ``event`` and ``dateCreated_of_event`` are those of the envelope.
    """
    body = json.loads(delivery(name).body)
    subject = body.get("payment") or body["subscription"]
    for key, value in changes.items():
        holder, place = subject, key
        if key in {"event", "dateCreated_of_event"}:
            holder, place = body, key.removesuffix("_of_event")
        holder[place] = value
        if value is ...:
            del holder[place]
    return RawRequest(headers={}, body=json.dumps(body).encode())


def charges(name: str, **changes: Any) -> list[ChargeFact]:
    facts = ASAAS.parse(changed(name, **changes))
    return [fact for fact in facts if isinstance(fact, ChargeFact)]


def charge(name: str, **changes: Any) -> ChargeFact:
    return charges(name, **changes)[0]


def subscription(name: str, **changes: Any) -> SubscriptionFact:
    fact = ASAAS.parse(changed(name, **changes))[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


def folded(facts: Iterable[ChargeFact]) -> ChargeState:
    """The charge that these facts add up to, which is the same in whatever order they come."""
    told = [Told(fact=fact, text=repr(fact), customer="", simulated=False) for fact in facts]
    return charge_state(told)


def after(*names: str) -> ChargeState:
    """The charge after these deliveries, in every order of arrival."""
    states = {
        repr(folded(fact for name in order for fact in charges(name)))
        for order in permutations(names)
    }
    assert len(states) == 1
    return folded(fact for name in names for fact in charges(name))


# The whole of a delivery


def test_a_confirmed_card_is_a_paid_charge() -> None:
    assert ASAAS.parse(delivery(CONFIRMED)) == [
        ChargeFact(
            charge_id="pay_car0000000001",
            status=ChargeStatus.PAID,
            occurred_at=at("2026-10-05T14:05:12"),
            amount=Money(Decimal(100), "BRL"),
            order_reference="PED-2026-0002",
            customer=BUYER,
            product=COURSE,
            total=Decimal(100),
            fee=Decimal("3.48"),
            net=Decimal("96.52"),
            payment_method=PaymentMethod.CARD,
            created_at=at("2026-10-05T14:05:12"),
            paid_at=at("2026-10-05T14:05:12"),
            payment_url="https://www.asaas.com/i/car0000000001",
            metadata={
                "external_reference": "PED-2026-0002",
                "due_date": "2026-10-08",
                "credit_date": "2026-11-06",
            },
        )
    ]


def test_a_subscription_tells_its_plan_price_and_dates() -> None:
    assert ASAAS.parse(delivery("SUBSCRIPTION_CREATED")) == [
        SubscriptionFact(
            code="sub_000000000001",
            occurred_at=at("2026-10-05T14:05:03"),
            status=SubscriptionStatus.ACTIVE,
            customer=BUYER,
            product=ProductFact(name="Clube de Exemplo"),
            plan="Clube de Exemplo",
            price=Money(Decimal("59.9"), "BRL"),
            period=Period.MONTHLY,
            next_billing_at=at("2026-11-05T03:00:00"),
            started_at=at("2026-10-05T14:05:03"),
        )
    ]


# Who sent it

EXAMPLES = json.loads(recorded("asaas/authentication_examples").body)
CASES = {case["name"]: case for case in EXAMPLES["cases"]}


@pytest.mark.parametrize("name", CASES)
def test_every_documented_example_gets_its_verdict(name: str) -> None:
    case = CASES[name]
    headers = {key.lower().encode(): value.encode() for key, value in case["headers"].items()}
    body = recorded("asaas/" + case["body_file"].removesuffix(".json")).body
    assert verdict(RawRequest(headers=headers, body=body)) == case.get("error", "")


def verdict(request: RawRequest) -> str:
    try:
        ASAAS.verify(request, [EXAMPLES["configured_token"].encode()])
    except SignatureError as refused:
        return refused.reason.value
    return ""


def test_without_a_token_of_the_seller_nobody_is_let_in() -> None:
    request = ASAAS.sign(delivery(CONFIRMED), b"anything")
    with pytest.raises(SignatureError) as refused:
        ASAAS.verify(request, [])
    assert refused.value.reason is Refused.NOT_CONFIGURED


def test_the_token_is_never_kept() -> None:
    assert webhook.TOKEN_HEADER in ASAAS.secret_headers


# Which news it is


def test_a_delivery_is_known_by_the_id_of_its_event() -> None:
    assert ASAAS.identify(delivery(CONFIRMED)) == Identity(
        event_id="evt_00000000000000000000000000000018&900000024",
        gateway_event="PAYMENT_CONFIRMED",
        event_type=EventType.CHARGE_PAID,
        charge_id="pay_car0000000001",
    )


def test_one_event_is_one_even_when_other_fields_differ() -> None:
    again = changed(CONFIRMED, value=1, dateCreated_of_event="2026-10-05 12:00:00")
    assert ASAAS.identify(again) == ASAAS.identify(delivery(CONFIRMED))


def test_an_event_without_an_id_is_known_by_its_bytes() -> None:
    body = json.loads(delivery(CONFIRMED).body)
    del body["id"]
    first = RawRequest({}, json.dumps(body).encode())
    other = RawRequest({}, json.dumps({**body, "dateCreated": "2024-01-01"}).encode())
    assert ASAAS.identify(first).event_id.startswith("sha256:")
    assert ASAAS.identify(first) == ASAAS.identify(first)
    assert ASAAS.identify(first).event_id != ASAAS.identify(other).event_id


def test_an_event_of_a_subscription_names_no_charge() -> None:
    assert ASAAS.identify(delivery("SUBSCRIPTION_CREATED")).charge_id == ""


def test_an_older_envelope_without_the_account_is_read() -> None:
    paid = charge("without_account_field_PAYMENT_CONFIRMED")
    assert paid.occurred_at == at("2024-06-12T19:45:03")
    assert paid.paid_at == paid.occurred_at


# What can happen to a body


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"event":1}', b'{"event":""}'),
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_payload(body: bytes) -> None:
    request = RawRequest(headers={}, body=body)
    with pytest.raises(PayloadError):
        ASAAS.identify(request)
    with pytest.raises(PayloadError):
        ASAAS.parse(request)


def test_an_event_without_its_payment_is_an_error_of_the_payload() -> None:
    body = {"event": "PAYMENT_CONFIRMED", "dateCreated": "2026-10-05 11:05:12"}
    with pytest.raises(PayloadError, match="payment"):
        ASAAS.parse(RawRequest({}, json.dumps(body).encode()))


def test_an_event_without_its_date_is_an_error_of_the_payload() -> None:
    with pytest.raises(PayloadError, match="dateCreated is missing"):
        charge(CONFIRMED, dateCreated_of_event="")


def test_a_nul_that_postgresql_cannot_store_is_left_out() -> None:
    told = charge(CONFIRMED, description="Cur\0so \\u0000 \n")
    assert told.product.name == "Curso \\u0000 \n"


# What happens with each event


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("pix_PAYMENT_CREATED", ChargeStatus.PENDING),
        ("pix_PAYMENT_RECEIVED", ChargeStatus.PAID),
        ("pix_PAYMENT_REFUND_IN_PROGRESS", ChargeStatus.PAID),
        ("pix_PAYMENT_REFUNDED", ChargeStatus.REFUNDED),
        ("boleto_PAYMENT_CREATED", ChargeStatus.PENDING),
        ("boleto_PAYMENT_OVERDUE", ChargeStatus.OVERDUE),
        ("boleto_PAYMENT_UPDATED", ChargeStatus.PENDING),
        ("boleto_PAYMENT_CONFIRMED", ChargeStatus.PAID),
        ("boleto_PAYMENT_RECEIVED", ChargeStatus.PAID),
        ("boleto_PAYMENT_RECEIVED_with_interest_and_fine", ChargeStatus.PAID),
        ("boleto_PAYMENT_DELETED", ChargeStatus.CANCELLED),
        ("boleto_PAYMENT_RESTORED", ChargeStatus.PENDING),
        ("boleto_PAYMENT_RECEIVED_in_cash", ChargeStatus.PAID),
        ("boleto_PAYMENT_RECEIVED_IN_CASH_UNDONE", ChargeStatus.PENDING),
        ("boleto_PAYMENT_DUNNING_REQUESTED", ChargeStatus.OVERDUE),
        ("boleto_PAYMENT_DUNNING_RECEIVED", ChargeStatus.PAID),
        ("card_PAYMENT_CREATED", ChargeStatus.PENDING),
        ("card_PAYMENT_AWAITING_RISK_ANALYSIS", ChargeStatus.PENDING),
        ("card_PAYMENT_APPROVED_BY_RISK_ANALYSIS", ChargeStatus.PAID),
        ("card_PAYMENT_REPROVED_BY_RISK_ANALYSIS", ChargeStatus.FAILED),
        ("card_PAYMENT_AUTHORIZED", ChargeStatus.AUTHORIZED),
        ("card_PAYMENT_CREDIT_CARD_CAPTURE_REFUSED", ChargeStatus.FAILED),
        (CONFIRMED, ChargeStatus.PAID),
        ("card_PAYMENT_ANTICIPATED", ChargeStatus.PAID),
        (RECEIVED, ChargeStatus.PAID),
        (PARTIAL, ChargeStatus.PARTIALLY_REFUNDED),
        (REFUNDED, ChargeStatus.REFUNDED),
        ("card_PAYMENT_REFUND_DENIED", ChargeStatus.PAID),
        (DISPUTED, ChargeStatus.DISPUTED),
        ("card_PAYMENT_CHARGEBACK_DISPUTE", ChargeStatus.DISPUTED),
        (WON, ChargeStatus.PAID),
        (INSTALMENT, ChargeStatus.PAID),
        (CYCLE, ChargeStatus.PAID),
        (LATE, ChargeStatus.OVERDUE),
    ],
)
def test_each_event_leaves_a_charge_in_its_status(name: str, status: ChargeStatus) -> None:
    assert after(name).status is status


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("PAYMENT_SPLIT_DIVERGENCE_BLOCK_FINISHED", "shares of others"),
        ("SUBSCRIPTION_SPLIT_DISABLED", "shares of others"),
        ("CHECKOUT_PAID", "its payment has events of its own"),
        ("INVOICE_AUTHORIZED", "a tax invoice"),
        ("TRANSFER_DONE", "a transfer"),
        ("INTERNAL_TRANSFER_CREDIT", "a transfer"),
        ("BILL_PAID", "a bill"),
        ("RECEIVABLE_ANTICIPATION_CREDITED", "an advance"),
        ("MOBILE_PHONE_RECHARGE_CONFIRMED", "a phone"),
        ("ACCOUNT_STATUS_GENERAL_APPROVAL_APPROVED", "the seller's account"),
        ("BALANCE_VALUE_BLOCKED", "the seller's balance"),
        ("ACCESS_TOKEN_EXPIRED", "the keys"),
        ("PIX_AUTOMATIC_RECURRING_PAYMENT_INSTRUCTION_CREATED", "an automatic Pix"),
        ("PAYMENT_LEVITATED", "not known to this version"),
        ("LEVITATION", "not known to this version"),
    ],
)
def test_other_families_are_ignored_for_a_reason(event: str, subject: str) -> None:
    body = {"id": "evt_1", "event": event, "dateCreated": "2026-10-05 11:05:12", "thing": {}}
    request = RawRequest({}, json.dumps(body).encode())
    assert ASAAS.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match=f"{event} (is|tells of) .*{subject}"):
        ASAAS.parse(request)


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        charge(CONFIRMED, status="LEVITATING")
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        subscription("SUBSCRIPTION_UPDATED", status="LEVITATING")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (CONFIRMED, "PENDING"),
        (RECEIVED, "OVERDUE"),
        (REFUNDED, "PENDING"),
        (PARTIAL, "OVERDUE"),
        (DISPUTED, "PENDING"),
        ("boleto_PAYMENT_DELETED", "RECEIVED"),
        ("card_PAYMENT_CREDIT_CARD_CAPTURE_REFUSED", "CONFIRMED"),
    ],
)
def test_where_event_and_status_contradict_neither_is_believed(name: str, status: str) -> None:
    with pytest.raises(PayloadError, match=f"status {status} contradicts"):
        charge(name, status=status)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CONFIRMED", ChargeStatus.PAID),
        ("REFUND_REQUESTED", ChargeStatus.PAID),
        ("REFUNDED", ChargeStatus.REFUNDED),
        ("OVERDUE", ChargeStatus.OVERDUE),
    ],
)
def test_an_update_says_what_its_status_says(status: str, expected: ChargeStatus) -> None:
    assert charge("boleto_PAYMENT_UPDATED", status=status).status is expected


# One sale


def test_confirmed_then_received_is_one_sale_paid_once() -> None:
    before, both = after(CONFIRMED), after(CONFIRMED, RECEIVED)
    assert both.status is ChargeStatus.PAID
    assert (both.paid_at, both.created_at) == (before.paid_at, before.created_at)
    assert (both.amount, both.net, both.fee) == (before.amount, before.net, before.fee)
    assert both.order_reference == before.order_reference
    assert charge(CONFIRMED).charge_id == charge(RECEIVED).charge_id


def test_received_alone_is_paid_on_the_day_of_its_confirmation() -> None:
    alone = charge(RECEIVED)
    assert alone.occurred_at == at("2026-11-06T09:00:00")
    assert alone.paid_at == at("2026-10-06T02:59:59")  # the end of 5 October in Brasília


def test_a_boleto_confirmed_and_received_is_paid_when_it_was_confirmed() -> None:
    names = ("PAYMENT_CREATED", "PAYMENT_OVERDUE", "PAYMENT_CONFIRMED", "PAYMENT_RECEIVED")
    state = after(*(f"boleto_{name}" for name in names))
    assert state.status is ChargeStatus.PAID
    assert state.created_at == at("2026-10-05T14:05:03")
    assert state.paid_at == at("2026-10-09T09:10:00")


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"confirmedDate": None}, "2026-10-05T02:59:59"),
        ({"confirmedDate": None, "clientPaymentDate": None}, "2026-10-06T02:59:59"),
        (
            dict.fromkeys(("confirmedDate", "clientPaymentDate", "paymentDate")),
            "2026-11-06T09:00:00",
        ),
    ],
)
def test_without_a_day_of_confirmation_the_next_best_counts(
    dates: dict[str, Any], expected: str
) -> None:
    days = {"clientPaymentDate": "2026-10-04", "paymentDate": "2026-10-05"}
    assert charge(RECEIVED, **{**days, **dates}).paid_at == at(expected)


def test_what_was_never_paid_has_no_date_of_payment_and_no_net() -> None:
    pending = charge("pix_PAYMENT_CREATED", clientPaymentDate="2026-10-05")
    assert (pending.paid_at, pending.net, pending.fee) == (None, None, None)


def test_deleted_and_restored_awaits_payment_again() -> None:
    deleted = after("boleto_PAYMENT_DELETED")
    assert deleted.status is ChargeStatus.CANCELLED
    restored = after("boleto_PAYMENT_DELETED", "boleto_PAYMENT_RESTORED")
    assert restored.status is ChargeStatus.PENDING


@pytest.mark.parametrize("status", ["PENDING", "OVERDUE", "AWAITING_RISK_ANALYSIS", "AUTHORIZED"])
def test_what_is_removed_is_cancelled_whatever_its_status(status: str) -> None:
    assert charge("boleto_PAYMENT_UPDATED", status=status, deleted=True).status == "cancelled"
    assert charge("boleto_PAYMENT_DELETED", status=status, deleted=...).status == "cancelled"


def test_what_was_paid_stays_paid_when_it_is_removed() -> None:
    assert charge("boleto_PAYMENT_RECEIVED", deleted=True).status is ChargeStatus.PAID


def test_a_receipt_in_cash_is_cash_and_undone_it_is_pending_again() -> None:
    cash = charge("boleto_PAYMENT_RECEIVED_in_cash")
    assert (cash.status, cash.payment_method) == (ChargeStatus.PAID, PaymentMethod.CASH)
    assert (cash.net, cash.fee) == (Decimal(50), 0)
    undone = charge("boleto_PAYMENT_RECEIVED_IN_CASH_UNDONE")
    assert (undone.status, undone.payment_method) == (ChargeStatus.PENDING, PaymentMethod.BOLETO)
    assert undone.charge_id == cash.charge_id
    assert undone.occurred_at > cash.occurred_at
    late = charge("boleto_PAYMENT_RECEIVED_IN_CASH_UNDONE", status="OVERDUE")
    assert late.status is ChargeStatus.OVERDUE


def test_debt_collected_by_the_credit_bureau_is_paid() -> None:
    names = ("boleto_PAYMENT_DUNNING_REQUESTED", "boleto_PAYMENT_DUNNING_RECEIVED")
    state = after(*names)
    assert (state.status, state.net) == (ChargeStatus.PAID, Decimal("285.01"))


def test_a_risk_analysis_that_says_no_is_a_failure_and_a_new_attempt_may_follow() -> None:
    names = ("card_PAYMENT_AWAITING_RISK_ANALYSIS", "card_PAYMENT_APPROVED_BY_RISK_ANALYSIS")
    assert after(*names, CONFIRMED).status is ChargeStatus.PAID
    refused = charges("card_PAYMENT_CREDIT_CARD_CAPTURE_REFUSED")
    retried = charges(
        "card_PAYMENT_CREDIT_CARD_CAPTURE_REFUSED",
        event="PAYMENT_CONFIRMED",
        status="CONFIRMED",
        dateCreated_of_event="2026-10-05 11:09:00",
    )
    assert folded(refused).status is ChargeStatus.FAILED
    assert folded([*refused, *retried]).status is ChargeStatus.PAID


# Money


def test_interest_and_fine_are_paid_on_top_of_the_price() -> None:
    late = charge("boleto_PAYMENT_RECEIVED_with_interest_and_fine")
    assert late.amount == Money(Decimal(100), "BRL")
    assert (late.total, late.net, late.fee) == (
        Decimal("103.5"),
        Decimal("101.51"),
        Decimal("1.99"),
    )


def test_json_numbers_are_exact_decimals() -> None:
    assert str(charge("boleto_PAYMENT_RECEIVED").amount.amount) == "484.34"
    assert str(charge("boleto_PAYMENT_RECEIVED").fee) == "0.99"


@pytest.mark.parametrize("absent", [..., None])
def test_without_a_net_value_there_is_no_fee(absent: Any) -> None:
    assert charge(CONFIRMED, netValue=absent).fee is None


@pytest.mark.parametrize("field", ["value", "netValue", "originalValue"])
@pytest.mark.parametrize("value", [-1, 1e300, "NaN"])
def test_an_absurd_amount_is_an_error_of_the_payload(field: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=f"{field} is not an amount"):
        charge(CONFIRMED, **{field: value})


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("BOLETO", PaymentMethod.BOLETO),
        ("CREDIT_CARD", PaymentMethod.CARD),
        ("DEBIT_CARD", PaymentMethod.CARD),
        ("PIX", PaymentMethod.PIX),
        ("TRANSFER", PaymentMethod.BANK_TRANSFER),
        ("DEPOSIT", PaymentMethod.BANK_TRANSFER),
        ("TELEPATHY", PaymentMethod.OTHER),
        ("UNDEFINED", None),
        ("", None),
        (None, None),
    ],
)
def test_how_it_is_paid(word: str | None, method: PaymentMethod | None) -> None:
    assert charge(CONFIRMED, billingType=word).payment_method is method


# Which order


def test_the_order_is_the_sellers_reference() -> None:
    assert charge(CONFIRMED).order_reference == "PED-2026-0002"


@pytest.mark.parametrize("absent", [..., None, ""])
def test_without_a_reference_the_order_is_the_plan_of_instalments_or_the_payment(
    absent: Any,
) -> None:
    plan = "0f000000-1111-4222-8333-444444444444"
    assert charge(INSTALMENT, externalReference=absent).order_reference == plan
    assert charge(CONFIRMED, externalReference=absent).order_reference == "pay_car0000000001"


def test_instalments_are_charges_of_one_order() -> None:
    told = [charge(INSTALMENT, id=f"pay_ins000000000{n}", installmentNumber=n) for n in (1, 2, 3)]
    assert {one.order_reference for one in told} == {"PED-2026-0007"}
    order = order_state({one.charge_id: folded([one]) for one in told}, has_access=False)
    assert (order.status, order.amount, order.paid_amount) == ("paid", 297, 297)
    assert told[1].metadata["installment_number"] == "2"
    assert told[1].metadata["installment"] == "0f000000-1111-4222-8333-444444444444"


def test_each_month_of_a_subscription_is_an_order_of_its_own() -> None:
    first, second = charge(CYCLE), charge(LATE)
    assert first.metadata["external_reference"] == second.metadata["external_reference"]
    assert first.order_reference == first.charge_id == "pay_sub0000000001"
    assert second.order_reference == second.charge_id == "pay_sub0000000002"
    assert first.subscription_code == second.subscription_code == "sub_000000000001"


def test_a_payment_without_a_customer_is_read() -> None:
    assert charge(CONFIRMED, customer=None).customer is None
    assert subscription("SUBSCRIPTION_CREATED", customer=None).customer is None


# Refunds


def refund(value: float, day: str, status: str = "DONE", **more: Any) -> dict[str, Any]:
    when = f"2026-10-{day} 10:00:00"
    return {"dateCreated": when, "effectiveDate": when, "status": status, "value": value, **more}


def test_a_partial_refund_keeps_the_status_and_is_a_fact_of_its_own() -> None:
    paid, refunded = charges(PARTIAL)
    assert (paid.status, paid.refunded_amount) == (ChargeStatus.PAID, None)
    assert refunded.status is ChargeStatus.PARTIALLY_REFUNDED
    assert refunded.refunded_amount == Decimal(30)
    assert refunded.occurred_at == at("2026-10-10T13:00:05")
    assert refunded.refund_id == "2026-10-10T13:00:00+00:00/30.00"


def test_a_later_receipt_does_not_hide_a_partial_refund() -> None:
    state = after(CONFIRMED, PARTIAL, RECEIVED)
    assert state.status is ChargeStatus.PARTIALLY_REFUNDED
    assert (state.refunded_amount, state.paid_at) == (30, charge(CONFIRMED).paid_at)


def test_a_refund_told_by_several_events_counts_once() -> None:
    again = charges(RECEIVED, refunds=json.loads(delivery(PARTIAL).body)["payment"]["refunds"])
    assert folded([*charges(PARTIAL), *again]).refunded_amount == 30


def test_several_partial_refunds_add_up_to_the_whole() -> None:
    thirty, seventy = refund(30, "10"), refund(70, "12")
    first, both = charges(PARTIAL, refunds=[thirty]), charges(PARTIAL, refunds=[seventy, thirty])
    assert folded([*first, *both]).status is ChargeStatus.REFUNDED
    assert folded([*first, *both]).refunded_amount == 100
    last = charges(REFUNDED, refunds=[seventy, thirty])
    assert [(one.status, one.refunded_amount) for one in last] == [
        (ChargeStatus.PARTIALLY_REFUNDED, 30),
        (ChargeStatus.REFUNDED, 70),
    ]
    assert folded([*first, *last]).refunded_amount == 100


def test_two_refunds_of_one_second_and_one_value_are_two() -> None:
    twice = [refund(20, "10"), refund(20, "10")]
    assert folded(charges(PARTIAL, refunds=twice)).refunded_amount == 40


@pytest.mark.parametrize(
    "status",
    [
        "PENDING",
        "AWAITING_CRITICAL_ACTION_AUTHORIZATION",
        "AWAITING_CUSTOMER_EXTERNAL_AUTHORIZATION",
        "CANCELLED",
    ],
)
def test_only_a_refund_that_is_done_counts(status: str) -> None:
    (paid,) = charges(PARTIAL, refunds=[refund(30, "10", status)])
    assert paid.status is ChargeStatus.PAID


def test_a_full_refund_is_told_once_dated_by_the_refund() -> None:
    (refunded,) = charges(REFUNDED)
    assert refunded.status is ChargeStatus.REFUNDED
    assert refunded.occurred_at == at("2026-10-12T13:00:05")
    assert refunded.refunded_amount == Decimal(100)


def test_a_refund_event_on_a_paid_charge_is_what_its_refunds_say() -> None:
    state = folded(charges(REFUNDED, status="RECEIVED", refunds=[refund(30, "10")]))
    assert (state.status, state.refunded_amount) == (ChargeStatus.PARTIALLY_REFUNDED, 30)


@pytest.mark.parametrize("refunds", [None, [], [refund(30, "10")]])
def test_a_refunded_charge_is_refunded_in_full_whatever_is_listed(refunds: Any) -> None:
    state = folded(charges(REFUNDED, refunds=refunds))
    assert (state.status, state.refunded_amount) == (ChargeStatus.REFUNDED, 100)


def test_what_went_back_is_never_more_than_what_was_sold_for() -> None:
    state = folded(
        charges(
            "boleto_PAYMENT_RECEIVED_with_interest_and_fine",
            event="PAYMENT_REFUNDED",
            status="REFUNDED",
            refunds=[refund(103.5, "21")],
        )
    )
    assert (state.amount, state.refunded_amount) == (100, 100)


@pytest.mark.parametrize(
    ("dates", "occurred_at", "asked_at"),
    [
        ({"effectiveDate": None}, "2026-10-10T13:00:00", "2026-10-10T13:00:00+00:00"),
        ({"effectiveDate": None, "dateCreated": None}, "2026-10-10T13:00:06", ""),
    ],
)
def test_a_refund_without_its_date_has_the_next_best(
    dates: dict[str, Any], occurred_at: str, asked_at: str
) -> None:
    refunded = charges(PARTIAL, refunds=[refund(30, "10", **dates)])[1]
    assert refunded.occurred_at == at(occurred_at)
    assert refunded.refund_id == f"{asked_at}/30.00"


# Chargebacks

IN_DISPUTE = "card_PAYMENT_CHARGEBACK_DISPUTE"


def test_a_dispute_that_is_won_is_paid_again() -> None:
    assert after(CONFIRMED, RECEIVED, DISPUTED, IN_DISPUTE).status is ChargeStatus.DISPUTED
    state = after(CONFIRMED, RECEIVED, DISPUTED, IN_DISPUTE, WON)
    assert (state.status, state.paid_at) == (ChargeStatus.PAID, charge(CONFIRMED).paid_at)


def test_paid_refunded_and_charged_back_end_the_same_in_any_order() -> None:
    lost = charges(
        IN_DISPUTE,
        event="PAYMENT_REFUNDED",
        status="REFUNDED",
        dateCreated_of_event="2026-12-20 09:00:00",
    )
    told = [charges(CONFIRMED), charges(REFUNDED), charges(RECEIVED), lost]
    states = {
        repr(folded(fact for facts in order for fact in facts)) for order in permutations(told)
    }
    assert len(states) == 1
    assert folded(fact for facts in told for fact in facts).status is ChargeStatus.CHARGED_BACK


@pytest.mark.parametrize(
    ("payment", "chargeback", "expected"),
    [
        ("REFUNDED", {"status": "REQUESTED"}, ChargeStatus.CHARGED_BACK),
        ("REFUNDED", {"status": "IN_DISPUTE"}, ChargeStatus.CHARGED_BACK),
        ("REFUNDED", {"status": "DONE"}, ChargeStatus.CHARGED_BACK),
        ("REFUNDED", {"status": None}, ChargeStatus.CHARGED_BACK),
        ("REFUNDED", {}, ChargeStatus.CHARGED_BACK),
        ("REFUNDED", {"status": "DONE", "disputeStatus": "ACCEPTED"}, ChargeStatus.REFUNDED),
        ("REFUNDED", {"status": "REVERSED"}, ChargeStatus.REFUNDED),
        ("REFUNDED", None, ChargeStatus.REFUNDED),
        ("CHARGEBACK_DISPUTE", {"status": "DISPUTE_LOST"}, ChargeStatus.CHARGED_BACK),
        ("RECEIVED", {"status": "DISPUTE_LOST"}, ChargeStatus.CHARGED_BACK),
        (
            "CHARGEBACK_DISPUTE",
            {"status": "DONE", "disputeStatus": "REJECTED"},
            ChargeStatus.CHARGED_BACK,
        ),
        ("CHARGEBACK_DISPUTE", {"status": "IN_DISPUTE"}, ChargeStatus.DISPUTED),
        ("CHARGEBACK_REQUESTED", {"status": "REVERSED"}, ChargeStatus.DISPUTED),
        ("AWAITING_CHARGEBACK_REVERSAL", {"status": "DONE"}, ChargeStatus.PAID),
        ("RECEIVED", {"status": "DONE", "disputeStatus": "ACCEPTED"}, ChargeStatus.PAID),
        ("RECEIVED", {"status": "REVERSED"}, ChargeStatus.PAID),
    ],
)
def test_who_has_the_money_after_a_dispute(
    payment: str, chargeback: Any, expected: ChargeStatus
) -> None:
    told = charge(IN_DISPUTE, event="PAYMENT_UPDATED", status=payment, chargeback=chargeback)
    assert told.status is expected


def test_a_lost_chargeback_gives_everything_back() -> None:
    state = folded(charges(IN_DISPUTE, chargeback={"status": "DISPUTE_LOST"}))
    assert state.refunded_amount == 100


def test_an_unknown_outcome_of_a_dispute_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="chargeback LEVITATING"):
        charge(IN_DISPUTE, chargeback={"status": "LEVITATING"})


# Subscriptions


def test_a_paid_charge_keeps_its_subscription_running_and_a_late_one_does_not() -> None:
    paid, late = subscription(CYCLE), subscription(LATE)
    assert (paid.status, paid.occurred_at) == (
        SubscriptionStatus.ACTIVE,
        at("2026-10-05T14:05:12"),
    )
    assert paid.price == Money(Decimal("59.9"), "BRL")
    assert (late.status, late.occurred_at) == (
        SubscriptionStatus.PAST_DUE,
        at("2026-11-06T06:10:00"),
    )
    assert (paid.code, paid.plan, paid.customer) == (late.code, late.plan, late.customer)


def test_the_money_of_an_earlier_month_does_not_settle_a_late_one() -> None:
    settled = subscription(
        CYCLE,
        event="PAYMENT_RECEIVED",
        status="RECEIVED",
        paymentDate="2026-11-06",
        dateCreated_of_event="2026-11-06 06:00:00",
    )
    late = subscription(LATE)
    assert running([late, settled, subscription(CYCLE)]) is SubscriptionStatus.PAST_DUE


def test_a_late_payment_makes_the_subscription_run_again() -> None:
    paid = subscription(
        LATE,
        event="PAYMENT_CONFIRMED",
        status="CONFIRMED",
        confirmedDate="2026-11-06",
        clientPaymentDate="2026-11-05",
        dateCreated_of_event="2026-11-06 06:10:00",
    )
    assert running([subscription(LATE), paid]) is SubscriptionStatus.ACTIVE


def test_a_receipt_after_the_end_does_not_wake_a_subscription() -> None:
    settled = subscription(
        CYCLE, event="PAYMENT_RECEIVED", dateCreated_of_event="2026-11-06 06:00:00"
    )
    ended = subscription("SUBSCRIPTION_DELETED")
    assert running([ended, settled]) is SubscriptionStatus.CANCELLED


def running(facts: Iterable[SubscriptionFact]) -> SubscriptionStatus:
    told = [Told(fact=fact, text=repr(fact), customer="", simulated=False) for fact in facts]
    return subscription_state(told).status


@pytest.mark.parametrize("status", ["PENDING", "REFUNDED"])
def test_other_news_of_a_charge_says_nothing_of_its_subscription(status: str) -> None:
    facts = ASAAS.parse(changed(CYCLE, event="PAYMENT_UPDATED", status=status))
    assert [type(fact) for fact in facts] == [ChargeFact]


def test_a_subscription_changes_is_paused_and_ends() -> None:
    updated = subscription("SUBSCRIPTION_UPDATED")
    assert updated.price == Money(Decimal("79.9"), "BRL")
    assert updated.next_billing_at == at("2026-11-10T03:00:00")
    assert updated.started_at == at("2026-10-06T02:59:59")
    paused = subscription("SUBSCRIPTION_INACTIVATED")
    assert (paused.status, paused.cancelled_at) == (SubscriptionStatus.PAUSED, None)
    ended = subscription("SUBSCRIPTION_DELETED")
    assert (ended.status, ended.cancelled_at) == (
        SubscriptionStatus.CANCELLED,
        at("2026-11-01T12:10:00"),
    )


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("SUBSCRIPTION_DELETED", {"deleted": False}, SubscriptionStatus.CANCELLED),
        ("SUBSCRIPTION_DELETED", {"status": "ACTIVE"}, SubscriptionStatus.CANCELLED),
        ("SUBSCRIPTION_UPDATED", {"deleted": True}, SubscriptionStatus.CANCELLED),
        ("SUBSCRIPTION_UPDATED", {"status": "INACTIVE"}, SubscriptionStatus.PAUSED),
        ("SUBSCRIPTION_UPDATED", {"status": "EXPIRED"}, SubscriptionStatus.EXPIRED),
    ],
)
def test_the_status_of_a_subscription(
    name: str, changes: dict[str, Any], expected: SubscriptionStatus
) -> None:
    assert subscription(name, **changes).status is expected


def test_an_inactivation_that_says_active_is_not_believed() -> None:
    with pytest.raises(PayloadError, match="contradicts SUBSCRIPTION_INACTIVATED"):
        subscription("SUBSCRIPTION_INACTIVATED", status="ACTIVE")


@pytest.mark.parametrize(
    ("cycle", "period"),
    [
        ("WEEKLY", Period.WEEKLY),
        ("MONTHLY", Period.MONTHLY),
        ("BIMONTHLY", Period.BIMONTHLY),
        ("QUARTERLY", Period.QUARTERLY),
        ("SEMIANNUALLY", Period.SEMIANNUAL),
        ("YEARLY", Period.ANNUAL),
        ("BIWEEKLY", None),
        (None, None),
    ],
)
def test_how_often_it_collects(cycle: str | None, period: Period | None) -> None:
    assert subscription("SUBSCRIPTION_CREATED", cycle=cycle).period is period


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("05/11/2026", "2026-11-05T03:00:00"),
        ("05/11/2026 09:30:00", "2026-11-05T12:30:00"),
        ("2026-11-05", "2026-11-05T03:00:00"),
        ("2026-11-05 09:30:00", "2026-11-05T12:30:00"),
        ("2026-11-05T14:30:00Z", "2026-11-05T14:30:00"),
        ("2018-12-01", "2018-12-01T02:00:00"),  # Brazil had summer time until 2019
    ],
)
def test_every_spelling_of_a_date_is_read_as_brasilias(text: str, expected: str) -> None:
    told = subscription("SUBSCRIPTION_CREATED", nextDueDate=text)
    assert told.next_billing_at == at(expected)


@pytest.mark.parametrize("text", ["31/02/2026", "2026-13-01", "soon", "9999-12-31 23:59:59"])
def test_a_date_that_is_none_is_an_error_of_the_payload(text: str) -> None:
    with pytest.raises(PayloadError, match="nextDueDate is not a time"):
        subscription("SUBSCRIPTION_CREATED", nextDueDate=text)


def test_nothing_has_happened_after_it_was_told() -> None:
    paid = charge(CONFIRMED, dateCreated="2026-10-30", confirmedDate="2026-10-30")
    assert paid.paid_at == paid.created_at == paid.occurred_at


# Customers

CUSTOMER = recorded("asaas/api_customer").body
READ = {"at": "2026-10-05T14:05:13+00:00"}


def customer_answer(notes: Mapping[str, str] = READ, **changes: Any) -> RawRequest:
    return answer("customer", json.dumps({**json.loads(CUSTOMER), **changes}).encode(), **notes)


def test_the_answer_about_a_customer_tells_who_the_buyer_is() -> None:
    assert ASAAS.parse(answer("customer", CUSTOMER, **READ)) == [
        LeadFact(
            occurred_at=at("2026-10-05T14:05:13"),
            customer=CustomerFact(
                email="ana.exemplo@example.com",
                name="Ana Exemplo",
                phone="11900000001",
                document="52998224725",
                gateway_id="cus_000090000001",
            ),
        )
    ]


def test_the_same_details_read_twice_are_one_event() -> None:
    first = ASAAS.identify(customer_answer())
    later = {"at": str(at("2026-10-05T14:05:13") + timedelta(days=3))}
    assert ASAAS.identify(customer_answer(later, observations="vip")) == first
    for change in ({"email": "a@example.com"}, {"name": "B"}, {"cpfCnpj": "1"}, {"id": "cus_2"}):
        assert ASAAS.identify(customer_answer(**change)).event_id != first.event_id
    assert "ana" not in first.event_id


def test_an_email_is_compared_without_the_case_of_its_letters() -> None:
    (lead,) = ASAAS.parse(customer_answer(email=" Ana.Exemplo@Example.com "))
    assert lead.customer == ASAAS.parse(customer_answer())[0].customer


def test_a_customer_without_an_email_or_a_mobile_phone_is_told_as_far_as_known() -> None:
    (lead,) = ASAAS.parse(customer_answer(email=None, mobilePhone="", phone="1130000001"))
    assert lead.customer.email == ""  # type: ignore[union-attr]
    assert lead.customer.phone == "1130000001"  # type: ignore[union-attr]


def test_an_answer_without_its_time_is_dated_by_the_customer() -> None:
    (lead,) = ASAAS.parse(customer_answer({}))
    assert lead.occurred_at == at("2026-10-01T03:00:00")
    with pytest.raises(PayloadError, match="dateCreated is missing"):
        ASAAS.parse(customer_answer({}, dateCreated=None))


def test_an_answer_of_another_kind_is_not_read() -> None:
    request = RawRequest({ANSWER: b"invoice"}, delivery(CONFIRMED).body)
    for ask in (ASAAS.identify, ASAAS.parse):
        with pytest.raises(PayloadError, match="of no kind"):
            ask(request)


# The tables


def test_every_status_that_events_expect_is_one_that_the_tables_give() -> None:
    given = {*payments.STATUSES.values(), *payments.SAID_BY_EVENT.values()}
    assert payments.PAID_ONCE - given == {ChargeStatus.CHARGED_BACK}
    assert given >= payments.OPEN


@pytest.mark.parametrize(
    ("event_type", "words"),
    [
        (EventType.CHARGE_CREATED, "CREATED"),
        (EventType.CHARGE_AUTHORIZED, "AUTHORIZED"),
        (
            EventType.CHARGE_PAID,
            "CONFIRMED RECEIVED AWAITING_CHARGEBACK_REVERSAL DUNNING_RECEIVED",
        ),
        (EventType.CHARGE_OVERDUE, "OVERDUE"),
        (EventType.CHARGE_FAILED, "REPROVED_BY_RISK_ANALYSIS CREDIT_CARD_CAPTURE_REFUSED"),
        (EventType.CHARGE_CANCELLED, "DELETED"),
        (EventType.CHARGE_DISPUTED, "CHARGEBACK_REQUESTED CHARGEBACK_DISPUTE"),
        (EventType.CHARGE_REFUNDED, "REFUNDED"),
        (EventType.CHARGE_PARTIALLY_REFUNDED, "PARTIALLY_REFUNDED"),
        (
            EventType.CHARGE_UPDATED,
            """
            UPDATED RESTORED ANTICIPATED AWAITING_RISK_ANALYSIS APPROVED_BY_RISK_ANALYSIS
            REFUND_IN_PROGRESS REFUND_DENIED RECEIVED_IN_CASH_UNDONE DUNNING_REQUESTED
            BANK_SLIP_CANCELLED
            """,
        ),
    ],
)
def test_what_each_event_of_a_payment_is_about(event_type: EventType, words: str) -> None:
    told = {word for word, told in webhook.PAYMENT_EVENTS.items() if told is event_type}
    assert told == {f"PAYMENT_{word}" for word in words.split()}


def test_every_event_that_is_read_is_listed() -> None:
    assert set(ASAAS.events) == set(webhook.READERS)
