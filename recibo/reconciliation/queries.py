"""Reads of what is asked of gateways, newest first. ``gateway`` is a slug, "" for all of them."""

from django.db.models import QuerySet

from recibo.inbox.queries import accounts_of, matching
from recibo.reconciliation.models import PaymentCheck, Sync


def payment_checks(
    *, status: str = "", gateway: str = "", order: int | None = None
) -> QuerySet[PaymentCheck]:
    """Orders that are or were followed until they are paid. ``order``: its id.

    Index: payment_check_by_status.
    """
    conditions = matching(status=status, account__in=accounts_of(gateway), order=order)
    found = PaymentCheck.objects.filter(**conditions)
    return found.select_related("order", "account").order_by("-id")


def syncs(*, gateway: str = "") -> QuerySet[Sync]:
    """How far each list of each account was read."""
    conditions = matching(account__in=accounts_of(gateway))
    return Sync.objects.filter(**conditions).select_related("account").order_by("-id")
