"""What every gateway must do, tried with every recording and every sample of it.

What is peculiar to a gateway is told by its ``expected.py``, see ``expectations``.
"""

import base64
import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recibo.gateways import errors, http
from recibo.gateways.contract import Gateway, Identity, RawRequest, Sale
from recibo.gateways.errors import (
    GatewayError,
    IgnoredError,
    PayloadError,
    Refused,
    SignatureError,
    UnprovenError,
)
from recibo.gateways.facts import ChargeFact, EventType, Fact, LeadFact, SubscriptionFact
from recibo.gateways.registry import GATEWAYS
from tests.gateways.expectations import Expected, expected_of
from tests.recordings import names, recorded

AT = datetime(2026, 3, 10, 14, 2, 11, tzinfo=UTC)
FORM = b"application/x-www-form-urlencoded"

EXPECTED = {slug: expected_of(slug) for slug in GATEWAYS}
#: slug/name -> builds a simulated webhook.
SAMPLES = {
    f"{slug}/{name}": sample
    for slug, gateway in GATEWAYS.items()
    for name, sample in gateway.samples.items()
}
RECORDED = [name for slug in GATEWAYS for name in names(slug)]


def slug_of(name: str) -> str:
    return name.split("/")[0]


def gateway_of(name: str) -> Gateway:
    return GATEWAYS[slug_of(name)]


def expected(name: str) -> Expected:
    return EXPECTED[slug_of(name)]


#: What was sent to us, or could have been; what we fetched; and both.
RECORDINGS = [name for name in RECORDED if name not in expected(name).not_webhooks]
DELIVERIES = [*RECORDINGS, *SAMPLES]
ANSWERS = sorted(name for told in EXPECTED.values() for name in told.answers)
NEWS = [*DELIVERIES, *ANSWERS]

PROVEN = [name for name in DELIVERIES if name not in expected(name).unproven]
UNPROVEN = sorted(name for told in EXPECTED.values() for name in told.unproven)
IGNORED = sorted(name for told in EXPECTED.values() for name in told.ignored)
FAILING = sorted(name for told in EXPECTED.values() for name in told.fails)
HINTS = sorted({name for told in EXPECTED.values() for name in told.asked_for})
TWINS = sorted(pair for told in EXPECTED.values() for pair in told.twins.items())
UNDERSTOOD = [name for name in NEWS if name not in {*IGNORED, *FAILING, *HINTS}]


def news(name: str) -> RawRequest:
    """A recording, a sample or an answer, by its name; not signed."""
    if name in SAMPLES:
        return sampled(name)
    if name in expected(name).answers:
        notes = expected(name).notes.get(name, {})
        return http.answer(expected(name).answers[name], recorded(name).body, **notes)
    return recorded(name)


def sampled(name: str, number: int = 1, reference: str = "") -> RawRequest:
    return SAMPLES[name](Sale(number=number, at=AT, reference=reference))


def signed(name: str, request: RawRequest | None = None, secret: bytes = b"") -> RawRequest:
    return gateway_of(name).sign(request or news(name), secret or expected(name).secret)


def with_changed_byte(secret: bytes, position: int) -> bytes:
    changed = bytearray(secret)
    changed[position] ^= 1
    return bytes(changed)


def all_of(slug: str) -> list[str]:
    return [name for name in NEWS if slug_of(name) == slug]


# Who sent it


@pytest.mark.parametrize("name", PROVEN)
def test_a_signed_delivery_is_verified(name: str) -> None:
    gateway_of(name).verify(signed(name), [expected(name).secret])


@pytest.mark.parametrize("name", PROVEN)
def test_while_rotating_the_old_and_the_new_secret_are_accepted(name: str) -> None:
    old, new = expected(name).secret, with_changed_byte(expected(name).secret, -1)
    for secret in (old, new):
        gateway_of(name).verify(signed(name, secret=secret), [new, old])


@pytest.mark.parametrize("name", UNPROVEN)
def test_what_no_secret_can_prove_is_left_for_the_gateway_to_confirm(name: str) -> None:
    with pytest.raises(UnprovenError):
        gateway_of(name).verify(signed(name), [expected(name).secret])


@pytest.mark.parametrize(
    ("slug", "position"),
    [(slug, at) for slug, told in EXPECTED.items() for at in range(len(told.secret))],
)
def test_one_changed_byte_of_the_secret_is_refused(slug: str, position: int) -> None:
    changed = with_changed_byte(EXPECTED[slug].secret, position)
    assert_refused(slug, signed(any_proven(slug), secret=changed), Refused.SIGNATURE_INVALID)


@pytest.mark.parametrize("slug", GATEWAYS)
def test_a_wrong_secret_is_refused(slug: str) -> None:
    secret = EXPECTED[slug].secret
    for wrong in (b"another", secret[:-1], secret + b"x", b"\xff\xfe", b"\xc3\xa7", b"a:b"):
        request = signed(any_proven(slug), secret=wrong)
        assert_refused(slug, request, Refused.SIGNATURE_INVALID)


@pytest.mark.parametrize("name", PROVEN)
def test_one_more_byte_is_refused_unless_the_proof_is_the_same_for_any_body(name: str) -> None:
    request = news(name)
    longer = request.body + b" "
    tampered = replace(signed(name), body=longer)
    genuine = signed(name, replace(request, body=longer))
    with contextlib.nullcontext() if tampered == genuine else pytest.raises(SignatureError):
        gateway_of(name).verify(tampered, [expected(name).secret])


@pytest.mark.parametrize("name", DELIVERIES)
def test_an_unsigned_delivery_is_refused(name: str) -> None:
    assert_refused(slug_of(name), news(name), Refused.SIGNATURE_MISSING)


@pytest.mark.parametrize("name", DELIVERIES)
def test_without_a_configured_secret_nobody_is_let_in(name: str) -> None:
    assert_refused(slug_of(name), signed(name), Refused.NOT_CONFIGURED, secrets=[])


@pytest.mark.parametrize("name", PROVEN)
def test_a_secret_that_travels_is_never_kept(name: str) -> None:
    gateway, secret, request = gateway_of(name), expected(name).secret, signed(name)
    spellings = (secret, base64.b64encode(secret))
    for header, value in request.headers.items():
        assert header in gateway.secret_headers or not any(s in value for s in spellings)
    for parameter, value in parse_qsl(request.query.decode()):
        assert parameter.encode() in gateway.secret_parameters or value.encode() not in spellings


def any_proven(slug: str) -> str:
    return next(name for name in PROVEN if slug_of(name) == slug)


def assert_refused(
    slug: str, request: RawRequest, reason: Refused, secrets: list[bytes] | None = None
) -> None:
    """Refused for this reason, or left for the gateway to confirm where it can be asked."""
    gateway = GATEWAYS[slug]
    with pytest.raises(SignatureError) as refused:
        gateway.verify(request, [EXPECTED[slug].secret] if secrets is None else secrets)
    is_hint = isinstance(refused.value, UnprovenError) and gateway.fetch is not None
    assert is_hint or refused.value.reason is reason


# Which news it is


@pytest.mark.parametrize("name", NEWS)
def test_news_has_one_identity(name: str) -> None:
    gateway = gateway_of(name)
    identity = gateway.identify(news(name))
    assert identity == gateway.identify(news(name))
    assert identity.event_id
    assert identity.gateway_event


@pytest.mark.parametrize("name", DELIVERIES)
def test_an_identity_does_not_depend_on_the_proof(name: str) -> None:
    identify, secret = gateway_of(name).identify, with_changed_byte(expected(name).secret, -1)
    assert identify(signed(name)) == identify(signed(name, secret=secret))


@pytest.mark.parametrize("slug", GATEWAYS)
def test_no_two_pieces_of_news_have_the_same_identity(slug: str) -> None:
    found: dict[str, str] = {}
    for name in all_of(slug):
        if name not in EXPECTED[slug].twins:
            event_id = GATEWAYS[slug].identify(news(name)).event_id
            assert found.setdefault(event_id, name) == name


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_the_same_news_told_twice_has_the_same_identity(name: str, twin: str) -> None:
    identify = gateway_of(name).identify
    assert identify(news(name)).event_id == identify(news(twin)).event_id


@pytest.mark.parametrize("name", NEWS)
def test_only_what_tells_too_little_is_thin(name: str) -> None:
    assert gateway_of(name).identify(news(name)).is_thin == (name in expected(name).thin)


@pytest.mark.parametrize("name", HINTS)
def test_what_has_to_be_asked_for_can_be_asked_for(name: str) -> None:
    assert gateway_of(name).fetch is not None


# What it says


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_news_is_understood(name: str) -> None:
    gateway = gateway_of(name)
    facts = gateway.parse(news(name))
    assert facts == gateway.parse(news(name))
    assert_sound(gateway.identify(news(name)), facts)


@pytest.mark.parametrize("name", IGNORED)
def test_a_delivery_without_news_is_ignored_for_a_reason(name: str) -> None:
    with pytest.raises(IgnoredError, match=expected(name).ignored[name]):
        gateway_of(name).parse(news(name))


@pytest.mark.parametrize("name", FAILING)
def test_what_cannot_be_read_fails_with_its_error(name: str) -> None:
    with pytest.raises(GatewayError) as failed:
        gateway_of(name).parse(news(name))
    assert type(failed.value) is getattr(errors, expected(name).fails[name])


@pytest.mark.parametrize("name", HINTS)
def test_nothing_of_a_hint_is_believed(name: str) -> None:
    with pytest.raises((IgnoredError, PayloadError)):
        gateway_of(name).parse(news(name))


def assert_sound(identity: Identity, facts: list[Fact]) -> None:
    """Times are in UTC, money is positive, and the charge is the one that was announced."""
    assert facts
    charges = [fact for fact in facts if isinstance(fact, ChargeFact)]
    assert all(fact.occurred_at.utcoffset() == timedelta(0) for fact in facts)
    assert all(charge.amount.amount >= 0 for charge in charges)
    assert all(charge.charge_id and charge.order_reference for charge in charges)
    assert len(charges) != 1 or identity.charge_id == charges[0].charge_id


# Simulation


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_the_same_again_and_another_for_another_sale(name: str) -> None:
    identify = gateway_of(name).identify
    first, again, other = (identify(sampled(name, number)) for number in (1, 1, 2))
    assert first == again
    assert first.event_id != other.event_id
    assert first.charge_id != other.charge_id or not first.charge_id


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_tells_of_the_sale_that_is_asked_for(name: str) -> None:
    reference = expected(name).reference
    request = sampled(name, reference=reference)
    told = {gateway_of(name).identify(request).charge_id}
    if name not in {*HINTS, *IGNORED, *FAILING}:
        told |= {sale_of(fact) for fact in gateway_of(name).parse(request)}
    assert reference in told or told == {""}


def sale_of(fact: Fact) -> str:
    """The sale that a fact is about; "" for one that is about none."""
    return "" if isinstance(fact, LeadFact | SubscriptionFact) else fact.order_reference


# What is told about the gateway


@pytest.mark.parametrize("slug", GATEWAYS)
def test_every_word_of_a_gateway_is_shown_by_a_recording_or_a_sample(slug: str) -> None:
    gateway = GATEWAYS[slug]
    shown = {gateway.identify(news(name)).gateway_event for name in all_of(slug)}
    assert set(gateway.events) - shown == set(EXPECTED[slug].spellings)


@pytest.mark.parametrize("slug", GATEWAYS)
def test_a_gateway_is_named_consistently(slug: str) -> None:
    gateway = GATEWAYS[slug]
    secret_settings = [part for name in gateway.secret_settings for part in name.split(":")]
    assert gateway.slug == slug
    for setting in [*secret_settings, *gateway.credentials.values()]:
        assert setting.startswith(f"{slug.upper()}_")
    assert all(header == header.lower() for header in gateway.secret_headers)
    assert EventType.UNKNOWN not in gateway.events.values()


@pytest.mark.parametrize("slug", GATEWAYS)
def test_expectations_are_about_recordings_and_samples_that_exist(slug: str) -> None:
    assert EXPECTED[slug].named <= {*names(slug), *SAMPLES}
    assert set(EXPECTED[slug].answers) <= set(EXPECTED[slug].not_webhooks)


# What nobody foresaw

#: Values that no gateway sends, in places where it sends others.
ABSURD: list[Any] = [
    *(None, True, False, 0, -1, 10**30, 1.5, 1e300, float("nan"), [], {}, [[]]),
    *("", " ", "NaN", "Infinity", "\0", "ção", "²", "9" * 5000, "2026-13-45", "x" * 300),
]
ABSURD_TEXTS = [str(value) for value in ABSURD]

content_types = st.sampled_from(
    [b"", b"application/json", FORM + b"; charset=UTF-8", b"text/xml;charset=ISO-8859-1"]
)


@settings(max_examples=150, deadline=None, database=None)
@given(st.sampled_from(list(GATEWAYS)), st.binary(max_size=200), content_types)
def test_arbitrary_bytes_raise_nothing_unforeseen(
    slug: str, body: bytes, content_type: bytes
) -> None:
    survive(slug, RawRequest(headers={b"content-type": content_type}, body=body))


@settings(max_examples=250, deadline=None, database=None)
@given(
    st.sampled_from([*RECORDINGS, *ANSWERS]), st.binary(max_size=4), st.floats(0, 1), content_types
)
def test_damaged_news_raises_nothing_unforeseen(
    name: str, damage: bytes, where: float, content_type: bytes
) -> None:
    request = news(name)
    position = int(where * len(request.body))
    damaged = request.body[:position] + damage + request.body[position + 2 :]
    headers = {**request.headers, b"content-type": content_type}
    survive(slug_of(name), replace(request, headers=headers, body=damaged))


@pytest.mark.parametrize("name", [*RECORDINGS, *ANSWERS])
def test_absurd_values_raise_nothing_unforeseen(name: str) -> None:
    request = news(name)
    for body in absurd(recorded(name)):
        survive(slug_of(name), replace(request, body=body))


@pytest.mark.parametrize("slug", GATEWAYS)
def test_deep_nesting_raises_nothing_unforeseen(slug: str) -> None:
    resources = {"", *EXPECTED[slug].answers.values()}
    for opening in (b"[", b'{"data":', b'{"event":"X","data":[', b'{"x":[', b"<a>"):
        for resource in resources:
            survive(slug, http.answer(resource, opening * 20_000))
        survive(slug, RawRequest(headers={}, body=opening * 20_000))


def absurd(request: RawRequest) -> Iterator[bytes]:
    """The bodies with one value replaced by an absurd one."""
    return ABSURDITIES[request.headers[b"content-type"]](request.body)


def absurd_json(body: bytes) -> Iterator[bytes]:
    original = json.loads(body)
    for number, (holder, key) in enumerate(places(original)):
        kept = holder[key]
        for value in some(ABSURD, number + len(body)):
            holder[key] = value
            yield json.dumps(original).encode()
        holder[key] = kept


def some(values: Sequence[Any], number: int) -> Iterator[Any]:
    """A few of the values, others for each place: many recordings have the same places."""
    for turn in range(5):
        yield values[(number * 7 + turn * 5) % len(values)]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as the container and the key in it."""
    if not isinstance(value, dict | list):
        return
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        yield from places(value[key])


def absurd_form(body: bytes) -> Iterator[bytes]:
    fields = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    for place, (name, _) in enumerate(fields):
        for text in some(ABSURD_TEXTS, place + len(body)):
            yield urlencode([*fields[:place], (name, text), *fields[place + 1 :]]).encode()


def absurd_xml(body: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb">([^<>\s][^<>]*)<", body):
        for text in some(ABSURD_TEXTS, found.start() + len(body)):
            yield body[: found.start(1)] + text.encode() + body[found.end(1) :]


def absurd_bytes(body: bytes) -> Iterator[bytes]:
    for text in ABSURD_TEXTS:
        yield text.encode()
        yield body + text.encode()


#: By what a recording travels as.
ABSURDITIES: dict[bytes, Callable[[bytes], Iterator[bytes]]] = {
    b"application/json": absurd_json,
    FORM: absurd_form,
    b"application/xml": absurd_xml,
    b"application/octet-stream": absurd_bytes,
}


def survive(slug: str, request: RawRequest) -> None:
    """Ask everything of a gateway; facts that come out must be storable."""
    gateway = GATEWAYS[slug]
    with contextlib.suppress(SignatureError):
        gateway.verify(request, [EXPECTED[slug].secret])
    with contextlib.suppress(GatewayError):
        assert "\\x00" not in repr(gateway.identify(request))
    with contextlib.suppress(GatewayError):
        assert "\\x00" not in repr(gateway.parse(request))
