"""``recibo endpoints``."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from django.utils import timezone
from standardwebhooks import Webhook
from typer.testing import CliRunner

from recibo.journal.models import AuditEntry
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint, PublishedChange
from recibo.server.cli import app
from tests.api.conftest import sold
from tests.outbound.receivers import Reply, receiving

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://loja.example.com/recibo"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, ["endpoints", *words])


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(invoke("list", "--json").stdout)
    return found


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.RECIBO_ALLOW_PRIVATE_ADDRESSES = True


@pytest.fixture
def endpoint() -> str:
    """The id of an endpoint that wants order.paid, to which one delivery is on its way."""
    invoke("add", URL, "--events", "order.paid")
    sold(1)
    return str(Endpoint.objects.get().pk)


def test_add_prints_only_the_secret_and_only_once() -> None:
    result = invoke(
        "add", URL, "--events", "order.paid, charge.*", "--ordered", "--gateway", "hotmart"
    )
    assert result.exit_code == 0
    [secret] = result.stdout.splitlines()
    assert secret.startswith("whsec_")
    [one] = listed()
    assert one["events"] == ["order.paid", "charge.*"]
    assert (one["gateways"], one["ordered"], one["state"]) == (["hotmart"], True, "active")
    assert secret not in invoke("list").stdout + invoke("list", "--json").stdout
    assert AuditEntry.objects.get(action="endpoint.add").actor.startswith("cli:")


def test_add_gives_scripts_the_id_too() -> None:
    told = json.loads(invoke("add", URL, "--json").stdout)
    assert told["id"] == Endpoint.objects.get().pk
    assert told["secret"].startswith("whsec_")


@pytest.mark.parametrize(
    "words",
    [
        ["add", "nowhere"],
        ["add", URL, "--events", "order.payed"],
        ["add", URL, "--concurrency", "0"],
        ["disable", "77"],
        ["test", "77"],
        ["replay", "77"],
        ["replay", "77", "--failed", "--since", "2h"],
    ],
)
def test_a_mistake_is_one_sentence(words: list[str]) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert not Endpoint.objects.exists()


def test_an_endpoint_is_disabled_enabled_and_removed(endpoint: str) -> None:
    assert invoke("disable", endpoint).exit_code == 0
    assert listed()[0]["state"] == "disabled"
    assert "disabled" in invoke("list").stdout
    assert invoke("enable", endpoint).exit_code == 0
    assert listed()[0]["state"] == "active"
    assert invoke("remove", endpoint).exit_code == 0
    assert listed() == []


def test_a_test_says_what_came_back_and_whether_it_arrived() -> None:
    with receiving() as receiver:
        secret = invoke("add", receiver.url).stdout.strip()
        endpoint = str(Endpoint.objects.get().pk)
        receiver.replies = [Reply(status=200, body=b"hello"), Reply(status=500)]
        good, bad = invoke("test", endpoint), invoke("test", endpoint, "--json")
    assert good.exit_code == 0
    assert "200" in good.stdout
    assert "hello" in good.stdout
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["status_code"] == 500
    [first, _] = receiver.received
    Webhook(secret).verify(first.body, first.headers)


def test_rotate_prints_only_the_new_secret(endpoint: str) -> None:
    result = invoke("rotate", endpoint, "--keep", "0s")
    [secret] = result.stdout.splitlines()
    assert secret.startswith("whsec_")
    assert invoke("rotate", endpoint, "--keep", "soon").exit_code == 2


def test_deliveries_are_listed(endpoint: str) -> None:
    [row] = json.loads(invoke("deliveries", endpoint, "--json").stdout)
    assert (row["type"], row["status"]) == ("order.paid", "pending")
    assert row["message_id"] in invoke("deliveries", endpoint).stdout
    assert json.loads(invoke("deliveries", endpoint, "--status", "failed", "--json").stdout) == []


def test_one_all_failed_or_a_time_is_delivered_again(endpoint: str) -> None:
    Delivery.objects.update(status=DeliveryStatus.FAILED, next_attempt_at=None)
    one = str(Delivery.objects.get().pk)
    assert invoke("replay", endpoint, "--failed").stdout.strip().endswith("1")
    assert invoke("replay", endpoint, "--delivery", one).stdout.strip().endswith("1")
    assert invoke("replay", endpoint, "--delivery", "99999999").exit_code == 2
    Delivery.objects.all().delete()
    PublishedChange.objects.update(at=timezone.now() - timedelta(hours=3))
    assert invoke("replay", endpoint, "--since", "2h").stdout.strip().endswith("0")
    assert invoke("replay", endpoint, "--since", "4h").stdout.strip().endswith("1")
