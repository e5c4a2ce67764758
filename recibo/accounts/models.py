from django.db import models


class Account(models.Model):
    """One account of the seller at one gateway; the environment has the secrets of ``default``."""

    DEFAULT = "default"

    gateway = models.CharField(max_length=32)
    name = models.CharField(max_length=64, default=DEFAULT)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "name"], name="account_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway}/{self.name}"
