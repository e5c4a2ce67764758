"""The settings of what goes out: mail, WhatsApp, the application that gives access, the seller.

Part of reading the environment (``environment.py``): variables in, records out; SettingError names
what cannot be right. None: it is not configured.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from recibo.access.configuration import DefaultApplication
from recibo.messaging.configuration import Mail, Security, Seller, WhatsApp
from recibo.server.values import SettingError, chosen, number

Variables = Mapping[str, str]

MAIL_SERVICES = ("resend", "ses", "postmark", "sendgrid", "mailgun", "brevo")
WHATSAPP_PROVIDERS = ("meta", "evolution")
ACCESS_PROVIDERS = ("http", "supabase")
CREDENTIALS = ("password", "link")
#: What SMTP_SECURE may say, and the port that goes with it.
SECURITY = {
    "none": Security.NONE,
    "starttls": Security.STARTTLS,
    "ssl": Security.SSL,
    "false": Security.STARTTLS,
    "true": Security.SSL,
}
PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.SSL: 465}
#: Messages a second: what the services let a new account send.
RATES = {"smtp": "10", "resend": "2"}
USUAL_RATE = "10"
ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def mail(variables: Variables) -> Mail | None:
    """How e-mail goes out: by a service if one is named, else by SMTP."""
    if service := chosen(variables, "EMAIL_PROVIDER", MAIL_SERVICES):
        return Mail(
            provider=service,
            sender=sender(variables),
            api_key=needed(variables, "EMAIL_API_KEY", f"EMAIL_PROVIDER={service}"),
            webhook_secret=text(variables, "EMAIL_WEBHOOK_SECRET"),
            api_url=web_address(variables, "EMAIL_API_URL", is_optional=True),
            per_second=rate(variables, "EMAIL_PER_SECOND", service),
        )
    if not (host := text(variables, "SMTP_HOST")):
        return None
    security = security_of(variables)
    return Mail(
        provider="smtp",
        sender=sender(variables),
        host=host,
        port=int(number(variables, "SMTP_PORT", str(PORTS[security]), most=65_535)),
        security=security,
        username=text(variables, "SMTP_USERNAME"),
        password=text(variables, "SMTP_PASSWORD"),
        per_second=rate(variables, "EMAIL_PER_SECOND", "smtp"),
    )


def security_of(variables: Variables) -> Security:
    """How the connection is protected; port 465 alone says so too."""
    usual = "ssl" if text(variables, "SMTP_PORT") == "465" else "starttls"
    return SECURITY[chosen(variables, "SMTP_SECURE", tuple(SECURITY)) or usual]


def sender(variables: Variables) -> str:
    """The address that messages are from."""
    address = text(variables, "SMTP_SENDER_EMAIL") or text(variables, "SMTP_USERNAME")
    if not ADDRESS.fullmatch(address):
        raise SettingError(
            "SMTP_SENDER_EMAIL must be the e-mail address that messages are sent from, such as"
            f" loja@example.com, not {address!r}."
        )
    return address


def whatsapp(variables: Variables) -> WhatsApp | None:
    """How WhatsApp messages go out."""
    if not (provider := chosen(variables, "WHATSAPP_PROVIDER", WHATSAPP_PROVIDERS)):
        return None
    why = f"WHATSAPP_PROVIDER={provider}"
    usual_url = "https://graph.facebook.com" if provider == "meta" else ""
    return WhatsApp(
        provider=provider,
        url=web_address(variables, "WHATSAPP_URL", usual_url),
        token=needed(variables, "WHATSAPP_TOKEN", why),
        sender=needed(variables, "WHATSAPP_SENDER", why),
        version=text(variables, "WHATSAPP_VERSION"),
        webhook_secret=text(variables, "WHATSAPP_WEBHOOK_SECRET"),
        per_second=rate(variables, "WHATSAPP_PER_SECOND", provider),
    )


def application(variables: Variables) -> DefaultApplication | None:
    """Where buyers get their access."""
    if not (provider := chosen(variables, "ACCESS_PROVIDER", ACCESS_PROVIDERS)):
        return None
    return DefaultApplication(
        provider=provider,
        url=web_address(variables, "ACCESS_URL"),
        secret=needed(variables, "ACCESS_SECRET", f"ACCESS_PROVIDER={provider}"),
        credentials=chosen(variables, "ACCESS_CREDENTIALS", CREDENTIALS),
        login_url=web_address(variables, "ACCESS_LOGIN_URL", "", is_optional=True),
    )


def seller(variables: Variables) -> Seller:
    """Who buyers hear from."""
    colour = text(variables, "RECIBO_SELLER_COLOR")
    if colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise SettingError(f"RECIBO_SELLER_COLOR must read like #0f766e, not {colour!r}.")
    usual = Seller()
    return Seller(
        name=text(variables, "RECIBO_SELLER_NAME"),
        email=text(variables, "RECIBO_SELLER_EMAIL"),
        logo_url=web_address(variables, "RECIBO_SELLER_LOGO_URL", "", is_optional=True),
        colour=colour or usual.colour,
        site=web_address(variables, "RECIBO_SELLER_SITE", "", is_optional=True),
    )


def text(variables: Variables, name: str) -> str:
    """A setting without the space around it; "" if it is not set."""
    return variables.get(name, "").strip()


def needed(variables: Variables, name: str, why: str) -> str:
    """A setting that another one asks for."""
    if not (value := text(variables, name)):
        raise SettingError(f"{name} must be set with {why}.")
    return value


def web_address(
    variables: Variables, name: str, usual: str = "", *, is_optional: bool = False
) -> str:
    """An address of the web, without a final slash."""
    value = text(variables, name) or usual
    parts = urlsplit(value)
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not is_web and (value or not is_optional):
        raise SettingError(f"{name} must be an address such as https://example.com, not {value!r}.")
    return value.rstrip("/")


def rate(variables: Variables, name: str, provider: str) -> float:
    """Messages a second."""
    return number(variables, name, RATES.get(provider, USUAL_RATE), most=1000)
