"""From a subscription's page its gateway is asked to change it, by those who may."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.gateways.registry import GATEWAYS
from recibo.journal.models import AuditEntry
from tests.browser import PICTURES, chromium
from tests.console.members import member
from tests.gateways.gateway_server import Canned, GatewayServer
from tests.reconciliation.acme import ACME
from tests.reconciliation.agreements import asked_for, obey, subscribed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(account: Account) -> Client:
    """Somebody who may have subscriptions changed."""
    return member("view_subscription", "change_subscription")


def page(subscription: Subscription, name: str = "change") -> str:
    return f"/console/billing/subscription/{subscription.pk}/{name}/"


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [("cancel", "active", "cancelled"), ("reactivate", "cancelled", "active")],
)
def test_it_is_asked_for_after_a_question(
    ana: Client, account: Account, server: GatewayServer, verb: str, before: str, after: str
) -> None:
    subscription = subscribed(account, status=before)
    obey(server)
    assert f'href="../{verb}/"' in ana.get(page(subscription)).content.decode()
    question = ana.get(page(subscription, verb))
    assert "Have the gateway" in question.content.decode()
    assert not server.asked
    response = ana.post(page(subscription, verb), follow=True)
    assert asked_for(server) == [{"status": after}]
    assert Subscription.objects.get().status == after
    assert [str(one) for one in response.context["messages"]] == [
        f"The gateway answered. The subscription is now: {subscription_status(after)}."
    ]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("user:ana", f"subscription.{verb}")


def subscription_status(status: str) -> str:
    return str(dict(Subscription._meta.get_field("status").flatchoices)[status])


def test_a_refusal_is_shown_in_the_gateways_words(
    ana: Client, account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    server.routes["PUT /subscriptions/s1"] = Canned(400, body=b"already <b>ended</b>")
    response = ana.post(page(subscription, "cancel"), follow=True)
    assert "says no: already &lt;b&gt;ended&lt;/b&gt;" in response.content.decode()
    assert Subscription.objects.get().status == "active"


def test_what_cannot_be_done_shows_the_reason_and_no_button(
    ana: Client, account: Account, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribed(account)
    monkeypatch.setitem(GATEWAYS, "acme", replace(ACME, reactivate_subscription=None))
    shown = ana.get(page(subscription, "reactivate")).content.decode()
    assert "do it in the gateway&#x27;s own panel" in shown
    assert 'type="submit" value="Reactivate' not in shown
    ana.post(page(subscription, "reactivate"))
    assert not server.asked


def test_who_may_only_look_is_shown_no_button_and_refused(
    account: Account, server: GatewayServer
) -> None:
    client = member("view_subscription")
    subscription = subscribed(account)
    obey(server)
    assert "../cancel/" not in client.get(page(subscription)).content.decode()
    for verb in ("cancel", "reactivate"):
        assert client.get(page(subscription, verb)).status_code == 403
        assert client.post(page(subscription, verb)).status_code == 403
    assert not server.asked


def test_a_stranger_is_asked_to_log_in(account: Account, server: GatewayServer) -> None:
    subscription = subscribed(account)
    response = Client().post(page(subscription, "cancel"))
    assert response.status_code == 302
    assert "/console/login/" in response.headers["Location"]
    assert not server.asked


def test_another_site_cannot_have_it_asked_for(
    ana: Client, account: Account, server: GatewayServer
) -> None:
    subscription = subscribed(account)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.post(page(subscription, "cancel")).status_code == 403
    assert not server.asked


def test_one_that_is_not_there(ana: Client) -> None:
    assert ana.post("/console/billing/subscription/404/cancel/").status_code == 404


@pytest.mark.usefixtures("ana")
def test_in_a_browser_it_takes_a_button_and_a_yes(
    account: Account, server: GatewayServer, live_server: Any
) -> None:
    User.objects.filter(username="ana").update(password=make_password("s3cret-of-ana"))
    subscription = subscribed(account)
    obey(server)
    with chromium() as browser:
        seen = browser.visit(
            agree_to_a_cancellation, url=f"{live_server.url}{page(subscription)}", language="pt-BR"
        )
    assert "A assinatura agora está: cancelled." in seen.value
    assert Subscription.objects.get().status == "cancelled"
    assert seen.complaints == []


def agree_to_a_cancellation(page: Page) -> str:
    """Log in, press the button, say yes. Gives what the page then says."""
    page.fill("input[name=username]", "ana")
    page.fill("input[name=password]", "s3cret-of-ana")
    page.press("input[name=password]", "Enter")
    page.click("text=Cancelar no gateway")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "console-cancel.png", full_page=True)
    page.click("input[type=submit][value='Cancelar no gateway']")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "console-cancelled.png", full_page=True)
    return page.inner_text(".messagelist")
