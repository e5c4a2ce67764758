"""Who is let in: the documented examples, each with its documented verdict, and the edges."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recibo.gateways.contract import ANSWER, RawRequest
from recibo.gateways.errors import Refused, SignatureError, UnprovenError
from recibo.gateways.mercadopago import MERCADOPAGO
from recibo.gateways.mercadopago.signature import TOLERANCE, manifests, signature

RECORDINGS = Path(__file__).parent / "recordings"
EXAMPLES = json.loads((RECORDINGS / "signature_examples.json").read_bytes())["cases"]
SECRET = b"segredo-de-teste-nao-use-em-producao-0001"

#: The documented verdict -> the reason why it is refused; None: let in.
VERDICTS = {
    "valid": None,
    "valid_hmac": None,
    "missing": Refused.SIGNATURE_MISSING,
    "invalid": Refused.SIGNATURE_INVALID,
}


def delivery(example: Mapping[str, Any]) -> RawRequest:
    headers = {name.encode(): value.encode() for name, value in example["headers"].items()}
    body = (RECORDINGS / example["body_file"]).read_bytes()
    now = example.get("now_unix")
    received_at = datetime.fromtimestamp(now, UTC) if now else None
    return RawRequest(headers, body, example["query"].encode(), received_at)


def example(name: str) -> RawRequest:
    return delivery(next(one for one in EXAMPLES if one["name"] == name))


def verdict(request: RawRequest, *secrets: bytes) -> Refused | None:
    try:
        MERCADOPAGO.verify(request, secrets or [SECRET])
    except SignatureError as refused:
        return refused.reason
    return None


def with_header(request: RawRequest, name: bytes, value: bytes) -> RawRequest:
    return replace(request, headers={**request.headers, name: value})


@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told["name"])
def test_a_documented_example_has_its_documented_verdict(told: Mapping[str, Any]) -> None:
    assert verdict(delivery(told), told["secret"].encode()) is VERDICTS[told["expected"]]


@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told["name"])
def test_another_secret_lets_nothing_in(told: Mapping[str, Any]) -> None:
    assert verdict(delivery(told), b"another") is not None


def test_while_rotating_either_secret_lets_in() -> None:
    request = example("valid_ts_in_seconds")
    assert verdict(request, b"new", SECRET) is None
    assert verdict(request, SECRET, b"new") is None
    assert verdict(request, b"new", b"newer") is Refused.SIGNATURE_INVALID


def test_without_a_configured_secret_nobody_is_let_in() -> None:
    with pytest.raises(SignatureError) as refused:
        MERCADOPAGO.verify(example("valid_ts_in_seconds"), [])
    assert refused.value.reason is Refused.NOT_CONFIGURED


def test_every_bit_of_the_signature_counts() -> None:
    header = example("valid_ts_in_seconds").headers[b"x-signature"]
    for position in range(len(header)):
        changed = bytearray(header)
        changed[position] ^= 1
        request = with_header(example("valid_ts_in_seconds"), b"x-signature", bytes(changed))
        assert verdict(request) is Refused.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"type=payment",
        b"data.id=90010000002&type=payment",
        b"data.id=90010000002&data.id=90010000001&type=payment",
        b"data_id=90010000001&type=payment",
        b"data.id=&type=payment",
        b"data.id=90010000001%00&type=payment",
    ],
)
def test_another_id_in_the_address_is_refused(query: bytes) -> None:
    request = replace(example("valid_ts_in_seconds"), query=query)
    assert verdict(request) is Refused.SIGNATURE_INVALID


def test_of_an_id_that_repeats_the_first_is_signed_and_read() -> None:
    query = b"data.id=90010000001&data.id=90010000002&type=payment"
    request = replace(example("valid_ts_in_seconds"), query=query)
    assert verdict(request) is None
    assert MERCADOPAGO.identify(request).charge_id == "90010000001"


def test_the_order_of_the_parameters_and_further_ones_do_not_matter() -> None:
    query = b"source_news=webhooks&type=payment&data.id=90010000001"
    assert verdict(replace(example("valid_ts_in_seconds"), query=query)) is None


@pytest.mark.parametrize(
    "header", [b"", b",", b"=", b"ts=,v1=", b"ts=1,v1", b"v1=aa", b"\xff=\xff"]
)
def test_a_header_that_says_nothing_is_refused(header: bytes) -> None:
    assert verdict(with_header(example("valid_ts_in_seconds"), b"x-signature", header)) is not None


def at(moment: datetime) -> RawRequest:
    """A genuine delivery signed at ``moment``."""
    request = RawRequest({}, b"{}", b"data.id=90010000001&type=payment", moment)
    return MERCADOPAGO.sign(request, SECRET)


NOW = datetime(2026, 10, 5, 14, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (timedelta(0), None),
        (timedelta(days=7), None),  # the longest documented ladder of retries
        (timedelta(days=90), None),
        (-timedelta(hours=1), None),  # their clock is ahead of ours
        (TOLERANCE, None),
        (TOLERANCE + timedelta(seconds=1), Refused.SIGNATURE_EXPIRED),
        (-TOLERANCE - timedelta(seconds=1), Refused.SIGNATURE_EXPIRED),
    ],
)
def test_honest_retries_are_never_too_old(late: timedelta, expected: Refused | None) -> None:
    request = replace(at(NOW), received_at=NOW + late)
    assert verdict(request) is expected


def test_a_time_in_milliseconds_ages_alike() -> None:
    request = example("valid_ts_in_milliseconds")
    signed_at = datetime.fromtimestamp(1791210067, UTC)
    assert verdict(replace(request, received_at=signed_at)) is None
    late = signed_at + TOLERANCE + timedelta(seconds=2)
    assert verdict(replace(request, received_at=late)) is Refused.SIGNATURE_EXPIRED


def test_without_a_clock_age_does_not_count() -> None:
    assert verdict(replace(at(NOW), received_at=None)) is None


@pytest.mark.parametrize("ts", [b"now", b"1e9", b"9" * 400, b"-1", "²".encode()])
def test_a_time_that_is_none_is_refused_even_where_it_is_signed(ts: bytes) -> None:
    request = RawRequest({}, b"{}", b"data.id=1&type=payment", NOW)
    (manifest,) = manifests(request, ts)
    header = b"ts=" + ts + b",v1=" + signature(manifest, SECRET)
    assert verdict(with_header(request, b"x-signature", header)) is Refused.SIGNATURE_INVALID


def test_a_forged_time_is_called_invalid_and_not_expired() -> None:
    request = with_header(at(NOW), b"x-signature", b"ts=1,v1=" + b"0" * 64)
    assert verdict(request) is Refused.SIGNATURE_INVALID


def test_nobody_outside_can_say_that_a_body_is_an_answer_of_the_api() -> None:
    forged = with_header(example("valid_ts_in_seconds"), ANSWER, b"payment")
    assert verdict(forged) is Refused.SIGNATURE_INVALID


# The older channel


def test_an_ipn_twin_proves_nothing_and_can_be_asked_about() -> None:
    with pytest.raises(UnprovenError):
        MERCADOPAGO.verify(example("ipn_feed_twin"), [SECRET])


def test_an_ipn_signed_by_our_own_secret_still_proves_nothing() -> None:
    # Its id is not under ``data.id``, so that no signature would cover it.
    request = MERCADOPAGO.sign(example("ipn_feed_twin"), SECRET)
    with pytest.raises(UnprovenError):
        MERCADOPAGO.verify(request, [SECRET])


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"topic=payment&id=90010000001", b""),
        (b"topic=payment&id=90010000001", b"not JSON"),
        (b"", b'{"resource":"90010000001","topic":"payment"}'),
        (
            b"",
            b'{"resource":"https://api.mercadolibre.com/orders/1","topic":"merchant_order"}',
        ),
    ],
)
def test_an_ipn_is_known_by_its_address_or_its_body(query: bytes, body: bytes) -> None:
    with pytest.raises(UnprovenError) as refused:
        MERCADOPAGO.verify(RawRequest({}, body, query), [])
    assert refused.value.reason is Refused.SIGNATURE_MISSING


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b""),
        (b"", b"{}"),
        (b"topic=payment", b"{}"),
        (b"topic=payment&id=../users/me", b"{}"),
        (b"topic=point_integration_wh&id=1", b"{}"),
        (b"data.id=90010000001&topic=payment", b"{}"),
        (b"type=payment&id=90010000001&topic=payment", b"{}"),
        (b"", b'{"type":"payment","topic":"payment","data":{"id":"90010000001"}}'),
    ],
)
def test_what_is_no_ipn_has_to_be_signed(query: bytes, body: bytes) -> None:
    with pytest.raises(SignatureError) as refused:
        MERCADOPAGO.verify(RawRequest({}, body, query), [SECRET])
    assert not isinstance(refused.value, UnprovenError)
    assert refused.value.reason is Refused.SIGNATURE_MISSING
