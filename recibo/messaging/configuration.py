"""What the environment says of the seller and of the ways to reach a buyer."""

from dataclasses import dataclass, field
from enum import StrEnum


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    SSL = "ssl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """How e-mail is sent: by a mail server (``provider`` is "smtp") or by a service's API."""

    provider: str  # smtp, resend, ses, postmark, sendgrid, mailgun, brevo
    sender: str  # the address in From
    host: str = ""
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    api_url: str = ""  # of the service, without a path; "": the usual one (Mailgun: of the USA)
    webhook_secret: str = field(default="", repr=False)  # proves the service's delivery events
    per_second: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsApp:
    """How WhatsApp messages are sent."""

    provider: str  # meta, evolution
    url: str  # scheme, host and port
    token: str = field(repr=False)
    sender: str  # meta: the id of the phone number; evolution: the instance
    version: str = ""  # meta: of the Graph API, such as v23.0; evolution: "1" or "2"
    webhook_secret: str = field(default="", repr=False)  # proves delivery events
    per_second: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who the buyer hears from."""

    name: str = ""
    email: str = ""  # where answers go
    logo_url: str = ""
    colour: str = "#0f766e"  # of headings and buttons
    site: str = ""
