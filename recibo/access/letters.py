"""The message that tells a buyer how to get in: held back until it can be sent, told once."""

from django.conf import settings

from recibo.access.models import Access
from recibo.access.providers.contract import User
from recibo.accounts.encryption import sealed
from recibo.messaging import actions as messages
from recibo.messaging.actions import Wish
from recibo.messaging.kinds import Kind
from recibo.messaging.models import Channel, Message


def letter_of(access: Access) -> Message | None:
    """The message that tells the credentials of an access, as they are now."""
    key = messages.key_of(Kind.WELCOME_CREDENTIALS, subject_of(access), Channel.EMAIL)
    return Message.objects.filter(key=key).first()


def subject_of(access: Access) -> str:
    """What that message is about: new credentials are another one."""
    return f"access:{access.pk}:{access.version}"


def has_heard(access: Access) -> bool:
    """Whether the buyer was told of this access: nobody gets the same credentials twice."""
    letter = letter_of(access)
    return letter is None or messages.is_sent(letter)


def is_forgotten(access: Access) -> bool:
    """Whether what was to be told is no longer known: only new credentials help."""
    letter = letter_of(access)
    return letter is not None and not messages.is_sent(letter) and not letter.sealed


def hold(access: Access, order_id: int, user: User, *, password: str, login_url: str) -> None:
    """Keep what is to be told, sealed. ``password``: "" where he keeps his own."""
    if settings.RECIBO_MAIL is None:
        return
    hidden = {"password": password, "password_url": user.password_url}
    wish = wish_of(
        access,
        order_id,
        has_account=not password and not user.password_url,
        login_url=user.login_url or login_url,
    )
    messages.hold(wish, Channel.EMAIL, sealed(hidden))


def announce(access: Access, order_id: int) -> None:
    """By WhatsApp the buyer hears that the e-mail is there; what it tells goes nowhere else."""
    letter = letter_of(access)
    if letter is not None and letter.to:
        messages.queue([wish_of(access, order_id)])


def wish_of(access: Access, order_id: int, **details: object) -> Wish:
    """The message as it is asked for."""
    return Wish(
        kind=Kind.WELCOME_CREDENTIALS,
        subject=subject_of(access),
        order_id=order_id,
        customer_id=access.customer_id,
        details={"access": access.pk, "product": access.product, **details},
    )
