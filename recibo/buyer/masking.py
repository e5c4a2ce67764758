"""Addresses that their owner recognises, and nobody else can use."""


def masked(address: str) -> str:
    """An e-mail or a phone with its middle left out: ``a***@d***.com``, ``+55 *** 21``."""
    return masked_phone(address) if address.startswith("+") else masked_email(address)


def masked_email(email: str) -> str:
    """The first letters of both halves, and the last part of the domain; "" for no e-mail."""
    person, at, domain = email.rpartition("@")
    if not (person and at and domain):
        return ""
    return f"{person[0]}***@{domain[0]}***.{domain.rpartition('.')[2]}"


def masked_phone(phone: str) -> str:
    """The country's first digits and the last two."""
    return f"{phone[:3]} *** {phone[-2:]}"
