"""The receiver that docs/access.md shows does what is asked of it."""

import re
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from recibo.access.errors import DeniedError
from recibo.access.providers.contract import Target, User
from recibo.access.providers.http import HTTP
from tests.access.providers.steps import ANA, COURSE, PASSWORD, reaching, step
from tests.access.seller_application import SECRET

DOCS = Path(__file__).parents[3] / "docs" / "access.md"
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(params=[SECRET, "any text"])
def secret(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ACCESS_SECRET", request.param)
    return str(request.param)


@pytest.fixture
def receiver(secret: str) -> dict[str, Any]:
    """What the example defines."""
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(EXAMPLE, names)
    names["Receiver"].log_message = lambda *arguments: None
    return names


@pytest.fixture
def url(receiver: dict[str, Any]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), receiver["Receiver"]) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def target(url: str, secret: str) -> Iterator[Target]:
    with reaching(url, secret) as target:
        yield target


def test_it_makes_one_user_and_knows_repeats(receiver: dict[str, Any], target: Target) -> None:
    for _ in range(2):
        assert HTTP.create(target, step(password=PASSWORD)) == User(user_id="1")
    second = HTTP.create(target, step("acc_2_create_1", grant=COURSE, user_id="1"))
    assert second == User(user_id="1", is_ours=False)
    HTTP.block(target, step("acc_1_block_1", user_id="1"))
    assert receiver["users"] == {
        ANA.email: {
            "id": 1,
            "password": PASSWORD,
            "access": {"acc_1": "blocked", "acc_2": "active"},
        }
    }
    HTTP.unblock(target, step("acc_1_unblock_2", user_id="1"))
    HTTP.reset(target, step("acc_1_reset_2", user_id="1", password="another"))
    assert receiver["users"][ANA.email]["access"]["acc_1"] == "active"
    assert receiver["users"][ANA.email]["password"] == "another"


def test_it_answers_a_ping_and_believes_nobody_else(target: Target, url: str) -> None:
    HTTP.ping(target)
    with reaching(url, "somebody else's") as stranger, pytest.raises(DeniedError):
        HTTP.create(stranger, step())
