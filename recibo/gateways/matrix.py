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
    "can be simulated": lambda gateway: bool(gateway.samples),
}

#: What can be asked of a gateway's API -> the function that asks; None where its API cannot.
API: dict[str, Callable[[Gateway], object]] = {
    "what a thin or unproven notice is about": lambda gateway: gateway.fetch,
    "who a buyer is": lambda gateway: gateway.fetch_customer,
    "how a charge stands": lambda gateway: gateway.fetch_charge,
    "the charges of a reference": lambda gateway: gateway.search_charges,
    "the sales of a time": lambda gateway: gateway.list_sales,
    "the subscriptions of a time": lambda gateway: gateway.list_subscriptions,
    "to cancel a subscription": lambda gateway: gateway.cancel_subscription,
    "to take it up again": lambda gateway: gateway.reactivate_subscription,
    "to collect it on another day": lambda gateway: gateway.change_due_day,
    "to move it to another plan": lambda gateway: gateway.change_plan,
    "how its webhooks to us stand": lambda gateway: gateway.webhook_queues,
    "to send them again where it stopped": lambda gateway: gateway.resume_webhooks,
    "whether our credentials work": lambda gateway: gateway.ping,
}


def page() -> str:
    """The page, in Markdown."""
    gateways = GATEWAYS.values()
    abilities = [
        [name, *(mark(can(gateway)) for gateway in gateways)] for name, can in CAPABILITIES.items()
    ]
    asked = [[name, *(mark(of(gateway)) for gateway in gateways)] for name, of in API.items()]
    settings = ["its credentials", *(settings_of(gateway) for gateway in gateways)]
    events = [[f"`{kind}`", *(words(gateway, kind) for gateway in gateways)] for kind in EventType]
    tables = (table("", abilities), table("its API is asked", [*asked, settings]))
    parts = (line for lines in (*tables, table("event", events)) for line in (*lines, ""))
    return "\n".join([INTRODUCTION, *parts])


def mark(value: object) -> str:
    """ "yes" for what there is."""
    return "yes" if value else ""


def settings_of(gateway: Gateway) -> str:
    """The settings that hold what its API wants of us."""
    return ", ".join(f"`{setting}`" for setting in gateway.credentials.values())


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
