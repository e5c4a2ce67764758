"""Signatures that the public library believes, also while a secret is being rotated."""

import base64
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from recibo.outbound import signing
from recibo.outbound.signing import Secret

BODY = json.dumps({"type": "order.paid", "data": {"name": "Conceição"}}).encode()


@pytest.fixture
def now() -> datetime:
    """Of this test, not of the whole run: signatures age in five minutes."""
    return datetime.now(UTC)


def test_a_secret_is_32_random_bytes() -> None:
    one, another = signing.generate(), signing.generate()
    assert one.value.startswith("whsec_")
    assert len(base64.b64decode(one.value.removeprefix("whsec_"))) == 32
    assert one.value != another.value


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_the_library_believes_it_whatever_the_zone_of_our_clock(zone: str, now: datetime) -> None:
    secret = signing.generate()
    headers = signing.headers([secret], "chg_1", BODY, now.astimezone(ZoneInfo(zone)))
    assert Webhook(secret.value).verify(BODY, headers) == json.loads(BODY)


def test_one_changed_byte_is_not_believed(now: datetime) -> None:
    secret = signing.generate()
    headers = signing.headers([secret], "chg_1", BODY, now)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret.value).verify(BODY.replace(b"paid", b"free"), headers)


def test_while_rotating_both_secrets_are_believed_and_then_one(now: datetime) -> None:
    old = signing.generate()
    new, both = signing.rotated([old], now, timedelta(hours=24))
    headers = signing.headers(both, "chg_1", BODY, now)
    for secret in (old, new):
        Webhook(secret.value).verify(BODY, headers)
    later = now + timedelta(hours=25)
    signed = signing.headers(both, "chg_1", BODY, later)["webhook-signature"].split(" ")
    assert signed == [Webhook(new.value).sign("chg_1", later.replace(microsecond=0), BODY.decode())]


def test_a_second_rotation_does_not_make_an_old_secret_last_longer(now: datetime) -> None:
    first = signing.generate()
    second, kept = signing.rotated([first], now, timedelta(hours=1))
    third, kept = signing.rotated(kept, now, timedelta(hours=24))
    until = {one.value: one.until for one in kept}
    assert until == {
        third.value: None,
        second.value: now + timedelta(hours=24),
        first.value: now + timedelta(hours=1),
    }


def test_a_secret_that_leaked_can_end_at_once(now: datetime) -> None:
    new, kept = signing.rotated([signing.generate()], now, timedelta(0))
    assert kept == [Secret(new.value)]
