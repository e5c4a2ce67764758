from datetime import timedelta

from django.db import models

from recibo.accounts.models import Account
from recibo.billing.models import Order, Subscription


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
            # claiming: whom to ask for now, by account.
            models.Index(
                fields=["account", "next_attempt_at"],
                name="lookup_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            # claiming: whom an account is being asked for.
            models.Index(
                fields=["account"],
                name="lookup_asking",
                condition=models.Q(claimed_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.gateway_id


class PaymentCheck(models.Model):
    """An unpaid order, and how far we are in asking whether it was paid after all.

    Open while ``next_attempt_at`` is set. How it ended is a decision, and ``reason`` says why.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"  # somebody is asking
        PAID = "paid"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    OPEN = (Status.PENDING, Status.PROCESSING)

    # Orders come and go with what events tell; a check without one ends at its next look.
    order = models.OneToOneField(
        Order, models.DO_NOTHING, db_constraint=False, related_name="payment_check"
    )
    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    attempts = models.IntegerField(default=0)
    #: Those that the gateway answered: the waits grow by them, not by what went wrong.
    answered = models.IntegerField(default=0)
    last_check_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    interval_seconds = models.IntegerField(default=0)
    last_error = models.TextField(default="", blank=True)
    #: When nobody will pay any more; the look after it is the last one.
    give_up_at = models.DateTimeField()
    reason = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "processing"])
                | models.Q(next_attempt_at=None),
                name="payment_check_ended_is_never_due",
            )
        ]
        indexes = [
            # claiming: what is due of an account, longest due first.
            models.Index(
                fields=["account", "next_attempt_at"],
                name="payment_check_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            # claiming: what an account is being asked about now.
            models.Index(
                fields=["account"],
                name="payment_check_asking",
                condition=models.Q(claimed_until__isnull=False),
            ),
            models.Index(fields=["status", "-id"], name="payment_check_by_status"),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}: {self.status}"

    @property
    def interval(self) -> timedelta:
        """The wait before the next look, without its jitter."""
        return timedelta(seconds=self.interval_seconds)


class PollingRule(models.Model):
    """How an account's unpaid orders are followed; without an account: how all are.

    What is empty is decided by the rule for all, then by the environment.
    """

    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, db_index=False)
    delays = models.TextField(default="", blank=True)  # as RECIBO_PAYMENT_CHECK_DELAYS
    give_up = models.DurationField(null=True, blank=True)
    min_age = models.DurationField(null=True, blank=True)
    #: Only orders of these products, by the gateway's ids; empty: of all.
    products = models.JSONField(default=list, blank=True)
    #: Only orders that were made in this time.
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], nulls_distinct=False, name="polling_rule_unique"
            )
        ]

    def __str__(self) -> str:
        return f"rule of {self.account or 'all'}"


class Circuit(models.Model):
    """How an account's API does, and the gate through which its work is taken one by one."""

    account = models.OneToOneField(Account, models.CASCADE, primary_key=True)
    failures = models.IntegerField(default=0)  # in a row
    #: Times in a row that we were told to ask more slowly (429).
    slowed = models.IntegerField(default=0)
    #: Nobody asks before; after it one question tries whether the API is back.
    paused_until = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)  # since when the API counts as down
    #: When the gateway was last asked how its own side of our webhooks stands.
    examined_at = models.DateTimeField(null=True, blank=True)
    #: When a request that we refused last read as a notice of this gateway's, about a charge.
    named_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"{self.account}: {self.failures} failures"


class AccountToken(models.Model):
    """An access token (OAuth 2.0) of an account, sealed, for every process."""

    account = models.ForeignKey(Account, models.CASCADE, db_index=False)
    name = models.CharField(max_length=200)
    sealed_token = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="account_token_unique")
        ]

    def __str__(self) -> str:
        return self.name


class ChargeLookup(models.Model):
    """A charge that somebody named without proof: the gateway is asked how it stands."""

    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    gateway_charge_id = models.TextField()
    named_at = models.DateTimeField()  # no sooner than a minute after it is it asked for again
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway_charge_id", "account"], name="charge_lookup_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "next_attempt_at"],
                name="charge_lookup_due",
                condition=models.Q(next_attempt_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.gateway_charge_id


class Sync(models.Model):
    """How far one of an account's lists was read: what is before ``watermark`` is all here.

    A run reads ``since`` to ``until``, and the page at ``cursor`` is next. Both times are null
    while no run is under way.
    """

    class Kind(models.TextChoices):
        SALES = "sales"
        SUBSCRIPTIONS = "subscriptions"

    account = models.ForeignKey(Account, models.CASCADE, db_index=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    watermark = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    cursor = models.TextField(default="", blank=True)
    pages = models.IntegerField(default=0)  # of this run, or of the last one
    found = models.IntegerField(default=0)
    new = models.IntegerField(default=0)  # of those found, what nobody had told us
    customers_before = models.BigIntegerField(default=0)  # the newest customer's id, as it began
    restarts = models.SmallIntegerField(default=0)  # after a page that was refused
    attempts = models.SmallIntegerField(default=0)  # in a row that told nothing
    started_at = models.DateTimeField(null=True, blank=True)
    #: When somebody last wanted it read: to begin a run, or to go on with one that stands.
    begun_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "kind"], name="sync_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account}"


class SubscriptionTurn(models.Model):
    """Whose turn it is to change a subscription: nobody else does while it is held."""

    subscription = models.OneToOneField(
        Subscription, models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"turn of subscription {self.subscription_id}"
