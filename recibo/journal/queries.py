"""Reads of the journal, newest first."""

from datetime import datetime

from django.db.models import QuerySet

from recibo.journal.models import Alert, AuditEntry, IntegrationCall


def calls(
    *, account: str = "", event: int | None = None, order: int | None = None
) -> QuerySet[IntegrationCall]:
    """Calls to the outside. ``account``: gateway/name, access/http …; ``order``: its id.

    Indexes: call_by_account, call_by_event, call_by_order.
    """
    asked = {"account": account or None, "event_id": event, "order_id": order}
    given = {name: value for name, value in asked.items() if value is not None}
    return IntegrationCall.objects.filter(**given).order_by("-id")


def alerts(*, open_only: bool = False) -> QuerySet[Alert]:
    """Alerts; ``open_only``: those whose condition still holds."""
    found = Alert.objects.order_by("-id")
    return found.filter(resolved_at=None) if open_only else found


def audits(
    *, subject: str = "", actor: str = "", action: str = "", since: datetime | None = None
) -> QuerySet[AuditEntry]:
    """Operators' acts. ``subject``: such as customer:17; ``since``: done then or later.

    Indexes: audit_by_subject, audit_by_actor, audit_by_action, audit_by_time.
    """
    asked = {"subject": subject, "actor": actor, "action": action, "at__gte": since}
    given = {name: value for name, value in asked.items() if value not in {"", None}}
    return AuditEntry.objects.filter(**given).order_by("-id")
