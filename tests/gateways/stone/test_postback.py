"""The form of Pagar.me v4."""

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

import pytest

from recibo.gateways.contract import Identity, RawRequest
from recibo.gateways.errors import IgnoredError, PayloadError, UnknownStatusError
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Money,
    PaymentMethod,
    Period,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.stone import STONE
from tests.recordings import recorded

BOLETO = "stone/v4-postback-transaction-boleto-paid"
REFUSED = "stone/v4-postback-transaction-card-refused"
REFUNDED = "stone/v4-postback-transaction-card-refunded"
CHARGED_BACK = "stone/v4-postback-transaction-card-chargedback"
CANCELLED = "stone/v4-postback-subscription-canceled"


def changed(name: str, **changes: str | None) -> RawRequest:
    """A recording with other fields, ``__`` for a bracket; None takes one away."""
    request = recorded(name)
    fields: dict[str, str | None] = dict(
        parse_qsl(request.body.decode(), keep_blank_values=True),
    )
    for key, value in changes.items():
        first, *rest = key.split("__")
        fields[first + "".join(f"[{part}]" for part in rest)] = value
    sent = {key: value for key, value in fields.items() if value is not None}
    return RawRequest(request.headers, urlencode(sent).encode())


def charge(name: str = BOLETO, **changes: str | None) -> ChargeFact:
    (fact,) = STONE.parse(changed(name, **changes))
    assert isinstance(fact, ChargeFact)
    return fact


def subscription(**changes: str | None) -> SubscriptionFact:
    (fact,) = STONE.parse(changed(CANCELLED, **changes))
    assert isinstance(fact, SubscriptionFact)
    return fact


def test_a_paid_boleto_is_paid_though_its_paid_amount_is_nought() -> None:
    updated_at = datetime(2018, 9, 10, 15, 8, 51, 267_000, UTC)
    assert STONE.parse(recorded(BOLETO)) == [
        ChargeFact(
            charge_id="4000001",
            status=ChargeStatus.PAID,
            occurred_at=updated_at,
            amount=Money(Decimal("150.00"), "BRL"),
            order_reference="PEDIDO-3900",
            customer=CustomerFact(
                email="marina.araujo@example.com",
                name="Marina Teixeira de Araújo",
                document="12345678909",
                gateway_id="730000",
            ),
            fee=Decimal("3.80"),
            payment_method=PaymentMethod.BOLETO,
            installments=1,
            created_at=datetime(2018, 9, 10, 15, 7, 50, 615_000, UTC),
            paid_at=updated_at,
            expires_at=datetime(2018, 9, 17, 3, tzinfo=UTC),
            payment_url="https://pagar.me",
            metadata={"pedido": "PEDIDO-3900"},
        )
    ]


def test_a_postback_is_known_by_its_object_status_and_time_of_change() -> None:
    assert STONE.identify(recorded(BOLETO)) == Identity(
        event_id="v4/transaction/4000001/paid/2018-09-10T15:08:51.267Z",
        gateway_event="transaction_status_changed/paid",
        event_type=EventType.CHARGE_PAID,
        charge_id="4000001",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "4000002"},
        {"current_status": "refunded"},
        {"transaction__date_updated": "2018-09-11T00:00:00.000Z"},
    ],
)
def test_other_news_of_the_same_fingerprint_is_another_event(changes: dict[str, str]) -> None:
    known = STONE.identify(recorded(BOLETO)).event_id
    assert STONE.identify(changed(BOLETO, **changes)).event_id != known


def test_a_subscription_is_known_by_its_period() -> None:
    assert STONE.identify(recorded(CANCELLED)) == Identity(
        event_id="v4/subscription/300001/canceled/2018-10-10T15:07:50.615Z",
        gateway_event="subscription_status_changed/canceled",
        event_type=EventType.SUBSCRIPTION_CANCELLED,
    )


@pytest.mark.parametrize(
    ("name", "status", "refunded"),
    [
        (REFUSED, ChargeStatus.FAILED, None),
        (REFUNDED, ChargeStatus.REFUNDED, Decimal("150.00")),
        (CHARGED_BACK, ChargeStatus.CHARGED_BACK, None),
    ],
)
def test_the_recorded_statuses(name: str, status: ChargeStatus, refunded: Decimal | None) -> None:
    told = charge(name)
    assert (told.status, told.refunded_amount, told.paid_at) == (status, refunded, None)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("processing", ChargeStatus.PENDING),
        ("analyzing", ChargeStatus.PENDING),
        ("pending_review", ChargeStatus.PENDING),
        ("waiting_payment", ChargeStatus.PENDING),
        ("authorized", ChargeStatus.AUTHORIZED),
        ("pending_refund", ChargeStatus.PAID),
    ],
)
def test_every_other_status(word: str, status: ChargeStatus) -> None:
    assert charge(current_status=word).status is status


@pytest.mark.parametrize(
    ("cents", "status", "refunded"),
    [
        ("5000", ChargeStatus.PARTIALLY_REFUNDED, Decimal("50.00")),
        ("15000", ChargeStatus.REFUNDED, Decimal("150.00")),
        ("99999", ChargeStatus.REFUNDED, Decimal("150.00")),
    ],
)
def test_paid_with_a_refund_is_refunded_in_part_or_whole(
    cents: str, status: ChargeStatus, refunded: Decimal
) -> None:
    told = charge(transaction__refunded_amount=cents)
    assert (told.status, told.refunded_amount) == (status, refunded)


def test_a_chargeback_after_a_refund_is_a_chargeback() -> None:
    told = charge(CHARGED_BACK, transaction__refunded_amount="5000")
    assert (told.status, told.refunded_amount) == (ChargeStatus.CHARGED_BACK, None)


def test_what_was_never_collected_costs_nothing() -> None:
    assert charge(REFUSED).fee is None
    assert charge(transaction__cost="0").fee is None
    assert charge(REFUNDED).fee == Decimal("3.80")


def test_the_bank_says_why() -> None:
    assert charge(REFUSED).refusal_reason == "acquirer"


@pytest.mark.parametrize(
    ("changes", "reference"),
    [
        ({"transaction__reference_key": "R-1"}, "R-1"),
        ({"transaction__metadata__order_code": "O-1"}, "O-1"),
        ({"transaction__metadata__pedido": None, "transaction__metadata__order_id": "7"}, "7"),
        ({"transaction__metadata__pedido": None}, "4000001"),
    ],
)
def test_the_sellers_code_of_the_order(changes: dict[str, str | None], reference: str) -> None:
    assert charge(**changes).order_reference == reference


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("pix", PaymentMethod.PIX),
        ("credit_card", PaymentMethod.CARD),
        ("carrier_pigeon", PaymentMethod.OTHER),
        (None, None),
    ],
)
def test_payment_methods(word: str | None, method: PaymentMethod | None) -> None:
    assert charge(transaction__payment_method=word).payment_method is method


@pytest.mark.parametrize(("text", "count"), [("12", 12), ("", None), ("²", None), ("9" * 9, None)])
def test_installments(text: str, count: int | None) -> None:
    assert charge(transaction__installments=text).installments == count


def test_phones() -> None:
    numbers = {"transaction__customer__phone__ddd": "11"}
    assert charge(**numbers).customer.phone == ""
    numbers["transaction__customer__phone__number"] = "990000001"
    assert charge(**numbers).customer.phone == "11990000001"
    numbers["transaction__customer__phone__ddi"] = "55"
    assert charge(**numbers).customer.phone == "+5511990000001"


def test_a_subscription_tells_its_plan() -> None:
    assert STONE.parse(recorded(CANCELLED)) == [
        SubscriptionFact(
            code="300001",
            occurred_at=datetime(2018, 10, 10, 15, 7, 50, 615_000, UTC),
            status=SubscriptionStatus.CANCELLED,
            customer=CustomerFact(email="marina.araujo@example.com"),
            product=subscription().product,
            plan="Clube de Cerâmica",
            plan_id="100001",
            price=Money(Decimal("59.90"), "BRL"),
        )
    ]
    assert subscription().product.name == "Clube de Cerâmica"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("trialing", SubscriptionStatus.TRIAL),
        ("paid", SubscriptionStatus.ACTIVE),
        ("pending_payment", SubscriptionStatus.PAST_DUE),
        ("unpaid", SubscriptionStatus.PAST_DUE),
        ("ended", SubscriptionStatus.EXPIRED),
    ],
)
def test_every_status_of_a_subscription(word: str, status: SubscriptionStatus) -> None:
    told = subscription(current_status=word)
    assert told.status is status
    is_active = status is SubscriptionStatus.ACTIVE
    assert told.next_billing_at == (told.occurred_at if is_active else None)


def test_a_subscription_is_dated_by_its_change_where_that_is_told() -> None:
    told = subscription(
        subscription__date_updated="2018-09-20T00:00:00Z",
        subscription__date_created="2018-09-10T00:00:00Z",
        subscription__plan__days="30",
        subscription__plan__amount=None,
    )
    assert told.occurred_at == datetime(2018, 9, 20, tzinfo=UTC)
    assert told.started_at == datetime(2018, 9, 10, tzinfo=UTC)
    assert (told.period, told.price) == (Period.MONTHLY, None)


@pytest.mark.parametrize("name", [BOLETO, CANCELLED])
def test_an_unknown_status_is_an_error_not_a_guess(name: str) -> None:
    with pytest.raises(UnknownStatusError, match="levitating"):
        STONE.parse(changed(name, current_status="levitating"))


def test_an_unknown_event_is_identified_and_kept_as_ignored() -> None:
    request = changed(BOLETO, event="recipient_status_changed")
    assert STONE.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match="recipient_status_changed is not known"):
        STONE.parse(request)


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        (BOLETO, {"id": None}, "id is missing"),
        (BOLETO, {"id": "9" * 201}, "id is too long"),
        (BOLETO, {"current_status": ""}, "current_status is missing"),
        (BOLETO, {"event": None}, "event is missing"),
        (BOLETO, {"transaction__amount": None}, "amount. is missing"),
        (BOLETO, {"transaction__amount": "-1"}, "not an amount"),
        (BOLETO, {"transaction__amount": "1" * 14}, "not an amount"),
        (BOLETO, {"transaction__date_updated": None}, "date_updated. is missing"),
        (BOLETO, {"transaction__date_updated": "yesterday"}, "date_updated. is not a time"),
        (CANCELLED, {"subscription__current_period_end": None}, "current_period_end. is missing"),
    ],
)
def test_what_is_not_there_is_named(name: str, changes: dict[str, str | None], field: str) -> None:
    with pytest.raises(PayloadError, match=field):
        STONE.parse(changed(name, **changes))


def test_an_object_without_a_kind_has_no_identity() -> None:
    with pytest.raises(PayloadError, match="object is missing"):
        STONE.identify(changed(BOLETO, object=None))


@pytest.mark.parametrize("padding", [b"&a=%41" * 501, b"&a=" + b"x" * 65_536])
def test_a_form_larger_than_any_postback_is_not_read(padding: bytes) -> None:
    request = recorded(BOLETO)
    with pytest.raises(PayloadError, match="too large"):
        STONE.identify(RawRequest(request.headers, request.body + padding))
