"""The seller's own application: signed calls to one address. For its side see docs/access.md.

The signature is that of Standard Webhooks 1.0.0: a header for the id, which stays the same over all
tries of a step, one for the time of this try, and one or more HMACs of id, time and body.
"""

import binascii
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from recibo.access.errors import DeniedError, UnavailableError
from recibo.access.providers.client import Answer, ask, failure
from recibo.access.providers.contract import Credentials, Provider, Step, Target, User

#: Such a secret is base64 of the key; any other is a text.
PREFIX = "whsec_"
#: It is so already: done.
ALREADY = 409
#: What an application that is there, and believes us, may say to a type it does not know. Not 400:
#: many say that to a signature that is wrong.
AWAKE = {ALREADY, 422, 501}
#: Status -> what to mend, where that is known.
HINTS = {
    400: ", so look at the application's log",
    401: ", so look whether both sides have the same secret, and the right time",
    403: ", so look whether both sides have the same secret, and the right time",
    404: ", so look at the address",
    405: ", so look at the address",
    410: ", so it wants no more calls",
}


class Told(Struct):
    """What an application says of a user."""

    user_id: str | int | None = None
    created: bool | None = None  # false: he was there before, and keeps his password
    password_url: str | None = None
    login_url: str | None = None


def create(target: Target, step: Step) -> User:
    """Make the user. Raises UnavailableError where the answer does not say who he is."""
    answer = order(target, "user.create", step)
    told = told_by(answer, "user.create")
    is_ours = told.created is True or (told.created is None and answer.status != ALREADY)
    return user(told, step, is_ours=is_ours, is_done=answer.status == ALREADY)


def block(target: Target, step: Step) -> None:
    """Take the access away."""
    order(target, "user.block", step)


def unblock(target: Target, step: Step) -> None:
    """Give the access back."""
    order(target, "user.unblock", step)


def reset(target: Target, step: Step) -> User:
    """Set the new password, or have a new link made."""
    answer = order(target, "user.reset", step)
    told = told_by(answer, "user.reset")
    return user(told, step, is_ours=told.created is not False, is_done=answer.status == ALREADY)


def ping(target: Target) -> None:
    """Send a signed nothing. Raises what stands in the way of a real call."""
    answer = send(target, "ping", f"ping_{uuid.uuid4().hex}", {})
    if not (answer.is_success or answer.status in AWAKE):
        raise failure(answer, f"ping: {answer.status}{HINTS.get(answer.status, '')}")


def order(target: Target, kind: str, step: Step) -> Answer:
    """Have a step done. Raises as its answer says."""
    answer = send(target, kind, step.key, facts(step))
    if answer.is_success or answer.status == ALREADY:
        return answer
    raise failure(answer, f"{kind}: {answer.status}{HINTS.get(answer.status, '')}")


def send(target: Target, kind: str, key: str, data: Mapping[str, Any]) -> Answer:
    """One signed call. The body is written once: the bytes that are signed are those that go."""
    now = datetime.now(UTC).replace(microsecond=0)  # the library takes any zone for UTC
    body = msgspec.json.encode({"type": kind, "timestamp": now, "data": data})
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature(target.secret, key, now, body.decode()),
    }
    return ask(target, kind, "POST", target.url, content=body, headers=headers)


def signature(secret: str, key: str, at: datetime, body: str) -> str:
    """The signatures of a body, one for each way of reading the secret. ``at`` is in UTC."""
    return " ".join(webhook.sign(key, at, body) for webhook in signers(secret))


def signers(secret: str) -> list[Webhook]:
    """Who signs: the key in a ``whsec_…``; of another text its UTF-8 bytes, and also what it is as
    base64, since that is how the libraries of receivers read a text. Raises DeniedError.
    """
    if secret.startswith(PREFIX):
        if (keyed := reading(secret)) is None:
            raise DeniedError(
                f"The secret of the application begins with {PREFIX} and is no base64"
            )
        return [keyed]
    if not secret:
        raise DeniedError("The application has no secret: set ACCESS_SECRET")
    return [Webhook(secret.encode()), *filter(None, [reading(secret)])]


def reading(secret: str) -> Webhook | None:
    """The secret as the library reads it; none: it cannot."""
    try:
        return Webhook(secret)
    except (ValueError, binascii.Error, EmptyWebhookSecretError):
        return None


def facts(step: Step) -> dict[str, Any]:
    """What the application is told. Neither a user nor a password is named where there is none."""
    person, grant = step.person, step.grant
    known = {"user_id": step.user_id, "password": step.password}
    return {
        "email": person.email,
        "name": person.name,
        "phone": person.phone,
        "order": grant.order,
        "product": grant.product,
        "product_id": grant.product_id,
        "access_id": grant.access_id,
        "plan": grant.plan,
        "valid_until": grant.valid_until,
        "has_other_access": step.has_other_access,
        **{name: value for name, value in known.items() if value},
    }


def told_by(answer: Answer, kind: str) -> Told:
    """What the answer says. Raises UnavailableError where it cannot be read."""
    try:
        return msgspec.json.decode(answer.body or b"{}", type=Told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if answer.status == ALREADY:  # its status says all that is needed
            return Told()
        raise UnavailableError(f"{kind}: {answer.status}, and no JSON that we know") from None


def user(told: Told, step: Step, *, is_ours: bool, is_done: bool) -> User:
    """The user that was told of. Raises UnavailableError where we cannot know who he is.

    ``is_done``: it was so already, which is enough.
    """
    user_id = step.user_id if told.user_id is None else str(told.user_id)
    if not user_id and not is_done:
        raise UnavailableError("The answer of the application has no user_id")
    return User(
        user_id=user_id,
        is_ours=is_ours,
        password_url=web_address(told.password_url),
        login_url=web_address(told.login_url),
    )


def web_address(text: str | None) -> str:
    """The text, if a browser may open it."""
    return text if text and text.startswith(("https://", "http://")) else ""


HTTP = Provider(
    slug="http",
    name="HTTP",
    credentials=Credentials.PASSWORD,
    create=create,
    block=block,
    unblock=unblock,
    reset=reset,
    ping=ping,
)
