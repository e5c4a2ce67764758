"""How it stands with the ways out: mail, WhatsApp, the application that gives access."""

import smtplib
import ssl
from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from recibo.access import applications
from recibo.access.errors import AccessError, UnavailableError
from recibo.access.models import Application
from recibo.messaging.configuration import Mail, Security
from recibo.operations.checks import Check, State

#: Seconds that a server may take to answer.
PATIENCE = 5.0


def checks(*, has_tables: bool) -> Iterator[Check]:
    """How every way out stands."""
    yield mail(settings.RECIBO_MAIL)
    yield whatsapp()
    yield from application_checks(has_tables=has_tables)


def mail(mail: Mail | None) -> Check:
    """Whether buyers can be written to; a mail server is tried."""
    if mail is None:
        sentence = _("Set SMTP_HOST (or EMAIL_PROVIDER): until then buyers are not told anything.")
        return Check("mail", State.WARNING, sentence)
    if mail.provider != "smtp":
        return Check("mail", State.OK, _("Sent by %s.") % mail.provider)
    try:
        greet(mail)
    except smtplib.SMTPAuthenticationError:
        sentence = _("%s refuses SMTP_USERNAME and SMTP_PASSWORD.")
        return Check("mail", State.BROKEN, sentence % mail.host)
    except (OSError, smtplib.SMTPException) as error:
        sentence = _("%(host)s, port %(port)s: %(error)s. Check SMTP_HOST, SMTP_PORT, SMTP_SECURE.")
        facts = {"host": mail.host, "port": mail.port, "error": type(error).__name__}
        return Check("mail", State.BROKEN, sentence % facts)
    return Check("mail", State.OK, _("%s takes messages.") % mail.host)


def greet(mail: Mail) -> None:
    """Connect and log in as for a message. Raises OSError, smtplib.SMTPException."""
    context = ssl.create_default_context()
    is_ssl = mail.security is Security.SSL
    with (
        smtplib.SMTP_SSL(mail.host, mail.port, timeout=PATIENCE, context=context)
        if is_ssl
        else smtplib.SMTP(mail.host, mail.port, timeout=PATIENCE)
    ) as server:
        if mail.security is Security.STARTTLS:
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password)
        server.noop()


def whatsapp() -> Check:
    """Whether buyers are told by WhatsApp."""
    channel = settings.RECIBO_WHATSAPP
    if channel is None:
        return Check("whatsapp", State.UNUSED, _("Not configured (WHATSAPP_PROVIDER)."))
    if channel.provider == "evolution":
        sentence = _("Sent by Evolution API, which drives an ordinary number: keep volumes low.")
        return Check("whatsapp", State.OK, sentence)
    return Check("whatsapp", State.OK, _("Sent by %s.") % channel.provider)


def application_checks(*, has_tables: bool) -> Iterator[Check]:
    """Whether each application that gives access can be reached; tries it."""
    names = list(Application.objects.values_list("name", flat=True)) if has_tables else []
    if settings.RECIBO_APPLICATION is not None:
        names = [Application.DEFAULT, *names]
    if not names:
        sentence = _("Not configured (ACCESS_PROVIDER): who paid is told, but nobody gives access.")
        yield Check("access", State.UNUSED, sentence)
    for name in names:
        yield reached(name)


def reached(name: str) -> Check:
    """Whether one application answers."""
    what = f"access {name}"
    try:
        known = applications.application_named(name)
        with applications.reached(known, stage="check") as target:
            known.provider.ping(target)
    except UnavailableError as error:
        return Check(what, State.WARNING, str(error))
    except AccessError as error:
        return Check(what, State.BROKEN, str(error))
    return Check(what, State.OK, _("%s answers and knows us.") % known.url)
