from django.db import models


class IntegrationCall(models.Model):
    """One call to the outside: what was asked of whom, how it ended, how long it took."""

    created_at = models.DateTimeField(auto_now_add=True)
    account = models.CharField(max_length=100)  # gateway/name, access/http, email/smtp …
    event_id = models.BigIntegerField(null=True, blank=True)  # the notice that it was about
    order_id = models.BigIntegerField(null=True, blank=True)
    stage = models.CharField(max_length=64, default="", db_default="", blank=True)
    host = models.CharField(max_length=200)
    operation = models.CharField(max_length=200)  # method and path, without the query
    status_code = models.IntegerField(null=True, blank=True)  # none: nobody answered
    duration_ms = models.IntegerField()
    error = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["account", "-id"], name="call_by_account"),
            models.Index(
                fields=["event_id"],
                name="call_by_event",
                condition=models.Q(event_id__isnull=False),
            ),
            models.Index(
                fields=["order_id", "-id"],
                name="call_by_order",
                condition=models.Q(order_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.status_code}"


class Alert(models.Model):
    """A condition that a person should know of: open while it lasts, then resolved."""

    key = models.CharField(max_length=200)  # kind and subject: one open alert for each
    kind = models.CharField(max_length=64)
    text = models.TextField()  # what is wrong and how to mend it
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when the condition was last found to hold
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], name="alert_open", condition=models.Q(resolved_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.text


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
        indexes = [
            models.Index(fields=["subject", "-id"], name="audit_by_subject"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
