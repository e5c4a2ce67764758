"""What a sale that the API tells says, and that a webhook says the same."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from recibo.billing.states import ChargeState, Told, charge_state
from recibo.gateways import http
from recibo.gateways.contract import RawRequest
from recibo.gateways.errors import PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    Commission,
    CustomerFact,
    EventType,
    Money,
    PaymentMethod,
    ProductFact,
)
from recibo.gateways.hotmart import HOTMART
from recibo.gateways.hotmart.sales_api import ALL_STATUSES
from recibo.gateways.hotmart.words import STATUSES
from tests.recordings import recorded

APPROVAL = "hotmart/webhook-purchase-approved"
COMPLETE = "hotmart/answer-sale-complete"
APPROVED = "hotmart/answer-sale-approved"
READ_AT = datetime(2026, 3, 12, 5, tzinfo=UTC)
ORDERED_AT = datetime(2026, 3, 10, 14, 2, 5, tzinfo=UTC)
APPROVED_AT = datetime(2026, 3, 10, 14, 2, 8, tzinfo=UTC)
WARRANTY_ENDS_AT = datetime(2026, 3, 17, tzinfo=UTC)
YEARS_LATER = READ_AT.replace(year=2029)


def answer(
    name: str = COMPLETE, changes: Mapping[str, Any] | None = None, at: datetime | None = READ_AT
) -> RawRequest:
    """A recorded sale with other values at the dotted places; ``...`` takes a place away."""
    body = json.loads(recorded(name).body)
    for place, value in (changes or {}).items():
        *path, last = place.split(".")
        holder = body
        for key in path:
            holder = holder[int(key) if isinstance(holder, list) else key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    notes = {"at": at.isoformat()} if at else {}
    return http.answer("sale", json.dumps(body).encode(), **notes)


def charge(request: RawRequest) -> ChargeFact:
    fact = HOTMART.parse(request)[0]
    assert isinstance(fact, ChargeFact)
    return fact


def changed(at: datetime | None = READ_AT, **purchase: Any) -> ChargeFact:
    """The charge of the recorded sale with other values in its purchase."""
    places = {f"sale.purchase.{name}": value for name, value in purchase.items()}
    return charge(answer(changes=places, at=at))


def folded(*facts: ChargeFact) -> ChargeState:
    """What facts add up to, whatever their order."""
    told = [
        Told(
            fact=one,
            text=repr(one),
            customer=one.customer.email if one.customer else "",
            simulated=False,
        )
        for one in facts
    ]
    state = charge_state(told)
    assert charge_state(told[::-1]) == state
    return state


# The whole of an answer


def test_an_answer_tells_what_the_webhook_of_the_same_sale_tells() -> None:
    assert charge(answer()) == ChargeFact(
        charge_id="HP1000000001",
        status=ChargeStatus.PAID,
        occurred_at=READ_AT,
        amount=Money(Decimal("97.9"), "BRL"),
        order_reference="HP1000000001",
        customer=CustomerFact(
            email="beatriz.exemplo@example.com",
            name="Beatriz Exemplo da Silva",
            phone="11900000001",
            document="12345678909",
        ),
        product=ProductFact(id="1000101", name="Clube do Código", offer="clubmens"),
        total=Decimal("97.9"),
        fee=Decimal("10.69"),
        net=Decimal("87.21"),
        commissions=(
            Commission("MARKETPLACE", Decimal("10.69"), "BRL"),
            Commission("PRODUCER", Decimal("87.21"), "BRL"),
        ),
        payment_method=PaymentMethod.CARD,
        installments=1,
        created_at=ORDERED_AT,
        paid_at=APPROVED_AT,
        subscription_code="AB12CD34",
        cycle=1,
        metadata={"src": "newsletter", "sck": "newsletter|marco"},
        is_dated_by_us=True,  # nothing says when it became COMPLETE
    )


def test_a_webhook_and_an_answer_about_one_sale_are_one_charge() -> None:
    approval = charge(recorded(APPROVAL))
    state = folded(approval, charge(answer()))
    alone = folded(approval)
    same = (
        *("status", "order_reference", "customer", "subscription_code", "cycle", "amount"),
        *("currency", "total", "fee", "net", "commissions", "payment_method", "installments"),
        *("product_id", "product", "offer", "created_at", "paid_at", "refunded_amount"),
    )
    assert {n: getattr(state, n) for n in same} == {n: getattr(alone, n) for n in same}


def test_an_approval_that_was_read_is_dated_like_its_webhook() -> None:
    assert changed(status="APPROVED").occurred_at == charge(recorded(APPROVAL)).occurred_at


def test_without_details_nothing_is_unsaid() -> None:
    fact = charge(answer(APPROVED))
    assert (fact.commissions, fact.net, fact.subscription_code) == ((), None, "")
    assert fact.fee == Decimal("10.69")
    assert fact.customer == CustomerFact(
        email="caio.exemplo@example.com", name="Beatriz Exemplo da Silva"
    )


# Statuses


@pytest.mark.parametrize("word", ALL_STATUSES)
def test_every_status_that_is_asked_for_is_understood(word: str) -> None:
    assert changed(status=word).status is STATUSES[word]


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ("COMPLETE", "COMPLETED"),
        ("CANCELLED", "CANCELED"),
        ("PRINTED_BILLET", "BILLET_PRINTED"),
        ("PROTESTED", "DISPUTE"),
        ("OVERDUE", "DELAYED"),
    ],
)
def test_the_spellings_of_api_and_webhook_mean_the_same(told: str, sent: str) -> None:
    assert changed(status=told).status is changed(status=sent).status


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    request = answer(changes={"sale.purchase.status": "LEVITATING"})
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        HOTMART.parse(request)
    identity = HOTMART.identify(request)
    assert (identity.event_type, identity.charge_id) == (EventType.UNKNOWN, "HP1000000001")


def test_a_refund_gives_back_the_price() -> None:
    fact = changed(status="REFUNDED")
    assert (fact.refunded_amount, fact.paid_at) == (Decimal("97.9"), APPROVED_AT)


def test_what_was_never_paid_was_never_paid_whatever_its_dates_say() -> None:
    assert changed(status="UNDER_ANALISYS").paid_at is None


# When it was


@pytest.mark.parametrize(
    ("status", "at", "expected"),
    [
        ("WAITING_PAYMENT", READ_AT, ORDERED_AT),
        ("APPROVED", READ_AT, APPROVED_AT),
        ("EXPIRED", READ_AT, READ_AT),
        ("EXPIRED", YEARS_LATER, ORDERED_AT + timedelta(days=7)),
        ("OVERDUE", ORDERED_AT - timedelta(days=1), ORDERED_AT),
        ("PROTESTED", READ_AT, READ_AT),
        ("PROTESTED", YEARS_LATER, WARRANTY_ENDS_AT + timedelta(days=7)),
        ("COMPLETE", YEARS_LATER, WARRANTY_ENDS_AT + timedelta(days=8)),
        ("REFUNDED", READ_AT, READ_AT),
        ("REFUNDED", YEARS_LATER, WARRANTY_ENDS_AT + timedelta(days=7)),
        ("REFUNDED", APPROVED_AT - timedelta(days=1), APPROVED_AT),
        ("CHARGEBACK", YEARS_LATER, WARRANTY_ENDS_AT + timedelta(days=90)),
    ],
)
def test_a_status_without_a_date_was_so_when_it_was_read_or_as_late_as_it_can_have_been(
    status: str, at: datetime, expected: datetime
) -> None:
    assert changed(at, status=status).occurred_at == expected


@pytest.mark.parametrize(
    ("status", "is_dated_by_us"),
    [
        ("WAITING_PAYMENT", False),
        ("APPROVED", False),
        ("COMPLETE", True),
        ("EXPIRED", True),
        ("REFUNDED", True),
        ("CHARGEBACK", True),
    ],
)
def test_what_only_the_reading_dates_says_so(status: str, is_dated_by_us: bool) -> None:
    assert changed(status=status).is_dated_by_us is is_dated_by_us


def test_a_refund_of_a_subscriptions_charge_has_its_date() -> None:
    refunded_at = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
    places = {
        "sale.purchase.status": "REFUNDED",
        "recurrence.purchase.payment.refund_chargeback_date": refunded_at.timestamp() * 1000 // 1,
    }
    places = {name: int(v) if isinstance(v, float) else v for name, v in places.items()}
    fact = charge(answer(changes=places))
    assert (fact.occurred_at, fact.is_dated_by_us) == (refunded_at, False)


def test_without_a_warranty_the_approval_counts() -> None:
    fact = changed(YEARS_LATER, status="REFUNDED", warranty_expire_date=...)
    assert fact.occurred_at == APPROVED_AT + timedelta(days=7)


def test_an_answer_whose_reading_has_no_date_is_dated_as_late_as_can_be() -> None:
    assert changed(None, status="EXPIRED").occurred_at == ORDERED_AT + timedelta(days=7)


def test_a_sale_without_any_date_cannot_be_read() -> None:
    with pytest.raises(PayloadError, match="order_date"):
        changed(status="EXPIRED", order_date=None, approved_date=None)


def test_a_refund_request_that_came_to_nothing_is_paid_again() -> None:
    request = changed(YEARS_LATER, status="PROTESTED")
    assert folded(request, changed(YEARS_LATER)).status is ChargeStatus.PAID


def test_a_missed_webhook_is_made_good_whatever_was_known_before() -> None:
    printed = charge(recorded("hotmart/webhook-purchase-billet-printed"))
    late = printed.occurred_at + timedelta(days=8)
    number = printed.charge_id
    milliseconds = int(printed.occurred_at.timestamp() * 1000)
    told = {"transaction": number, "status": "EXPIRED", "order_date": milliseconds}
    expired = changed(late, **told)
    assert folded(printed, expired).status is ChargeStatus.EXPIRED
    assert folded(printed, expired, changed(late, **told | {"status": "APPROVED"})).status is (
        ChargeStatus.PAID
    )


# Money


def test_shares_in_another_currency_are_kept_and_not_mixed() -> None:
    fee = {"total": 2, "currency_code": "EUR"}
    share = {"currency_value": "USD", "value": 95}
    places = {"sale.purchase.hotmart_fee": fee, "commissions.commissions.0.commission": share}
    fact = charge(answer(changes=places))
    assert (fact.fee, fact.net) == (None, None)
    assert fact.commissions == (
        Commission("MARKETPLACE", Decimal(2), "EUR"),
        Commission("PRODUCER", Decimal(95), "USD"),
    )


@pytest.mark.parametrize("own", ["COPRODUCER", "AFFILIATE"])
def test_the_net_is_the_share_of_who_asks(own: str) -> None:
    shares = [
        {"source": "PRODUCER", "commission": {"value": 50, "currency_value": "BRL"}},
        {"source": own, "commission": {"value": 7, "currency_value": "BRL"}, "user": {"name": "X"}},
    ]
    places = {"commissions.commissions": shares, "sale.purchase.commission_as": own}
    fact = charge(answer(changes=places))
    assert fact.net == Decimal(7)
    assert fact.commissions[2].name == ("X" if own == "AFFILIATE" else "")


def test_a_fee_that_is_listed_is_not_counted_twice() -> None:
    shares = [{"source": "MARKETPLACE", "commission": {"value": 10.69, "currency_value": "BRL"}}]
    fact = charge(answer(changes={"commissions.commissions": shares}))
    assert [one.source for one in fact.commissions] == ["MARKETPLACE"]


def test_a_total_in_another_currency_is_left_out() -> None:
    assert charge(answer(changes={"recurrence.purchase.price.currency": "USD"})).total is None


@pytest.mark.parametrize(
    "place",
    [
        "sale.purchase.price.value",
        "sale.purchase.hotmart_fee.total",
        "commissions.commissions.0.commission.value",
        "recurrence.purchase.price.total_value",
    ],
)
def test_what_is_no_amount_of_money_is_refused(place: str) -> None:
    with pytest.raises(PayloadError):
        HOTMART.parse(answer(changes={place: -1}))


# Lines, buyers, reasons


def test_a_line_of_an_order_with_bumps_belongs_to_the_order() -> None:
    fact = changed(transaction="HP1000000016C2")
    assert (fact.charge_id, fact.order_reference) == ("HP1000000016C2", "HP1000000016")


def test_only_a_subscription_has_cycles() -> None:
    assert changed(is_subscription=False).cycle is None


def test_what_a_recurrence_tells_of_a_payment_is_kept() -> None:
    payment = {"refusal_message": "RESTRICTED CARD", "pix_expiration_date": 1745020800000}
    fact = charge(answer(changes={"recurrence.purchase.payment": payment}))
    assert fact.refusal_reason == "RESTRICTED CARD"
    assert fact.expires_at == datetime(2025, 4, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([{"type": "DOCUMENT", "value": "1"}, {"type": "cnpj", "value": "2"}], "2"),
        ([{"type": "DOCUMENT", "value": "1"}, {"type": "CPF", "value": ""}], "1"),
        ([{"type": "DOCUMENT", "value": None}], ""),
        ([{}], ""),
        (None, ""),
    ],
)
def test_a_brazilian_document_goes_before_others(documents: Any, expected: str) -> None:
    customer = charge(answer(changes={"users.users.1.user.documents": documents})).customer
    assert customer
    assert customer.document == expected


def test_a_fixed_line_is_better_than_no_phone() -> None:
    places = {"users.users.1.user.cellphone": "", "users.users.1.user.phone": "1130000009"}
    customer = charge(answer(changes=places)).customer
    assert customer
    assert customer.phone == "1130000009"


def test_a_buyer_whom_the_sale_hides_is_found_among_the_participants() -> None:
    customer = charge(answer(changes={"sale.buyer": None})).customer
    assert customer
    assert customer.email == "beatriz.exemplo@example.com"
    assert customer.name == "Beatriz Exemplo da Silva"


def test_a_sale_may_come_without_a_buyer() -> None:
    assert charge(answer(changes={"sale.buyer": None, "users": None})).customer is None


# Which news it is


def event_id(changes: Mapping[str, Any] | None = None, at: datetime = READ_AT) -> str:
    return HOTMART.identify(answer(changes=changes, at=at)).event_id


def test_the_same_state_read_twice_is_one_event() -> None:
    assert event_id(at=READ_AT) == event_id(at=YEARS_LATER)


@pytest.mark.parametrize(
    "changes",
    [
        {"sale.purchase.status": "REFUNDED"},
        {"sale.purchase.approved_date": 1773151328001},
        {"commissions": ...},
        {"recurrence": ...},
    ],
)
def test_a_changed_state_is_another_event(changes: Mapping[str, Any]) -> None:
    assert event_id(changes) != event_id()


@pytest.mark.parametrize(
    "changes",
    [
        {"users": ...},
        {"users.users.1.user.cellphone": "11900000009"},
        {"commissions.commissions": []},
        {"recurrence.last_update": 1, "recurrence.recurrency.payment_delays_days": 23},
        {"sale.something_new": [1]},
    ],
)
def test_what_says_nothing_of_the_sale_is_no_other_event(changes: Mapping[str, Any]) -> None:
    assert event_id(changes) == event_id()


def test_the_order_of_a_list_is_no_news() -> None:
    shares = [
        {"source": source, "commission": {"value": value, "currency_value": "BRL"}}
        for source, value in (("PRODUCER", 50), ("COPRODUCER", 7))
    ]
    place = "commissions.commissions"
    assert event_id({place: shares}) == event_id({place: shares[::-1]})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("COMPLETE", EventType.CHARGE_PAID),
        ("REFUNDED", EventType.CHARGE_REFUNDED),
        ("WAITING_PAYMENT", EventType.CHARGE_CREATED),
    ],
)
def test_money_that_moved_is_critical_news(status: str, kind: EventType) -> None:
    assert HOTMART.identify(answer(changes={"sale.purchase.status": status})).event_type is kind


def test_an_answer_of_an_unknown_kind_is_refused() -> None:
    for read in (HOTMART.identify, HOTMART.parse):
        with pytest.raises(PayloadError, match="not known"):
            read(http.answer("coupon", b"{}"))
