"""The receivers in ``examples/`` take real deliveries, once each, and nobody else's."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from recibo.outbound import actions, wire
from recibo.outbound.actions import Wish
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint
from recibo.outbound.signing import generate
from tests.outbound.conftest import Connect, come, go, tell

EXAMPLES = Path(__file__).parents[2] / "examples"

#: The command of each, without the port; of PHP with it.
COMMANDS = {
    "python": [sys.executable, str(EXAMPLES / "python" / "receiver.py"), "{port}"],
    "node": ["node", str(EXAMPLES / "node" / "receiver.mjs"), "{port}"],
    "php": ["php", "-S", "127.0.0.1:{port}", str(EXAMPLES / "php" / "receiver.php")],
}

runtimes = pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            id=name,
            marks=pytest.mark.skipif(not shutil.which(command[0]), reason=f"{name} is not here"),
        )
        for name, command in COMMANDS.items()
    ],
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], secret: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """An example that runs: its address, and the file that has what it says."""
    port, told = free_port(), folder / "told"
    given = {"RECIBO_SECRET": secret, "DATABASE": str(folder / "messages.db")}
    with told.open("wb") as said:
        process = subprocess.Popen(
            [word.format(port=port) for word in command], env={**os.environ, **given}, stdout=said
        )
    try:
        ready(port)
        yield f"http://127.0.0.1:{port}/", told
    finally:
        process.terminate()
        process.wait(10)


def ready(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, "it does not start"
            time.sleep(0.05)
        else:
            return


@runtimes
def test_an_example_takes_each_delivery_once(
    connect: Connect, command: list[str], tmp_path: Path
) -> None:
    endpoint, secret = actions.add(Wish(url="http://127.0.0.1:1/"), actor="tests")
    keys = tell(1, 2)
    with running(command, secret, tmp_path) as (url, told):
        Endpoint.objects.filter(pk=endpoint.pk).update(url=url)
        go()
        for delivery in Delivery.objects.all():
            actions.replay(delivery, actor="tests")
        come()
        go()
        said = [line for line in told.read_text().splitlines() if line.startswith("cart.")]
    assert sorted(said) == sorted(f"cart.abandoned {key}" for key in keys)
    found = Delivery.objects.values_list("status", "status_code")
    assert set(found) == {(DeliveryStatus.DELIVERED, 204)}


@runtimes
def test_an_example_believes_both_secrets_while_one_is_rotated(
    connect: Connect, command: list[str], tmp_path: Path
) -> None:
    endpoint, old = actions.add(Wish(url="http://127.0.0.1:1/"), actor="tests")
    new = actions.rotate(endpoint, actor="tests")
    for secret in (old, new):
        with running(command, secret, tmp_path) as (url, _):
            Endpoint.objects.filter(pk=endpoint.pk).update(url=url)
            assert actions.test(Endpoint.objects.get(pk=endpoint.pk)).status == 204


@runtimes
def test_an_example_refuses_what_is_not_ours(settings, command: list[str], tmp_path: Path) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True
    secret, body = generate().value, b'{"type":"order.paid","data":{}}'
    now = datetime.now(UTC).replace(microsecond=0)

    def sent(url: str, at: datetime, key: str, changed: bytes = b"", signature: str = "") -> int:
        signed = Webhook(key).sign("chg_1", at, body.decode())
        headers = {
            "webhook-id": "chg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature or signed,
        }
        return wire.post(url, headers, changed or body).status or 0

    with running(command, secret, tmp_path) as (url, told):
        assert sent(url, now, generate().value) == 401
        assert sent(url, now, secret, body.replace(b"paid", b"free")) == 401
        assert sent(url, now - timedelta(minutes=6), secret) == 401
        assert sent(url, now + timedelta(minutes=6), secret) == 401
        for broken in ("v1", "v1,", "v1,%%%", "v2,abc", ","):
            assert sent(url, now, secret, signature=broken) == 401
        assert wire.post(url, {}, body).status == 401
        assert told.read_text() == ""
        assert sent(url, now, secret) == 204
