"""Subscriptions, which their gateways are asked to change."""

from collections.abc import Callable
from functools import partial

from django.utils.translation import gettext_lazy as _

from recibo.billing.models import Subscription
from recibo.console.buttons import Button, NotDoneError, Pressed
from recibo.processing.actions import change_subscription
from recibo.reconciliation import advice, subscriptions
from recibo.reconciliation.change_errors import ChangeError
from recibo.reconciliation.subscriptions import Wish


def asking(wish: Wish) -> Callable[[Subscription, str], str]:
    """Asks the gateway of a subscription, and gives what came of it. Raises NotDoneError."""

    def ask(subscription: Subscription, actor: str) -> str:
        try:
            change_subscription(subscription, wish, actor=actor)
        except ChangeError as error:
            raise NotDoneError(str(error)) from None
        sentence = _("The gateway answered. The subscription is now: %s.")
        return sentence % subscription.get_status_display()

    return ask


def obstacle(subscription: Subscription, *, wish: Wish) -> str:
    """Why a change cannot be asked for now; "" where it can."""
    try:
        subscriptions.possible(subscription, wish)
    except ChangeError as error:
        return str(error)
    return ""


def note(subscription: Subscription, *, wish: Wish) -> str:
    """What may surprise at this gateway."""
    return advice.before(subscription.account.gateway, wish.verb)


BUTTONS = {
    "cancel": Button(
        _("Cancel at the gateway"),
        _("Have the gateway cancel this subscription?"),
        asking(subscriptions.CANCEL),
        obstacle=partial(obstacle, wish=subscriptions.CANCEL),
        note=partial(note, wish=subscriptions.CANCEL),
    ),
    "reactivate": Button(
        _("Reactivate at the gateway"),
        _("Have the gateway take up this subscription again?"),
        asking(subscriptions.REACTIVATE),
        obstacle=partial(obstacle, wish=subscriptions.REACTIVATE),
        note=partial(note, wish=subscriptions.REACTIVATE),
    ),
}


class SubscriptionAdmin(Pressed):
    list_display = ("code", "status", "customer", "plan", "price", "currency", "next_billing_at")
    list_filter = ("status",)
    list_select_related = ("account", "customer")
    search_fields = ("code__exact",)
    buttons = BUTTONS
    permission = "billing.change_subscription"

    def about(self, row: Subscription) -> str:
        """Whose it is, and how it stands."""
        facts = (row.account, row.code, row.customer or "?", row.get_status_display())
        return " · ".join(map(str, facts))
