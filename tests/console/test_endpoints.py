"""The seller's applications: added in a form and looked after by buttons, by those who may."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from recibo.journal.models import AuditEntry
from recibo.outbound import actions, signing
from recibo.outbound.actions import Wish
from recibo.outbound.models import Delivery, DeliveryStatus, Endpoint
from tests.console.members import member
from tests.outbound.conftest import Connect, connect, go, tell
from tests.outbound.receivers import Reply

__all__ = ["connect"]

pytestmark = pytest.mark.django_db

LIST = "/console/outbound/endpoint/"
ADD = f"{LIST}add/"
BUTTONS = ("disable", "enable", "test", "rotate", "replay-failed")
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")
FORM = {
    "url": "https://1.1.1.1/hook",
    "description": "The shop",
    "events": ["order.paid", "access.*"],
    "gateways": ["hotmart"],
    "accounts": "hotmart/default\r\nhotmart/second",
    "products": "p1, p2",
    "is_ordered": "on",
    "concurrency": "2",
    "per_second": "1.5",
}


@pytest.fixture
def ana(db: None) -> Client:
    """Somebody who may change endpoints."""
    return member("change_endpoint", "view_delivery", of="outbound")


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    """An endpoint that nothing is sent to."""
    return actions.add(Wish(url=FORM["url"]), actor="tests")[0]


def page(row: Endpoint | Delivery, name: str = "change") -> str:
    return f"/console/outbound/{row._meta.model_name}/{row.pk}/{name}/"


def said(response: Any) -> list[str]:
    return [str(one) for one in response.context["messages"]]


def acts() -> list[tuple[str, str]]:
    """Who did what, but for what the tests made."""
    entries = AuditEntry.objects.exclude(actor="tests").order_by("id")
    return list(entries.values_list("actor", "action"))


def test_one_is_added_and_its_secret_shown_once(ana: Client) -> None:
    assert 'name="url"' in ana.get(ADD).content.decode()
    response = ana.post(ADD, FORM, follow=True)
    endpoint = Endpoint.objects.get()
    assert response.redirect_chain == [(page(endpoint), 302)]
    assert endpoint.events == ["order.paid", "access.*"]
    assert endpoint.accounts == ["hotmart/default", "hotmart/second"]
    assert (endpoint.products, endpoint.gateways) == (["p1, p2"], ["hotmart"])
    assert (endpoint.is_ordered, endpoint.concurrency, endpoint.per_second) == (True, 2, 1.5)
    [sentence] = said(response)
    assert SECRET.findall(sentence) == [signing.unsealed(endpoint.sealed_secrets)[0].value]
    assert sentence in response.content.decode()
    for path in (LIST, page(endpoint)):
        assert "whsec_" not in ana.get(path).content.decode()
    assert acts() == [("user:ana", "endpoint.add")]


def test_what_is_left_empty_takes_everything(ana: Client) -> None:
    ana.post(ADD, {"url": FORM["url"], "concurrency": "4"})
    endpoint = Endpoint.objects.get()
    filters = (endpoint.events, endpoint.gateways, endpoint.accounts, endpoint.products)
    assert (filters, endpoint.per_second) == (([], [], [], []), None)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"url": "https://127.0.0.1/hook"}, "leads to this machine"),
        ({"url": "nowhere"}, "begins with https://"),
        ({"per_second": "0"}, "A rate is a number above 0"),
        ({"events": ["order.eaten"]}, "order.eaten"),
        ({"concurrency": "17"}, "16"),
    ],
)
def test_what_cannot_be_is_said_in_the_form(
    ana: Client, wrong: dict[str, Any], reason: str
) -> None:
    response = ana.post(ADD, {**FORM, **wrong})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert reason in str(response.context["form"].errors)
    assert FORM["description"] in response.content.decode()
    assert not Endpoint.objects.exists()


def test_one_is_disabled_and_enabled(ana: Client, endpoint: Endpoint) -> None:
    shown = ana.get(page(endpoint)).content.decode()
    assert ("../disable/" in shown, "../enable/" in shown) == (True, False)
    assert (
        "Tell this endpoint of nothing more?" in ana.get(page(endpoint, "disable")).content.decode()
    )
    assert Endpoint.objects.get().disabled_at is None
    assert said(ana.post(page(endpoint, "disable"), follow=True)) == [
        f"Endpoint {endpoint.pk} is disabled."
    ]
    assert Endpoint.objects.get().disabled_at is not None
    assert "disabled" in ana.get(LIST).content.decode()
    assert "../enable/" in ana.get(page(endpoint)).content.decode()
    ana.post(page(endpoint, "enable"))
    assert Endpoint.objects.get().disabled_at is None
    assert acts() == [("user:ana", "endpoint.disable"), ("user:ana", "endpoint.enable")]


def test_a_new_secret_is_shown_once_and_the_old_one_signs_too(
    ana: Client, endpoint: Endpoint
) -> None:
    response = ana.post(page(endpoint, "rotate"), follow=True)
    [shown] = SECRET.findall(" ".join(said(response)))
    values = [one.value for one in signing.unsealed(Endpoint.objects.get().sealed_secrets)]
    assert shown in values
    assert len(values) == 2
    assert "whsec_" not in ana.get(page(endpoint)).content.decode()
    assert acts() == [("user:ana", "endpoint.rotate")]


@pytest.mark.parametrize(
    ("reply", "level", "answer"),
    [
        (Reply(status=200, body=b"Thanks"), "success", "200, in "),
        (Reply(status=500, body=b"Ouch"), "error", "500, in "),
    ],
)
def test_a_test_says_what_came_back(
    connect: Connect, reply: Reply, level: str, answer: str
) -> None:
    ana = member("change_endpoint", of="outbound")
    endpoint, receiver = connect()
    receiver.replies = [reply]
    response = ana.post(page(endpoint, "test"), follow=True)
    [message] = response.context["messages"]
    assert message.level_tag == level
    assert answer in str(message)
    assert reply.body.decode() in str(message)
    assert [one["type"] for one in receiver.messages] == ["endpoint.test"]


def test_what_did_not_arrive_is_delivered_again(connect: Connect, settings: Any) -> None:
    settings.RECIBO_OUTBOUND_DELAYS = ()
    ana = member("change_endpoint", of="outbound")
    endpoint, receiver = connect()
    receiver.replies = [Reply(status=500), Reply()]
    [key] = tell(1)
    go()
    assert Delivery.objects.get().status == DeliveryStatus.FAILED
    response = ana.post(page(endpoint, "replay-failed"), follow=True)
    assert said(response) == ["Deliveries begun again: 1"]
    go()
    assert receiver.ids == [key, key]
    assert acts() == [("user:ana", "endpoint.replay_failed")]


def test_one_delivery_is_sent_again_unless_it_is_being_sent(connect: Connect) -> None:
    ana = member("change_endpoint", "view_delivery", of="outbound")
    _endpoint, receiver = connect()
    [key] = tell(1)
    go()
    delivery = Delivery.objects.get()
    shown = ana.get(page(delivery)).content.decode()
    assert key in shown
    assert "../replay/" in shown
    assert said(ana.post(page(delivery, "replay"), follow=True)) == ["Deliveries begun again: 1"]
    go()
    assert receiver.ids == [key, key]
    Delivery.objects.update(claimed_until="2100-01-01T00:00:00Z")
    response = ana.post(page(delivery, "replay"), follow=True)
    assert said(response) == ["It is being sent just now."]
    assert acts()[0] == ("user:ana", "delivery.replay")


def test_deliveries_are_listed_by_status(ana: Client, endpoint: Endpoint) -> None:
    tell(1, 2)
    Delivery.objects.filter(pk=Delivery.objects.first().pk).update(status=DeliveryStatus.FAILED)
    for status, count in (("failed", 1), ("pending", 1), ("delivered", 0)):
        found = ana.get("/console/outbound/delivery/", {"status__exact": status}).context["cl"]
        assert found.result_count == count


def test_who_may_only_look_is_shown_no_button_and_refused(endpoint: Endpoint) -> None:
    client = member("view_endpoint", "view_delivery", of="outbound")
    tell(1)
    delivery = Delivery.objects.get()
    assert client.get(LIST).status_code == 200
    assert ADD not in client.get(LIST).content.decode()
    for row, verbs in ((endpoint, BUTTONS), (delivery, ("replay",))):
        shown = client.get(page(row)).content.decode()
        for verb in verbs:
            assert f"../{verb}/" not in shown
            assert client.get(page(row, verb)).status_code == 403
            assert client.post(page(row, verb)).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, FORM).status_code == 403
    assert Endpoint.objects.count() == 1
    assert not acts()


def test_another_site_can_have_nothing_done(ana: Client, endpoint: Endpoint) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    for path in (ADD, page(endpoint, "rotate")):
        assert strict.post(path, FORM).status_code == 403
    assert not acts()


def test_one_that_is_not_there(ana: Client) -> None:
    assert ana.post(f"{LIST}404/disable/").status_code == 404
    assert ana.get(f"{LIST}404/change/").status_code == 302
