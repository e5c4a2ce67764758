from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from recibo.billing.models import Customer


class Disabled(models.TextChoices):
    """Why an endpoint gets nothing."""

    NO = ""
    OPERATOR = "operator"
    GONE = "gone"  # it answered 410: it wants no more
    FAILING = "failing"  # nothing but failures for days


class Endpoint(models.Model):
    """An application of the seller's that is told of changes. An empty filter takes everything."""

    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, default="", blank=True)
    events = models.JSONField(default=list, blank=True)  # order.paid, or order.* for all of them
    gateways = models.JSONField(default=list, blank=True)
    accounts = models.JSONField(default=list, blank=True)  # gateway/name
    products = models.JSONField(default=list, blank=True)  # the gateways' ids
    #: What is told of one charge (order, subscription, access) goes one after the other.
    is_ordered = models.BooleanField(default=False)
    concurrency = models.PositiveSmallIntegerField(default=4)  # deliveries at the same time
    per_second = models.FloatField(null=True, blank=True)  # none: as many as there are
    #: list[signing.Secret]: several while one is being rotated.
    sealed_secrets = models.BinaryField(default=b"")
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(
        max_length=16, choices=Disabled.choices, default=Disabled.NO, blank=True
    )
    failing_since = models.DateTimeField(null=True, blank=True)  # nothing arrived since
    error = models.TextField(default="", blank=True)  # of the last failure
    resting_until = models.DateTimeField(null=True, blank=True)  # it asked to be left alone
    #: Deliveries that it may have now, by its rate.
    turns = models.FloatField(default=0)
    turns_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.url


class PublishedChange(models.Model):
    """One change that the world may hear of. What it was, never what it is about: that stands in
    billing's rows and the customer's, and is read when it is told.
    """

    key = models.UUIDField()  # what receivers know it by, over all tries and for ever
    type = models.CharField(max_length=48)  # a word of the catalogue
    version = models.SmallIntegerField(default=1)  # of the shape of ``data``
    at = models.DateTimeField()
    #: In the order of the walk: given by whoever walks, once the change can be seen by everybody.
    position = models.BigIntegerField(null=True, blank=True)
    event_id = models.BigIntegerField(null=True, blank=True)  # the newest event that led to it
    subject = models.CharField(max_length=16)  # order, charge, …: the first word of the type
    subject_id = models.BigIntegerField()
    before = models.CharField(max_length=24, default="", blank=True)
    after = models.CharField(max_length=24, default="", blank=True)
    #: From here on of what has no row in billing: an access, a cart.
    gateway = models.CharField(max_length=32, default="", blank=True)
    account = models.CharField(max_length=64, default="", blank=True)
    product_id = models.TextField(default="", blank=True)
    customer = models.ForeignKey(
        Customer,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    data = models.TextField(default="", blank=True)  # JSON: the shape without its buyer

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["position"],
                name="change_position",
                condition=Q(position__isnull=False),
            )
        ]
        indexes = [
            # Changes without a place in the walk, in the order in which they get one.
            models.Index(fields=["id"], name="change_unplaced", condition=Q(position__isnull=True)),
            # Those of a time, to be told again. Rows come by time, so this costs next to nothing.
            BrinIndex(fields=["at"], name="change_by_time", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_id}"


class DeliveryStatus(models.TextChoices):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up; it can be replayed


class Delivery(models.Model):
    """One change on its way to one endpoint. It is pending as long as it has a next attempt."""

    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, related_name="deliveries", db_index=False
    )
    change = models.ForeignKey(
        PublishedChange, models.DO_NOTHING, related_name="deliveries", db_constraint=False
    )
    #: Of an endpoint that wants order: what goes one after the other; else "".
    lane = models.CharField(max_length=64, default="", blank=True)
    status = models.CharField(
        max_length=16, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.SmallIntegerField(default=0)  # since it was asked for, or asked for again
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    status_code = models.SmallIntegerField(null=True, blank=True)  # of the last answer
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "change"], name="delivery_unique")
        ]
        indexes = [
            # claiming: what is to go to an endpoint now, what is going, and what goes before it.
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                name="delivery_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["endpoint"],
                name="delivery_going",
                condition=Q(claimed_until__isnull=False),
            ),
            models.Index(
                fields=["endpoint", "lane", "id"],
                name="delivery_in_lane",
                condition=Q(next_attempt_at__isnull=False) & ~Q(lane=""),
            ),
            models.Index(fields=["endpoint", "status", "-id"], name="delivery_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.change_id} to {self.endpoint_id}"


class Attempt(models.Model):
    """One try of a delivery, and what came back."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status_code = models.SmallIntegerField(null=True, blank=True)  # none: nobody answered
    duration_ms = models.IntegerField()
    error = models.TextField(default="", blank=True)
    answer = models.TextField(default="", blank=True)  # its first KiB

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.status_code or self.error}"
