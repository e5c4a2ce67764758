"""What ``/readyz`` and ``recibo check`` say, when all is well and when it is not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import ConnectionHandler
from django.test import Client
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.messaging.configuration import Mail
from recibo.operations import connections, health
from recibo.operations.health import State
from recibo.processing.drain import drain
from tests.inboxes import received

pytestmark = pytest.mark.django_db


def beat(*, seconds_ago: float) -> None:
    """A worker that gave a sign of life then."""
    with connection.cursor() as cursor:
        at = timezone.now() - timedelta(seconds=seconds_ago)
        cursor.execute("insert into procrastinate_workers (last_heartbeat) values (%s)", [at])


@pytest.fixture
def _no_database(settings, monkeypatch):
    """Nobody listens where the database should be."""
    address = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": "1"}
    elsewhere = ConnectionHandler({"default": address})
    monkeypatch.setattr(health, "connection", elsewhere["default"])


def states() -> dict[str, State]:
    return {check.name: check.state for check in health.check()}


def test_with_database_migrations_and_worker_it_is_ready():
    beat(seconds_ago=1)
    response = Client().get("/readyz")
    assert response.status_code == 200
    answer = response.json()
    assert answer["status"] == "ready"
    assert [one["state"] for one in answer["checks"]] == ["ok", "ok", "ok"]


@pytest.mark.parametrize("seconds_ago", [None, 31])
def test_without_a_living_worker_it_is_not_ready(seconds_ago):
    if seconds_ago:
        beat(seconds_ago=seconds_ago)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["error"] == "not_ready"
    assert "recibo worker" in response.json()["checks"][-1]["message"]


def test_one_living_worker_among_dead_ones_is_enough():
    beat(seconds_ago=1000)
    beat(seconds_ago=29)
    assert Client().get("/readyz").status_code == 200


def test_before_the_migrations_it_is_not_ready():
    beat(seconds_ago=1)
    with connection.cursor() as cursor:
        cursor.execute("delete from django_migrations where app = 'billing'")
    response = Client().get("/readyz")
    assert response.status_code == 503
    last = response.json()["checks"][-1]
    assert last["name"] == "migrations"
    assert "recibo migrate" in last["message"]
    assert "billing." in last["message"]


@pytest.mark.usefixtures("_no_database")
def test_without_a_database_it_is_alive_and_not_ready():
    assert Client().get("/healthz").json() == {"status": "ok"}
    response = Client().get("/readyz")
    assert response.status_code == 503
    [only] = response.json()["checks"]
    assert (only["name"], only["state"]) == ("database", "broken")
    assert "DATABASE_URL" in only["message"]


def test_health_asks_nothing_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/healthz")


def test_health_is_never_cached_and_takes_no_writes():
    assert "no-store" in Client().get("/healthz").headers["Cache-Control"]
    assert Client().post("/healthz").status_code == 405
    assert Client().head("/healthz").status_code == 200


def test_an_installation_that_lacks_nothing_but_the_means_to_ask(settings):
    settings.RECIBO_PUBLIC_URL = "https://pay.example.com"
    settings.RECIBO_WEBHOOK_SECRETS = {"hotmart": (b"secret",)}
    settings.RECIBO_CREDENTIALS = {}
    settings.RECIBO_MAIL = Mail(provider="resend", sender="loja@example.com")
    beat(seconds_ago=1)
    found = health.check()
    lacking = [one.name for one in found if one.state not in {State.OK, State.UNUSED}]
    assert lacking == ["credentials hotmart"]
    assert states()["gateway hotmart"] is State.OK
    assert health.is_well(found)


def test_what_is_missing_is_a_warning_that_says_how_to_mend_it(settings):
    settings.RECIBO_PUBLIC_URL = ""
    settings.RECIBO_WEBHOOK_SECRETS = settings.RECIBO_CREDENTIALS = {}
    beat(seconds_ago=1)
    sentences = {
        check.name: check.sentence for check in health.check() if check.state is State.WARNING
    }
    assert sentences.keys() == {"gateways", "mail", "public address"}
    assert "SMTP_HOST" in sentences["mail"]
    assert "No gateway is configured" in sentences["gateways"]
    assert "RECIBO_PUBLIC_URL" in sentences["public address"]
    assert health.is_well(health.check())


def test_failed_events_are_a_warning():
    received(b"{")
    drain()
    assert states()["events"] is State.WARNING


def test_a_gateway_without_an_account_is_broken():
    Account.objects.all().delete()
    assert states()["accounts"] is State.BROKEN
    assert not health.is_well(health.check())


def test_readiness_asks_no_gateway(monkeypatch):
    monkeypatch.setattr(connections, "checks", lambda **_: pytest.fail("asked"))
    beat(seconds_ago=1)
    assert Client().get("/readyz").status_code == 200


@pytest.mark.usefixtures("_no_database")
def test_without_a_database_the_settings_are_still_looked_at():
    found = states()
    assert found["database"] is State.BROKEN
    assert "gateway hotmart" in found
    assert "events" not in found
