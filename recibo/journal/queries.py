"""Reads of the journal, newest first."""

from django.db.models import QuerySet

from recibo.journal.models import Alert, IntegrationCall


def calls(*, account: str = "", event: int | None = None) -> QuerySet[IntegrationCall]:
    """Calls to the outside. ``account``: gateway/name. Indexes: call_by_account, call_by_event."""
    found = IntegrationCall.objects.order_by("-id")
    if account:
        found = found.filter(account=account)
    return found if event is None else found.filter(event_id=event)


def alerts(*, open_only: bool = False) -> QuerySet[Alert]:
    """Alerts; ``open_only``: those whose condition still holds."""
    found = Alert.objects.order_by("-id")
    return found.filter(resolved_at=None) if open_only else found
