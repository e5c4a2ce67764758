"""What went, or is to go, to the seller's applications."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from recibo.console.buttons import Button, NotDoneError, Pressed
from recibo.console.shown import Within
from recibo.outbound import actions, telling
from recibo.outbound.models import Attempt, Delivery


def replay(delivery: Delivery, actor: str) -> str:
    """Deliver one again. Raises NotDoneError."""
    if not actions.replay(delivery, actor=actor):
        raise NotDoneError(_("It is being sent just now."))
    return _("Deliveries begun again: %s") % 1


class AttemptsWithin(Within):
    model = Attempt
    fields = ("at", "status_code", "duration_ms", "error", "answer")
    ordering = ("id",)


class DeliveryAdmin(Pressed):
    list_display = (
        "id",
        "endpoint",
        "event_type",
        "status",
        "attempts",
        "status_code",
        "next_attempt_at",
        "error",
    )
    list_filter = ("status", "endpoint")
    list_select_related = ("endpoint", "change")
    readonly_fields = ("message_id",)
    inlines = (AttemptsWithin,)
    permission = "outbound.change_endpoint"
    buttons = {
        "replay": Button(
            _("Deliver again"),
            _("Deliver this again now, under the same id?"),
            replay,
        )
    }

    @admin.display(description=_("Event"))
    def event_type(self, delivery: Delivery) -> str:
        return delivery.change.type

    @admin.display(description=_("Message"))
    def message_id(self, delivery: Delivery) -> str:
        return telling.key_of(delivery.change)
