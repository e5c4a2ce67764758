"""Hotmart's deliveries and their traps, one behaviour a test."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from recibo.gateways.contract import Identity, RawRequest
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
    Commission,
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
from recibo.gateways.hotmart import HOTMART, webhook, words
from tests.recordings import recorded

TOKEN = b"hottok-ficticio-000000000000000000000000"
FORM = b"application/x-www-form-urlencoded"

APPROVED = "hotmart/webhook-purchase-approved"
CANCELLATION = "hotmart/webhook-subscription-cancellation"
SWITCH = "hotmart/webhook-switch-plan"
CHARGE_DATE = "hotmart/webhook-update-subscription-charge-date"
CART = "hotmart/webhook-cart-abandonment"
LEGACY = "hotmart/webhook-v1-purchase-approved"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changed(name: str, changes: Mapping[str, Any]) -> RawRequest:
    """A recording with other values at the dotted places; ``...`` takes a place away."""
    body = json.loads(recorded(name).body)
    for place, value in changes.items():
        *path, last = place.split(".")
        holder = body
        for key in path:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return RawRequest(headers={}, body=json.dumps(body).encode())


def charge(name: str = APPROVED, **changes: Any) -> ChargeFact:
    """The charge of a recording; ``changes`` to ``data.purchase``, ``__`` for a dot."""
    places = {f"data.purchase.{key.replace('__', '.')}": value for key, value in changes.items()}
    fact = HOTMART.parse(changed(name, places))[0]
    assert isinstance(fact, ChargeFact)
    return fact


def subscription(name: str = APPROVED, **changes: Any) -> SubscriptionFact:
    """The subscription of a recording; ``changes`` to ``data``, ``__`` for a dot."""
    places = {f"data.{key.replace('__', '.')}": value for key, value in changes.items()}
    fact = HOTMART.parse(changed(name, places))[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


def legacy_form(changes: Mapping[str, str | None] | None = None) -> RawRequest:
    """The form post of 1.0.0, as it travels; None takes a field away."""
    fields = {**json.loads(recorded(LEGACY).body), **(changes or {})}
    sent = {name: value for name, value in fields.items() if value is not None}
    return RawRequest(headers={b"content-type": FORM}, body=urlencode(sent).encode())


def facts_of(name: str, event: str) -> list[Any]:
    return HOTMART.parse(changed(name, {"event": event}))


# The whole of a delivery


def test_an_approval_tells_of_a_paid_charge_and_a_running_subscription() -> None:
    customer = CustomerFact(
        email="beatriz.exemplo@example.com",
        name="Beatriz Exemplo da Silva",
        phone="11900000001",
        document="12345678909",
    )
    product = ProductFact(id="1000101", name="Clube do Código", offer="clubmens")
    approved_at = at("2026-03-10T14:02:08")
    price = Money(Decimal("97.9"), "BRL")
    assert HOTMART.parse(recorded(APPROVED)) == [
        ChargeFact(
            charge_id="HP1000000001",
            status=ChargeStatus.PAID,
            occurred_at=approved_at,
            amount=price,
            order_reference="HP1000000001",
            customer=customer,
            product=product,
            total=Decimal("97.9"),
            fee=Decimal("10.69"),
            net=Decimal("87.21"),
            commissions=(
                Commission("MARKETPLACE", Decimal("10.69"), "BRL"),
                Commission("PRODUCER", Decimal("87.21"), "BRL"),
            ),
            payment_method=PaymentMethod.CARD,
            installments=1,
            created_at=at("2026-03-10T14:02:05"),
            paid_at=approved_at,
            subscription_code="AB12CD34",
            cycle=1,
            metadata={"src": "newsletter", "sck": "newsletter|marco", "xcod": "xcod-ficticio"},
        ),
        SubscriptionFact(
            code="AB12CD34",
            occurred_at=approved_at,
            status=SubscriptionStatus.ACTIVE,
            customer=customer,
            product=product,
            plan="Clube Mensal",
            plan_id="700101",
            price=price,
            period=Period.MONTHLY,
            next_billing_at=at("2026-04-10T12:00:00"),
            started_at=approved_at,
        ),
    ]


# Who sent it


def test_the_token_in_the_header_is_the_proof() -> None:
    HOTMART.verify(HOTMART.sign(RawRequest(headers={}, body=b"{}"), TOKEN), [TOKEN])


def test_a_token_in_a_json_body_proves_nothing() -> None:
    with pytest.raises(SignatureError) as refused:
        HOTMART.verify(recorded(CHARGE_DATE), [TOKEN])
    assert refused.value.reason is Refused.SIGNATURE_MISSING


def test_the_header_decides_over_the_body() -> None:
    with pytest.raises(SignatureError):
        HOTMART.verify(HOTMART.sign(recorded(CHARGE_DATE), b"forged"), [TOKEN])


def test_a_legacy_form_proves_itself_by_its_field() -> None:
    HOTMART.verify(legacy_form(), [b"other", TOKEN])


def test_the_header_decides_over_the_field_of_a_form() -> None:
    form = legacy_form()
    headers = {**form.headers, webhook.TOKEN_HEADER: b"forged"}
    with pytest.raises(SignatureError):
        HOTMART.verify(RawRequest(headers=headers, body=form.body), [TOKEN])


@pytest.mark.parametrize(
    ("hottok", "reason"),
    [
        ("forged", Refused.SIGNATURE_INVALID),
        ("ção", Refused.SIGNATURE_INVALID),
        ("", Refused.SIGNATURE_MISSING),
        (None, Refused.SIGNATURE_MISSING),
    ],
)
def test_a_legacy_form_without_the_right_token_is_refused(
    hottok: str | None, reason: Refused
) -> None:
    with pytest.raises(SignatureError) as refused:
        HOTMART.verify(legacy_form({"hottok": hottok}), [TOKEN])
    assert refused.value.reason is reason


@pytest.mark.parametrize("padding", [b"&a=%41" * 501, b"&a=" + b"x" * 65_536])
def test_a_form_larger_than_any_of_hotmarts_is_not_even_read(padding: bytes) -> None:
    form = legacy_form()
    with pytest.raises(SignatureError):
        HOTMART.verify(RawRequest(headers=form.headers, body=form.body + padding), [TOKEN])


def test_a_form_in_no_encoding_is_refused_not_a_crash() -> None:
    request = RawRequest(headers={b"content-type": FORM}, body=b"hottok=\xff%ff%")
    with pytest.raises(SignatureError):
        HOTMART.verify(request, [TOKEN])


# Which news it is


def test_a_delivery_is_known_by_the_id_of_its_envelope() -> None:
    assert HOTMART.identify(recorded(APPROVED)) == Identity(
        event_id="5b0e6a10-0001-4c00-9000-000000000001",
        gateway_event="PURCHASE_APPROVED",
        event_type=EventType.CHARGE_PAID,
        charge_id="HP1000000001",
    )


@pytest.mark.parametrize("name", [CANCELLATION, SWITCH, CHARGE_DATE, CART])
def test_an_event_without_a_purchase_names_no_charge(name: str) -> None:
    assert HOTMART.identify(recorded(name)).charge_id == ""


@pytest.mark.parametrize("absent", [..., None, ""])
def test_a_delivery_without_an_id_is_known_by_its_bytes(absent: Any) -> None:
    first, again = (HOTMART.identify(changed(APPROVED, {"id": absent})) for _ in range(2))
    other = HOTMART.identify(changed(APPROVED, {"id": absent, "creation_date": 1}))
    assert first.event_id.startswith("sha256:")
    assert first == again
    assert first.event_id != other.event_id


def test_an_unknown_event_is_identified_and_kept_as_ignored() -> None:
    request = changed(APPROVED, {"event": "PURCHASE_LEVITATED"})
    assert HOTMART.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match="PURCHASE_LEVITATED is not known"):
        HOTMART.parse(request)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"event": 1}', b'{"event": "\xff"}'),
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_payload(body: bytes) -> None:
    request = RawRequest(headers={}, body=body)
    with pytest.raises(PayloadError):
        HOTMART.identify(request)
    with pytest.raises(PayloadError):
        HOTMART.parse(request)


def test_a_nul_that_postgresql_cannot_store_is_left_out() -> None:
    request = changed(APPROVED, {"data.buyer.name": "Bea\0triz \\u0000"})
    charge_fact = HOTMART.parse(request)[0]
    assert charge_fact.customer.name == "Beatriz \\u0000"
    assert HOTMART.identify(request) == HOTMART.identify(recorded(APPROVED))


def test_other_escapes_are_read() -> None:
    assert charge(payment__refusal_reason="não\t\\").refusal_reason == "não\t\\"


def test_json_under_a_forms_content_type_is_still_json() -> None:
    request = RawRequest(headers={b"content-type": FORM}, body=b" \n" + recorded(APPROVED).body)
    assert HOTMART.identify(request) == HOTMART.identify(recorded(APPROVED))
    assert HOTMART.parse(request) == HOTMART.parse(recorded(APPROVED))


# Format 1.0.0


@pytest.mark.parametrize("request_", [legacy_form(), recorded(LEGACY)])
def test_format_1_is_known_by_transaction_and_status(request_: RawRequest) -> None:
    assert HOTMART.identify(request_) == Identity(
        event_id="1.0.0/HP1121336654889/approved",
        gateway_event="1.0.0/approved",
        event_type=EventType.UNKNOWN,
        charge_id="HP1121336654889",
    )


@pytest.mark.parametrize("request_", [legacy_form(), recorded(LEGACY)])
def test_format_1_is_ignored_and_says_how_to_mend_it(request_: RawRequest) -> None:
    with pytest.raises(IgnoredError, match="create a configuration of version 2"):
        HOTMART.parse(request_)


def test_format_1_without_a_transaction_is_known_by_its_bytes() -> None:
    identity = HOTMART.identify(legacy_form({"transaction": None, "status": None}))
    assert identity.event_id.startswith("sha256:")
    assert identity.gateway_event == "1.0.0/unknown"


def test_format_1_cannot_smuggle_a_nul_or_endless_text_into_the_identity() -> None:
    identity = HOTMART.identify(legacy_form({"transaction": "HP\0" + "1" * 999, "status": "a\0b"}))
    assert identity.gateway_event == "1.0.0/ab"
    assert "\0" not in identity.event_id
    assert len(identity.event_id) < 255


# The panel's test button


@pytest.mark.parametrize(
    "changes",
    [
        {"data.purchase.transaction": "HP16015479281022"},
        {"data.product.id": 0},
        {"data.product.id": "00000"},
        {"data.buyer.email": "Teste@hotmart.com.br"},
    ],
)
def test_a_test_of_the_panel_never_becomes_a_sale(changes: dict[str, Any]) -> None:
    with pytest.raises(IgnoredError, match="test sent from Hotmart's panel"):
        HOTMART.parse(changed(APPROVED, changes))


# Event and status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("purchase-billet-printed", ChargeStatus.PENDING),
        ("purchase-billet-printed-pix", ChargeStatus.PENDING),
        ("purchase-approved", ChargeStatus.PAID),
        ("purchase-approved-renewal", ChargeStatus.PAID),
        ("purchase-complete", ChargeStatus.PAID),
        ("purchase-canceled", ChargeStatus.CANCELLED),
        ("purchase-expired", ChargeStatus.EXPIRED),
        ("purchase-delayed", ChargeStatus.OVERDUE),
        ("purchase-delayed-pix", ChargeStatus.OVERDUE),
        ("purchase-protest", ChargeStatus.DISPUTED),
        ("purchase-refunded", ChargeStatus.REFUNDED),
        ("purchase-chargeback", ChargeStatus.CHARGED_BACK),
    ],
)
def test_each_purchase_event_sets_its_status(name: str, status: ChargeStatus) -> None:
    assert charge(f"hotmart/webhook-{name}").status is status


@pytest.mark.parametrize(
    "name", ["approved", "billet-printed", "canceled", "chargeback", "complete"]
)
def test_the_leaner_payloads_of_2023_are_read_too(name: str) -> None:
    today, before = (f"hotmart/webhook-{year}purchase-{name}" for year in ("", "2023-"))
    assert charge(before).status is charge(today).status


@pytest.mark.parametrize(
    ("name", "webhooks", "apis"),
    [
        ("purchase-complete", "COMPLETED", "COMPLETE"),
        ("purchase-canceled", "CANCELED", "CANCELLED"),
        ("purchase-billet-printed", "BILLET_PRINTED", "PRINTED_BILLET"),
        ("purchase-protest", "DISPUTE", "PROTESTED"),
        ("purchase-delayed", "DELAYED", "OVERDUE"),
    ],
)
def test_the_apis_spelling_of_a_status_means_the_same(name: str, webhooks: str, apis: str) -> None:
    name = f"hotmart/webhook-{name}"
    assert charge(name, status=webhooks) == charge(name, status=apis)


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("purchase-canceled", ["PURCHASE_CANCELLED", "PURCHASE_REFUSED"]),
        ("purchase-complete", ["PURCHASE_COMPLETED"]),
        ("purchase-chargeback", ["CHARGEBACK"]),
        ("purchase-protest", ["PURCHASE_REFUND_REQUESTED"]),
        ("purchase-billet-printed", ["PURCHASE_WAITING_PAYMENT"]),
        ("cart-abandonment", ["CART_ABANDONED", "CART_ABANDONMENT"]),
        ("switch-plan", ["SUBSCRIPTION_CHANGED"]),
        (
            "update-subscription-charge-date",
            ["SUBSCRIPTION_BILLING_DATE_UPDATED", "SUBSCRIPTION_BILLING_DATE_CHANGE"],
        ),
        (
            "subscription-cancellation",
            [
                "SUBSCRIPTION_CANCELLED",
                "SUBSCRIPTION_CANCELED",
                "PURCHASE_RECURRENCE_CANCELLATION",
            ],
        ),
    ],
)
def test_a_looser_spelling_means_the_same(name: str, spellings: list[str]) -> None:
    name = f"hotmart/webhook-{name}"
    for spelling in spellings:
        assert facts_of(name, spelling) == HOTMART.parse(recorded(name))


def test_an_unknown_status_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        charge(status="LEVITATING")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("purchase-refunded", "APPROVED"),
        ("purchase-refunded", "COMPLETED"),
        ("purchase-chargeback", "APPROVED"),
        ("purchase-canceled", "APPROVED"),
        ("purchase-billet-printed", "APPROVED"),
        ("purchase-approved", "REFUNDED"),
        ("purchase-approved", "BILLET_PRINTED"),
        ("purchase-complete", "CHARGEBACK"),
    ],
)
def test_where_event_and_status_contradict_neither_is_believed(name: str, status: str) -> None:
    with pytest.raises(PayloadError, match=f"status {status} contradicts"):
        charge(f"hotmart/webhook-{name}", status=status)


def test_a_complete_alone_marks_the_sale_paid_at_its_approval() -> None:
    complete = charge("hotmart/webhook-purchase-complete")
    approved = charge()
    assert complete.charge_id == approved.charge_id
    assert complete.paid_at == approved.paid_at
    assert complete.occurred_at > approved.occurred_at


def test_a_purchase_is_dated_by_its_notice_unless_it_is_an_approval() -> None:
    assert charge().occurred_at == at("2026-03-10T14:02:08")
    refund = charge("hotmart/webhook-purchase-refunded")
    created = json.loads(recorded("hotmart/webhook-purchase-refunded").body)["creation_date"]
    assert refund.occurred_at.timestamp() == pytest.approx(created / 1000)
    assert refund.paid_at == charge().paid_at


@pytest.mark.parametrize("absent", [..., None])
def test_an_approval_without_its_date_is_dated_by_its_notice(absent: Any) -> None:
    paid = charge(approved_date=absent)
    assert paid.paid_at == paid.occurred_at == datetime.fromisoformat("2026-03-10T14:02:11.331Z")


def test_what_was_never_paid_has_no_date_of_payment() -> None:
    assert charge("hotmart/webhook-purchase-canceled", approved_date=1773151328000).paid_at is None


# Money


def test_json_numbers_are_exact_decimals() -> None:
    assert str(charge().amount.amount) == "97.9"
    assert str(charge(price__value=2626.56).amount.amount) == "2626.56"
    assert str(charge(price__value=997).amount.amount) == "997"


def test_the_sale_is_worth_its_price_not_what_the_buyer_pays_with_interest() -> None:
    sale = charge("hotmart/webhook-purchase-approved-installments-interest")
    assert sale.amount == Money(Decimal(997), "BRL")
    assert sale.total == Decimal(1194)
    assert sale.installments == 12


def test_a_total_in_another_currency_is_not_a_total() -> None:
    assert charge(full_price={"value": 20, "currency_value": "USD"}).total is None
    assert charge(full_price=...).total is None


def test_shares_in_another_currency_stay_out_of_fee_and_net() -> None:
    sale = charge("hotmart/webhook-purchase-approved-eur-vat-usd-payout")
    assert sale.amount == Money(Decimal(57), "EUR")
    assert sale.total == Decimal("70.11")
    assert (sale.fee, sale.net) == (None, None)
    assert sale.commissions == (
        Commission("MARKETPLACE", Decimal("3.28"), "USD"),
        Commission("PRODUCER", Decimal("42.11"), "USD"),
    )


def test_a_share_that_hotmart_converts_to_the_currency_of_the_price_counts() -> None:
    name = "hotmart/webhook-purchase-approved-eur-vat-usd-payout"
    in_reais = {"value": 303.54, "currency_value": "BRL"}
    sale = charge(name, price=in_reais)
    assert (sale.fee, sale.net) == (None, Decimal("231.6"))


def test_every_share_is_kept_and_the_affiliate_named() -> None:
    sale = charge("hotmart/webhook-purchase-approved-affiliate-coproducer")
    assert sale.fee == Decimal("30.4")
    assert sale.net == Decimal("79.98")
    assert [(share.source, share.name) for share in sale.commissions] == [
        ("MARKETPLACE", ""),
        ("AFFILIATE", "Afiliada Exemplo"),
        ("COPRODUCER", ""),
        ("PRODUCER", ""),
    ]
    assert sale.metadata["affiliate"] == "Z00000000A"


def test_a_coproducer_sees_his_own_share_as_net() -> None:
    sale = charge("hotmart/webhook-2023-purchase-complete")
    own = {share.source: share.amount for share in sale.commissions}["COPRODUCER"]
    assert sale.net == own


def test_an_affiliate_of_empty_strings_is_none() -> None:
    assert "affiliate" not in charge().metadata


@pytest.mark.parametrize("absent", [..., None, []])
def test_absent_shares_and_affiliates_are_no_error(absent: Any) -> None:
    request = changed(APPROVED, {"data.commissions": absent, "data.affiliates": absent})
    fact = HOTMART.parse(request)[0]
    assert isinstance(fact, ChargeFact)
    assert (fact.fee, fact.net, fact.commissions) == (None, None, ())


@pytest.mark.parametrize("value", [-1, "NaN", "Infinity", "sNaN", 10**10, 1e300, True, None, "x"])
@pytest.mark.parametrize("price", ["price", "full_price"])
def test_an_impossible_amount_is_an_error(price: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=r"price|decimal"):
        charge(**{f"{price}__value": value})


def test_a_refund_gives_the_whole_price_back() -> None:
    refund = charge("hotmart/webhook-purchase-refunded")
    assert refund.refunded_amount == refund.amount.amount == Decimal("97.9")
    assert refund.refund_id == ""


def test_a_partial_refund_does_not_say_how_much() -> None:
    refund = charge("hotmart/webhook-purchase-refunded", status="PARTIALLY_REFUNDED")
    assert refund.status is ChargeStatus.PARTIALLY_REFUNDED
    assert refund.refunded_amount is None


# Orders


def test_an_order_with_bumps_is_one_order_of_two_charges() -> None:
    main, bump = (
        charge(f"hotmart/webhook-purchase-approved-{line}")
        for line in ("main-with-bump", "order-bump")
    )
    assert (main.charge_id, bump.charge_id) == ("HP1000000016C1", "HP1000000016C2")
    assert main.order_reference == bump.order_reference


@pytest.mark.parametrize("parent", [..., None, "", "HP1000000016", "HP1000000016C1"])
def test_lines_of_an_order_meet_whatever_they_name_as_parent(parent: Any) -> None:
    name = "hotmart/webhook-purchase-approved-main-with-bump"
    main = charge(name, order_bump__parent_purchase_transaction=parent)
    bump = charge("hotmart/webhook-purchase-approved-order-bump")
    assert main.order_reference == bump.order_reference == "HP1000000016"


def test_a_bump_with_a_transaction_of_its_own_belongs_to_its_parent() -> None:
    bump = {"is_order_bump": True, "parent_purchase_transaction": "HP2000000000"}
    assert charge(order_bump=bump).order_reference == "HP2000000000"


def test_an_older_transaction_with_letters_is_not_cut() -> None:
    assert charge(transaction="HPC12345678901").order_reference == "HPC12345678901"
    assert charge(transaction="HP1234C").order_reference == "HP1234C"


# How it is paid


def test_a_boleto_tells_where_to_pay_it() -> None:
    boleto = charge("hotmart/webhook-purchase-billet-printed")
    assert boleto.payment_method is PaymentMethod.BOLETO
    assert boleto.payment_url == "https://boleto.example.com/bHP1000000003"
    assert boleto.payment_code.startswith("00000.00000")
    assert boleto.expires_at is None


def test_a_pix_tells_its_code_and_when_it_lapses() -> None:
    pix = charge("hotmart/webhook-purchase-delayed-pix")
    assert pix.payment_method is PaymentMethod.PIX
    assert pix.payment_url == "https://pix.example.com/qr/exemplo-ficticio"
    assert pix.payment_code.startswith("000201")
    assert pix.expires_at == at("2026-07-12T12:05:00")


def test_a_refusal_tells_why() -> None:
    refused = charge("hotmart/webhook-purchase-canceled")
    assert refused.refusal_reason.startswith("Saldo insuficiente")


@pytest.mark.parametrize(
    ("word", "method"),
    [
        ("CASHPAYMENT", PaymentMethod.CASH),
        ("HYBRID", PaymentMethod.MIXED),
        ("PAYPAL_INTERNACIONAL", PaymentMethod.PAYPAL),
        ("HOTMART_BALANCE", PaymentMethod.WALLET),
        ("TELEPATHY", PaymentMethod.OTHER),
        ("", None),
        (None, None),
    ],
)
def test_a_way_to_pay_has_a_word_of_ours(word: str | None, method: PaymentMethod | None) -> None:
    assert charge(payment__type=word).payment_method is method


@pytest.mark.parametrize("absent", [..., None])
@pytest.mark.parametrize("part", ["payment", "offer", "order_bump", "origin", "full_price"])
def test_trimmings_of_a_sale_may_be_absent(part: str, absent: Any) -> None:
    assert charge(**{part: absent}).status is ChargeStatus.PAID


def test_a_coupon_is_kept() -> None:
    assert charge(offer__coupon_code="BLACK").metadata["coupon"] == "BLACK"


# Who buys


@pytest.mark.parametrize(
    ("code", "phone", "expected"),
    [
        ("11", "900000001", "11900000001"),
        ("351", "910000000", "351910000000"),
        ("", "11900000001", "11900000001"),
        (None, "11900000001", "11900000001"),
        ("999999999", "99999999900", "99999999900"),
        ("11", "", ""),
        ("11", None, ""),
    ],
)
def test_a_phone_stands_behind_its_code_where_that_is_one(
    code: str | None, phone: str | None, expected: str
) -> None:
    changes = {"data.buyer.checkout_phone_code": code, "data.buyer.checkout_phone": phone}
    fact = HOTMART.parse(changed(APPROVED, changes))[0]
    assert fact.customer
    assert fact.customer.phone == expected


def test_an_email_is_compared_without_case_and_spaces() -> None:
    request = changed(APPROVED, {"data.buyer.email": " Beatriz.EXEMPLO@Example.com "})
    assert HOTMART.parse(request) == HOTMART.parse(recorded(APPROVED))


@pytest.mark.parametrize(
    ("name", "place"),
    [(APPROVED, "data.buyer.email"), (CANCELLATION, "data.subscriber.email")],
)
def test_news_without_an_email_is_of_nobody(name: str, place: str) -> None:
    assert {fact.customer for fact in HOTMART.parse(changed(name, {place: " "}))} == {None}


# Times


@pytest.mark.parametrize(
    "written",
    [
        1773151328000,
        1773151328,
        "1773151328000",
        "1773151328",
        "2026-03-10T14:02:08Z",
        " 2026-03-10T14:02:08.000Z ",
        "2026-03-10T11:02:08-03:00",
        "2026-03-10 14:02:08",
    ],
)
def test_a_time_is_read_however_it_is_written(written: Any) -> None:
    paid_at = charge(approved_date=written).paid_at
    assert paid_at == at("2026-03-10T14:02:08")
    assert paid_at.tzinfo is UTC


@pytest.mark.parametrize("absent", [0, "", None])
def test_an_empty_time_is_none(absent: Any) -> None:
    assert charge(order_date=absent).created_at is None


@pytest.mark.parametrize("written", ["soon", "²", 10**17, 10**40, "9" * 5000, True, 1.5, [], " "])
def test_a_time_that_is_none_is_an_error_that_names_the_field(written: Any) -> None:
    with pytest.raises(PayloadError, match="order_date"):
        charge(order_date=written)


# What must be there


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (APPROVED, "data.purchase.transaction"),
        (APPROVED, "data.purchase.status"),
        (APPROVED, "data.purchase.price"),
        (APPROVED, "data.purchase.price.value"),
        (APPROVED, "data.purchase.price.currency_value"),
        (APPROVED, "data.purchase"),
        (APPROVED, "data.product"),
        (APPROVED, "data.product.id"),
        (APPROVED, "data.buyer"),
        (APPROVED, "data.buyer.email"),
        (APPROVED, "creation_date"),
        (CANCELLATION, "data.subscriber"),
        (CANCELLATION, "data.subscriber.code"),
        (SWITCH, "data.plans"),
        (SWITCH, "data.subscription.subscriber_code"),
        (CHARGE_DATE, "data.subscription.date_next_charge"),
        (CART, "data.buyer.email"),
        (CART, "creation_date"),
    ],
)
def test_a_missing_field_is_named(name: str, place: str) -> None:
    with pytest.raises(PayloadError, match=place.split(".")[-1]):
        HOTMART.parse(changed(name, {place: ...}))


def test_an_envelope_without_data_is_an_error() -> None:
    with pytest.raises(PayloadError, match="product"):
        HOTMART.parse(changed(APPROVED, {"data": ...}))


@pytest.mark.parametrize("currency", ["", "R$", "REAL", None])
def test_a_currency_has_three_letters(currency: Any) -> None:
    with pytest.raises(PayloadError, match="currency_value"):
        charge(price__currency_value=currency)


@pytest.mark.parametrize("place", ["recurrence_number", "payment__installments_number"])
@pytest.mark.parametrize("count", [-1, 10**9, "two", True])
def test_a_count_is_a_small_number(place: str, count: Any) -> None:
    with pytest.raises(PayloadError, match=place.split("__")[-1]):
        charge(**{place: count})


# Subscriptions


@pytest.mark.parametrize(
    "name", ["canceled", "billet-printed", "expired", "refunded", "protest", "chargeback"]
)
def test_only_payment_and_delay_are_news_of_a_subscription(name: str) -> None:
    facts = HOTMART.parse(recorded(f"hotmart/webhook-purchase-{name}"))
    assert [type(fact) for fact in facts] == [ChargeFact]


def test_a_one_time_sale_is_no_subscription() -> None:
    facts = HOTMART.parse(recorded("hotmart/webhook-purchase-approved-single-pix"))
    assert [type(fact) for fact in facts] == [ChargeFact]


@pytest.mark.parametrize(
    "absent", [None, {}, {"subscriber": None}, {"subscriber": {"code": None}}, {"subscriber": {}}]
)
def test_a_subscription_without_a_code_is_none(absent: Any) -> None:
    facts = HOTMART.parse(changed(APPROVED, {"data.subscription": absent}))
    assert [type(fact) for fact in facts] == [ChargeFact]


def test_a_late_complete_is_dated_at_the_approval_so_that_it_undoes_no_cancellation() -> None:
    complete = subscription("hotmart/webhook-purchase-complete")
    assert complete.occurred_at == subscription().occurred_at == at("2026-03-10T14:02:08")


def test_a_payment_without_its_date_says_nothing_of_the_subscription() -> None:
    facts = HOTMART.parse(
        changed("hotmart/webhook-purchase-complete", {"data.purchase.approved_date": None})
    )
    assert [type(fact) for fact in facts] == [ChargeFact]


def test_a_renewal_starts_nothing() -> None:
    renewal = subscription("hotmart/webhook-purchase-approved-renewal")
    assert renewal.status is SubscriptionStatus.ACTIVE
    assert renewal.started_at is None
    assert charge("hotmart/webhook-purchase-approved-renewal").cycle == 4


def test_a_first_cycle_for_nothing_is_a_trial_without_price_and_period() -> None:
    trial = subscription("hotmart/webhook-purchase-approved-trial-zero")
    assert trial.status is SubscriptionStatus.TRIAL
    assert trial.started_at == trial.occurred_at
    assert (trial.price, trial.period) == (None, None)
    assert trial.next_billing_at == at("2026-03-21T12:00:00")


def test_a_later_cycle_for_nothing_is_not_a_trial() -> None:
    free = subscription(purchase__price__value=0, purchase__recurrence_number=3)
    assert free.status is SubscriptionStatus.ACTIVE
    assert free.price is None


DAY = 86_400_000


@pytest.mark.parametrize(
    ("days", "period"),
    [
        (7, Period.WEEKLY),
        (28, Period.MONTHLY),
        (31, Period.MONTHLY),
        (60, Period.BIMONTHLY),
        (90, Period.QUARTERLY),
        (184, Period.SEMIANNUAL),
        (360, Period.ANNUAL),
        (366, Period.ANNUAL),
        (20, None),  # a monthly renewal that was paid ten days late
        (45, None),  # … or a fortnight ahead
        (0, None),
        (-3, None),
    ],
)
def test_the_period_is_read_from_the_dates_when_they_tell(days: int, period: Period | None) -> None:
    next_charge = 1773151328000 + days * DAY
    assert subscription(purchase__date_next_charge=next_charge).period is period


def test_without_a_next_charge_the_period_is_not_known() -> None:
    fact = subscription(purchase__date_next_charge=...)
    assert (fact.period, fact.next_billing_at) == (None, None)


def test_a_delayed_renewal_makes_the_subscription_past_due() -> None:
    late = subscription("hotmart/webhook-purchase-delayed")
    assert late.status is SubscriptionStatus.PAST_DUE
    assert late.occurred_at == charge("hotmart/webhook-purchase-delayed").occurred_at
    assert (late.plan, late.plan_id) == ("Clube Mensal", "700101")
    assert (late.price, late.next_billing_at) == (None, None)


@pytest.mark.parametrize("plan", [..., None, {}])
def test_a_plan_may_be_absent(plan: Any) -> None:
    for name in (APPROVED, CANCELLATION, "hotmart/webhook-purchase-delayed"):
        fact = subscription(name, subscription__plan=plan)
        assert (fact.plan, fact.plan_id) == ("", "")


def test_a_cancellation_keeps_the_end_of_what_is_paid() -> None:
    cancelled_at = datetime.fromisoformat("2026-06-20T17:33:38.688Z")
    assert HOTMART.parse(recorded(CANCELLATION)) == [
        SubscriptionFact(
            code="AB12CD34",
            occurred_at=cancelled_at,
            status=SubscriptionStatus.CANCELLED,
            customer=CustomerFact(
                email="beatriz.exemplo@example.com",
                name="Beatriz Exemplo da Silva",
                phone="11900000001",
            ),
            product=ProductFact(id="1000101", name="Clube do Código"),
            plan="Clube Mensal",
            plan_id="700101",
            next_billing_at=at("2026-07-10T12:00:00"),
            cancelled_at=cancelled_at,
        )
    ]


def test_a_cancellation_without_its_date_is_dated_by_its_notice() -> None:
    fact = subscription(CANCELLATION, cancellation_date=..., subscription=...)
    assert fact.cancelled_at == datetime.fromisoformat("2026-06-20T17:33:38.771Z")


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ({"dddCell": "11", "cell": "9", "dddPhone": "21", "phone": "3"}, "119"),
        ({"dddCell": "", "cell": "", "dddPhone": "21", "phone": "3"}, "213"),
        ({"dddCell": "11", "cell": ""}, ""),
        ({"cell": "9"}, "9"),
        ({"phone": "3"}, "3"),
        (None, ""),
    ],
)
def test_a_subscribers_phone_is_the_first_that_is_there(phone: Any, expected: str) -> None:
    customer = subscription(CANCELLATION, subscriber__phone=phone).customer
    assert customer
    assert customer.phone == expected


def test_a_switch_leads_to_the_plan_marked_current_wherever_it_stands() -> None:
    plans = json.loads(recorded(SWITCH).body)["data"]["plans"]
    for order in (plans, plans[::-1]):
        assert subscription(SWITCH, plans=order) == SubscriptionFact(
            code="AB12CD34",
            occurred_at=at("2026-05-02T21:00:00"),
            status=SubscriptionStatus.ACTIVE,
            customer=CustomerFact(email="beatriz.exemplo@example.com"),
            product=ProductFact(id="1000101", name="Clube do Código", offer="clubanual"),
            plan="Clube Anual",
            plan_id="700102",
            next_billing_at=at("2027-05-02T12:00:00"),
        )


def test_a_switch_to_no_plan_is_an_error() -> None:
    with pytest.raises(PayloadError, match=r"plans\.current"):
        subscription(SWITCH, plans=[])


def test_a_switch_without_its_date_is_dated_by_its_notice() -> None:
    fact = subscription(SWITCH, switch_plan_date=...)
    assert fact.occurred_at == datetime.fromisoformat("2026-05-02T21:00:01.441Z")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ACTIVE", SubscriptionStatus.ACTIVE),
        ("STARTED", None),
        ("INACTIVE", None),
        ("DELAYED", SubscriptionStatus.PAST_DUE),
        ("OVERDUE", SubscriptionStatus.PAST_DUE),
        ("CANCELLED_BY_CUSTOMER", SubscriptionStatus.CANCELLED),
        ("CANCELLED_BY_SELLER", SubscriptionStatus.CANCELLED),
        ("CANCELLED_BY_ADMIN", SubscriptionStatus.CANCELLED),
        ("EXPIRED", SubscriptionStatus.EXPIRED),
    ],
)
def test_a_subscriptions_status_has_a_word_of_ours(
    word: str, status: SubscriptionStatus | None
) -> None:
    assert subscription(SWITCH, subscription__status=word).status is status


def test_an_unknown_status_of_a_subscription_is_an_error() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        subscription(SWITCH, subscription__status="LEVITATING")


def test_another_due_day_moves_the_next_charge_only() -> None:
    assert HOTMART.parse(recorded(CHARGE_DATE)) == [
        SubscriptionFact(
            code="AB12CD34",
            occurred_at=datetime.fromisoformat("2026-05-08T22:48:14.666Z"),
            customer=CustomerFact(
                email="beatriz.exemplo@example.com", name="Beatriz Exemplo da Silva"
            ),
            product=ProductFact(id="1000101", name="Clube do Código", offer="clubmens"),
            plan="Clube Mensal",
            plan_id="700101",
            next_billing_at=at("2026-05-25T12:00:00"),
        )
    ]


def test_another_due_day_without_a_date_is_an_error() -> None:
    with pytest.raises(PayloadError, match="date_next_charge"):
        subscription(CHARGE_DATE, subscription__date_next_charge=None)


# Leads


def test_an_abandoned_cart_is_a_lead() -> None:
    assert HOTMART.parse(recorded(CART)) == [
        LeadFact(
            occurred_at=datetime.fromisoformat("2026-03-09T19:35:57.734Z"),
            customer=CustomerFact(
                email="fabi.exemplo@example.com", name="Fabi Exemplo", phone="11900000002"
            ),
            product=ProductFact("1000202", "Curso de Violão Essencial", "violao26"),
            left_cart=True,
        )
    ]


def test_a_cart_may_have_no_phone_and_no_offer() -> None:
    lead = HOTMART.parse(changed(CART, {"data.buyer.phone": ..., "data.offer": ...}))[0]
    assert isinstance(lead, LeadFact)
    assert (lead.customer.phone, lead.product.offer) == ("", "")


def test_a_lead_without_an_email_is_an_error() -> None:
    with pytest.raises(PayloadError, match="email"):
        HOTMART.parse(changed(CART, {"data.buyer.email": " "}))


def test_the_first_access_is_read_though_its_date_is_spelled_differently() -> None:
    (lead,) = HOTMART.parse(recorded("hotmart/webhook-club-first-access"))
    assert lead.occurred_at == datetime.fromisoformat("2026-03-10T14:10:34.872Z")


def test_a_finished_module_is_named_and_its_product_is_the_same_as_everywhere() -> None:
    (lead,) = HOTMART.parse(recorded("hotmart/webhook-club-module-completed"))
    assert isinstance(lead, LeadFact)
    assert lead.detail == "Módulo 1: Primeiros passos"
    assert lead.product.id == "1000101"


# What is told about the gateway


def test_the_documented_words_are_all_understood() -> None:
    assert set(words.SPELLINGS.values()) <= set(HOTMART.events)
    assert "ORDER_FULFILLMENT" not in HOTMART.events


def test_the_addresses_that_sellers_have_configured_still_lead_here() -> None:
    assert HOTMART.aliases == ("webhook-hotmart", "hotmart/webhook/user")


def test_the_token_is_kept_nowhere() -> None:
    assert HOTMART.secret_headers == {b"x-hotmart-hottok"}
    assert "hottok" in HOTMART.personal_fields


def test_everything_personal_in_a_recording_has_a_listed_name() -> None:
    buyer = json.loads(recorded(APPROVED).body)["data"]["buyer"]
    assert set(buyer) - HOTMART.personal_fields == {"document_type"}
