"""What people should know before they change a subscription, and what to do where they cannot.

Each sentence stands on the page of its gateway too: docs/gateways.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recibo.gateways.registry import GATEWAYS

FROM_ANEW = _("AppMax's API has no such call: the buyer has to subscribe again.")
NEITHER_DAY_NOR_PLAN = _(
    "Mercado Pago's API changes neither the day nor the plan of a subscription: cancel it and have"
    " the buyer subscribe again."
)
FOR_GOOD = _("This cannot be undone: to come back, the buyer has to subscribe again.")

#: Gateway and change -> what to do instead, where the API has no such thing.
INSTEAD: Mapping[tuple[str, str], Promise] = {
    ("appmax", "reactivate"): FROM_ANEW,
    ("appmax", "due_day"): FROM_ANEW,
    ("appmax", "plan"): FROM_ANEW,
    ("asaas", "plan"): _(
        "Asaas has no plans: change the subscription's price and cycle in Asaas's panel."
    ),
    ("mercadopago", "due_day"): NEITHER_DAY_NOR_PLAN,
    ("mercadopago", "plan"): NEITHER_DAY_NOR_PLAN,
    ("stone", "reactivate"): _("Pagar.me takes up no subscription that has ended: make a new one."),
    ("stone", "plan"): _(
        "Pagar.me moves no subscription to another plan: cancel it and make another, or change its"
        " items in the dashboard."
    ),
}

#: Gateway and change -> what comes of it that one may not expect.
BEFORE: Mapping[tuple[str, str], Promise] = {
    ("appmax", "cancel"): FOR_GOOD,
    ("asaas", "cancel"): _(
        "Asaas removes the subscription and the charges that nobody paid yet. This cannot be"
        " undone."
    ),
    ("hotmart", "cancel"): _("Hotmart writes to the subscriber."),
    ("hotmart", "reactivate"): _(
        "Hotmart sends the subscriber a link, good for 3 days. Until it is clicked, the"
        " subscription stays cancelled."
    ),
    ("hotmart", "due_day"): _("It counts from the charge after the next one."),
    ("hotmart", "plan"): _("The plan goes by the code of its offer, not by its number."),
    ("mercadopago", "cancel"): FOR_GOOD,
    ("pagseguro", "cancel"): FOR_GOOD,
    ("stone", "cancel"): _(
        "Invoices that nobody paid yet are cancelled with it. This cannot be undone."
    ),
}


def instead_of(gateway: str, verb: str) -> str:
    """What to do where a gateway's API cannot make a change."""
    if sentence := INSTEAD.get((gateway, verb)):
        return str(sentence)
    name = GATEWAYS[gateway].name if gateway in GATEWAYS else gateway
    return str(_("%s's API cannot do this: do it in the gateway's own panel.") % name)


def before(gateway: str, verb: str) -> str:
    """What to know before one has a gateway make a change; "" where it is what one expects."""
    return str(BEFORE.get((gateway, verb), ""))
