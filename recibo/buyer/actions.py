"""Writes of the buyer's pages."""

from django.utils import timezone

from recibo.messaging.links import OptOut
from recibo.messaging.models import Suppression


def opt_out(chosen: OptOut) -> None:
    """Send no more reminders to an address. Safe to repeat."""
    Suppression.objects.get_or_create(
        channel=chosen.channel,
        address=chosen.address.lower(),
        reason=Suppression.Reason.OPTED_OUT,
        defaults={"at": timezone.now()},
    )
