"""Writes of the journal."""

from typing import Any

from recibo.journal.models import AuditEntry


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
