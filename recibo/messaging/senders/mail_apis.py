"""E-mail by the API of a service, through django-anymail, its failures sorted by what to do next.

Every option is given by hand: nothing of Django's or Anymail's settings counts. Sources: the
services' API references; Anymail's documentation of each; of idempotency, Resend ("Idempotency
keys": kept for 24 hours) and Brevo ("Idempotency for batch emails": a UUID, kept for minutes).
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
)
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from recibo.gateways.http import retry_after
from recibo.journal.actions import About, keep_call
from recibo.messaging.configuration import Mail, Seller
from recibo.messaging.errors import (
    ChannelError,
    DelayedError,
    NoSuchAddressError,
    RejectedError,
    SendingError,
    TakenBeforeError,
)
from recibo.messaging.senders import letters
from recibo.messaging.senders.contract import Outgoing
from recibo.messaging.senders.replies import plain

#: Seconds that an answer may take.
TIMEOUT = 10
#: Characters that Postmark takes in a value of the metadata; the others take more.
LONGEST_METADATA = 80
#: What our keys become where a service wants a UUID.
KEYS = uuid.UUID("7c1d3f0e-5a44-5a7c-9a52-3e2f5a6b9d10")


class Service(NamedTuple):
    """A service as Anymail knows it."""

    backend: str
    options: Callable[["Service", Mail], dict[str, Any]]
    key_option: str = "api_key"
    #: Where the API lies below its address.
    path: str = "/"
    #: Whether a Message-ID of ours is taken; elsewhere it is an error, or is replaced.
    keeps_message_id: bool = False
    #: The header of the HTTP request, or of the letter, that says which tries are one message.
    idempotency_http: str = ""
    idempotency_letter: str = ""
    headers: Mapping[str, str] = {}


def usual_options(service: Service, mail: Mail) -> dict[str, Any]:
    """What a service behind a plain HTTP API is told."""
    address = {"api_url": f"{mail.api_url}{service.path}"} if mail.api_url else {}
    return {service.key_option: mail.api_key, "timeout": TIMEOUT, **address}


def amazon_options(_service: Service, mail: Mail) -> dict[str, Any]:
    """What Amazon's library is told. Tries are counted by us, not by it."""
    found = re.fullmatch(r"([^:\s]+):([^:\s]+):([a-z0-9-]+)", mail.api_key)
    if found is None:
        raise ChannelError("EMAIL_API_KEY of ses reads ACCESS_KEY_ID:SECRET_ACCESS_KEY:REGION.")
    client = {
        "aws_access_key_id": found[1],
        "aws_secret_access_key": found[2],
        "region_name": found[3],
        "config": {
            "connect_timeout": TIMEOUT,
            "read_timeout": TIMEOUT,
            "retries": {"total_max_attempts": 1},
        },
    }
    return {"client_params": {**client, "endpoint_url": mail.api_url or None}}


SERVICES = {
    "resend": Service(
        "anymail.backends.resend.EmailBackend", usual_options, idempotency_http="Idempotency-Key"
    ),
    "ses": Service("anymail.backends.amazon_ses.EmailBackend", amazon_options),
    "postmark": Service(
        "anymail.backends.postmark.EmailBackend",
        usual_options,
        key_option="server_token",
        keeps_message_id=True,
        headers={"X-PM-KeepID": "true"},
    ),
    "sendgrid": Service("anymail.backends.sendgrid.EmailBackend", usual_options, path="/v3/"),
    "mailgun": Service(
        "anymail.backends.mailgun.EmailBackend", usual_options, path="/v3/", keeps_message_id=True
    ),
    "brevo": Service(
        "anymail.backends.brevo.EmailBackend",
        usual_options,
        path="/v3/",
        idempotency_letter="idempotencyKey",
    ),
}


class Answer(NamedTuple):
    """What a service answered; no status: it did not."""

    status: int | None
    code: str = ""  # the service's own name of what is wrong
    text: str = ""
    retry_after: timedelta | None = None

    def __str__(self) -> str:
        return plain(f"{self.status or 'no answer'} {self.code} {self.text}")


#: What the services call a mistake in our account or key, whatever the HTTP status.
OURS = frozenset({
    "invalid_api_key", "missing_api_key", "restricted_api_key", "invalid_from_address",  # Resend
    "10", "400", "401", "405", "412",  # Postmark: token, signature, credits, approval
    "unauthorized", "permission_denied", "not_enough_credits", "account_under_validation",  # Brevo
    "AccountSuspendedException", "SendingPausedException",  # Amazon
    "MailFromDomainNotVerifiedException",
})  # fmt: skip
#: Where they have no name for it.
OUR_WORDS = re.compile(r"api key|not verified|domain not found", re.IGNORECASE)
OUR_STATUSES = frozenset({401, 402, 403, 404})
#: What they call a mere want of time.
LATER = frozenset({
    "concurrent_idempotent_requests",  # Resend: the first try is still under way
    "TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException",
})  # fmt: skip
TOO_MANY = 429
#: Of Resend: an earlier try with the same key was taken, and the text was another one then.
TAKEN_BEFORE = "invalid_idempotent_request"


def send(outgoing: Outgoing, about: About, *, mail: Mail, seller: Seller) -> str:
    """Send one e-mail; gives the service's id of it. A ``Send``."""
    service = SERVICES[mail.provider]
    letter = letter_for(service, outgoing, mail, seller)
    backend = backend_of(service, mail)
    about = about._replace(account=f"email/{mail.provider}")
    began = time.monotonic()
    try:
        hand_over(backend, letter, service, outgoing)
    except AnymailError as error:
        answer = answer_of(error)
        keep(about, backend, began, answer.status, str(answer))
        raise failure(error, answer) from error
    keep(about, backend, began, status_of(letter.anymail_status.esp_response), "")  # type: ignore[attr-defined]
    return str(letter.anymail_status.message_id or "")  # type: ignore[attr-defined]


def letter_for(
    service: Service, outgoing: Outgoing, mail: Mail, seller: Seller
) -> EmailMultiAlternatives:
    """The letter, with what the service is to know of it and nothing about its reader."""
    letter = letters.written(outgoing, mail, seller)
    headers = {**letter.extra_headers, **service.headers}
    if not service.keeps_message_id:
        headers.pop("Message-ID", None)
    if service.idempotency_letter:
        headers[service.idempotency_letter] = unique(outgoing)
    letter.extra_headers = headers
    # Delivery events bring these back. The reader can see them in the letter's source.
    known_by = {"key": outgoing.key, "mark": letters.mark(outgoing.message_id)}
    letter.metadata = {  # type: ignore[attr-defined]
        name: value for name, value in known_by.items() if len(value) <= LONGEST_METADATA
    }
    letter.tags = [outgoing.kind]  # type: ignore[attr-defined]
    return letter


def unique(outgoing: Outgoing) -> str:
    """The same for every try of a message, and for no other one of any installation."""
    return str(uuid.uuid5(KEYS, f"{outgoing.message_id} {outgoing.key}"))


def backend_of(service: Service, mail: Mail) -> Any:
    """Anymail's way to the service. Raises ChannelError if it cannot be gone."""
    options = service.options(service, mail)
    try:
        return import_string(service.backend)(**options)
    except ImportError as error:
        raise ChannelError(
            "Sending by Amazon SES needs its library: pip install 'django-anymail[amazon-ses]'."
        ) from error
    except AnymailConfigurationError as error:
        raise ChannelError(plain(str(error))) from error


def hand_over(
    backend: Any, letter: EmailMultiAlternatives, service: Service, outgoing: Outgoing
) -> None:
    """Have the service take the letter. Raises AnymailError."""
    backend.open()
    try:
        if service.idempotency_http:
            backend.session.headers[service.idempotency_http] = unique(outgoing)
        backend.send_messages([letter])
    finally:
        backend.close()


def keep(about: About, backend: Any, began: float, status: int | None, error: str) -> None:
    """One row for one try."""
    url = getattr(backend, "api_url", "") or backend.client_params.get("endpoint_url") or ""
    keep_call(
        about,
        host=urlsplit(url).hostname or "amazonaws.com",
        operation=f"{backend.esp_name} send",
        status=status,
        began=began,
        error=error,
    )


def status_of(response: Any) -> int | None:
    """The HTTP status of what the services' libraries call a response."""
    if isinstance(response, dict):  # Amazon's
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return int(status) if status else None
    return None if response is None else int(response.status_code)


def answer_of(error: AnymailError) -> Answer:
    """What the service said."""
    response = getattr(error, "response", None)
    if response is None:
        cause = type(error.__cause__ or error).__name__
        text = "" if isinstance(error, AnymailAPIError) else str(error)
        return Answer(None, cause, text)
    if isinstance(response, dict):
        told = response.get("Error", {})
        return Answer(status_of(response), told.get("Code", ""), told.get("Message", ""))
    told = content_of(response)
    return Answer(
        status_of(response),
        first(told, ("name", "code", "ErrorCode")),
        first(told, ("message", "Message")) or first(errors_in(told), ("message",)),
        retry_after(response),
    )


def content_of(response: Any) -> Mapping[str, Any]:
    """The answer's JSON object; empty if it has none."""
    with suppress(ValueError):
        content = response.json()
        if isinstance(content, dict):
            return content
    return {}


def errors_in(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """SendGrid lists its errors: the first one."""
    listed = told.get("errors")
    found = listed[0] if isinstance(listed, list) and listed else {}
    return found if isinstance(found, dict) else {}


def first(told: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of these that is there, as text."""
    return next((str(told[name]) for name in names if told.get(name) is not None), "")


def failure(error: AnymailError, answer: Answer) -> SendingError:
    """Which error a failure is."""
    if isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress):
        return NoSuchAddressError(f"The service does not write to this address: {answer}")
    if not isinstance(error, AnymailAPIError):
        return RejectedError(f"The service cannot send this: {answer}")
    if is_for_later(answer):
        return DelayedError(f"The service: {answer}", retry_after=answer.retry_after)
    if is_ours(answer):
        return ChannelError(f"The service does not take our account: {answer}")
    if answer.code == TAKEN_BEFORE:
        return TakenBeforeError("The service took an earlier try of this message.")
    return RejectedError(f"The service: {answer}")


def is_for_later(answer: Answer) -> bool:
    """No answer, one that is none, or one that asks for patience."""
    if answer.status is None or answer.code in LATER:
        return True
    return answer.status < 300 or answer.status == TOO_MANY or answer.status >= 500


def is_ours(answer: Answer) -> bool:
    """Whether our account or key is what is wrong."""
    return (
        answer.status in OUR_STATUSES
        or answer.code in OURS
        or OUR_WORDS.search(answer.text) is not None
    )
