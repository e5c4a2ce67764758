"""E-mail by the services' APIs, as a server on the loopback gets it."""

import base64
import json
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qs

import pytest

from recibo.messaging.configuration import Mail, Seller
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
    TakenBeforeError,
)
from recibo.messaging.senders import mail_apis
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, Route, serving, told
from tests.messaging.exchanges import answered
from tests.messaging.senders.conftest import ABOUT, Row, outgoing

SELLER = Seller(name="Escola da Ana", email="ajuda@escola.example.com")
KEY = "re_placeholder"
#: Amazon's library is no part of an installation; what runs without it is tried everywhere.
SERVICES = ["resend", "postmark", "sendgrid", "mailgun", "brevo"]
PATHS = {
    "resend": "/emails",
    "postmark": "/email",
    "sendgrid": "/v3/mail/send",
    "mailgun": "/v3/escola.example.com/messages",
    "brevo": "/v3/smtp/email",
}
TAKEN: dict[str, Canned] = {
    "resend": answered("resend/send-200"),
    "postmark": told(
        {
            "To": "ana.souza@example.com",
            "MessageID": "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
            "ErrorCode": 0,
            "Message": "OK",
        }
    ),
    "sendgrid": Canned(202),
    "mailgun": told({"id": "<4f1c0e@escola.example.com>", "message": "Queued. Thank you."}),
    "brevo": told({"messageId": "<202603101200.123@smtp-relay.mailin.fr>"}, 201),
}
IDS = {
    "resend": "4a1f0b5e-3d5c-4a1e-8a52-6f0f7a5e1c01",
    "postmark": "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
    "mailgun": "<4f1c0e@escola.example.com>",
    "brevo": "<202603101200.123@smtp-relay.mailin.fr>",
}
pytestmark = pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with serving() as server:
        yield server


def mail(provider: str, url: str, **changes: Any) -> Mail:
    return Mail(
        **{
            "provider": provider,
            "sender": "oi@escola.example.com",
            "api_key": KEY,
            "api_url": url,
            **changes,
        }
    )


def send(server: GatewayServer, provider: str, route: Route, **changes: Any) -> str:
    """Send a message through a service that answers so."""
    server.routes[PATHS[provider]] = route
    return mail_apis.send(
        outgoing(**changes), ABOUT, mail=mail(provider, server.url), seller=SELLER
    )


def failed(server: GatewayServer, provider: str, route: Route) -> SendingError:
    with pytest.raises(SendingError) as raised:
        send(server, provider, route)
    return raised.value


def content(asked: Asked) -> dict[str, Any]:
    """What was asked, by the names that the service gives to it."""
    if asked.headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = json.loads(asked.body)
        return found
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


@pytest.mark.parametrize("provider", SERVICES)
def test_a_message_goes_out_under_the_name_that_the_service_gives_it(
    server: GatewayServer, journal: list[Row], provider: str
) -> None:
    provider_id = send(server, provider, TAKEN[provider])

    [asked] = server.asked
    assert asked.method == "POST"
    assert provider_id == IDS.get(provider, provider_id) != ""
    if provider == "sendgrid":  # it names none: the one that we gave comes back in its events
        [personal] = content(asked)["personalizations"]
        assert personal["custom_args"]["anymail_id"] == provider_id
    text = asked.body.decode().replace("+", " ")
    assert "Seu acesso chegou" in text
    assert "thief" not in text


@pytest.mark.parametrize(
    ("provider", "header", "expected"),
    [
        ("resend", "authorization", f"Bearer {KEY}"),
        ("postmark", "x-postmark-server-token", KEY),
        ("sendgrid", "authorization", f"Bearer {KEY}"),
        ("mailgun", "authorization", f"Basic {base64.b64encode(f'api:{KEY}'.encode()).decode()}"),
        ("brevo", "api-key", KEY),
    ],
)
def test_each_service_gets_the_key_as_it_wants_it(
    server: GatewayServer, journal: list[Row], provider: str, header: str, expected: str
) -> None:
    send(server, provider, TAKEN[provider])
    assert server.asked[0].headers[header] == expected


#: Where each service is told of people, of texts and of headers.
FIELDS = {
    "resend": ("from", "to", "text", "html", "reply_to"),
    "postmark": ("From", "To", "TextBody", "HtmlBody", "ReplyTo"),
    "mailgun": ("from", "to", "text", "html", "h:Reply-To"),
}


@pytest.mark.parametrize("provider", FIELDS)
def test_one_person_gets_both_parts_from_the_seller(
    server: GatewayServer, journal: list[Row], provider: str
) -> None:
    send(server, provider, TAKEN[provider])
    sent = content(server.asked[0])
    values = [sent[name] for name in FIELDS[provider]]
    assert [value[0] if isinstance(value, list) else value for value in values] == [
        "Escola da Ana <oi@escola.example.com>",
        "Ana Souza <ana.souza@example.com>",
        "Olá, Ana. Seu acesso chegou.\n",
        "<p>Olá, Ana. Seu acesso chegou.</p>",
        "ajuda@escola.example.com",
    ]


def test_all_tries_of_a_message_are_one_to_resend(
    server: GatewayServer, journal: list[Row]
) -> None:
    for _ in range(2):
        send(server, "resend", TAKEN["resend"])
    send(server, "resend", TAKEN["resend"], key="refund_notice:order:9:email")

    first, second, other = [asked.headers["idempotency-key"] for asked in server.asked]
    assert first == second != other
    assert 1 <= len(first) <= 256


def test_all_tries_of_a_message_are_one_to_brevo(server: GatewayServer, journal: list[Row]) -> None:
    for _ in range(2):
        send(server, "brevo", TAKEN["brevo"])
    send(server, "brevo", TAKEN["brevo"], message_id="<other@escola.example.com>")

    first, second, other = [content(one)["headers"]["idempotencyKey"] for one in server.asked]
    assert first == second != other
    assert str(uuid.UUID(first)) == first


def test_the_message_id_stays_ours_where_the_service_lets_it(
    server: GatewayServer, journal: list[Row]
) -> None:
    for provider in SERVICES:
        send(server, provider, TAKEN[provider])
    resend, postmark, sendgrid, mailgun, brevo = map(content, server.asked)

    named = {header["Name"]: header["Value"] for header in postmark["Headers"]}
    assert named["Message-ID"] == "<4f1c0e@escola.example.com>"
    assert named["X-PM-KeepID"] == "true"
    assert mailgun["h:Message-Id"] == "<4f1c0e@escola.example.com>"
    assert all("Message-ID" not in one["headers"] for one in (resend, sendgrid, brevo))


def test_the_services_learn_of_the_message_and_nothing_of_its_reader(
    server: GatewayServer, journal: list[Row]
) -> None:
    send(server, "resend", TAKEN["resend"], unsubscribe_url="https://loja.example.com/sair/x")
    headers = content(server.asked[0])["headers"]
    assert json.loads(headers["X-Metadata"]) == {
        "key": "welcome_credentials:access:9:email",
        "mark": "4f1c0e",
    }
    assert json.loads(headers["X-Tags"]) == ["welcome_credentials"]
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe"] == "<https://loja.example.com/sair/x>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("provider", SERVICES)
def test_nothing_that_a_buyer_wrote_becomes_a_header(
    server: GatewayServer, journal: list[Row], provider: str
) -> None:
    line = "Ana\r\nBcc: thief@example.com\r\n"
    send(server, provider, TAKEN[provider], name=line, subject=line)
    body = server.asked[0].body.decode()
    assert "Bcc" in body
    assert not [end for end in ("\\r", "\\n", "%0D", "%0A") if f"Ana{end}" in body]


@pytest.mark.parametrize("provider", SERVICES)
def test_every_try_leaves_a_row(server: GatewayServer, journal: list[Row], provider: str) -> None:
    send(server, provider, TAKEN[provider])
    failed(server, provider, told({"message": "Try later"}, 503))

    about = ABOUT._replace(account=f"email/{provider}")
    assert [row.about for row in journal] == [about, about]
    assert [row.host for row in journal] == ["127.0.0.1"] * 2
    assert [row.status for row in journal] == [TAKEN[provider].status, 503]
    assert [row.operation.lower() for row in journal] == [f"{provider} send"] * 2
    assert [row.error for row in journal] == ["", "503 Try later"]


ANSWERS: list[tuple[str, Canned, type[SendingError]]] = [
    ("resend", answered("resend/send-bad-key-400"), ChannelError),
    ("resend", answered("resend/send-concurrent-409"), DelayedError),
    ("resend", answered("resend/send-idempotency-mismatch-409"), TakenBeforeError),
    ("resend", answered("resend/send-rate-limit-429"), DelayedError),
    ("resend", told({"name": "validation_error", "message": "Invalid `to`"}, 422), RejectedError),
    ("resend", told({"name": "invalid_from_address", "message": "…"}, 422), ChannelError),
    ("resend", told({"name": "restricted_api_key", "message": "…"}, 401), ChannelError),
    ("resend", Canned(200, body=b"<html>log in to the hotel's network</html>"), DelayedError),
    ("postmark", told({"ErrorCode": 10, "Message": "No token"}, 401), ChannelError),
    ("postmark", told({"ErrorCode": 400, "Message": "No sender signature"}, 422), ChannelError),
    ("postmark", told({"ErrorCode": 402, "Message": "Invalid JSON"}, 422), RejectedError),
    (
        "postmark",
        told(
            {
                "ErrorCode": 406,
                "Message": "You tried to send to a recipient that has been marked as inactive.\n"
                "Found inactive addresses: ana.souza@example.com.\n"
                "Inactive recipients are ones that have generated a hard bounce.",
            },
            422,
        ),
        NoSuchAddressError,
    ),
    (
        "postmark",
        told({"ErrorCode": 300, "Message": "Invalid 'To' address: 'ana.souza@example.com'."}, 422),
        NoSuchAddressError,
    ),
    ("sendgrid", told({"errors": [{"message": "bad credentials"}]}, 401), ChannelError),
    ("sendgrid", told({"errors": [{"message": "not a valid content"}]}, 400), RejectedError),
    ("sendgrid", Canned(500), DelayedError),
    ("mailgun", Canned(401, body=b"Forbidden"), ChannelError),
    ("mailgun", told({"message": "Domain not found: escola.example.com"}, 404), ChannelError),
    ("mailgun", told({"message": "html is too large"}, 400), RejectedError),
    ("brevo", told({"code": "unauthorized", "message": "Key not found"}, 401), ChannelError),
    ("brevo", told({"code": "not_enough_credits", "message": "…"}, 402), ChannelError),
    ("brevo", told({"code": "invalid_parameter", "message": "…"}, 400), RejectedError),
    ("brevo", Canned(502, body=b"<html>"), DelayedError),
]


@pytest.mark.parametrize(
    ("provider", "answer", "kind"),
    ANSWERS,
    ids=[f"{provider}-{answer.status}-{kind.__name__}" for provider, answer, kind in ANSWERS],
)
def test_an_answer_is_sorted_by_what_to_do_next(
    server: GatewayServer,
    journal: list[Row],
    provider: str,
    answer: Canned,
    kind: type[SendingError],
) -> None:
    error = failed(server, provider, answer)
    assert type(error) is kind
    assert "ana.souza" not in str(error) + journal[0].error
    assert KEY not in str(error) + journal[0].error


def test_a_service_that_is_too_busy_says_when_to_come_back(
    server: GatewayServer, journal: list[Row]
) -> None:
    error = failed(server, "brevo", Canned(429, {"retry-after": "90"}))
    assert isinstance(error, DelayedError)
    assert error.retry_after == timedelta(seconds=90)


def test_no_answer_is_tried_later(
    server: GatewayServer, journal: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_apis, "TIMEOUT", 0.2)
    late = Canned(200, delay=1.0)
    assert type(failed(server, "resend", late)) is DelayedError
    assert [(row.status, row.error) for row in journal] == [(None, "no answer ReadTimeout")]


def test_amazon_without_its_library_says_what_is_missing(
    journal: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "anymail.backends.amazon_ses", raising=False)
    amazon = mail("ses", "", api_key="AKIA:secret:sa-east-1")
    with pytest.raises(ChannelError, match=r"pip install 'django-anymail\[amazon-ses\]'"):
        mail_apis.send(outgoing(), ABOUT, mail=amazon, seller=SELLER)


AMAZON = "/v2/email/outbound-emails"


def by_amazon(server: GatewayServer, route: Route, key: str = "AKIA:secret:sa-east-1") -> str:
    pytest.importorskip("boto3")
    server.routes[AMAZON] = route
    amazon = mail("ses", server.url, api_key=key)
    return mail_apis.send(outgoing(), ABOUT, mail=amazon, seller=SELLER)


def test_amazon_gets_the_letter_as_it_is(server: GatewayServer, journal: list[Row]) -> None:
    assert by_amazon(server, told({"MessageId": "0100-abc"})) == "0100-abc"

    sent = json.loads(server.asked[0].body)
    assert sent["Destination"] == {"ToAddresses": ["ana.souza@example.com"]}
    raw = base64.b64decode(sent["Content"]["Raw"]["Data"])
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["From"] == "Escola da Ana <oi@escola.example.com>"
    assert letter["Subject"] == "Seu acesso chegou: é só entrar"
    assert [(row.operation, row.status) for row in journal] == [("Amazon SES send", 200)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (told({"message": "no"}, 403, x_amzn_errortype="AccessDeniedException"), ChannelError),
        (told({"message": "no"}, 400, x_amzn_errortype="SendingPausedException"), ChannelError),
        (
            told(
                {"message": "Email address is not verified."},
                400,
                x_amzn_errortype="MessageRejected",
            ),
            ChannelError,
        ),
        (told({"message": "virus"}, 400, x_amzn_errortype="MessageRejected"), RejectedError),
        (told({"message": "no"}, 429, x_amzn_errortype="TooManyRequestsException"), DelayedError),
        (Canned(503), DelayedError),
    ],
)
def test_what_amazon_answers_is_sorted_too(
    server: GatewayServer, journal: list[Row], answer: Canned, kind: type[SendingError]
) -> None:
    with pytest.raises(SendingError) as raised:
        by_amazon(server, answer)
    assert type(raised.value) is kind
    assert len(server.asked) == 1  # tries are counted by us


def test_half_a_key_of_amazon_says_what_is_missing(
    server: GatewayServer, journal: list[Row]
) -> None:
    with pytest.raises(ChannelError, match="ACCESS_KEY_ID:SECRET_ACCESS_KEY:REGION"):
        mail_apis.send(outgoing(), ABOUT, mail=mail("ses", "", api_key="AKIA"), seller=SELLER)
