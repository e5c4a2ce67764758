"""``recibo access`` and ``recibo provisioning``."""

import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from recibo.access.configuration import DefaultApplication
from recibo.access.models import Access, AccessRule, Application, Provisioning, Stage
from recibo.billing.models import Order
from recibo.journal.models import AuditEntry
from recibo.server.cli import app
from tests.api.conftest import sold

pytestmark = pytest.mark.django_db(transaction=True)


def invoke(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=answer)


@pytest.fixture
def order(settings: Any) -> Order:
    settings.RECIBO_APPLICATION = DefaultApplication(
        provider="http", url="http://127.0.0.1:1", secret="s"
    )
    sold(1)
    return Order.objects.get()


def test_process_takes_what_is_due_and_says_how_much(order: Order) -> None:
    result = invoke("provisioning", "process", "--json")
    assert json.loads(result.stdout) == {"advanced": 1}
    assert Provisioning.objects.get().stage == Stage.FAILED_AT_USER  # nobody answers there
    assert json.loads(invoke("provisioning", "process", "--json").stdout) == {"advanced": 0}


def test_stats_count_by_stage(order: Order) -> None:
    counts = json.loads(invoke("provisioning", "stats", "--json").stdout)
    assert (counts["total"], counts["queued"], counts["completed"]) == (1, 1, 0)
    assert "queued" in invoke("provisioning", "stats").stdout


def test_resync_starts_a_stuck_one_again(order: Order) -> None:
    Provisioning.objects.update(stage=Stage.FAILED_PERMANENT, next_attempt_at=None)
    result = invoke("provisioning", "resync", order.reference)
    assert result.exit_code == 0
    assert order.reference in result.stdout
    assert Provisioning.objects.get().stage == Stage.QUEUED
    assert AuditEntry.objects.get(action="provisioning.resync").actor.startswith("cli:")


def test_resync_says_why_there_is_nothing_to_do(order: Order) -> None:
    unknown = invoke("provisioning", "resync", "nobody")
    assert (unknown.exit_code, "nobody" in unknown.stderr) == (2, True)
    access = Access.objects.create(customer=order.customer, application="default", scope="plan:x")
    Provisioning.objects.update(stage=Stage.COMPLETED, access=access)
    Order.objects.update(status="active")
    done = invoke("provisioning", "resync", order.reference)
    assert done.exit_code == 2
    assert "already" in done.stderr


def test_rules_are_set_listed_and_removed() -> None:
    invoke("access", "add-rule", "--gateway", "hotmart", "--product", "7", "--application", "none")
    [row] = json.loads(invoke("access", "rules", "--json").stdout)
    assert (row["gateway"], row["product_id"], row["application"]) == ("hotmart", "7", "")
    assert "hotmart" in invoke("access", "rules").stdout
    assert invoke("access", "remove-rule", str(row["id"])).exit_code == 0
    assert not AccessRule.objects.exists()
    assert invoke("access", "remove-rule", "99").exit_code == 2
    assert invoke("access", "add-rule", "--gateway", "acme").exit_code == 2


def test_an_application_is_added_with_a_secret_that_is_not_shown() -> None:
    words = ("access", "add-application", "curso-2", "--url", "https://app.example.com")
    result = invoke(*words, answer="hush-hush\n")
    assert result.exit_code == 0, result.output
    assert "hush" not in result.output
    [row] = json.loads(invoke("access", "applications", "--json").stdout)
    assert (row["name"], row["provider"]) == ("curso-2", "http")
    assert "hush" not in invoke("access", "applications").stdout
    assert invoke(*words, answer="again\n").exit_code == 2
    assert invoke("access", "remove-application", "curso-2").exit_code == 0
    assert not Application.objects.exists()
