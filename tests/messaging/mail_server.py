"""A mail server on this machine: real SMTP on the loopback, and whatever a server can do wrong."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
OK = "250 Taken"


@dataclass(frozen=True)
class Accepted:
    """A letter that the server took."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def letter(self) -> EmailMessage:
        """The letter, parsed."""
        return cast("EmailMessage", message_from_bytes(self.content, policy=policy.default))

    def part(self, kind: str) -> str:
        """The plain or the html part as text."""
        found = self.letter.get_body((kind,))
        assert found is not None, f"no {kind} part"
        return str(found.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """A running server, and its knobs. What it took is in ``accepted``, oldest first."""

    port: int = 0
    #: The answer at each step; anything but 250 refuses.
    at_sender: str = OK
    at_recipient: str = OK
    at_data: str = OK
    #: The answer to the log-in; "": what the password calls for.
    at_login: str = ""
    #: Seconds before the answer to the letter. It is not accepted until then.
    delay: float = 0.0
    #: Takes the letter and hangs up before it says so.
    drops_after_accepting: bool = False
    username: str = ""
    password: str = ""
    accepted: list[Accepted] = field(default_factory=list)
    log_ins: list[tuple[str, str]] = field(default_factory=list)
    #: Called with each letter as it is accepted, on the server's thread.
    on_accept: Callable[[Accepted], None] | None = None

    @property
    def host(self) -> str:
        return HOST

    @property
    def letters(self) -> list[EmailMessage]:
        """What it took, parsed."""
        return [accepted.letter for accepted in self.accepted]

    # What the server's library calls; the names are its own.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_sender == OK:
            envelope.mail_from = address
        return self.at_sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient == OK:
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.delay)
        if self.at_data == OK:
            self.take(envelope)
        if self.drops_after_accepting:
            cast("asyncio.Transport", server.transport).abort()
        return self.at_data

    def take(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        accepted = Accepted(str(envelope.mail_from), list(envelope.rcpt_tos), content)
        self.accepted.append(accepted)
        if self.on_accept:
            self.on_accept(accepted)

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        pair = (given.login.decode(), given.password.decode())
        self.log_ins.append(pair)
        if self.at_login:
            return AuthResult(success=False, handled=False, message=self.at_login)
        return AuthResult(success=pair == (self.username, self.password), handled=False)


@contextmanager
def receiving(
    *,
    certificate: Path | None = None,
    is_tls_from_start: bool = False,
    needs_starttls: bool = False,
    needs_login: bool = False,
    has_login: bool = False,
    **knobs: Any,
) -> Iterator[MailServer]:
    """A running server on a free port. ``certificate``: see ``certified``; it offers STARTTLS."""
    handler = MailServer(**knobs)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if context is not None and certificate is not None:
        context.load_cert_chain(certificate)
    options = {
        "authenticator": handler.authenticate if needs_login or has_login else None,
        "auth_required": needs_login,
        "auth_require_tls": certificate is not None and not is_tls_from_start,
        "auth_exclude_mechanism": None if needs_login or has_login else ["LOGIN", "PLAIN"],
        "tls_context": None if is_tls_from_start else context,
        "require_starttls": needs_starttls,
    }
    with running(handler, options, context if is_tls_from_start else None):
        yield handler


@contextmanager
def running(
    handler: MailServer, options: dict[str, Any], context: ssl.SSLContext | None
) -> Iterator[None]:
    """The server on a thread of its own."""
    loop = asyncio.new_event_loop()
    made: list[SMTP] = []

    def protocol() -> SMTP:
        made.append(SMTP(handler, loop=loop, hostname="mail.test", **options))
        return made[-1]

    server = loop.run_until_complete(loop.create_server(protocol, HOST, 0, ssl=context))
    handler.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(close(server, made), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def close(server: asyncio.Server, made: list[SMTP]) -> None:
    """Hang up on everybody, and wait until nothing of the server runs."""
    server.close()
    for protocol in made:
        if protocol.transport is not None:
            cast("asyncio.Transport", protocol.transport).abort()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)


@contextmanager
def certified() -> Iterator[Path]:
    """A certificate of 127.0.0.1 with its key, as one PEM file. Trust it by ``SSL_CERT_FILE``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mail.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        yield path


@contextmanager
def nobody_listening() -> Iterator[int]:
    """A port of the loopback at which nothing answers."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]
