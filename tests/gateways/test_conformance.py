"""What every gateway must do, tried with every recording and every sample of it."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recibo.gateways.contract import Gateway, Identity, RawRequest, Sale
from recibo.gateways.errors import GatewayError, IgnoredError, Refused, SignatureError
from recibo.gateways.facts import ChargeFact, EventType, Fact
from recibo.gateways.registry import GATEWAYS
from tests.recordings import names, recorded

SECRET = b"a-secret-of-forty-characters-0123456789ab"
AT = datetime(2026, 3, 10, 14, 2, 11, tzinfo=UTC)

RECORDINGS = [name for slug in GATEWAYS for name in names(slug)]
SAMPLES = [(slug, name) for slug, gateway in GATEWAYS.items() for name in gateway.samples]

#: Recordings that give no facts, and why. All others give some.
IGNORED = {
    "hotmart/webhook-order-fulfillment": "transport",
    "hotmart/webhook-panel-test-club-first-access": "never a sale",
    "hotmart/webhook-panel-test-club-module-completed": "never a sale",
    "hotmart/webhook-panel-test-purchase-approved": "never a sale",
    "hotmart/webhook-panel-test-purchase-canceled": "never a sale",
    "hotmart/webhook-panel-test-purchase-chargeback": "never a sale",
    "hotmart/webhook-panel-test-purchase-complete": "never a sale",
    "hotmart/webhook-panel-test-purchase-expired": "never a sale",
    "hotmart/webhook-panel-test-purchase-protest": "never a sale",
    "hotmart/webhook-panel-test-purchase-refunded": "never a sale",
    "hotmart/webhook-panel-test-subscription-cancellation": "never a sale",
    "hotmart/webhook-panel-test-switch-plan": "never a sale",
    "hotmart/webhook-panel-test-update-subscription-charge-date": "never a sale",
    "hotmart/webhook-v1-purchase-approved": "create a configuration of version 2.0.0",
}

#: Words of a gateway that are other spellings of one that has a recording or a sample.
SPELLINGS = {
    "hotmart": {
        "CART_ABANDONED",
        "CART_ABANDONMENT",
        "CHARGEBACK",
        "PURCHASE_CANCELLED",
        "PURCHASE_COMPLETED",
        "PURCHASE_RECURRENCE_CANCELLATION",
        "PURCHASE_REFUND_REQUESTED",
        "PURCHASE_REFUSED",
        "PURCHASE_WAITING_PAYMENT",
        "SUBSCRIPTION_BILLING_DATE_CHANGE",
        "SUBSCRIPTION_BILLING_DATE_UPDATED",
        "SUBSCRIPTION_CANCELED",
        "SUBSCRIPTION_CANCELLED",
        "SUBSCRIPTION_CHANGED",
    }
}


def gateway_of(name: str) -> Gateway:
    return GATEWAYS[name.split("/")[0]]


def signed(gateway: Gateway, request: RawRequest, secret: bytes = SECRET) -> RawRequest:
    headers = {**request.headers, **gateway.sign(request.body, secret)}
    return RawRequest(headers=headers, body=request.body, query=request.query)


def sampled(slug: str, name: str, number: int = 1, reference: str = "") -> RawRequest:
    gateway = GATEWAYS[slug]
    body = gateway.samples[name](Sale(number=number, at=AT, reference=reference))
    return signed(gateway, RawRequest(headers={}, body=body))


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_signed_recording_is_verified(name: str) -> None:
    gateway = gateway_of(name)
    gateway.verify(signed(gateway, recorded(name)), [SECRET])


@pytest.mark.parametrize("name", RECORDINGS)
def test_while_rotating_the_old_and_the_new_secret_are_accepted(name: str) -> None:
    gateway = gateway_of(name)
    for secret in (b"old-secret", b"new-secret"):
        gateway.verify(signed(gateway, recorded(name), secret), [b"new-secret", b"old-secret"])


@pytest.mark.parametrize("slug", GATEWAYS)
@pytest.mark.parametrize("position", range(len(SECRET)))
def test_one_changed_byte_of_the_secret_is_refused(slug: str, position: int) -> None:
    changed = bytearray(SECRET)
    changed[position] ^= 1
    request = RawRequest(headers={}, body=b'{"event":"X"}')
    assert refusal(GATEWAYS[slug], request, bytes(changed)) is Refused.SIGNATURE_INVALID


@pytest.mark.parametrize("slug", GATEWAYS)
@pytest.mark.parametrize(
    "secret", [b"another", SECRET[:-1], SECRET + b"x", b"\xff\xfe", b"\xc3\xa7"]
)
def test_a_wrong_secret_is_refused(slug: str, secret: bytes) -> None:
    request = RawRequest(headers={}, body=b'{"event":"X"}')
    assert refusal(GATEWAYS[slug], request, secret) is Refused.SIGNATURE_INVALID


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_unsigned_recording_is_refused(name: str) -> None:
    with pytest.raises(SignatureError) as refused:
        gateway_of(name).verify(recorded(name), [SECRET])
    assert refused.value.reason is Refused.SIGNATURE_MISSING


@pytest.mark.parametrize("slug", GATEWAYS)
def test_without_a_configured_secret_nobody_is_let_in(slug: str) -> None:
    request = signed(GATEWAYS[slug], RawRequest(headers={}, body=b"{}"))
    with pytest.raises(SignatureError) as refused:
        GATEWAYS[slug].verify(request, [])
    assert refused.value.reason is Refused.NOT_CONFIGURED


def refusal(gateway: Gateway, request: RawRequest, secret: bytes) -> Refused:
    with pytest.raises(SignatureError) as refused:
        gateway.verify(signed(gateway, request, secret), [SECRET])
    return refused.value.reason


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_has_one_identity(name: str) -> None:
    gateway = gateway_of(name)
    identity = gateway.identify(recorded(name))
    assert identity == gateway.identify(signed(gateway, recorded(name)))
    assert identity.event_id
    assert identity.gateway_event


@pytest.mark.parametrize("slug", GATEWAYS)
def test_no_two_recordings_have_the_same_identity(slug: str) -> None:
    identities = [GATEWAYS[slug].identify(recorded(name)).event_id for name in names(slug)]
    assert len(set(identities)) == len(identities)


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name not in IGNORED])
def test_a_recording_is_understood(name: str) -> None:
    gateway = gateway_of(name)
    facts = gateway.parse(recorded(name))
    assert facts
    assert facts == gateway.parse(recorded(name))
    assert_sound(gateway.identify(recorded(name)), facts)


@pytest.mark.parametrize("name", IGNORED)
def test_a_recording_without_news_is_ignored_for_a_reason(name: str) -> None:
    with pytest.raises(IgnoredError, match=IGNORED[name]):
        gateway_of(name).parse(recorded(name))


@pytest.mark.parametrize(("slug", "name"), SAMPLES)
def test_a_sample_goes_the_way_of_a_real_delivery(slug: str, name: str) -> None:
    gateway, request = GATEWAYS[slug], sampled(slug, name)
    gateway.verify(request, [SECRET])
    assert_sound(gateway.identify(request), gateway.parse(request))


@pytest.mark.parametrize(("slug", "name"), SAMPLES)
def test_a_sample_is_the_same_again_and_another_for_another_sale(slug: str, name: str) -> None:
    identify = GATEWAYS[slug].identify
    first, again, other = (identify(sampled(slug, name, number)) for number in (1, 1, 2))
    assert first == again
    assert first.event_id != other.event_id
    assert first.charge_id != other.charge_id or not first.charge_id


@pytest.mark.parametrize(("slug", "name"), SAMPLES)
def test_a_sample_tells_of_the_sale_that_is_asked_for(slug: str, name: str) -> None:
    identity = GATEWAYS[slug].identify(sampled(slug, name, reference="HP7777777777"))
    assert identity.charge_id in {"HP7777777777", ""}


@pytest.mark.parametrize("slug", GATEWAYS)
def test_no_two_samples_of_a_sale_have_the_same_identity(slug: str) -> None:
    gateway = GATEWAYS[slug]
    identities = {gateway.identify(sampled(slug, name)).event_id for name in gateway.samples}
    assert len(identities) == len(gateway.samples)


@pytest.mark.parametrize("slug", GATEWAYS)
def test_every_word_of_a_gateway_is_shown_by_a_recording_or_a_sample(slug: str) -> None:
    gateway = GATEWAYS[slug]
    requests = [recorded(name) for name in names(slug)]
    requests += [sampled(slug, name) for name in gateway.samples]
    shown = {gateway.identify(request).gateway_event for request in requests}
    assert set(gateway.events) - shown == SPELLINGS[slug]


@pytest.mark.parametrize("slug", GATEWAYS)
def test_a_gateway_is_named_consistently(slug: str) -> None:
    gateway = GATEWAYS[slug]
    assert gateway.slug == slug
    assert gateway.secret_setting.startswith(slug.upper())
    assert all(header == header.lower() for header in gateway.secret_headers)
    assert EventType.UNKNOWN not in gateway.events.values()


def assert_sound(identity: Identity, facts: list[Fact]) -> None:
    """Times are in UTC, money is positive, and the charge is the one that was announced."""
    assert facts
    for fact in facts:
        assert fact.occurred_at.utcoffset() == timedelta(0)
        if isinstance(fact, ChargeFact):
            assert fact.charge_id == identity.charge_id
            assert fact.amount.amount >= 0
            assert fact.order_reference


#: Values that no gateway sends, in places where it sends others.
ABSURD: list[Any] = [
    *(None, True, False, 0, -1, 10**30, 1.5, 1e300, float("nan"), [], {}, [[]]),
    *("", " ", "NaN", "Infinity", "\0", "ção", "²", "9" * 5000, "2026-13-45", "x" * 300),
]

content_types = st.sampled_from(
    [b"", b"application/json", b"application/x-www-form-urlencoded; charset=UTF-8"]
)


@settings(max_examples=300, deadline=None, database=None)
@given(st.sampled_from(list(GATEWAYS)), st.binary(max_size=200), content_types)
def test_arbitrary_bytes_raise_nothing_unforeseen(
    slug: str, body: bytes, content_type: bytes
) -> None:
    survive(GATEWAYS[slug], RawRequest(headers={b"content-type": content_type}, body=body))


@settings(max_examples=500, deadline=None, database=None)
@given(st.sampled_from(RECORDINGS), st.binary(max_size=4), st.floats(0, 1), content_types)
def test_damaged_recordings_raise_nothing_unforeseen(
    name: str, damage: bytes, where: float, content_type: bytes
) -> None:
    body = recorded(name).body
    position = int(where * len(body))
    damaged = body[:position] + damage + body[position + 2 :]
    survive(gateway_of(name), RawRequest(headers={b"content-type": content_type}, body=damaged))


@pytest.mark.parametrize("name", RECORDINGS)
def test_absurd_values_raise_nothing_unforeseen(name: str) -> None:
    original = json.loads(recorded(name).body)
    for holder, key in places(original):
        kept = holder[key]
        for value in ABSURD:
            holder[key] = value
            survive(gateway_of(name), RawRequest(headers={}, body=json.dumps(original).encode()))
        holder[key] = kept


@pytest.mark.parametrize("slug", GATEWAYS)
def test_deep_nesting_raises_nothing_unforeseen(slug: str) -> None:
    for opening in (b"[", b'{"data":', b'{"event":"X","data":[', b'{"x":['):
        survive(GATEWAYS[slug], RawRequest(headers={}, body=opening * 100_000))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as the container and the key in it."""
    if not isinstance(value, dict | list):
        return
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        yield from places(value[key])


def survive(gateway: Gateway, request: RawRequest) -> None:
    """Ask everything of a gateway; facts that come out must be storable."""
    with contextlib.suppress(SignatureError):
        gateway.verify(request, [SECRET])
    with contextlib.suppress(GatewayError):
        assert "\0" not in repr(gateway.identify(request))
    with contextlib.suppress(GatewayError):
        assert "\\x00" not in repr(gateway.parse(request))
