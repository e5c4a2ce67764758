"""Addresses that their owner recognises, and nobody else can use."""

import pytest

from recibo.buyer.masking import masked


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ana.souza@dominio.com", "a***@d***.com"),
        ("a@b.br", "a***@b***.br"),
        ("ana@mail.provedor.com.br", "a***@m***.br"),
        ('"a@b"@provedor.com', '"***@p***.com'),
        ("ana", ""),
        ("@provedor.com", ""),
        ("", ""),
        ("+5511987654321", "+55 *** 21"),
    ],
)
def test_little_is_left_of_an_address(address, shown):
    assert masked(address) == shown
