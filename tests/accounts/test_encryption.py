"""Secrets at rest: unreadable without the key, damaged ones noticed."""

import pytest

from recibo.accounts.encryption import SealedError, opened, sealed


def test_what_is_sealed_is_read_back():
    assert opened(sealed({"token": "s3grêdo"}), dict[str, str]) == {"token": "s3grêdo"}
    assert opened(b"", list[str]) == []


def test_what_is_sealed_cannot_be_read_and_never_looks_the_same():
    one, two = sealed(["hottok-9"]), sealed(["hottok-9"])
    assert b"hottok-9" not in one
    assert one != two


def test_another_key_opens_nothing(settings):
    kept = sealed(["hottok-9"])
    settings.SECRET_KEY = "another"
    with pytest.raises(SealedError, match="RECIBO_SECRET_KEY"):
        opened(kept, list[str])


def test_an_earlier_key_still_opens_and_the_new_one_seals(settings):
    kept = sealed(["hottok-9"])
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert opened(kept, list[str]) == ["hottok-9"]
    fresh = sealed(["hottok-9"])
    settings.SECRET_KEY_FALLBACKS = []
    assert opened(fresh, list[str]) == ["hottok-9"]


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_byte_is_noticed(place):
    damaged = bytearray(sealed(["hottok-9"]))
    damaged[place] ^= 1
    with pytest.raises(SealedError):
        opened(bytes(damaged), list[str])


def test_the_error_tells_nothing_of_what_is_kept():
    with pytest.raises(SealedError) as raised:
        opened(sealed({"token": "hottok-9"}), list[str])
    assert "hottok-9" not in str(raised.value)
    assert raised.value.__cause__ is None
