from django.db import models

from recibo.billing.models import Customer, Order


class Channel(models.TextChoices):
    """The way to a buyer."""

    EMAIL = "email"
    WHATSAPP = "whatsapp"


class MessageStatus(models.TextChoices):
    """Where a message stands."""

    QUEUED = "queued"
    SENT = "sent"  # the mail server or the service took it
    DELIVERED = "delivered"
    BOUNCED = "bounced"  # it came back: the address does not work
    FAILED = "failed"  # given up; ``error`` says why
    SKIPPED = "skipped"  # no longer to be sent; ``error`` says why


class Message(models.Model):
    """One message to one person by one channel, known by its key: asked for twice, sent once.

    What it says is made from the order, the charge or the access when it is sent; ``details`` is
    what only whoever asked for it knew. Secrets stand in ``sealed``, until it is sent.
    """

    key = models.TextField(unique=True)  # kind, what it is about, and the channel
    order = models.ForeignKey(
        Order, models.DO_NOTHING, null=True, related_name="messages", db_constraint=False
    )
    customer = models.ForeignKey(
        Customer, models.DO_NOTHING, null=True, related_name="messages", db_constraint=False
    )
    channel = models.CharField(max_length=16, choices=Channel.choices)
    kind = models.CharField(max_length=32)
    to = models.TextField(default="", blank=True)  # known when it is sent
    details = models.JSONField(default=dict)
    sealed = models.BinaryField(default=b"")
    status = models.CharField(
        max_length=16, choices=MessageStatus.choices, default=MessageStatus.QUEUED
    )
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    #: E-mail's Message-ID, the same over all tries.
    message_id = models.TextField(default="", blank=True)
    #: What the service calls it, when it took it: delivery events name it.
    provider_id = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # sending.drain: what is to be sent now.
            models.Index(
                fields=["next_attempt_at"],
                name="message_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["provider_id"],
                name="message_by_provider_id",
                condition=~models.Q(provider_id=""),
            ),
            models.Index(fields=["status", "-id"], name="message_by_status"),
        ]

    def __str__(self) -> str:
        return self.key


class Suppression(models.Model):
    """An address that is not written to: it does not work, or its owner does not want it."""

    class Reason(models.TextChoices):
        BOUNCED = "bounced"  # nothing is sent
        COMPLAINED = "complained"  # nothing but what he paid for is sent
        OPTED_OUT = "opted_out"  # likewise

    channel = models.CharField(max_length=16, choices=Channel.choices)
    address = models.TextField()  # e-mail in lower case, or a phone in E.164
    reason = models.CharField(max_length=16, choices=Reason.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address", "channel", "reason"], name="suppression_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.reason}"
