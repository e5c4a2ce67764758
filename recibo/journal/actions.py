"""Writes of the journal."""

import time
from typing import Any, NamedTuple

from django.db import transaction

from recibo.journal.models import AuditEntry, IntegrationCall


class About(NamedTuple):
    """What a call to the outside is about."""

    account: str  # gateway/name, or what else is called: access/http, email/smtp …
    event_id: int | None = None
    order_id: int | None = None
    stage: str = ""  # which step of which work


def keep_call(
    about: About, *, host: str, operation: str, status: int | None, began: float, error: str
) -> None:
    """One row for one call. ``began``: by this process's monotonic clock."""
    with transaction.atomic():
        IntegrationCall.objects.create(
            **about._asdict(),
            host=host[:200],
            operation=operation[:200],
            status_code=status,
            duration_ms=round((time.monotonic() - began) * 1000),
            error=error,
        )


def audit(
    actor: str,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Keep an operator's act. Call it in the transaction of the act itself."""
    AuditEntry.objects.create(
        actor=actor, action=action, subject=subject, before=before or {}, after=after or {}
    )
