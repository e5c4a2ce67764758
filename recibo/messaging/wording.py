"""Amounts, dates, payment methods and reasons in the words of each language."""

import re
from datetime import datetime, tzinfo
from decimal import Decimal

from recibo.gateways.facts import WITHOUT_CENTS

#: How an amount is written: sign between thousands, sign before the cents, space after a symbol.
SIGNS = {"pt-br": (".", ",", " "), "en": (",", ".", "")}
SYMBOLS = {
    "pt-br": {"BRL": "R$", "USD": "US$", "EUR": "€", "GBP": "£"},
    "en": {"BRL": "R$", "USD": "$", "EUR": "€", "GBP": "£"},
}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
METHODS = {
    "pt-br": {
        "card": "cartão",
        "pix": "Pix",
        "boleto": "boleto",
        "paypal": "PayPal",
        "wallet": "carteira digital",
        "bank_transfer": "transferência bancária",
        "bank_debit": "débito em conta",
        "cash": "dinheiro",
        "financing": "financiamento",
        "mixed": "mais de uma forma de pagamento",
    },
    "en": {
        "card": "card",
        "pix": "Pix",
        "boleto": "boleto",
        "paypal": "PayPal",
        "wallet": "digital wallet",
        "bank_transfer": "bank transfer",
        "bank_debit": "direct debit",
        "cash": "cash",
        "financing": "financing",
        "mixed": "more than one payment method",
    },
}
INSTALLMENTS = {"pt-br": "{} em {}x", "en": "{} in {} installments"}
#: Why access was taken, by the status of what paid for it; "" for what needs no reason.
REASONS = {
    "pt-br": {
        "refunded": "O pagamento foi reembolsado.",
        "charged_back": "O pagamento foi contestado junto ao banco ou ao cartão.",
        "cancelled": "A assinatura foi cancelada e o período pago terminou.",
        "past_due": "O pagamento da assinatura está em atraso.",
        "expired": "O período pago terminou.",
    },
    "en": {
        "refunded": "The payment was refunded.",
        "charged_back": "The payment was disputed with the bank or the card.",
        "cancelled": "The subscription was cancelled and the paid period has ended.",
        "past_due": "The payment of the subscription is late.",
        "expired": "The paid period has ended.",
    },
}
LONGEST_NAME = 30
NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount in major units: ``R$ 1.234,50`` in pt-br, ``R$1,234.50`` in en.

    A currency without a symbol here is told by its ISO code.
    """
    thousands, cents, space = SIGNS[language]
    digits = f"{abs(amount):,.{0 if currency in WITHOUT_CENTS else 2}f}"
    written = digits.translate(str.maketrans(",.", thousands + cents))
    symbol = SYMBOLS[language].get(currency, f"{currency} ").strip()
    gap = space if symbol != currency else " "
    return f"{'-' if amount < 0 else ''}{symbol}{gap}{written}"


def payment_method(method: str, language: str, installments: int | None = None) -> str:
    """A method of the vocabulary in words, such as "cartão em 3x"; "" for one without a name."""
    words = METHODS[language].get(method, "")
    if words and installments and installments > 1:
        return INSTALLMENTS[language].format(words, installments)
    return words


def day(at: datetime, language: str, zone: tzinfo) -> str:
    """A date: ``05/03/2026``, ``March 5, 2026``."""
    local = at.astimezone(zone)
    if language == "en":
        return f"{MONTHS[local.month - 1]} {local.day}, {local.year}"
    return f"{local:%d/%m/%Y}"


def moment(at: datetime, language: str, zone: tzinfo) -> str:
    """A date and a time: ``05/03/2026 às 14:30``, ``March 5, 2026 at 14:30``."""
    joint = "at" if language == "en" else "às"
    return f"{day(at, language, zone)} {joint} {at.astimezone(zone):%H:%M}"


def reason(status: str, language: str) -> str:
    """Why access was taken, as a whole sentence; "" for a status without one."""
    return REASONS[language].get(status, "")


def first_name(name: str) -> str:
    """How a person is greeted; "" for what does not look like a name.

    Buyers type their names, and whoever types another's e-mail could send him words and links.
    """
    first = name.split()[0] if name.split() else ""
    if not 2 <= len(first) <= LONGEST_NAME or not NAME.fullmatch(first):
        return ""
    return first.capitalize() if first in (first.upper(), first.lower()) else first
