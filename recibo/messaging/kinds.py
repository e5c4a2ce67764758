"""The kinds of messages: what each is for, by which channels it goes, what may hold it back."""

from enum import StrEnum

from msgspec import Struct

from recibo.messaging.models import Channel

EMAIL, WHATSAPP = Channel.EMAIL, Channel.WHATSAPP


class Kind(StrEnum):
    """What a message is for."""

    PURCHASE_CONFIRMATION = "purchase_confirmation"
    PAYMENT_INSTRUCTIONS = "payment_instructions"
    WELCOME_CREDENTIALS = "welcome_credentials"
    ACCESS_BLOCKED = "access_blocked"
    ACCESS_RESTORED = "access_restored"
    PAYMENT_REMINDER = "payment_reminder"
    CART_RECOVERY = "cart_recovery"
    REFUND_NOTICE = "refund_notice"
    REPORT = "report"
    ALERT = "alert"


class Rule(Struct, frozen=True):
    """How a kind is sent. By WhatsApp no secret ever goes: it says that the e-mail has it."""

    channels: tuple[Channel, ...] = (EMAIL, WHATSAPP)
    #: Not for those who opted out.
    is_optional: bool = False
    #: By WhatsApp not between 21:00 and 8:00 of the installation's zone.
    is_quiet_at_night: bool = True


RULES = {
    Kind.PURCHASE_CONFIRMATION: Rule(is_quiet_at_night=False),
    Kind.PAYMENT_INSTRUCTIONS: Rule(is_quiet_at_night=False),
    Kind.WELCOME_CREDENTIALS: Rule(is_quiet_at_night=False),
    Kind.ACCESS_BLOCKED: Rule(),
    Kind.ACCESS_RESTORED: Rule(is_quiet_at_night=False),
    Kind.PAYMENT_REMINDER: Rule(is_optional=True),
    Kind.CART_RECOVERY: Rule(is_optional=True),
    Kind.REFUND_NOTICE: Rule(channels=(EMAIL,)),
    Kind.REPORT: Rule(channels=(EMAIL,)),
    Kind.ALERT: Rule(channels=(EMAIL,)),
}
