from django.db import models


class Token(models.Model):
    """An API token. Only its SHA-256 is kept: what is shown once cannot be read again."""

    name = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=12)  # its first characters, to tell tokens apart
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="token_name", condition=models.Q(revoked_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a write answered that came with an ``Idempotency-Key``: the same again gets the same.

    ``status`` is null while the write goes on.
    """

    token = models.ForeignKey(Token, models.CASCADE, db_index=False)
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, address and body
    status = models.SmallIntegerField(null=True, blank=True)
    content = models.BinaryField(default=b"")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="kept_answer_unique")]
        indexes = [models.Index(fields=["created_at"], name="kept_answer_by_age")]

    def __str__(self) -> str:
        return self.key
