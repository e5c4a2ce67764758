from django.db import models


class Account(models.Model):
    """One account of the seller at one gateway.

    The environment has the secrets of ``default``; what is kept here comes on top. The columns
    ``sealed_…`` are encrypted (see ``encryption``); ``queries`` opens them.
    """

    DEFAULT = "default"

    gateway = models.CharField(max_length=32)
    name = models.CharField(max_length=64, default=DEFAULT)
    created_at = models.DateTimeField(auto_now_add=True)
    #: When it got its first secret or credentials: what was sold before is no news to react to.
    connected_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    #: list[queries.Secret]: what proves its webhooks, several while one is being rotated.
    sealed_secrets = models.BinaryField(default=b"")
    #: dict[str, str]: what the API wants of us, named as in ``Gateway.credentials``.
    sealed_credentials = models.BinaryField(default=b"")
    #: Where the API is, if not where the gateway says: scheme, host and port.
    api_url = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "name"], name="account_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway}/{self.name}"
