"""The events: a narrow row that lives for good, and the bytes beside it, which may be dropped.

The row is the guard against repeats, so it outlives the body; the body stands in a table of its
own, so that a change of status does not write it again (docs/decisions/0002-event-and-body.md).
"""

from django.db import models

from recibo.accounts.models import Account
from recibo.gateways.facts import EventType


class Source(models.TextChoices):
    """How we learned it."""

    WEBHOOK = "webhook"
    FETCH = "fetch"
    POLL = "poll"
    SYNC = "sync"
    API = "api"
    IMPORT = "import"
    SIMULATE = "simulate"


class Status(models.TextChoices):
    """Where an event stands."""

    PENDING = "pending"  # received; the drain takes it within a second
    PROCESSING = "processing"  # a thin notice: waiting for what the gateway answers
    PROCESSED = "processed"  # its facts are part of the state
    IGNORED = "ignored"  # authentic, nothing to do; ``result`` says why
    FAILED = "failed"  # ``error`` says why; retried while ``next_attempt_at`` is set


class Retention(models.TextChoices):
    """How long a body is kept, as the name of its partition."""

    CHARGE = "charge"  # news of money: a year
    OTHER = "other"  # a month


class Event(models.Model):
    """One piece of news from a gateway, known by its key within its account."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    #: First 16 bytes of SHA-256 of the gateway's event id: half the index of the text itself.
    key = models.BinaryField(max_length=16)
    gateway_event_id = models.TextField()
    gateway_charge_id = models.TextField(default="", blank=True)
    source = models.CharField(max_length=16, choices=Source.choices)
    gateway_event = models.TextField()
    event_type = models.CharField(max_length=64, default=EventType.UNKNOWN.value)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    #: Lower ones first: 0 for critical news (paid, refunded, cancelled …), 1 for the rest, 2 for
    #: what a sync or an import reads.
    priority = models.SmallIntegerField(default=1)
    attempts = models.SmallIntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    #: It tells too little, or nothing proves it: the gateway is asked, and its answer is an event.
    is_thin = models.BooleanField(default=False, db_default=False)
    #: Somebody is asking; until then nobody else does.
    claimed_until = models.DateTimeField(null=True, blank=True)
    #: Processed again by hand without telling anybody: changes are made, nothing reacts.
    silent = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    #: When the drain may take it; None: it is done, or has no automatic tries left.
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    result = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="event_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="event_status"
            ),
            models.CheckConstraint(
                # Done and dated, or neither.
                condition=models.Q(
                    status__in=[Status.PROCESSED, Status.IGNORED], processed_at__isnull=False
                )
                | models.Q(
                    status__in=[Status.PENDING, Status.PROCESSING, Status.FAILED],
                    processed_at__isnull=True,
                ),
                name="event_done_is_dated",
            ),
        ]
        indexes = [
            # processing.drain.claim: what is due, critical news first.
            models.Index(
                fields=["priority", "next_attempt_at"],
                name="event_due",
                condition=models.Q(next_attempt_at__isnull=False, is_thin=False),
            ),
            # reconciliation.notices: what a gateway is to be asked about, by account; what was
            # found by ourselves comes after what was told.
            models.Index(
                fields=["account", "source", "next_attempt_at"],
                name="event_to_ask",
                condition=models.Q(next_attempt_at__isnull=False, is_thin=True),
            ),
            # reconciliation.notices: what an account is being asked about now.
            models.Index(
                fields=["account"],
                name="event_asking",
                condition=models.Q(claimed_until__isnull=False),
            ),
            # inbox.queries.listed with a status that is rare among millions of processed ones.
            models.Index(
                fields=["status", "-id"],
                name="event_unsettled",
                condition=models.Q(status__in=[Status.FAILED, Status.IGNORED, Status.PROCESSING]),
            ),
            # billing.queries: the timeline of a charge.
            models.Index(
                fields=["gateway_charge_id"],
                name="event_by_charge",
                condition=~models.Q(gateway_charge_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_event} {self.gateway_event_id}"


class EventBody(models.Model):
    """The request as it came: append-only, partitioned by retention and month.

    ``headers`` are ``name: value`` lines of raw bytes, without those that carry secrets.
    """

    event = models.OneToOneField(
        Event, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="body"
    )
    retention = models.CharField(max_length=16, choices=Retention.choices)
    received_at = models.DateTimeField()
    headers = models.BinaryField()
    query = models.BinaryField()
    body = models.BinaryField()

    class Meta:
        managed = False
        db_table = "inbox_eventbody"


class Refusal(models.Model):
    """Requests that were refused for one reason, from one address, within one hour."""

    hour = models.DateTimeField()
    gateway = models.CharField(max_length=64)
    account = models.CharField(max_length=64)
    reason = models.CharField(max_length=32)
    remote_address = models.CharField(max_length=64)
    times = models.IntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    #: The beginning of the last such body, to see who is knocking; never trusted.
    excerpt = models.BinaryField()

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "gateway", "account", "reason", "remote_address"],
                name="refusal_unique",
            )
        ]
        indexes = [models.Index(fields=["-last_at"], name="refusal_newest")]

    def __str__(self) -> str:
        return f"{self.gateway}/{self.account} {self.reason} ×{self.times}"
