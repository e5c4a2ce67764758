"""What servers and services answer, made fit to be kept: one line, without addresses or keys."""

import re
from typing import Final

#: Characters that are kept.
LONGEST: Final = 300
#: E-mail addresses, phone numbers, and words as long as only keys and tokens are.
PRIVATE = re.compile(r"[^\s<>@,;:\"']+@[^\s<>@,;:\"']+|\+?\d{8,}|[\w.~-]{32,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def plain(text: str) -> str:
    """The text, fit to be kept."""
    return PRIVATE.sub("…", one_line(text))[:LONGEST]


def one_line(text: str) -> str:
    """The text without line breaks and control characters: nothing in it can end a header."""
    return CONTROL.sub("", " ".join(text.split()))
