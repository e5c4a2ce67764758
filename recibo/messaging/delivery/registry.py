"""Which services are listened to: those that the settings name, each by its own proof."""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.http import HttpRequest

from recibo.messaging.configuration import Mail, WhatsApp
from recibo.messaging.delivery import evolution, mail, meta, proof
from recibo.messaging.delivery.contract import Listener

Prove = Callable[[HttpRequest, str], None]

PROOFS: dict[str, Prove] = {
    "resend": proof.by_svix,
    "ses": proof.by_secret,
    "postmark": proof.by_secret,
    "sendgrid": proof.by_sendgrid,
    "mailgun": proof.by_mailgun,
    "brevo": proof.by_secret,
    "meta": proof.by_meta,
    "evolution": proof.by_secret,
}


def listener_of(service: str) -> Listener | None:
    """The ear for a service; None if no message goes by it."""
    by_mail: Mail | None = settings.RECIBO_MAIL
    by_whatsapp: WhatsApp | None = settings.RECIBO_WHATSAPP
    if by_mail is not None and by_mail.provider == service and service in mail.VIEWS:
        return Listener(
            proved(service, by_mail.webhook_secret), partial(mail.read, service=service)
        )
    if by_whatsapp is not None and by_whatsapp.provider == service:
        return whatsapp_listener(by_whatsapp)
    return None


def whatsapp_listener(whatsapp: WhatsApp) -> Listener:
    """The ear for WhatsApp."""
    prove = proved(whatsapp.provider, whatsapp.webhook_secret)
    if whatsapp.provider == "meta":
        greet = partial(meta.greet, whatsapp=whatsapp)
        return Listener(prove, partial(meta.read, whatsapp=whatsapp), greet)
    return Listener(prove, partial(evolution.read, whatsapp=whatsapp))


def proved(service: str, secret: str) -> Callable[[HttpRequest], None]:
    """What a service is believed by."""
    return lambda request: PROOFS[service](request, secret)
