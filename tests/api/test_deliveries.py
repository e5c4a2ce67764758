"""The address at which e-mail and WhatsApp services tell what became of messages."""

import json

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import path
from django.utils import timezone

from recibo.api.deliveries import LARGEST, deliveries
from recibo.messaging.configuration import Mail, WhatsApp
from recibo.messaging.models import Message, MessageStatus
from tests.messaging.delivery.requests import (
    SECRET,
    SVIX_SECRET,
    basic,
    meta_headers,
    svix_headers,
)
from tests.messaging.exchanges import recorded

urlpatterns = [path("api/deliveries/<str:service>", deliveries)]
pytestmark = pytest.mark.urls(__name__)

RESEND = json.dumps(recorded("resend/webhook-delivered")["body"]).encode()
META = json.dumps(recorded("meta/webhook-status-delivered")["body"]).encode()
RESEND_ID = "4a1f0b5e-3d5c-4a1e-8a52-6f0f7a5e1c01"


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.RECIBO_MAIL = Mail(
        provider="resend", sender="oi@escola.example.com", webhook_secret=SVIX_SECRET
    )
    settings.RECIBO_WHATSAPP = WhatsApp(
        provider="meta",
        url="https://graph.example.com",
        token="token",
        sender="106540352242922",
        webhook_secret="secret of the app",
    )


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


def told(client, service, body, headers=None):
    return client.post(
        f"/api/deliveries/{service}", body, content_type="application/json", headers=headers
    )


def sent(key: str, channel: str, provider_id: str) -> Message:
    return Message.objects.create(
        key=key,
        channel=channel,
        kind="purchase_confirmation",
        status=MessageStatus.SENT,
        provider_id=provider_id,
        created_at=timezone.now(),
        sent_at=timezone.now(),
    )


@pytest.mark.django_db
def test_what_a_service_tells_is_written(client):
    wamid = recorded("meta/send-template-200")["response"]["body"]["messages"][0]["id"]
    by_mail = sent("a", "email", RESEND_ID)
    by_whatsapp = sent("b", "whatsapp", wamid)

    answers = [
        told(client, "resend", RESEND, svix_headers(RESEND)),
        told(client, "meta", META, meta_headers(META, "secret of the app")),
    ]

    assert [(one.status_code, one.json()) for one in answers] == [(200, {"received": True})] * 2
    for message in (by_mail, by_whatsapp):
        message.refresh_from_db()
        assert message.status == MessageStatus.DELIVERED


@pytest.mark.parametrize("headers", [{}, {**svix_headers(RESEND), "svix-signature": "v1,AAAA"}])
def test_what_nobody_proved_is_refused(client, headers):
    response = told(client, "resend", RESEND, headers)
    assert response.status_code == 401
    assert response.json()["error"] == "unauthorized"
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("service", ["postmark", "evolution", "smtp", "x"])
def test_a_service_that_is_not_used_has_no_address(client, service):
    assert told(client, service, RESEND).json()["error"] == "not_found"
    assert client.get(f"/api/deliveries/{service}").status_code == 404


def test_who_sends_by_a_mail_server_hears_nothing(client, settings):
    settings.RECIBO_MAIL = Mail(provider="smtp", sender="x@example.com", webhook_secret=SECRET)
    assert told(client, "smtp", RESEND, basic(SECRET)).status_code == 404


def test_what_cannot_be_read_is_said(client):
    response = told(client, "resend", b"[]", svix_headers(b"[]"))
    assert (response.status_code, response.json()["error"]) == (400, "bad_request")


def test_what_is_too_large_is_not_read(client):
    response = told(client, "resend", b" " * (LARGEST + 1))
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


def test_while_the_database_is_away_the_service_is_asked_to_come_back(client, monkeypatch):
    def away(events):
        raise OperationalError("gone")

    monkeypatch.setattr("recibo.api.deliveries.apply", away)
    response = told(client, "resend", RESEND, svix_headers(RESEND))
    assert (response.status_code, response.json()["error"]) == (503, "unavailable")
    assert "Retry-After" in response.headers


def test_meta_s_challenge_is_given_back(client):
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": "106540352242922",
        "hub.challenge": "<b>1",
    }
    response = client.get("/api/deliveries/meta", query)
    assert (response.status_code, response.content) == (200, b"<b>1")
    assert response.headers["content-type"] == "text/plain"

    assert client.get("/api/deliveries/meta").status_code == 401


def test_nobody_else_asks(client):
    assert client.get("/api/deliveries/resend").json()["error"] == "method_not_allowed"
    assert client.delete("/api/deliveries/resend").json()["error"] == "method_not_allowed"
    assert client.head("/api/deliveries/resend").status_code == 200
