"""What each gateway can do and which events it tells, as a page of the documentation.

python -m recibo.gateways.matrix > docs/gateway-matrix.md
"""

import sys
from collections.abc import Callable, Iterable, Iterator

from recibo.gateways.contract import Gateway
from recibo.gateways.facts import EventType
from recibo.gateways.registry import GATEWAYS

INTRODUCTION = """\
# Gateways and what they tell

Made by `python -m recibo.gateways.matrix` from the tables in the code. Events are named by the
gateway's own words.
"""

CAPABILITIES: dict[str, Callable[[Gateway], bool]] = {
    "proves its webhooks": lambda gateway: bool(gateway.secret_settings),
    "is asked about thin or unproven notices": lambda gateway: gateway.fetch is not None,
    "is asked who a buyer is": lambda gateway: gateway.fetch_customer is not None,
    "tells whether our credentials work": lambda gateway: gateway.ping is not None,
    "can be simulated": lambda gateway: bool(gateway.samples),
}


def page() -> str:
    """The page, in Markdown."""
    gateways = GATEWAYS.values()
    abilities = [
        [name, *("yes" if can(gateway) else "" for gateway in gateways)]
        for name, can in CAPABILITIES.items()
    ]
    events = [[f"`{kind}`", *(words(gateway, kind) for gateway in gateways)] for kind in EventType]
    return "\n".join([INTRODUCTION, *table("", abilities), "", *table("event", events), ""])


def words(gateway: Gateway, kind: EventType) -> str:
    """What the gateway calls this kind of event."""
    return ", ".join(f"`{word}`" for word, told in gateway.events.items() if told is kind)


def table(title: str, rows: Iterable[list[str]]) -> Iterator[str]:
    """Lines of a table with a column for each gateway."""
    yield f"| {' | '.join([title, *(gateway.name for gateway in GATEWAYS.values())])} |"
    yield "|---" * (len(GATEWAYS) + 1) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
