"""The settings choose the sender, and the channel's rate holds for all of them."""

import pytest

from recibo.journal.models import IntegrationCall
from recibo.messaging.configuration import Mail, Security, Seller, WhatsApp
from recibo.messaging.errors import DelayedError
from recibo.messaging.models import Channel
from recibo.messaging.senders import registry
from recibo.messaging.senders.registry import OutOfTurnsError, sender_of
from recibo.work.models import Limit
from tests.gateways.gateway_server import serving
from tests.messaging.exchanges import answered
from tests.messaging.mail_server import receiving
from tests.messaging.senders.conftest import ABOUT, outgoing


@pytest.fixture(autouse=True)
def _seller(settings):
    settings.RECIBO_MAIL = settings.RECIBO_WHATSAPP = None
    settings.RECIBO_SELLER = Seller(name="Escola")


def by_smtp(port: int, per_second: float = 5.0) -> Mail:
    return Mail(
        provider="smtp",
        sender="oi@escola.example.com",
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        per_second=per_second,
    )


@pytest.mark.parametrize("channel", list(Channel))
def test_a_channel_that_is_not_configured_has_no_sender(channel):
    assert sender_of(channel) is None


@pytest.mark.django_db(transaction=True)
def test_mail_goes_by_the_server_of_the_settings_and_leaves_a_row(settings):
    with receiving() as server:
        settings.RECIBO_MAIL = by_smtp(server.port)
        assert sender_of(Channel.WHATSAPP) is None
        sender_of(Channel.EMAIL)(outgoing(), ABOUT)

    assert [letter["From"] for letter in server.letters] == ["Escola <oi@escola.example.com>"]
    [row] = IntegrationCall.objects.all()
    assert (row.account, row.order_id, row.stage) == ("email/smtp", 17, ABOUT.stage)
    assert (row.host, row.operation, row.status_code) == ("127.0.0.1", "SMTP send", 250)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("provider", "path", "answer"),
    [
        ("meta", "/v23.0/escola/messages", "meta/send-template-200"),
        ("evolution", "/message/sendText/escola", "evolution/send-text-201"),
    ],
)
def test_whatsapp_goes_by_the_provider_of_the_settings(settings, provider, path, answer):
    with serving() as server:
        server.routes[path] = answered(answer)
        settings.RECIBO_WHATSAPP = WhatsApp(
            provider=provider, url=server.url, token="token", sender="escola"
        )
        assert sender_of(Channel.EMAIL) is None
        assert sender_of(Channel.WHATSAPP)(outgoing(to="+5531987654321"), ABOUT)

    [row] = IntegrationCall.objects.all()
    assert row.account == f"whatsapp/{provider}"
    assert row.operation == f"POST {path}"


@pytest.mark.parametrize(
    "provider", ["smtp", "resend", "ses", "postmark", "sendgrid", "mailgun", "brevo"]
)
def test_every_service_that_can_be_chosen_has_a_sender(settings, provider):
    settings.RECIBO_MAIL = Mail(provider=provider, sender="oi@escola.example.com")
    assert sender_of(Channel.EMAIL) is not None


@pytest.mark.django_db(transaction=True)
def test_who_is_out_of_turns_asks_nobody(settings, monkeypatch):
    monkeypatch.setattr(registry, "LONGEST_TURN", 0.0)
    with receiving() as server:
        settings.RECIBO_MAIL = by_smtp(server.port, per_second=0.5)
        send = sender_of(Channel.EMAIL)
        send(outgoing(), ABOUT)
        with pytest.raises(OutOfTurnsError) as raised:
            send(outgoing(), ABOUT)

    assert len(server.accepted) == 1
    assert IntegrationCall.objects.count() == 1
    assert isinstance(raised.value, DelayedError)
    assert Limit.objects.get().name == "send:email"
