"""What a person sets up: applications and rules, checked and audited."""

from typing import Any

import pytest

from recibo.access import rules, setup
from recibo.access.applications import application_named
from recibo.access.configuration import DefaultApplication
from recibo.access.errors import DeniedError
from recibo.access.models import AccessRule, Application
from recibo.access.providers.contract import Credentials
from recibo.journal.models import AuditEntry

pytestmark = pytest.mark.django_db

DEFAULT = DefaultApplication(provider="http", url="https://app.example.com", secret="s")


@pytest.fixture(autouse=True)
def _default(settings: Any) -> None:
    settings.RECIBO_APPLICATION = DEFAULT


def added(name: str = "curso-2", **more: str) -> Application:
    given = {"provider": "supabase", "url": "https://x.example.com/", "secret": "sb_secret_1"}
    return setup.add_application(name, **{**given, **more}, actor="test")


def test_an_application_is_kept_with_its_secret_sealed() -> None:
    added()
    assert b"sb_secret_1" not in bytes(Application.objects.get().sealed_secret)
    known = application_named("curso-2")
    assert (known.url, known.secret) == ("https://x.example.com", "sb_secret_1")
    assert "sb_secret_1" not in repr(known)
    assert "sb_secret_1" not in str(AuditEntry.objects.get().after)


def test_the_environment_gives_the_default_one(settings: Any) -> None:
    assert application_named("default").credentials is Credentials.PASSWORD
    settings.RECIBO_APPLICATION = None
    with pytest.raises(DeniedError, match="ACCESS_PROVIDER"):
        application_named("default")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"name": "default"}, "name"),
        ({"name": "Curso 2"}, "name"),
        ({"provider": "ldap"}, "ldap"),
        ({"url": "ftp://x"}, "ftp"),
        ({"url": "http://127.0.0.1:5000"}, "127.0.0.1"),
        ({"secret": " "}, "secret"),
        ({"credentials": "smile"}, "Credentials"),
    ],
)
def test_what_cannot_be_an_application_is_refused(given: dict[str, str], named: str) -> None:
    with pytest.raises(setup.SetupError, match=named):
        added(**given)
    assert not Application.objects.exists()


def test_a_name_is_taken_once() -> None:
    added()
    with pytest.raises(setup.SetupError, match="already"):
        added()


def test_an_application_that_rules_name_stays() -> None:
    added()
    rule = setup.add_rule(gateway="hotmart", application="curso-2", actor="test")
    with pytest.raises(setup.SetupError, match="Rules"):
        setup.remove_application("curso-2", actor="test")
    setup.remove_rule(rule.pk, actor="test")
    setup.remove_application("curso-2", actor="test")
    assert not Application.objects.exists()


def test_a_rule_replaces_what_was_said_before() -> None:
    setup.add_rule(product_id="7", plan="pro", actor="test")
    setup.add_rule(product_id="7", plan="basic", actor="test")
    assert AccessRule.objects.get().plan == "basic"


@pytest.mark.parametrize(
    "given", [{"gateway": "acme"}, {"application": "nowhere"}], ids=["gateway", "application"]
)
def test_a_rule_about_what_is_not_there_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(setup.SetupError):
        setup.add_rule(**given, actor="test")


def test_the_most_particular_rule_counts() -> None:
    for scope, plan in (
        ({}, "all"),
        ({"gateway": "hotmart"}, "gateway"),
        ({"product_id": "7"}, "product"),
        ({"offer": "half"}, "offer"),
    ):
        setup.add_rule(**scope, plan=plan, actor="test")

    def plan_of(gateway: str, product_id: str, offer: str) -> str:
        given = rules.Rules().given_by(gateway, product_id, offer, "Curso")
        assert given is not None
        return given.plan

    assert plan_of("asaas", "1", "") == "all"
    assert plan_of("hotmart", "1", "") == "gateway"
    assert plan_of("hotmart", "7", "") == "product"
    assert plan_of("hotmart", "7", "half") == "offer"


def test_without_a_rule_each_product_is_an_access_of_its_own(settings: Any) -> None:
    given = rules.Rules().given_by("hotmart", "7", "", "Curso")
    assert given is not None
    assert (given.application, given.scope) == ("default", "product:hotmart:7")
    assert rules.Rules().given_by("asaas", "", "", "Curso").scope == "product:asaas:Curso"
    settings.RECIBO_APPLICATION = None
    assert rules.Rules().given_by("hotmart", "7", "", "Curso") is None
