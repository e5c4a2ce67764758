"""E-mail by a mail server: Django's SMTP, its failures sorted by what to do next.

Sources: RFC 5321 (replies), RFC 3463 (enhanced status codes), RFC 4954 (authentication).
"""

import re
import ssl
import time
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import NamedTuple

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from recibo.journal.actions import About, keep_call
from recibo.messaging.configuration import Mail, Security, Seller
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
)
from recibo.messaging.senders import letters
from recibo.messaging.senders.contract import Outgoing
from recibo.messaging.senders.replies import plain

#: Seconds that each answer of the server may take.
TIMEOUT = 10
ACCEPTED = 250

#: "Authentication required", "… too weak", "… invalid", "encryption required …".
AUTHENTICATION = frozenset({530, 534, 535, 538})
#: What servers say of an address that they do not have.
NO_SUCH_ADDRESS = frozenset({550, 551, 553})
TOO_LARGE = 552
#: Enhanced codes 5.1.x speak of the address, 5.2.1 of a mailbox that was closed, 5.7.x of a
#: policy: a server that takes us for spam says 550 too, and the address is a good one.
BAD_ADDRESS = re.compile(r"\s*5\.(1\.\d+|2\.1)\b")
POLICY = re.compile(r"\s*5\.7\.\d+\b")
#: "Relay access denied", "unable to relay": the server does not know us.
RELAY = re.compile(r"\brelay", re.IGNORECASE)


class Reply(NamedTuple):
    """What the server said last; no code: it said nothing."""

    code: int | None
    text: str

    def __str__(self) -> str:
        return plain(f"{self.code or ''} {self.text}")


def send(outgoing: Outgoing, about: About, *, mail: Mail, seller: Seller) -> str:
    """Send one e-mail; mail servers give no name to it. A ``Send``."""
    letter = letters.written(outgoing, mail, seller)
    began = time.monotonic()
    try:
        hand_over(letter, mail)
    except (OSError, UnicodeError) as error:
        reply = reply_of(error)
        keep(about, mail, reply.code, began, str(reply))
        raise kind_of(error, reply)(f"The mail server: {reply}") from error
    keep(about, mail, ACCEPTED, began, "")
    return ""


def hand_over(letter: EmailMultiAlternatives, mail: Mail) -> None:
    """Have the server take the letter."""
    backend = EmailBackend(
        host=mail.host,
        port=mail.port,
        username=mail.username,
        password=mail.password,
        use_tls=mail.security == Security.STARTTLS,
        use_ssl=mail.security == Security.SSL,
        timeout=TIMEOUT,
    )
    try:
        backend.send_messages([letter])
    finally:
        backend.close()  # a connection whose log-in failed is left open otherwise


def keep(about: About, mail: Mail, code: int | None, began: float, error: str) -> None:
    """One row for one try."""
    keep_call(
        about._replace(account="email/smtp"),
        host=mail.host,
        operation="SMTP send",
        status=code,
        began=began,
        error=error,
    )


def reply_of(error: Exception) -> Reply:
    """What the server said. A code below zero is the library's, for what is no reply."""
    if isinstance(error, SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return Reply(code, decoded(text))
    if isinstance(error, SMTPResponseException) and error.smtp_code > 0:
        return Reply(error.smtp_code, decoded(error.smtp_error))
    return Reply(None, f"{type(error).__name__}: {error}")


def decoded(text: bytes | str) -> str:
    """A reply's text, which may be in any encoding."""
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def kind_of(error: Exception, reply: Reply) -> type[SendingError]:
    """Which error a failure is."""
    if reply.code is None:
        return ChannelError if is_ours(error) else DelayedError
    if reply.code < 500:
        return DelayedError
    if refuses_us(error, reply):
        return ChannelError
    return NoSuchAddressError if refuses_address(error, reply) else RejectedError


def is_ours(error: Exception) -> bool:
    """Whether a failure without a reply comes from our settings, not from the network."""
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return True  # the port does not speak TLS
    settings = (SMTPNotSupportedError, ssl.SSLCertVerificationError, UnicodeError)
    # The bare exception is "no suitable authentication method found".
    return isinstance(error, settings) or type(error) is SMTPException


def refuses_us(error: Exception, reply: Reply) -> bool:
    """Whether it is us whom the server does not take, whoever the letter goes to."""
    if reply.code in AUTHENTICATION or RELAY.search(reply.text):
        return True
    if isinstance(error, SMTPSenderRefused):
        return reply.code != TOO_LARGE
    return isinstance(error, SMTPAuthenticationError | SMTPConnectError | SMTPHeloError)


def refuses_address(error: Exception, reply: Reply) -> bool:
    """Whether the server has no such address."""
    if BAD_ADDRESS.match(reply.text):
        return True
    is_about_recipient = isinstance(error, SMTPRecipientsRefused)
    return is_about_recipient and reply.code in NO_SUCH_ADDRESS and not POLICY.match(reply.text)
