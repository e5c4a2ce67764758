"""What was looked at, and how it stands."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"  # works, but something is missing
    BROKEN = "broken"
    UNUSED = "unused"  # nothing is set for it, and nothing needs it


class Check(Struct, frozen=True):
    """One thing that was looked at, and what it means or how to mend it."""

    name: str
    state: State
    sentence: str


def is_well(checks: Iterable[Check]) -> bool:
    """Whether nothing is broken."""
    return all(one.state is not State.BROKEN for one in checks)
