from django.db import models


class AuditEntry(models.Model):
    """One act of an operator: who did what to what, and how it changed."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=120)  # token:NAME, user:NAME or cli:SYSTEM-USER
    action = models.CharField(max_length=64)  # verb.noun, e.g. event.replay
    subject = models.CharField(max_length=200)  # what it was done to, e.g. event:17
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "-id"], name="audit_by_subject")]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
