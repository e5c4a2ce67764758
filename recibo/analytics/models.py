"""What the facts add up to, kept for quick answers. All but rates and snapshots can be rebuilt.

Whoever is counted is a *subject*: a customer by his id, or, below 0, a charge or a subscription
whose buyer is not known (``subjects``).
"""

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from recibo.billing.models import Customer


class Rate(models.Model):
    """What a unit of a currency is worth in the reporting currency in one month."""

    month = models.DateField()  # the first day
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "month"], name="rate_unique"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.month:%Y-%m}: {self.rate}"


class Cart(models.Model):
    """A cart that was left, as one event told it."""

    event_id = models.BigIntegerField()
    position = models.SmallIntegerField()
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_constraint=False)
    product = models.TextField()
    occurred_at = models.DateTimeField()
    known_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "position"], name="cart_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.product}"


class Mark(models.Model):
    """A subject whose figures may have changed: append-only, so that nobody waits for anybody."""

    subject = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.subject)


class Ledger(models.Model):
    """What one subject adds to the figures of some scopes. Cells are the sums of these."""

    subject = models.BigIntegerField()
    part = models.SmallIntegerField()  # 0: the whole
    scopes = models.JSONField()  # list[str]
    #: "2026-03-01|2026-03-01|new_mrr" -> 10000.
    figures = models.JSONField()
    #: When time alone changes something.
    again_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "part"], name="ledger_unique"),
        ]
        indexes = [
            # Which subjects a figure is made of.
            GinIndex(fields=["figures"], name="ledger_figures", fastupdate=True),
            models.Index(
                fields=["again_at"],
                name="ledger_again",
                condition=models.Q(again_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}/{self.part}"


class Stretch(models.Model):
    """What a subject was worth from ``since`` until ``until``, and the movement that began it."""

    subject = models.BigIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    kind = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    mrr = models.BigIntegerField()
    at_risk = models.BigIntegerField()
    scheduled = models.BigIntegerField()
    segment = models.CharField(max_length=16)
    is_paying = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["subject", "since"], name="stretch_subject")]

    def __str__(self) -> str:
        return f"{self.subject} {self.since:%Y-%m-%d} {self.kind} {self.mrr}"


class Cell(models.Model):
    """One figure of one scope: the sum over all ledgers."""

    scope = models.TextField()
    period = models.DateField()
    cohort = models.DateField()
    name = models.TextField()
    value = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "name", "period", "cohort"], name="cell_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.period} {self.name}: {self.value}"


class Edition(models.Model):
    """By which definitions the cells were computed; one row."""

    definitions = models.JSONField()
    built_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.built_at:%Y-%m-%d %H:%M}"


class Snapshot(models.Model):
    """A closed month as it was first shown: what late news restates differs from it."""

    month = models.DateField(unique=True)
    taken_at = models.DateTimeField()
    definitions = models.JSONField()
    figures = models.JSONField()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
