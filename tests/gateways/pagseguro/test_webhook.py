"""What PagSeguro and PagBank send and answer, and the traps in it, one behaviour a test."""

import base64
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from recibo.billing.states import Told, charge_state
from recibo.gateways import http
from recibo.gateways.contract import ANSWER, Identity, RawRequest, Sale
from recibo.gateways.errors import (
    IgnoredError,
    PayloadError,
    Refused,
    SignatureError,
    UnknownStatusError,
    UnprovenError,
)
from recibo.gateways.facts import (
    ChargeFact,
    ChargeStatus,
    CustomerFact,
    EventType,
    Money,
    PaymentMethod,
    ProductFact,
    SubscriptionFact,
    SubscriptionStatus,
)
from recibo.gateways.pagseguro import PAGSEGURO
from recibo.gateways.pagseguro.reading import last_moment, moment
from tests.gateways.pagseguro.expected import PRE_APPROVALS, SECRET, TRANSACTIONS
from tests.recordings import recorded

FORM = b"application/x-www-form-urlencoded"
CODE = "766B9C-AD4B044B04DA-77742F5FA653-E1AB24"

BOLETO_PAID = "legacy-v3-transaction-status3-boleto-paid"
CARD_PAID = "legacy-v3-transaction-status3-card-paid"
ACTIVE = "legacy-v2-preapproval-active"
PIX_PAID = "v4-webhook-order-pix-paid"
ORDER_PAID = "v4-webhook-order-card-paid"
RECURRENCE = "v4-webhook-subscription-recurrence"

MARINA = CustomerFact(
    email="marina.araujo@example.com",
    name="Marina Teixeira de Araújo",
    phone="11990000001",
    document="12345678909",
)
COURSE = ProductFact(id="curso-001", name="Curso de Introdução à Cerâmica")


def recording(name: str) -> RawRequest:
    return recorded(f"pagseguro/{name}")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def body_of(name: str, changes: Mapping[str, str] | None = None) -> bytes:
    """The XML of a recording, with pieces of it replaced."""
    body = recording(name).body
    for old, new in (changes or {}).items():
        assert old.encode("latin-1") in body, f"{old} is not in {name}"
        body = body.replace(old.encode("latin-1"), new.encode("latin-1"), 1)
    return body


def transaction(name: str = CARD_PAID, changes: Mapping[str, str] | None = None) -> RawRequest:
    return http.answer("transaction", body_of(name, changes))


def legacy_charge(name: str = CARD_PAID, changes: Mapping[str, str] | None = None) -> ChargeFact:
    (fact,) = PAGSEGURO.parse(transaction(name, changes))
    assert isinstance(fact, ChargeFact)
    return fact


def pre_approval(changes: Mapping[str, str] | None = None) -> RawRequest:
    return http.answer("pre-approval", body_of(ACTIVE, changes))


def subscription_of(request: RawRequest) -> SubscriptionFact:
    (fact,) = PAGSEGURO.parse(request)
    assert isinstance(fact, SubscriptionFact)
    return fact


def changed(name: str, changes: Mapping[str, Any]) -> RawRequest:
    """A JSON recording with other values at the dotted places; ``...`` takes a place away."""
    body = json.loads(recording(name).body)
    for place, value in changes.items():
        *path, last = (int(key) if key.isdigit() else key for key in place.split("."))
        holder = body
        for key in path:
            holder = holder[key]
        if value is ...:
            del holder[last]
        else:
            holder[last] = value
    return RawRequest({}, json.dumps(body).encode())


def charge(name: str = ORDER_PAID, **changes: Any) -> ChargeFact:
    """The charge of an order; ``changes`` to it, ``__`` for a dot."""
    places = {f"charges.0.{key.replace('__', '.')}": value for key, value in changes.items()}
    (fact,) = PAGSEGURO.parse(changed(name, places))
    assert isinstance(fact, ChargeFact)
    return fact


def form(body: str, content_type: bytes = FORM) -> RawRequest:
    return RawRequest({b"content-type": content_type}, body.encode())


def refusal(request: RawRequest, secrets: list[bytes] | None = None) -> SignatureError:
    with pytest.raises(SignatureError) as refused:
        PAGSEGURO.verify(request, [SECRET] if secrets is None else secrets)
    return refused.value


# Who sent it: the documented examples

SIGNATURES = json.loads(recording("signatures").body)
KEY = json.loads(recording("v4-api-public-key-webhook").body)["public_key"].encode()
SECRETS = [SIGNATURES["token"].encode(), KEY]


def example(case: Mapping[str, Any]) -> RawRequest:
    request = recording(case["body_file"].removesuffix(".json"))
    headers = {name.encode(): value.encode() for name, value in case["headers"].items()}
    return replace(request, headers={**request.headers, **headers})


def accepts(request: RawRequest, secrets: list[bytes]) -> bool:
    try:
        PAGSEGURO.verify(request, secrets)
    except SignatureError:
        return False
    return True


@pytest.mark.parametrize("case", SIGNATURES["cases"], ids=lambda case: case["name"])
def test_every_signature_example_gives_its_verdict(case: Mapping[str, Any]) -> None:
    assert accepts(example(case), SECRETS) == case["accept"] or case["accept"] is None


def cases(header: str) -> list[Mapping[str, Any]]:
    return [case for case in SIGNATURES["cases"] if {*case["headers"]} == {header}]


@pytest.mark.parametrize("case", cases("x-payload-signature"), ids=lambda case: case["name"])
def test_a_signature_proves_nothing_without_pagbanks_key(case: Mapping[str, Any]) -> None:
    assert isinstance(refusal(example(case), SECRETS[:1]), UnprovenError)


@pytest.mark.parametrize("case", cases("x-authenticity-token"), ids=lambda case: case["name"])
def test_a_hash_proves_nothing_without_the_token(case: Mapping[str, Any]) -> None:
    assert isinstance(refusal(example(case), [KEY]), UnprovenError)


def test_where_either_proof_holds_the_other_does_not_matter() -> None:
    (case,) = (c for c in SIGNATURES["cases"] if "hash bad, signature good" in c["name"])
    PAGSEGURO.verify(example(case), SECRETS)


def test_capitals_in_the_hash_are_not_what_is_documented() -> None:
    (case,) = (c for c in SIGNATURES["cases"] if "upper-case" in c["name"])
    assert refusal(example(case), SECRETS).reason is Refused.SIGNATURE_INVALID


def signed_by(key: ec.EllipticCurvePrivateKey, body: bytes) -> bytes:
    return base64.b64encode(key.sign(body, ec.ECDSA(SHA256())))


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return base64.b64encode(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def with_signatures(*signatures: bytes) -> RawRequest:
    request = recording(PIX_PAID)
    return replace(request, headers={b"x-payload-signature": b", ".join(signatures)})


def test_while_pagbank_changes_its_key_the_old_and_the_new_one_are_accepted() -> None:
    body, old, new = (
        recording(PIX_PAID).body,
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    for key in (old, new):
        PAGSEGURO.verify(with_signatures(signed_by(key, body)), [SECRET, spki(new), spki(old)])
    PAGSEGURO.verify(with_signatures(signed_by(old, body), signed_by(new, body)), [spki(new)])


def test_a_flood_of_signatures_is_not_tried_to_its_end() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    good = signed_by(key, recording(PIX_PAID).body)
    PAGSEGURO.verify(with_signatures(*[b"MAYCAQECAQE="] * 7, good), [spki(key)])
    assert refusal(with_signatures(*[b"MAYCAQECAQE="] * 8, good), [spki(key)])


def test_a_signature_with_stray_characters_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    good = signed_by(key, recording(PIX_PAID).body)
    PAGSEGURO.verify(with_signatures(good), [spki(key)])
    assert refusal(with_signatures(good[:9] + b"%" + good[9:]), [spki(key)])


def test_a_key_of_another_kind_proves_nothing() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = with_signatures(signed_by(key, recording(PIX_PAID).body))
    other = spki(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert isinstance(refusal(request, [other]), UnprovenError)


# Who sent it: what can be asked, and what cannot


@pytest.mark.parametrize(
    "name", [PIX_PAID, "v4-webhook-charge-root-paid", RECURRENCE, "v4-order-pix-unpaid"]
)
def test_pagbank_without_a_proof_is_a_hint_that_can_be_asked_about(name: str) -> None:
    refused = refusal(recording(name))
    assert isinstance(refused, UnprovenError)
    assert refused.reason is Refused.SIGNATURE_MISSING


def test_pagbank_with_a_wrong_proof_is_a_hint_too() -> None:
    refused = refusal(PAGSEGURO.sign(recording(PIX_PAID), b"another"))
    assert isinstance(refused, UnprovenError)
    assert refused.reason is Refused.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": "CHEC_1"}',
        b'{"id": "ORDE_../../x"}',
        b'{"id": "ORDE_1\\n"}',
        b'{"event": "subscription.activated", "resource": {}}',
        b'{"id": "ORDE_1", "resource": {"id": "PLAN_1"}}',
    ],
)
def test_what_names_nothing_that_can_be_asked_is_refused(body: bytes) -> None:
    assert type(refusal(RawRequest({}, body))) is SignatureError


@pytest.mark.parametrize("order", ["", "-swapped"])
def test_a_legacy_notice_is_a_hint(order: str) -> None:
    refused = refusal(recording(f"legacy-notification-transaction{order}"))
    assert isinstance(refused, UnprovenError)
    assert refused.reason is Refused.SIGNATURE_MISSING


def test_a_legacy_notice_is_not_proven_by_the_proof_of_v4() -> None:
    notice = recording("legacy-notification-transaction")
    v4 = PAGSEGURO.sign(RawRequest({}, notice.body.replace(b"notificationCode", b"x")), SECRET)
    headers = {**notice.headers, b"x-authenticity-token": v4.headers[b"x-authenticity-token"]}
    assert isinstance(refusal(replace(notice, headers=headers)), UnprovenError)
    assert PAGSEGURO.sign(notice, SECRET) == notice


@pytest.mark.parametrize(
    "body",
    [
        "notificationType=transaction",
        "notificationCode=&notificationType=transaction",
        "notificationCode=../../v2/transactions&notificationType=transaction",
        f"notificationCode={CODE}%3Femail&notificationType=transaction",
        f"notificationCode={CODE}%0A{CODE}&notificationType=transaction",
        "notificationCode=0123456789ABCDEF012&notificationType=transaction",
        f"notificationCode={'A' * 65}&notificationType=transaction",
        f"notificationCode={CODE}&notificationType=transaction&padding={'x' * 4096}",
        "notificationCode=%ff%fe%00",
    ],
)
def test_a_form_without_a_plausible_code_is_refused(body: str) -> None:
    request = form(body)
    refused = refusal(request)
    assert type(refused) is SignatureError
    assert refused.reason is Refused.SIGNATURE_MISSING
    with pytest.raises(PayloadError, match="plausible notificationCode"):
        PAGSEGURO.identify(request)


def test_nobody_can_send_us_an_answer() -> None:
    """Else whoever can post could take the identity of news that is still to come."""
    forged = PAGSEGURO.sign(transaction(), SECRET)
    assert type(refusal(forged)) is SignatureError
    proven = PAGSEGURO.sign(recording(PIX_PAID), SECRET)
    PAGSEGURO.verify(proven, [SECRET])
    refusal(replace(proven, headers={**proven.headers, ANSWER: b"order"}))


@pytest.mark.parametrize("name", [PIX_PAID, "legacy-notification-transaction"])
def test_an_account_without_a_token_lets_nobody_in(name: str) -> None:
    refused = refusal(recording(name), [])
    assert type(refused) is SignatureError
    assert refused.reason is Refused.NOT_CONFIGURED


# Legacy notices


def test_a_notice_is_known_by_its_code_whatever_the_order_of_its_fields() -> None:
    expected = Identity(
        event_id=f"legacy:transaction:{CODE}",
        gateway_event="notification/transaction",
        event_type=EventType.CHARGE_UPDATED,
        is_thin=True,
    )
    assert PAGSEGURO.identify(recording("legacy-notification-transaction")) == expected
    assert PAGSEGURO.identify(recording("legacy-notification-transaction-swapped")) == expected


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("TRANSACTION", "transaction"),
        ("preapproval", "preApproval"),
        ("ApplicationAuthorization", "applicationAuthorization"),
        ("somethingNew", "somethingNew"),
        ("", "unknown"),
        ("a/b", "unknown"),
        ("x" * 41, "unknown"),
    ],
)
def test_what_a_notice_is_about_is_compared_without_case(told: str, kind: str) -> None:
    identity = PAGSEGURO.identify(form(f"notificationCode={CODE}&notificationType={told}"))
    assert identity.event_id == f"legacy:{kind}:{CODE}"
    assert identity.is_thin


def test_a_code_in_small_letters_is_the_same_news() -> None:
    small = form(f"notificationCode={CODE.lower()}&notificationType=transaction")
    assert PAGSEGURO.identify(small).event_id == f"legacy:transaction:{CODE}"


@pytest.mark.parametrize(
    "content_type",
    [b"", b"text/plain", FORM.upper() + b"; charset=ISO-8859-1", b"application/json"],
)
def test_the_generations_are_told_apart_by_content_where_the_type_misleads(
    content_type: bytes,
) -> None:
    notice = form(f"notificationCode={CODE}&notificationType=transaction", content_type)
    assert PAGSEGURO.identify(notice).is_thin
    json_ = replace(recording(PIX_PAID), headers={b"content-type": content_type})
    assert PAGSEGURO.identify(json_) == PAGSEGURO.identify(recording(PIX_PAID))


def test_json_under_a_forms_content_type_is_still_json() -> None:
    request = replace(recording(PIX_PAID), headers={b"content-type": FORM})
    assert PAGSEGURO.parse(request) == PAGSEGURO.parse(recording(PIX_PAID))


def test_nothing_is_read_from_a_notice_but_its_code() -> None:
    notice = form(f"notificationCode={CODE}&notificationType=transaction&status=3")
    with pytest.raises(IgnoredError, match="has to be asked"):
        PAGSEGURO.parse(notice)


# XML: encodings and attacks


def test_the_whole_of_a_transaction() -> None:
    paid_at = at("2025-03-12T09:40:31")
    link = "https://pagseguro.uol.com.br/checkout/payment/booklet/print.jhtml?c=" + "1".zfill(64)
    assert PAGSEGURO.parse(transaction(BOLETO_PAID)) == [
        ChargeFact(
            charge_id="A1B2C3D4-0001-4F00-8A00-000000000001",
            status=ChargeStatus.PAID,
            occurred_at=paid_at,
            amount=Money(Decimal("150.00"), "BRL"),
            order_reference="PEDIDO-1001",
            customer=MARINA,
            product=COURSE,
            total=Decimal("150.00"),
            fee=Decimal("7.89"),
            net=Decimal("142.11"),
            payment_method=PaymentMethod.BOLETO,
            installments=1,
            created_at=at("2025-03-10T12:15:02"),
            paid_at=paid_at,
            payment_url=link,
        )
    ]


def test_the_encoding_is_what_the_declaration_says() -> None:
    assert b"Ara\xfajo" in recording(CARD_PAID).body
    assert b"Ara\xc3\xbajo" in recording("legacy-v3-transaction-utf8-declared").body
    assert legacy_charge(CARD_PAID).customer == MARINA
    assert legacy_charge("legacy-v3-transaction-utf8-declared").customer == MARINA


def undeclared(encoding: str) -> RawRequest:
    text = recording(CARD_PAID).body.decode("latin-1").partition("?>")[2]
    return http.answer("transaction", text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "utf-16"])
def test_without_a_declaration_it_is_utf_8_or_else_what_pagseguro_writes(encoding: str) -> None:
    (fact,) = PAGSEGURO.parse(undeclared(encoding))
    assert fact.customer == MARINA


def test_what_others_have_spoilt_is_kept_as_it_came() -> None:
    found = legacy_charge("found-perl-v2-transaction-lossy-encoding")
    assert found.product.name == "Pesquisa Cidade Sï¿½o Paulo"


BOMB = """<!DOCTYPE bomb [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
EXTERNAL = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE transaction SYSTEM "http://127.0.0.1:9/evil.dtd">'
PARAMETER = '<!DOCTYPE x [<!ENTITY % remote SYSTEM "http://127.0.0.1:9/"> %remote;]>'


@pytest.mark.parametrize("doctype", [BOMB, EXTERNAL, REMOTE, PARAMETER, "<!DOCTYPE transaction>"])
@pytest.mark.parametrize("entity", ["d", "file", "amp"])
def test_no_answer_with_a_doctype_is_read(doctype: str, entity: str) -> None:
    attack = transaction(
        changes={"<transaction>": f"{doctype}<transaction>", "Curso": f"&{entity};"}
    )
    for read in (PAGSEGURO.identify, PAGSEGURO.parse):
        with pytest.raises(PayloadError, match="no readable XML"):
            read(attack)


def test_an_undefined_entity_is_refused() -> None:
    with pytest.raises(PayloadError, match="no readable XML"):
        PAGSEGURO.parse(transaction(changes={"Curso": "&boom;"}))


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_xml_that_is_cut_short_is_refused(share: int) -> None:
    body = recording(CARD_PAID).body
    with pytest.raises(PayloadError, match="no readable XML"):
        PAGSEGURO.parse(http.answer("transaction", body[: len(body) * share // 100]))


@pytest.mark.parametrize("encoding", ["no-such-encoding", "UTF-16", "UTF-7", "rot13", "shift_jis"])
def test_an_encoding_that_it_is_not_in_is_refused(encoding: str) -> None:
    with pytest.raises(PayloadError):
        PAGSEGURO.parse(transaction(changes={"ISO-8859-1": encoding}))


@pytest.mark.parametrize("resource", ["transaction", "pre-approval"])
@pytest.mark.parametrize(
    "name", ["legacy-refund-ok", "legacy-error-404-13015-transaction-not-found"]
)
def test_xml_with_another_root_is_no_answer(resource: str, name: str) -> None:
    with pytest.raises(PayloadError, match="instead of"):
        PAGSEGURO.identify(http.answer(resource, recording(name).body))


def test_an_answer_of_a_kind_that_we_do_not_ask_for_is_an_error() -> None:
    with pytest.raises(PayloadError, match="unknown answer 'invoice'"):
        PAGSEGURO.identify(http.answer("invoice", b"{}"))


# Transactions


@pytest.mark.parametrize(
    ("name", "event_type", "status"),
    [
        ("status1-boleto-waiting", EventType.CHARGE_CREATED, ChargeStatus.PENDING),
        ("status2-card-in-analysis", EventType.CHARGE_UPDATED, ChargeStatus.PENDING),
        ("status3-card-paid", EventType.CHARGE_PAID, ChargeStatus.PAID),
        ("status4-card-available", EventType.CHARGE_PAID, ChargeStatus.PAID),
        ("status5-card-in-dispute", EventType.CHARGE_DISPUTED, ChargeStatus.DISPUTED),
        ("status6-card-refunded", EventType.CHARGE_REFUNDED, ChargeStatus.REFUNDED),
        ("status7-boleto-unpaid-cancelled", EventType.CHARGE_CANCELLED, ChargeStatus.CANCELLED),
        ("status7-card-refused-by-bank", EventType.CHARGE_FAILED, ChargeStatus.FAILED),
        (
            "status8-card-chargeback-lost",
            EventType.CHARGE_CHARGED_BACK,
            ChargeStatus.CHARGED_BACK,
        ),
        ("status9-card-chargeback-opened", EventType.CHARGE_DISPUTED, ChargeStatus.DISPUTED),
    ],
)
def test_a_status_is_translated(name: str, event_type: EventType, status: ChargeStatus) -> None:
    name = f"legacy-v3-transaction-{name}"
    assert PAGSEGURO.identify(transaction(name)).event_type is event_type
    assert legacy_charge(name).status is status


def test_an_initiated_transaction_is_pending() -> None:
    assert legacy_charge(changes={"<status>3<": "<status>0<"}).status is ChargeStatus.PENDING


def test_a_refund_under_way_changes_nothing_yet() -> None:
    under_way = transaction(changes={"<status>3<": "<status>11<"})
    assert PAGSEGURO.identify(under_way).event_type is EventType.CHARGE_UPDATED
    with pytest.raises(IgnoredError, match="until it says so"):
        PAGSEGURO.parse(under_way)


@pytest.mark.parametrize("status", ["10", "12", "PAID", "03"])
def test_an_unknown_status_is_an_error_not_a_guess(status: str) -> None:
    request = transaction(changes={"<status>3<": f"<status>{status}<"})
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(UnknownStatusError, match=f"'{status}'"):
        PAGSEGURO.parse(request)


def test_who_cancelled_is_heeded_only_where_something_was_cancelled() -> None:
    stray = "found-ruby-v2-transaction-with-cancellation-source"
    assert legacy_charge(stray).status is ChargeStatus.PENDING
    external = {"<status>3<": "<cancellationSource>EXTERNAL</cancellationSource><status>3<"}
    assert legacy_charge(changes=external).status is ChargeStatus.PAID


def test_only_direct_children_are_read() -> None:
    """Items, releases, documents and the acquirer have types, statuses and codes as well."""
    first = "<x><type>2</type><status>7</status><code>X</code><reference>X</reference></x>"
    misleading = {"<transaction>": f"<transaction>{first}"}
    assert legacy_charge(changes=misleading) == legacy_charge()
    without_status = transaction(changes={"<status>3</status>": ""})
    with pytest.raises(PayloadError, match="status is missing"):
        PAGSEGURO.parse(without_status)


def test_released_money_is_not_a_second_payment() -> None:
    paid, released = legacy_charge(), legacy_charge("legacy-v3-transaction-status4-card-available")
    assert paid.charge_id == released.charge_id
    assert state_after(paid, released).paid_at == paid.paid_at


def test_the_news_is_the_state_that_was_read() -> None:
    assert PAGSEGURO.identify(transaction()) == Identity(
        event_id="tx:A1B2C3D4-0003-4F00-8A00-000000000003:3:2025-03-11T17:05:00+00:00",
        gateway_event="transaction/3",
        event_type=EventType.CHARGE_PAID,
        charge_id="A1B2C3D4-0003-4F00-8A00-000000000003",
    )
    same = transaction(
        changes={"2025-03-11T14:05:00.000-03:00</last": "2025-03-11T17:05:00Z</last"}
    )
    assert PAGSEGURO.identify(same) == PAGSEGURO.identify(transaction())
    later = transaction(
        changes={"14:05:00.000-03:00</lastEventDate": "14:06:00-03:00</lastEventDate"}
    )
    assert PAGSEGURO.identify(later).event_id != PAGSEGURO.identify(transaction()).event_id


def test_without_a_last_event_the_beginning_dates_the_news() -> None:
    last = "<lastEventDate>2025-03-11T14:05:00.000-03:00</lastEventDate>"
    assert legacy_charge(changes={last: ""}).occurred_at == at("2025-03-11T17:00:00")
    begun = "<date>2025-03-11T14:00:00.000-03:00</date>"
    assert legacy_charge(changes={begun: ""}).created_at is None
    with pytest.raises(PayloadError, match="date is missing"):
        PAGSEGURO.parse(transaction(changes={last: "", begun: ""}))


@pytest.mark.parametrize("kind", ["5", "6", "11"])
def test_other_kinds_of_sales_are_sales(kind: str) -> None:
    changes = {"<type>1<": f"<type>{kind}<"}
    assert legacy_charge(changes=changes) == legacy_charge()
    assert PAGSEGURO.identify(transaction(changes=changes)) == PAGSEGURO.identify(transaction())


@pytest.mark.parametrize("kind", ["2", "3", "4", "7", "8", "9", "10", "12", "13", "14"])
def test_what_is_no_sale_is_ignored(kind: str) -> None:
    request = transaction(changes={"<type>1<": f"<type>{kind}<"})
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN
    assert PAGSEGURO.identify(request).gateway_event == f"transaction/type {kind}"
    with pytest.raises(IgnoredError, match=f"type {kind}, .*: no sale"):
        PAGSEGURO.parse(request)


def test_an_unknown_type_is_an_error_not_a_guess() -> None:
    with pytest.raises(PayloadError, match="unknown type of transaction '15'"):
        PAGSEGURO.parse(transaction(changes={"<type>1<": "<type>15<"}))


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("1", PaymentMethod.CARD),
        ("2", PaymentMethod.BOLETO),
        ("3", PaymentMethod.BANK_DEBIT),
        ("4", PaymentMethod.WALLET),
        ("5", PaymentMethod.WALLET),
        ("7", PaymentMethod.BANK_TRANSFER),
        ("8", PaymentMethod.BANK_DEBIT),
        ("11", PaymentMethod.PIX),
        ("99", PaymentMethod.OTHER),
    ],
)
def test_the_method_is_decided_by_its_type(kind: str, method: PaymentMethod) -> None:
    changes = {"<type>1</type>\n    <code>101": f"<type>{kind}</type>\n    <code>999"}
    assert legacy_charge(changes=changes).payment_method is method


def test_a_transaction_need_not_say_how_or_by_whom_it_was_paid() -> None:
    found = legacy_charge(
        changes={
            "<paymentMethod>\n    <type>1</type>\n    <code>101</code>\n  </paymentMethod>": "",
            "<reference>PEDIDO-1003</reference>": "",
            "<email>marina.araujo@example.com</email>": "",
            "<installmentCount>12</installmentCount>": "<installmentCount/>",
        }
    )
    assert found.payment_method is None
    assert found.customer is None
    assert found.installments is None
    assert found.order_reference == found.charge_id
    without = legacy_charge(changes={"<sender>": "<other>", "</sender>": "</other>"})
    assert without.customer is None


@pytest.mark.parametrize(
    ("name", "amount", "fee", "net"),
    [
        (CARD_PAID, "1500.00", "75.25", "1424.75"),
        ("legacy-v3-transaction-status3-pix-paid", "49.90", "0.94", "48.96"),
        ("legacy-v3-transaction-status3-online-debit-discount", "180.00", "9.38", "170.62"),
        ("legacy-v3-transaction-utf8-declared", "89.00", "3.95", "85.05"),
        ("legacy-v2-transaction-status3-card-paid", "127.00", "6.74", "120.26"),
        ("legacy-v2-transaction-type11-subscription-cycle-paid", "59.90", "3.39", "56.51"),
        # The parts of the fee come to more than the sale: the net amount is right.
        ("found-ruby-v3-transaction-boleto-waiting", "459.50", "13.73", "445.77"),
    ],
)
def test_price_fee_and_net(name: str, amount: str, fee: str, net: str) -> None:
    found = legacy_charge(name)
    assert found.amount == Money(Decimal(amount), "BRL")
    assert found.total == Decimal(amount)
    assert found.fee == Decimal(fee)
    assert found.net == Decimal(net)


def test_what_the_price_is_made_of_is_kept() -> None:
    found = legacy_charge("legacy-v3-transaction-status3-online-debit-discount")
    assert found.metadata == {"gross_amount": "200.00", "extra_amount": "-20.00"}
    assert legacy_charge().metadata == {}


@pytest.mark.parametrize(("net", "fee"), [("1424.75", "75.25"), ("1324.75", "75.25")])
def test_a_discount_lowers_the_price_whether_or_not_the_net_amount_has_it(
    net: str, fee: str
) -> None:
    found = legacy_charge(
        changes={
            "<discountAmount>0.00": "<discountAmount>100.00",
            "<netAmount>1424.75": f"<netAmount>{net}",
        }
    )
    assert found.amount.amount == Decimal("1400.00")
    assert found.fee == Decimal(fee)
    assert found.net == Decimal(net)
    assert found.metadata == {"gross_amount": "1500.00", "discount_amount": "100.00"}


def test_without_a_net_amount_the_fee_is_what_is_told() -> None:
    found = legacy_charge(changes={"<netAmount>1424.75</netAmount>": ""})
    assert (found.fee, found.net) == (Decimal("75.25"), None)


def test_without_a_fee_it_is_what_the_net_amount_lacks() -> None:
    changes = {"<feeAmount>6.74</feeAmount>": ""}
    found = legacy_charge("legacy-v2-transaction-status3-card-paid", changes)
    assert found.fee == Decimal("6.74")
    changes["<netAmount>120.26</netAmount>"] = ""
    assert legacy_charge("legacy-v2-transaction-status3-card-paid", changes).fee is None


@pytest.mark.parametrize("told", ["80", "80.5", "80.50"])
def test_amounts_come_with_and_without_decimals(told: str) -> None:
    changes = {"<grossAmount>1500.00": f"<grossAmount>{told}"}
    assert legacy_charge(changes=changes).amount.amount == Decimal(told)


@pytest.mark.parametrize(
    "told", ["", "-1.00", "1,00", "1.000", "1e3", "NaN", "²", "R$ 1", "9" * 12]
)
def test_what_is_no_amount_is_refused(told: str) -> None:
    with pytest.raises(PayloadError):
        PAGSEGURO.parse(transaction(changes={"<grossAmount>1500.00": f"<grossAmount>{told}"}))


def test_a_discount_beyond_the_price_is_refused() -> None:
    changes = {"<discountAmount>0.00": "<discountAmount>1500.01"}
    with pytest.raises(PayloadError, match="less than nothing"):
        PAGSEGURO.parse(transaction(changes=changes))


def test_a_refund_gives_back_what_was_paid() -> None:
    found = legacy_charge("legacy-v3-transaction-status6-card-refunded")
    assert found.refunded_amount == Decimal("97.00")
    assert found.paid_at is None
    assert legacy_charge().refunded_amount is None


def test_text_beyond_measure_is_refused() -> None:
    with pytest.raises(PayloadError, match="reference is too long"):
        PAGSEGURO.parse(transaction(changes={"PEDIDO-1003": "x" * 501}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-11T14:05:00.000-03:00", "2025-03-11T17:05:00"),
        ("2016-03-30T00:48:49-0300", "2016-03-30T03:48:49"),
        ("2025-06-01T12:00:00-02", "2025-06-01T14:00:00"),
        ("2025-06-01T12:00:00.123456789-03:00", "2025-06-01T15:00:00.123456"),
        (" 2025-06-01T12:00:00.1-03:00 ", "2025-06-01T15:00:00.100000"),
        ("2025-06-01T12:00:00", "2025-06-01T15:00:00"),
        ("2018-12-01T12:00:00", "2018-12-01T14:00:00"),  # summer time
        ("2025-06-01", "2025-06-01T03:00:00"),
    ],
)
def test_times_come_in_many_spellings(text: str, expected: str) -> None:
    assert moment(text, "x") == at(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "0001-01-01T00:00:00+03:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PayloadError, match="date is not a time"):
        moment(text, "date")


def test_what_is_due_on_a_day_can_be_paid_until_its_end() -> None:
    assert last_moment("2025-06-10", "x") == at("2025-06-11T02:59:59")
    assert last_moment("2025-06-10T12:00:00-03:00", "x") == at("2025-06-10T15:00:00")


# Legacy subscriptions


def test_the_whole_of_a_pre_approval() -> None:
    assert PAGSEGURO.parse(pre_approval()) == [
        SubscriptionFact(
            code="C0FFEE0000000000000000000000A001",
            occurred_at=at("2025-03-01T15:03:00"),
            status=SubscriptionStatus.ACTIVE,
            customer=replace_document(MARINA),
            product=ProductFact(name="Plano Mensal do Clube de Cerâmica"),
            plan="Plano Mensal do Clube de Cerâmica",
            started_at=at("2025-03-01T15:00:00"),
        )
    ]
    assert PAGSEGURO.identify(pre_approval()) == Identity(
        event_id="pre-approval:C0FFEE0000000000000000000000A001:ACTIVE:2025-03-01T15:03:00+00:00",
        gateway_event="preApproval/ACTIVE",
        event_type=EventType.SUBSCRIPTION_ACTIVATED,
    )


def replace_document(customer: CustomerFact) -> CustomerFact:
    return CustomerFact(email=customer.email, name=customer.name, phone=customer.phone)


@pytest.mark.parametrize(
    ("word", "event_type", "status"),
    [
        ("active", EventType.SUBSCRIPTION_ACTIVATED, SubscriptionStatus.ACTIVE),
        (
            "PAYMENT_METHOD_CHANGE",
            EventType.SUBSCRIPTION_PAST_DUE,
            SubscriptionStatus.PAST_DUE,
        ),
        ("SUSPENDED", EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAUSED),
        ("CANCELLED", EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
        (
            "CANCELLED_BY_RECEIVER",
            EventType.SUBSCRIPTION_CANCELLED,
            SubscriptionStatus.CANCELLED,
        ),
        ("CANCELLED_BY_SENDER", EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
        ("EXPIRED", EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.EXPIRED),
    ],
)
def test_a_pre_approvals_status_is_translated(
    word: str, event_type: EventType, status: SubscriptionStatus
) -> None:
    request = pre_approval({"ACTIVE": word})
    assert PAGSEGURO.identify(request).event_type is event_type
    found = subscription_of(request)
    assert found.status is status
    is_cancelled = status is SubscriptionStatus.CANCELLED
    assert found.cancelled_at == (found.occurred_at if is_cancelled else None)


@pytest.mark.parametrize("word", ["INITIATED", "PENDING"])
def test_a_subscription_that_has_not_begun_is_none_yet(word: str) -> None:
    request = pre_approval({"ACTIVE": word})
    assert PAGSEGURO.identify(request).event_type is EventType.SUBSCRIPTION_CREATED
    with pytest.raises(IgnoredError, match=f"{word}: not begun"):
        PAGSEGURO.parse(request)


def test_an_unknown_status_of_a_subscription_is_an_error_not_a_guess() -> None:
    request = pre_approval({"ACTIVE": "LEVITATING"})
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        PAGSEGURO.parse(request)


# Orders and charges of v4


def test_the_whole_of_an_order() -> None:
    assert PAGSEGURO.parse(recording(ORDER_PAID)) == [
        ChargeFact(
            charge_id="A1B2C3D4-0302-4F00-8A00-000000000302",
            status=ChargeStatus.PAID,
            occurred_at=at("2025-06-01T15:40:00"),
            amount=Money(Decimal("1500.00"), "BRL"),
            order_reference="PEDIDO-2002",
            customer=MARINA,
            product=COURSE,
            total=Decimal("1500.00"),
            payment_method=PaymentMethod.CARD,
            installments=12,
            created_at=at("2025-06-01T15:31:01"),
            paid_at=at("2025-06-01T15:40:00"),
            metadata={
                "charge_id": "CHAR_A1B2C3D4-0302-4F00-8A00-000000000302",
                "order_id": "ORDE_A1B2C3D4-0102-4F00-8A00-000000000102",
            },
        )
    ]


@pytest.mark.parametrize(
    ("name", "event_type", "status", "refunded"),
    [
        ("card-authorized", EventType.CHARGE_AUTHORIZED, ChargeStatus.AUTHORIZED, None),
        ("card-in-analysis", EventType.CHARGE_UPDATED, ChargeStatus.PENDING, None),
        ("card-paid", EventType.CHARGE_PAID, ChargeStatus.PAID, None),
        ("card-declined", EventType.CHARGE_FAILED, ChargeStatus.FAILED, None),
        (
            "card-refunded-in-part",
            EventType.CHARGE_PARTIALLY_REFUNDED,
            ChargeStatus.PARTIALLY_REFUNDED,
            "500.00",
        ),
        ("card-refunded-in-full", EventType.CHARGE_REFUNDED, ChargeStatus.REFUNDED, "1500.00"),
        ("boleto-waiting", EventType.CHARGE_CREATED, ChargeStatus.PENDING, None),
        ("boleto-paid", EventType.CHARGE_PAID, ChargeStatus.PAID, None),
        ("boleto-unpaid-canceled", EventType.CHARGE_CANCELLED, ChargeStatus.CANCELLED, None),
        ("pix-paid", EventType.CHARGE_PAID, ChargeStatus.PAID, None),
    ],
)
def test_status_and_amounts_are_translated_together(
    name: str, event_type: EventType, status: ChargeStatus, refunded: str | None
) -> None:
    name = f"v4-webhook-order-{name}"
    assert PAGSEGURO.identify(recording(name)).event_type is event_type
    found = charge(name)
    assert found.status is status
    assert found.refunded_amount == (Decimal(refunded) if refunded else None)


def test_paid_with_all_of_it_given_back_is_refunded() -> None:
    found = charge(amount__summary={"total": 150000, "paid": 150000, "refunded": 150000})
    assert found.status is ChargeStatus.REFUNDED
    assert found.refunded_amount == Decimal("1500.00")


@pytest.mark.parametrize(
    ("refunded", "status"),
    [(50000, ChargeStatus.PARTIALLY_REFUNDED), (150000, ChargeStatus.REFUNDED)],
)
def test_where_the_paid_amount_is_not_told_a_refund_is_measured_by_the_value(
    refunded: int, status: ChargeStatus
) -> None:
    assert charge(amount__summary={"refunded": refunded}).status is status


@pytest.mark.parametrize(
    "summary",
    [{"paid": 150000, "refunded": 0}, {"paid": 150000, "refunded": 1}, {"paid": 0, "refunded": 1}],
)
def test_a_cancelled_charge_that_keeps_money_is_not_believed(summary: dict[str, int]) -> None:
    with pytest.raises(PayloadError, match="keeps a part"):
        charge(status="CANCELED", amount__summary=summary)


def test_a_charge_without_a_summary_is_what_its_status_says() -> None:
    assert charge(amount__summary=...).status is ChargeStatus.PAID
    assert charge(amount__summary=..., status="CANCELED").status is ChargeStatus.CANCELLED


def test_an_unknown_status_of_a_charge_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        charge(status="LEVITATING")
    request = changed(ORDER_PAID, {"charges.0.status": "LEVITATING"})
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN


def test_a_part_of_what_was_authorized_can_be_captured() -> None:
    found = charge(amount__summary={"paid": 100000, "refunded": 0})
    assert found.amount.amount == found.total == Decimal("1000.00")


@pytest.mark.parametrize(
    ("fees", "amount"),
    [
        ({"buyer": {"interest": {"total": 5000, "installments": 12}}}, "1450.00"),
        ({"buyer": {"interest": {"total": 150001}}}, "1500.00"),
        ({"buyer": {"interest": None}}, "1500.00"),
        ({"buyer": None}, "1500.00"),
    ],
)
def test_interest_that_the_buyer_pays_is_not_the_sellers(fees: Any, amount: str) -> None:
    found = charge(amount__fees=fees)
    assert found.amount.amount == Decimal(amount)
    assert found.total == Decimal("1500.00")


def test_fee_and_net_are_unknown_not_zero() -> None:
    assert charge().fee is None
    assert charge().net is None


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("CREDIT_CARD", PaymentMethod.CARD),
        ("DEBIT_CARD", PaymentMethod.CARD),
        ("BOLETO", PaymentMethod.BOLETO),
        ("PIX", PaymentMethod.PIX),
        ("TELEPATHY", PaymentMethod.OTHER),
        (None, None),
    ],
)
def test_the_method_of_a_charge(kind: str | None, method: PaymentMethod | None) -> None:
    assert charge(payment_method__type=kind).payment_method is method


def test_a_charge_need_not_say_how_it_is_paid() -> None:
    assert charge(payment_method=...).payment_method is None


def test_why_the_bank_declined_is_kept() -> None:
    found = charge("v4-webhook-order-card-declined")
    assert found.refusal_reason == "NAO AUTORIZADO PELO EMISSOR DO CARTAO"
    assert charge().refusal_reason == ""
    assert charge("v4-webhook-order-card-declined", payment_response=...).refusal_reason == ""
    told_nothing = charge("v4-webhook-order-card-declined", payment_response__message=None)
    assert told_nothing.refusal_reason == ""


def test_a_boleto_tells_its_line_and_when_it_lapses() -> None:
    name = "v4-webhook-order-boleto-waiting"
    links = [
        {"rel": "SELF", "media": "application/json"},
        {"media": "application/pdf", "href": "P"},
    ]
    found = charge(name, links=links)
    assert found.payment_code == "03399.00000 00000.000000 00000.000000 0 00000000015000"
    assert found.expires_at == at("2025-06-11T02:59:59")
    assert found.payment_url == "P"
    bare = charge(name, payment_method__boleto__formatted_barcode=None, links=None)
    assert bare.payment_code == "03399000000000000000000000000000000000000015000"
    assert bare.payment_url == ""
    assert charge(name, links=[{"media": "application/pdf"}]).payment_url == ""
    assert charge(name, payment_method__boleto={}).payment_code == ""


@pytest.mark.parametrize(
    ("name", "is_dated_by_us"),
    [
        ("card-refunded-in-part", True),
        ("card-refunded-in-full", True),
        ("boleto-unpaid-canceled", True),
        ("card-paid", False),
        ("card-authorized", False),
        ("card-declined", False),
    ],
)
def test_what_pagbank_does_not_date_is_dated_by_our_clock(name: str, is_dated_by_us: bool) -> None:
    request = recording(f"v4-webhook-order-{name}")
    received_at = at("2025-07-09T12:00:00")
    (untimed,) = PAGSEGURO.parse(request)
    (timed,) = PAGSEGURO.parse(replace(request, received_at=received_at))
    assert untimed.occurred_at < received_at
    assert timed.occurred_at == (received_at if is_dated_by_us else untimed.occurred_at)


def test_an_order_can_have_several_charges_and_is_about_the_paid_one() -> None:
    request = recording("v4-webhook-order-declined-then-paid")
    failed, paid = PAGSEGURO.parse(request)
    assert (failed.status, paid.status) == (ChargeStatus.FAILED, ChargeStatus.PAID)
    assert failed.order_reference == paid.order_reference == "PEDIDO-2007"
    identity = PAGSEGURO.identify(request)
    assert identity.charge_id == paid.charge_id
    assert identity.event_type is EventType.CHARGE_PAID


@pytest.mark.parametrize(
    ("first", "second", "main"),
    [
        ("PAID", "DECLINED", 0),
        ("DECLINED", "WAITING", 1),
        ("DECLINED", "DECLINED", 1),
        ("LEVITATING", "CANCELED", 1),
    ],
)
def test_the_charge_that_matters_most_names_the_news(first: str, second: str, main: int) -> None:
    name = "v4-webhook-order-declined-then-paid"
    places = {"charges.0.status": first, "charges.1.status": second}
    request = changed(name, {**places, "charges.1.amount.summary": ...})
    charges = json.loads(request.body)["charges"]
    assert "CHAR_" + PAGSEGURO.identify(request).charge_id == charges[main]["id"]


def test_a_charge_can_be_the_root() -> None:
    (found,) = PAGSEGURO.parse(recording("v4-webhook-charge-root-paid"))
    assert found.charge_id == "A1B2C3D4-0309-4F00-8A00-000000000309"
    assert found.order_reference == "PEDIDO-2008"
    assert found.amount == Money(Decimal("500.00"), "BRL")
    assert found.customer is None
    assert found.product == ProductFact(name="Curso de Introdução à Cerâmica")
    (nameless,) = PAGSEGURO.parse(changed("v4-webhook-charge-root-paid", {"description": ...}))
    assert nameless.product == ProductFact()


def test_without_the_sellers_reference_pagbanks_ids_stand_in() -> None:
    both = {"reference_id": ..., "charges.0.reference_id": None}
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, both))
    assert found.order_reference == "ORDE_A1B2C3D4-0102-4F00-8A00-000000000102"
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, {"reference_id": None}))
    assert found.order_reference == "PEDIDO-2002"
    (found,) = PAGSEGURO.parse(changed("v4-webhook-charge-root-paid", {"reference_id": ...}))
    assert found.order_reference == found.charge_id


def test_an_order_need_not_tell_who_buys_what() -> None:
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, {"customer": None, "items": []}))
    assert found.customer is None
    assert found.product == ProductFact()
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, {"customer.email": " ", "items.0": {}}))
    assert found.customer is None
    assert found.product == ProductFact()
    bare = {"customer": {"email": "A@Example.com"}}
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, bare))
    assert found.customer == CustomerFact(email="a@example.com")
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, {"customer.phones": [{}]}))
    assert found.customer.phone == ""


def test_a_pix_code_that_nobody_has_paid_is_expected_money() -> None:
    request = recording("v4-order-pix-unpaid")
    (found,) = PAGSEGURO.parse(request)
    assert found.charge_id == "QRCO_A1B2C3D4-0201-4F00-8A00-000000000201"
    assert found.status is ChargeStatus.PENDING
    assert found.amount == Money(Decimal("49.90"), "BRL")
    assert found.order_reference == "PEDIDO-2001"
    assert found.payment_method is PaymentMethod.PIX
    assert found.payment_code.startswith("00020101021226860014br.gov.bcb.pix")
    assert found.payment_url.endswith("/png")
    assert found.occurred_at == at("2025-06-01T15:25:00.120000")
    assert found.expires_at == at("2025-06-02T15:25:00")
    assert found.customer == MARINA
    assert PAGSEGURO.identify(request).event_type is EventType.CHARGE_CREATED


def test_the_pix_codes_have_another_spelling() -> None:
    body = json.loads(recording("v4-order-pix-unpaid").body)
    body["qr_code"] = body.pop("qr_codes")
    other = PAGSEGURO.parse(RawRequest({}, json.dumps(body).encode()))
    assert other == PAGSEGURO.parse(recording("v4-order-pix-unpaid"))


def test_a_pix_code_need_not_tell_more_than_its_amount() -> None:
    bare = {"qr_codes": [{"id": "QRCO_1", "amount": {"value": 1}}], "reference_id": None}
    (found,) = PAGSEGURO.parse(changed("v4-order-pix-unpaid", bare))
    assert found.expires_at is None
    assert (found.payment_code, found.payment_url) == ("", "")
    assert found.order_reference == "ORDE_A1B2C3D4-0101-4F00-8A00-000000000101"


def test_an_order_that_nobody_has_tried_to_pay_tells_nothing() -> None:
    request = changed("v4-order-pix-unpaid", {"qr_codes": [], "charges": None})
    assert PAGSEGURO.identify(request).charge_id == ""
    with pytest.raises(IgnoredError, match="nobody has tried"):
        PAGSEGURO.parse(request)


def test_a_paid_pix_is_one_charge() -> None:
    (found,) = PAGSEGURO.parse(recording(PIX_PAID))
    assert found.charge_id == "A1B2C3D4-0301-4F00-8A00-000000000301"
    assert found.amount == Money(Decimal("49.90"), "BRL")


def test_a_delivery_is_known_by_its_bytes() -> None:
    first, again = PAGSEGURO.identify(recording(PIX_PAID)), PAGSEGURO.identify(recording(PIX_PAID))
    longer = replace(recording(PIX_PAID), body=recording(PIX_PAID).body + b"\n")
    assert first == again
    assert first.event_id.startswith("sha256:")
    assert first.event_id != PAGSEGURO.identify(longer).event_id
    assert not first.is_thin


def order_answer(**changes: Any) -> Identity:
    places = {f"charges.0.{key.replace('__', '.')}": value for key, value in changes.items()}
    return PAGSEGURO.identify(http.answer("order", changed(ORDER_PAID, places).body))


def test_an_answer_is_known_by_the_state_that_was_read() -> None:
    assert order_answer() == order_answer(description="x", links=[])
    others = [
        order_answer(status="AUTHORIZED"),
        order_answer(amount__summary__refunded=1),
        order_answer(amount__summary__refunded=2),
        order_answer(amount__summary__paid=1),
        order_answer(id="CHAR_1"),
    ]
    assert len({order_answer().event_id, *(one.event_id for one in others)}) == 6
    charged = http.answer("charge", recording("v4-api-get-charge-paid").body)
    assert PAGSEGURO.identify(charged).event_id == (
        "charge:CHAR_A1B2C3D4-0309-4F00-8A00-000000000309:PAID:50000:0"
    )
    assert PAGSEGURO.parse(charged) == PAGSEGURO.parse(recording("v4-webhook-charge-root-paid"))
    unpaid = PAGSEGURO.identify(http.answer("order", recording("v4-order-pix-unpaid").body))
    assert unpaid.event_id == "order:ORDE_A1B2C3D4-0101-4F00-8A00-000000000101:unpaid"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"id": 1}', b'{"id": ""}'),
        *(b'{"id": "ORDE_1"}', b'{"id": "CHAR_1"}', b'{"event": 1}', b"<transaction/>"),
        pytest.param(b'{"x":' + b"[" * 100_000, id="deep"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_payload(body: bytes) -> None:
    for read in (PAGSEGURO.identify, PAGSEGURO.parse):
        with pytest.raises(PayloadError):
            read(RawRequest({}, body))


def test_a_nul_that_postgresql_cannot_store_is_left_out() -> None:
    (found,) = PAGSEGURO.parse(changed(ORDER_PAID, {"customer.name": "Mari\0na \\u0000"}))
    assert found.customer.name == "Marina \\u0000"


# What else v4 sends


def test_a_checkout_page_that_expired_is_no_sale() -> None:
    request = recording("v4-webhook-checkout-expired")
    assert PAGSEGURO.identify(request).gateway_event == "checkout/EXPIRED"
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match="comes as an order"):
        PAGSEGURO.parse(request)


def test_a_chargeback_notification_waits_for_a_person() -> None:
    request = recording("v4-webhook-chargeback-unconfirmed-shape")
    assert PAGSEGURO.identify(request).gateway_event == "chargeback/unknown"
    with pytest.raises(PayloadError, match="look into the panel"):
        PAGSEGURO.parse(request)


def test_a_resource_that_we_do_not_know_is_kept_as_ignored() -> None:
    request = RawRequest({}, b'{"id": "NEWS_1", "status": "SHINY"}')
    assert PAGSEGURO.identify(request).gateway_event == "NEWS/SHINY"
    with pytest.raises(IgnoredError, match="NEWS_1 is not known"):
        PAGSEGURO.parse(request)


# Recurring payments of v4


def test_the_whole_of_a_subscription() -> None:
    customer = CustomerFact(
        email="marina.araujo@example.com",
        name="Marina Teixeira de Araújo",
        gateway_id="CUST_A1B2C3D4-0122-4F00-8A00-000000000122",
    )
    plan = "PLAN_A1B2C3D4-0121-4F00-8A00-000000000121"
    assert PAGSEGURO.parse(recording("v4-webhook-subscription-activated")) == [
        SubscriptionFact(
            code="SUBS_A1B2C3D4-0120-4F00-8A00-000000000120",
            occurred_at=at("2025-06-01T15:00:11"),
            status=SubscriptionStatus.ACTIVE,
            customer=customer,
            product=ProductFact(id=plan, name="Clube de Cerâmica Mensal"),
            plan="Clube de Cerâmica Mensal",
            plan_id=plan,
            price=Money(Decimal("59.90"), "BRL"),
            next_billing_at=at("2025-07-01T03:00:00"),
            started_at=at("2025-06-01T15:00:00"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "event_type", "status"),
    [
        ("activated", EventType.SUBSCRIPTION_ACTIVATED, SubscriptionStatus.ACTIVE),
        ("suspended", EventType.SUBSCRIPTION_PAST_DUE, SubscriptionStatus.PAUSED),
        ("canceled", EventType.SUBSCRIPTION_CANCELLED, SubscriptionStatus.CANCELLED),
        ("recurrence", EventType.SUBSCRIPTION_BILLING_DATE_CHANGED, SubscriptionStatus.ACTIVE),
        (
            "recurrence-overdue",
            EventType.SUBSCRIPTION_BILLING_DATE_CHANGED,
            SubscriptionStatus.PAST_DUE,
        ),
    ],
)
def test_an_event_of_a_subscription(
    name: str, event_type: EventType, status: SubscriptionStatus
) -> None:
    request = recording(f"v4-webhook-subscription-{name}")
    assert PAGSEGURO.identify(request).event_type is event_type
    assert subscription_of(request).status is status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TRIAL", SubscriptionStatus.TRIAL),
        ("PENDING_ACTION", SubscriptionStatus.PAST_DUE),
        ("EXPIRED", SubscriptionStatus.EXPIRED),
    ],
)
def test_further_statuses_of_a_subscription(word: str, status: SubscriptionStatus) -> None:
    assert subscription_of(changed(RECURRENCE, {"resource.status": word})).status is status


def test_that_a_cycle_was_billed_does_not_say_that_it_was_paid() -> None:
    assert not any(isinstance(f, ChargeFact) for f in PAGSEGURO.parse(recording(RECURRENCE)))


def test_a_cancelled_subscription_lasts_until_what_is_paid_ends() -> None:
    found = subscription_of(recording("v4-webhook-subscription-canceled"))
    assert found.next_billing_at == at("2025-07-01T03:00:00")
    assert found.cancelled_at == at("2025-06-01T15:00:11")


def test_a_subscription_need_not_tell_more_than_its_status() -> None:
    resource = {"id": "SUBS_1", "status": "ACTIVE"}
    found = subscription_of(changed(RECURRENCE, {"resource": resource}))
    assert found == SubscriptionFact(
        code="SUBS_1", occurred_at=at("2025-06-01T15:00:11"), status=SubscriptionStatus.ACTIVE
    )


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"date": ...}, "2025-06-01T15:00:10"),
        ({"date": None, "resource.updated_at": ...}, "2025-06-01T15:00:00"),
    ],
)
def test_without_a_date_of_its_own_the_resource_dates_the_news(
    dates: dict[str, Any], expected: str
) -> None:
    assert subscription_of(changed(RECURRENCE, dates)).occurred_at == at(expected)


def test_a_subscription_without_any_date_is_refused() -> None:
    places = {"date": ..., "resource.updated_at": ..., "resource.created_at": ...}
    with pytest.raises(PayloadError, match="updated_at is missing"):
        PAGSEGURO.parse(changed(RECURRENCE, places))


def test_an_unknown_status_of_a_recurring_payment_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownStatusError, match="LEVITATING"):
        PAGSEGURO.parse(changed(RECURRENCE, {"resource.status": "LEVITATING"}))


@pytest.mark.parametrize("event", ["plan.created", "coupon.updated", "customer.created"])
def test_what_is_neither_sold_nor_paid_is_ignored(event: str) -> None:
    request = changed(RECURRENCE, {"event": event})
    assert PAGSEGURO.identify(request).event_type is EventType.UNKNOWN
    with pytest.raises(IgnoredError, match="nothing is sold or paid"):
        PAGSEGURO.parse(request)


def test_a_recurring_refund_waits_for_a_person() -> None:
    with pytest.raises(PayloadError, match=r"payment\.refund\.succeeded is published without"):
        PAGSEGURO.parse(changed(RECURRENCE, {"event": "payment.refund.succeeded"}))


@pytest.mark.parametrize("event", ["subscription.levitated", "subscription/ACTIVE"])
def test_an_event_that_we_do_not_know_is_kept_as_ignored(event: str) -> None:
    with pytest.raises(IgnoredError, match=f"{event} is not known"):
        PAGSEGURO.parse(changed(RECURRENCE, {"event": event}))


def subscription_answer(**changes: Any) -> RawRequest:
    resource = {**json.loads(recording(RECURRENCE).body)["resource"], **changes}
    return http.answer("subscription", json.dumps(resource).encode())


def test_an_answer_about_a_subscription_is_known_by_its_state() -> None:
    identity = PAGSEGURO.identify(subscription_answer())
    assert identity == Identity(
        event_id=(
            "subscription:SUBS_A1B2C3D4-0120-4F00-8A00-000000000120"
            ":ACTIVE:2025-06-01T12:00:10-03:00:2025-08-01"
        ),
        gateway_event="subscription/ACTIVE",
        event_type=EventType.SUBSCRIPTION_ACTIVATED,
    )
    assert PAGSEGURO.identify(subscription_answer(pro_rata=True)) == identity
    for change in ({"status": "OVERDUE"}, {"updated_at": "x"}, {"next_invoice_at": None}):
        assert PAGSEGURO.identify(subscription_answer(**change)).event_id != identity.event_id
    found = subscription_of(subscription_answer())
    assert found.occurred_at == at("2025-06-01T15:00:10")


# Both at once


def state_after(*facts: ChargeFact) -> Any:
    return charge_state([Told(fact, repr(fact), "", False) for fact in facts])


#: Every order in which four pieces of news can come.
ORDERS = list(itertools.permutations(range(4)))
DISPUTES = ("5-card-in-dispute", "9-card-chargeback-opened", "8-card-chargeback-lost")


def legacy_twin(name: str) -> ChargeFact:
    """A legacy transaction as v4's card payment would be told."""
    legacy_code = "A1B2C3D4-0004-4F00-8A00-000000000004"
    v4_code = "A1B2C3D4-0302-4F00-8A00-000000000302"
    changes = {
        legacy_code: v4_code,
        "<lastEventDate>2025": "<lastEventDate>2026",
        "PEDIDO-1004": "PEDIDO-2002",
    }
    return legacy_charge(name, changes)


@pytest.mark.parametrize("order", ORDERS)
def test_a_v4_payment_is_disputed_by_legacy_notices_in_any_order(order: tuple[int, ...]) -> None:
    facts = [charge(), *(legacy_twin(f"legacy-v3-transaction-status{name}") for name in DISPUTES)]
    assert len({(fact.charge_id, fact.order_reference) for fact in facts}) == 1
    state = state_after(*(facts[place] for place in order))
    assert state.status is ChargeStatus.CHARGED_BACK
    assert state.fee == Decimal("15.37")  # which v4 does not tell


def test_a_dispute_that_was_won_is_paid_again_but_only_by_later_news() -> None:
    disputed = legacy_charge("legacy-v3-transaction-status5-card-in-dispute")
    changes = {"<status>5<": "<status>3<", "2025-03-20": "2025-03-19"}
    earlier = legacy_charge("legacy-v3-transaction-status5-card-in-dispute", changes)
    changes["2025-03-20"] = "2025-03-21"
    later = legacy_charge("legacy-v3-transaction-status5-card-in-dispute", changes)
    assert state_after(earlier, disputed).status is ChargeStatus.DISPUTED
    assert state_after(disputed, later).status is ChargeStatus.PAID


V4_LIFE = ("authorized", "paid", "refunded-in-part", "refunded-in-full")


@pytest.mark.parametrize("order", ORDERS)
def test_the_life_of_a_charge_ends_the_same_in_any_order(order: tuple[int, ...]) -> None:
    facts = [charge(f"v4-webhook-order-card-{name}") for name in V4_LIFE]
    state = state_after(*(facts[place] for place in order))
    assert state.status is ChargeStatus.REFUNDED
    assert state.refunded_amount == Decimal("1500.00")


def test_an_id_of_another_form_is_left_as_it_is() -> None:
    assert charge(id="CHAR_1").charge_id == "CHAR_1"
    assert charge(id="CHAR_a1b2c3d4-0302-4f00-8a00-00000000030f").charge_id == (
        "A1B2C3D4-0302-4F00-8A00-00000000030F"
    )


@pytest.mark.parametrize("name", sorted(TRANSACTIONS | PRE_APPROVALS))
def test_no_legacy_answer_is_taken_for_a_webhook(name: str) -> None:
    for read in (PAGSEGURO.identify, PAGSEGURO.parse):
        with pytest.raises(PayloadError):
            read(recorded(name))


# Simulation

SALE = Sale(number=7, at=at("2026-03-10T14:02:11"))
IS_HINT = {name for name in PAGSEGURO.samples if name.startswith("notification-")}


def simulated(name: str, sale: Sale = SALE) -> Any:
    (fact,) = PAGSEGURO.parse(PAGSEGURO.samples[name](sale))
    return fact


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("order-card-in-analysis", ChargeStatus.PENDING),
        ("order-card-authorized", ChargeStatus.AUTHORIZED),
        ("order-card-paid", ChargeStatus.PAID),
        ("order-card-declined", ChargeStatus.FAILED),
        ("order-card-refunded-in-part", ChargeStatus.PARTIALLY_REFUNDED),
        ("order-card-refunded-in-full", ChargeStatus.REFUNDED),
        ("charge-paid", ChargeStatus.PAID),
    ],
)
def test_the_events_of_a_simulated_card_tell_of_one_charge(name: str, status: ChargeStatus) -> None:
    found, paid = simulated(name), simulated("order-card-paid")
    assert found.status is status
    assert found.charge_id == paid.charge_id
    assert found.order_reference == paid.order_reference == "SIMULADO-7"


@pytest.mark.parametrize("method", ["pix", "boleto"])
def test_another_method_is_another_charge_of_the_same_sale(method: str) -> None:
    found, card = simulated(f"order-{method}-paid"), simulated("order-card-paid")
    assert found.charge_id != card.charge_id
    assert found.order_reference == card.order_reference
    assert found.paid_at == SALE.at


def test_a_simulated_boleto_and_pix_code_can_be_paid() -> None:
    boleto, pix = simulated("order-boleto-waiting"), simulated("order-pix-unpaid")
    assert boleto.charge_id == simulated("order-boleto-paid").charge_id
    assert boleto.payment_code
    assert boleto.expires_at == at("2026-03-14T02:59:59")
    assert pix.payment_code
    assert pix.expires_at == at("2026-03-11T14:02:11")


def test_the_events_of_a_simulated_subscription_tell_of_one() -> None:
    names = [name for name in PAGSEGURO.samples if name.startswith("subscription-")]
    assert len({simulated(name).code for name in names}) == 1
    assert simulated("subscription-canceled").status is SubscriptionStatus.CANCELLED
    assert simulated("subscription-overdue").status is SubscriptionStatus.PAST_DUE
    assert simulated("subscription-activated").price == Money(Decimal("59.90"), "BRL")


@pytest.mark.parametrize("name", sorted(IS_HINT))
def test_a_simulated_notice_is_as_bare_as_a_real_one(name: str) -> None:
    notice = PAGSEGURO.samples[name](SALE)
    assert isinstance(refusal(notice), UnprovenError)
    assert PAGSEGURO.identify(notice).is_thin
    assert len(PAGSEGURO.identify(notice).event_id.rpartition(":")[2]) == len(CODE)


def test_a_simulated_checkout_page_is_no_sale() -> None:
    with pytest.raises(IgnoredError):
        simulated("checkout-expired")


def test_nobody_who_is_simulated_can_be_written_to() -> None:
    for name in {*PAGSEGURO.samples} - IS_HINT - {"checkout-expired", "charge-paid"}:
        assert simulated(name).customer.email == "comprador.7@example.com"


def test_a_reference_names_the_simulated_sale() -> None:
    sale = Sale(number=7, at=SALE.at, reference="PEDIDO-1")
    assert simulated("order-card-paid", sale).order_reference == "PEDIDO-1"
