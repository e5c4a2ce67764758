"""Addresses that are not written to, or only about what their owners paid for."""

from django.utils import timezone

from recibo.messaging.composing import SkippedError
from recibo.messaging.kinds import RULES, Kind
from recibo.messaging.models import Message, Suppression

Reason = Suppression.Reason


def require_wanted(message: Message, address: str) -> None:
    """Raise SkippedError if nobody is to be written to at that address."""
    reasons = set(
        Suppression.objects.filter(address=address.lower(), channel=message.channel).values_list(
            "reason", flat=True
        )
    )
    if Reason.BOUNCED in reasons:
        raise SkippedError("The address does not work: an earlier message came back.")
    if RULES[Kind(message.kind)].is_optional and reasons:
        raise SkippedError("Its owner does not want such messages.")


def suppress_bounced(message: Message) -> None:
    """Write to this message's address no more."""
    Suppression.objects.get_or_create(
        address=message.to.lower(),
        channel=message.channel,
        reason=Reason.BOUNCED,
        defaults={"at": timezone.now()},
    )
