"""Phone numbers as buyers write them, made one: E.164.

Google's library (``phonenumbers``) knows the area codes and ranges of every country. Two things
it does not do are done here, both tried with its version 9.0: mobiles of Brazil written before
they had a ninth digit, and the international prefix ``0055``, which it takes for another country.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

BRAZIL = 55
#: Digits of a Brazilian mobile before the ninth one: two of the area, eight of the number.
OLD_LENGTH = 10
#: With what the eight digits of an old mobile began.
OLD_MOBILE = "6789"


class PhoneKind(StrEnum):
    """What answers at a number."""

    MOBILE = "mobile"
    FIXED = "fixed"
    FIXED_OR_MOBILE = "fixed_or_mobile"  # some countries do not tell
    TOLL_FREE = "toll_free"
    OTHER = "other"


KINDS: Mapping[int, PhoneKind] = {
    PhoneNumberType.MOBILE: PhoneKind.MOBILE,
    PhoneNumberType.FIXED_LINE: PhoneKind.FIXED,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: PhoneKind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: PhoneKind.TOLL_FREE,
}
#: Where WhatsApp may be.
REACHABLE = frozenset({PhoneKind.MOBILE, PhoneKind.FIXED_OR_MOBILE})


class Phone(NamedTuple):
    """A number that exists, in E.164, and what answers there."""

    e164: str
    kind: PhoneKind


def normalise(text: str) -> Phone | None:
    """The number that ``text`` means, read in Brazil; None if it means none that can exist."""
    number = parsed(text)
    if number is None or number.extension:
        return None
    number = with_ninth_digit(number)
    if not phonenumbers.is_valid_number(number):
        return None
    kind = KINDS.get(phonenumbers.number_type(number), PhoneKind.OTHER)
    return Phone(phonenumbers.format_number(number, PhoneNumberFormat.E164), kind)


def mobile(text: str) -> str:
    """The number in E.164 if messages can be sent to it, else ""."""
    phone = normalise(text)
    return phone.e164 if phone is not None and phone.kind in REACHABLE else ""


def parsed(text: str) -> PhoneNumber | None:
    """What the library reads."""
    stripped = text.strip()
    if stripped.startswith("0055"):
        stripped = f"+{stripped.removeprefix('00')}"
    try:
        return phonenumbers.parse(stripped, "BR")
    except phonenumbers.NumberParseException:
        return None


def with_ninth_digit(number: PhoneNumber) -> PhoneNumber:
    """An old Brazilian mobile as it is dialled today; any other number as it is.

    Numbers of eight digits that are still in use (trunking, beginning with 7) are left alone.
    """
    national = str(number.national_number)
    is_old = (
        number.country_code == BRAZIL
        and len(national) == OLD_LENGTH
        and national[2] in OLD_MOBILE
        and not phonenumbers.is_valid_number(number)
    )
    if not is_old:
        return number
    return PhoneNumber(country_code=BRAZIL, national_number=int(f"{national[:2]}9{national[2:]}"))
