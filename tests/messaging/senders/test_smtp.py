"""E-mail over a real connection to a real mail server that can do everything wrong."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recibo.messaging.configuration import Mail, Security, Seller
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
)
from recibo.messaging.senders import smtp
from tests.messaging.mail_server import MailServer, certified, nobody_listening, receiving
from tests.messaging.senders.conftest import ABOUT, Row, outgoing

SELLER = Seller(name="Escola da Ana, Ltda.", email="ajuda@escola.example.com")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with receiving() as server:
        yield server


@pytest.fixture(scope="module")
def certificate() -> Iterator[Path]:
    with certified() as path:
        yield path


def mail(port: int, **changes: Any) -> Mail:
    return Mail(
        **{
            "provider": "smtp",
            "sender": "oi@escola.example.com",
            "host": "127.0.0.1",
            "port": port,
            "security": Security.NONE,
            **changes,
        }
    )


def send(server: MailServer, *, seller: Seller = SELLER, **changes: Any) -> str:
    """Send a message in plain, changed like this."""
    return smtp.send(outgoing(**changes), ABOUT, mail=mail(server.port), seller=seller)


def failed(server: MailServer, **changes: Any) -> SendingError:
    """The error of sending."""
    with pytest.raises(SendingError) as raised:
        send(server, **changes)
    return raised.value


def test_a_message_arrives_as_text_and_html(server: MailServer, journal: list[Row]) -> None:
    assert send(server) == ""

    [accepted] = server.accepted
    assert accepted.sender == "oi@escola.example.com"
    assert accepted.recipients == ["ana.souza@example.com"]
    assert accepted.letter.get_content_type() == "multipart/alternative"
    assert accepted.part("plain") == "Olá, Ana. Seu acesso chegou.\n"
    assert accepted.part("html").strip() == "<p>Olá, Ana. Seu acesso chegou.</p>"


def test_the_headers_say_who_writes_and_that_nobody_needs_to_answer_a_machine(
    server: MailServer, journal: list[Row]
) -> None:
    send(server)

    [letter] = server.letters
    assert letter["Subject"] == "Seu acesso chegou: é só entrar"
    assert letter["From"] == '"Escola da Ana, Ltda." <oi@escola.example.com>'
    assert letter["To"] == "Ana Souza <ana.souza@example.com>"
    assert letter["Reply-To"] == "ajuda@escola.example.com"
    assert letter["Message-ID"] == "<4f1c0e@escola.example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] is None
    assert letter["List-Unsubscribe-Post"] is None


def test_what_can_be_unsubscribed_says_how(server: MailServer, journal: list[Row]) -> None:
    send(server, unsubscribe_url="https://loja.example.com/sair/abc")

    [letter] = server.letters
    assert letter["List-Unsubscribe"] == "<https://loja.example.com/sair/abc>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_names_the_addresses_stand_alone(server: MailServer, journal: list[Row]) -> None:
    send(server, seller=Seller(), name="")

    [letter] = server.letters
    assert letter["From"] == "oi@escola.example.com"
    assert letter["To"] == "ana.souza@example.com"
    assert letter["Reply-To"] is None


def test_a_name_with_letters_of_portuguese_arrives(server: MailServer, journal: list[Row]) -> None:
    send(server, name="José Conceição, o “Zé”")
    [letter] = server.letters
    assert letter["To"].addresses[0].display_name == "José Conceição, o “Zé”"


@pytest.mark.parametrize("field", ["name", "subject", "message_id", "unsubscribe_url"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_nothing_that_a_buyer_wrote_becomes_a_header(
    server: MailServer, journal: list[Row], field: str, end: str
) -> None:
    send(server, **{field: f"Ana{end}Bcc: thief@example.com{end}{end}Text"})

    [accepted] = server.accepted
    assert accepted.recipients == ["ana.souza@example.com"]
    assert accepted.letter["Bcc"] is None
    assert accepted.part("plain") == "Olá, Ana. Seu acesso chegou.\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "ana@example.com, thief@example.com",
        "Ana <ana@example.com>",
        "ana@example.com\r\nRCPT TO:<thief@example.com>",
        "ana souza@example.com",
    ],
)
def test_what_is_no_single_address_reaches_no_server(
    server: MailServer, journal: list[Row], address: str
) -> None:
    error = failed(server, to=address)
    assert type(error) is NoSuchAddressError
    assert server.accepted == []
    assert journal == []


def test_a_line_of_one_dot_does_not_end_the_letter(server: MailServer, journal: list[Row]) -> None:
    text = "Oi\n.\nMAIL FROM:<thief@example.com>\n"
    send(server, text=text)
    [accepted] = server.accepted
    assert accepted.part("plain") == text


def test_every_try_leaves_a_row(server: MailServer, journal: list[Row]) -> None:
    send(server)
    server.at_data = "451 4.3.0 Later"
    failed(server)

    about = ABOUT._replace(account="email/smtp")
    assert journal == [
        Row(about, "127.0.0.1", "SMTP send", 250, ""),
        Row(about, "127.0.0.1", "SMTP send", 451, "451 4.3.0 Later"),
    ]


ANSWERS = [
    ("at_recipient", "550 5.1.1 No such user", NoSuchAddressError),
    ("at_recipient", "550 User unknown", NoSuchAddressError),
    ("at_recipient", "551 User not local", NoSuchAddressError),
    ("at_recipient", "553 5.1.3 Bad syntax", NoSuchAddressError),
    ("at_recipient", "554 5.1.10 Domain takes no mail", NoSuchAddressError),
    ("at_recipient", "550 5.2.1 Mailbox disabled", NoSuchAddressError),
    ("at_data", "550 5.1.1 User unknown", NoSuchAddressError),
    ("at_recipient", "550 5.7.1 Blocked as spam", RejectedError),
    ("at_recipient", "552 5.2.2 Mailbox full", RejectedError),
    ("at_data", "554 5.6.0 Content refused", RejectedError),
    ("at_data", "550 Content refused", RejectedError),
    ("at_sender", "552 5.3.4 Too large", RejectedError),
    ("at_recipient", "450 4.2.1 Greylisted", DelayedError),
    ("at_recipient", "421 4.7.0 Too many connections", DelayedError),
    ("at_data", "452 4.3.1 Disk full", DelayedError),
    ("at_sender", "451 4.3.0 Later", DelayedError),
    ("at_recipient", "554 5.7.1 Relay access denied", ChannelError),
    ("at_recipient", "550 5.7.54 Unable to relay", ChannelError),
    ("at_sender", "550 5.7.1 Sender not verified", ChannelError),
    ("at_sender", "530 5.7.0 Authentication required", ChannelError),
    ("at_recipient", "530 5.7.0 Authentication required", ChannelError),
]


@pytest.mark.parametrize(("step", "answer", "kind"), ANSWERS)
def test_an_answer_is_sorted_by_what_to_do_next(
    server: MailServer,
    journal: list[Row],
    step: str,
    answer: str,
    kind: type[SendingError],
) -> None:
    setattr(server, step, answer)
    error = failed(server)
    assert type(error) is kind
    assert answer in str(error)
    assert server.accepted == []
    assert [row.status for row in journal] == [int(answer[:3])]


def test_neither_the_error_nor_the_row_tells_an_address(
    server: MailServer, journal: list[Row]
) -> None:
    server.at_recipient = "550 5.1.1 <ana.souza@example.com>: no such user"
    error = failed(server)
    assert str(error) == "The mail server: 550 5.1.1 <…>: no such user"
    assert journal[0].error == "550 5.1.1 <…>: no such user"


def test_a_server_that_is_away_is_tried_later(journal: list[Row]) -> None:
    with nobody_listening() as port, pytest.raises(DelayedError):
        smtp.send(outgoing(), ABOUT, mail=mail(port), seller=SELLER)
    assert [row.status for row in journal] == [None]


def test_a_server_without_an_answer_is_tried_later(
    server: MailServer, journal: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.2)
    server.delay = 1.0
    assert type(failed(server)) is DelayedError
    assert [row.status for row in journal] == [None]


def test_a_server_that_hangs_up_after_accepting_is_tried_again_under_the_same_id(
    server: MailServer, journal: list[Row]
) -> None:
    server.drops_after_accepting = True
    assert type(failed(server)) is DelayedError
    server.drops_after_accepting = False
    send(server)

    assert [letter["Message-ID"] for letter in server.letters] == [
        "<4f1c0e@escola.example.com>"
    ] * 2


def test_something_else_than_a_mail_server_is_tried_later(journal: list[Row]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        other.settimeout(5)

        def greet() -> None:
            with other.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(DelayedError):
            smtp.send(outgoing(), ABOUT, mail=mail(port), seller=SELLER)
        thread.join()


LOG_IN = {"username": "loja", "password": "segredo", "security": Security.STARTTLS}


def secured(server: MailServer, **changes: Any) -> str:
    settings = mail(server.port, **{**LOG_IN, **changes})
    return smtp.send(outgoing(), ABOUT, mail=settings, seller=SELLER)


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def test_with_starttls_the_password_goes_over_tls(trusted: Path, journal: list[Row]) -> None:
    with receiving(
        certificate=trusted, needs_starttls=True, needs_login=True, **own(LOG_IN)
    ) as server:
        secured(server)
        assert len(server.accepted) == 1
        assert server.log_ins == [("loja", "segredo")]


def test_with_ssl_everything_goes_over_tls(trusted: Path, journal: list[Row]) -> None:
    with receiving(certificate=trusted, is_tls_from_start=True) as server:
        secured(server, security=Security.SSL, username="", password="")
        assert len(server.accepted) == 1


def test_a_wrong_password_is_for_a_person_and_is_not_told(
    trusted: Path, journal: list[Row]
) -> None:
    with receiving(certificate=trusted, needs_login=True, **own(LOG_IN)) as server:
        with pytest.raises(ChannelError) as raised:
            secured(server, password="errado")
        assert [row.status for row in journal] == [535]
        assert "errado" not in str(raised.value) + journal[0].error


def test_a_log_in_that_cannot_be_checked_now_is_tried_later(
    trusted: Path, journal: list[Row]
) -> None:
    knobs = {**own(LOG_IN), "at_login": "454 4.7.0 Temporary authentication failure"}
    with receiving(certificate=trusted, needs_login=True, **knobs) as server:
        with pytest.raises(DelayedError):
            secured(server)
        assert server.accepted == []


def test_a_server_that_nobody_vouches_for_gets_nothing(
    certificate: Path, journal: list[Row]
) -> None:
    with receiving(certificate=certificate, needs_login=True, **own(LOG_IN)) as server:
        with pytest.raises(ChannelError, match="CERTIFICATE_VERIFY_FAILED"):
            secured(server)
        assert server.log_ins == []


def test_without_tls_no_password_goes_out(server: MailServer, journal: list[Row]) -> None:
    with pytest.raises(ChannelError, match="STARTTLS"):
        secured(server)
    assert server.log_ins == []


def test_a_port_that_does_not_speak_tls_is_for_a_person(
    server: MailServer, journal: list[Row]
) -> None:
    with pytest.raises(ChannelError):
        secured(server, security=Security.SSL)


def test_a_server_without_log_in_is_for_a_person(trusted: Path, journal: list[Row]) -> None:
    with receiving(certificate=trusted) as server, pytest.raises(ChannelError):
        secured(server)


def test_a_password_that_smtp_cannot_carry_is_for_a_person(
    trusted: Path, journal: list[Row]
) -> None:
    with receiving(certificate=trusted, needs_login=True, **own(LOG_IN)) as server:
        with pytest.raises(ChannelError) as raised:
            secured(server, password="pão")
        assert "pão" not in str(raised.value)


def own(login: dict[str, Any]) -> dict[str, str]:
    """The name and the password that the server knows."""
    return {name: login[name] for name in ("username", "password")}
