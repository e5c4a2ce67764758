"""The settings of what goes out."""

import pytest

from recibo.messaging.configuration import Security
from recibo.server import channels
from recibo.server.values import SettingError

SMTP = {"SMTP_HOST": "mail.example.com", "SMTP_SENDER_EMAIL": "loja@example.com"}
WHATSAPP = {
    "WHATSAPP_PROVIDER": "evolution",
    "WHATSAPP_URL": "https://evo.example.com/",
    "WHATSAPP_TOKEN": "t",
    "WHATSAPP_SENDER": "loja",
}
ACCESS = {
    "ACCESS_PROVIDER": "http",
    "ACCESS_URL": "https://app.example.com/recibo",
    "ACCESS_SECRET": "s",
}


def test_nothing_set_is_nothing_configured() -> None:
    assert channels.mail({}) is None
    assert channels.whatsapp({}) is None
    assert channels.application({}) is None
    assert channels.seller({}).name == ""


@pytest.mark.parametrize(
    ("secure", "port", "expected"),
    [
        ("", "", (Security.STARTTLS, 587)),
        ("none", "", (Security.NONE, 25)),
        ("false", "", (Security.STARTTLS, 587)),
        ("true", "", (Security.SSL, 465)),
        ("", "465", (Security.SSL, 465)),
        ("starttls", "2525", (Security.STARTTLS, 2525)),
    ],
)
def test_how_the_mail_server_is_spoken_to(secure, port, expected) -> None:
    mail = channels.mail({**SMTP, "SMTP_SECURE": secure, "SMTP_PORT": port})
    assert (mail.security, mail.port) == expected


def test_a_service_goes_before_smtp() -> None:
    mail = channels.mail({**SMTP, "EMAIL_PROVIDER": "Resend", "EMAIL_API_KEY": "re_1"})
    assert (mail.provider, mail.per_second) == ("resend", 2.0)


def test_whatsapp_and_the_application_are_read() -> None:
    assert channels.whatsapp(WHATSAPP).url == "https://evo.example.com"
    assert channels.application(ACCESS).url == "https://app.example.com/recibo"
    meta = channels.whatsapp({**WHATSAPP, "WHATSAPP_PROVIDER": "meta", "WHATSAPP_URL": ""})
    assert meta.url == "https://graph.facebook.com"


def test_no_secret_shows_in_a_trace() -> None:
    mail = channels.mail({**SMTP, "SMTP_PASSWORD": "hush"})
    assert "hush" not in repr(mail)
    assert "'s'" not in repr(channels.application(ACCESS))


@pytest.mark.parametrize(
    ("read", "variables", "named"),
    [
        (channels.mail, {"SMTP_HOST": "mail.example.com"}, "SMTP_SENDER_EMAIL"),
        (channels.mail, {**SMTP, "SMTP_SECURE": "maybe"}, "SMTP_SECURE"),
        (channels.mail, {**SMTP, "SMTP_PORT": "mail"}, "SMTP_PORT"),
        (channels.mail, {**SMTP, "EMAIL_PER_SECOND": "0"}, "EMAIL_PER_SECOND"),
        (channels.mail, {**SMTP, "EMAIL_PROVIDER": "pigeon"}, "EMAIL_PROVIDER"),
        (channels.mail, {**SMTP, "EMAIL_PROVIDER": "brevo"}, "EMAIL_API_KEY"),
        (channels.whatsapp, {"WHATSAPP_PROVIDER": "evolution"}, "WHATSAPP_URL"),
        (channels.whatsapp, {**WHATSAPP, "WHATSAPP_TOKEN": ""}, "WHATSAPP_TOKEN"),
        (channels.application, {**ACCESS, "ACCESS_URL": "app"}, "ACCESS_URL"),
        (channels.application, {**ACCESS, "ACCESS_SECRET": " "}, "ACCESS_SECRET"),
        (channels.application, {**ACCESS, "ACCESS_PROVIDER": "ldap"}, "ACCESS_PROVIDER"),
        (channels.application, {**ACCESS, "ACCESS_CREDENTIALS": "smile"}, "ACCESS_CREDENTIALS"),
        (channels.seller, {"RECIBO_SELLER_COLOR": "green"}, "RECIBO_SELLER_COLOR"),
        (channels.seller, {"RECIBO_SELLER_LOGO_URL": "logo"}, "RECIBO_SELLER_LOGO_URL"),
    ],
)
def test_what_cannot_be_right_is_named(read, variables, named) -> None:
    with pytest.raises(SettingError, match=named):
        read(variables)
