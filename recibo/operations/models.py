from django.db import models


class Export(models.Model):
    """A file of rows, written by a worker for whoever asked, and deleted when its time is over."""

    class Kind(models.TextChoices):
        """Which rows."""

        CUSTOMERS = "customers"
        CHARGES = "charges"
        SUBSCRIPTIONS = "subscriptions"
        EVENTS = "events"

    class Format(models.TextChoices):
        """How they are written."""

        CSV = "csv"
        JSONL = "jsonl"

    class Status(models.TextChoices):
        """Where it stands."""

        QUEUED = "queued"
        DONE = "done"
        FAILED = "failed"  # given up; ``error`` says why
        EXPIRED = "expired"  # the file is deleted

    kind = models.CharField(max_length=16, choices=Kind.choices)
    gateway = models.CharField(max_length=32, default="", blank=True)  # "": all of them
    format = models.CharField(max_length=8, choices=Format.choices)
    separator = models.CharField(max_length=1)
    decimal = models.CharField(max_length=1)
    bom = models.BooleanField(default=False)
    actor = models.CharField(max_length=120)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    rows = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="export_due",
                condition=models.Q(next_attempt_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
