"""From the wire to the seller's applications: real processes, receivers that go wrong in turn."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from recibo.gateways.contract import Sale
from tests.acceptance.installation import HOTMART, TOKEN, Installation, eventually, running
from tests.outbound.receivers import OK, Receiver, Reply, Way, receiving

SALES = 10
#: What an active subscription, a paid charge and a paid order make.
CHANGES = 3 * SALES
SETTINGS = {
    "RECIBO_ALLOW_PRIVATE_ADDRESSES": "true",
    "RECIBO_OUTBOUND_DELAYS": ",".join(["1s"] * 60),
}
TROUBLES = {
    "failing": [Reply(status=500)] * 8,
    "hanging": [Reply(Way.HANG)] * 3,
    "garbling": [Reply(Way.GARBAGE)] * 8,
    "dying": [Reply(Way.DIE)] * 8,
}


def sell(installation: Installation, number: int) -> None:
    request = HOTMART.sign(
        HOTMART.samples["purchase-approved"](Sale(number=number, at=datetime.now(UTC))), TOKEN
    )
    address = f"{installation.url}/api/webhooks/hotmart"
    answer = httpx.post(address, content=request.body, headers=request.headers)
    assert answer.status_code == 200


@contextmanager
def listening(installation: Installation) -> Iterator[dict[str, Receiver]]:
    """A receiver for each kind of trouble, and one in good health."""
    (installation.home / ".env").write_text("RECIBO_ALLOW_PRIVATE_ADDRESSES=true\n")
    with ExitStack() as stack:
        found = {}
        for name, troubles in {**TROUBLES, "healthy": []}.items():
            receiver = stack.enter_context(receiving())
            receiver.replies = [*troubles, OK]
            added = installation.recibo("endpoints", "add", receiver.url, "--description", name)
            assert added.returncode == 0, added.stderr
            receiver.secret = added.stdout.strip()
            found[name] = receiver
        yield found


def walked(installation: Installation, token: str) -> list[str]:
    """The ids of all changes, as the API walks through them."""
    found: list[str] = []
    asked: dict[str, str | int] = {"limit": 7}
    while True:
        headers = {"authorization": f"Bearer {token}"}
        address = f"{installation.url}/api/changes"
        part = httpx.get(address, params=asked, headers=headers).json()
        found += [one["id"] for one in part["items"]]
        if not part["has_more"]:
            return found
        asked["after"] = part["cursor"]


@pytest.mark.crash
def test_every_change_arrives_everywhere_and_the_healthy_do_not_wait() -> None:
    with running(**SETTINGS) as installation, listening(installation) as receivers:
        healthy = receivers["healthy"]
        sell(installation, 1)  # by now every troubled one is in trouble
        eventually(lambda: receivers["hanging"].received)
        slowest = 0.0
        for number in range(2, SALES + 1):
            began = time.monotonic()
            sell(installation, number)
            eventually(lambda number=number: len(healthy.received) >= 3 * number, seconds=12)
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 8  # the hanging ones hang for 15
        installation.kill("worker")
        eventually(lambda: all(len(set(one.ids)) == CHANGES for one in receivers.values()))
        token = installation.recibo("token", "create", "walker").stdout.strip()
        ids = walked(installation, token)
        assert len(ids) == len(set(ids)) == CHANGES
        for receiver in receivers.values():
            assert set(receiver.ids) == set(ids)
            assert all(one.message is not None for one in receiver.received)
        waiting = "select count(*) from outbound_delivery where next_attempt_at is not null"
        eventually(lambda: installation.count(waiting) == 0)
