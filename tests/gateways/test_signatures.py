"""A token is accepted if it is one of ours, and refused for the right reason if not."""

import pytest

from recibo.gateways.errors import Refused, SignatureError
from recibo.gateways.signatures import require_token, same


def test_equal_bytes_are_the_same() -> None:
    assert same(b"token", b"token")
    assert not same(b"token", b"tokem")
    assert not same(b"token", b"token ")


def test_bytes_beyond_ascii_are_compared_not_refused() -> None:
    assert same("ção".encode(), "ção".encode())
    assert not same(b"\xff\xfe", b"token")


@pytest.mark.parametrize("given", [b"old", b"new"])
def test_while_rotating_both_secrets_are_accepted(given: bytes) -> None:
    require_token(given, [b"new", b"old"])


@pytest.mark.parametrize(
    ("given", "secrets", "reason"),
    [
        (None, [b"token"], Refused.SIGNATURE_MISSING),
        (b"", [b"token"], Refused.SIGNATURE_MISSING),
        (b"token", [], Refused.NOT_CONFIGURED),
        (b"tokem", [b"token"], Refused.SIGNATURE_INVALID),
        (b"\xff\xfe", [b"token"], Refused.SIGNATURE_INVALID),
    ],
)
def test_anything_else_is_refused(
    given: bytes | None, secrets: list[bytes], reason: Refused
) -> None:
    with pytest.raises(SignatureError) as refused:
        require_token(given, secrets)
    assert refused.value.reason is reason
