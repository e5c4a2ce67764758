from django.db import models

from recibo.accounts.models import Account


class CustomerLookup(models.Model):
    """A buyer whom a gateway names by id only, and how far we are in asking who that is."""

    class Status(models.TextChoices):
        PENDING = "pending"
        FOUND = "found"
        FAILED = "failed"

    account = models.ForeignKey(Account, models.PROTECT, db_index=False)
    gateway_id = models.TextField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_id", "account"], name="lookup_unique")
        ]
        indexes = [
            # customers.drain: whom to ask for now.
            models.Index(
                fields=["next_attempt_at"],
                name="lookup_due",
                condition=models.Q(next_attempt_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.gateway_id
