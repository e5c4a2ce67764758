"""What the facts add up to.

Charges and subscriptions are *mirrors* of what the gateway holds: each is computed from all the
facts kept about it (``ChargeNews``, ``SubscriptionNews``), so neither the order nor the number of
deliveries matters. Orders and segments derive from the mirrors. Amounts are decimals in major
units; times are UTC.
"""

from decimal import Decimal
from typing import NamedTuple

from django.db import models

from recibo.accounts.models import Account
from recibo.gateways.facts import ChargeStatus, OrderStatement, Period, SubscriptionStatus


class Segment(models.TextChoices):
    """What kind of customer; the first that applies, in this order."""

    AT_RISK = "at_risk"  # a subscription is past due
    ACTIVE = "active"
    TRIAL = "trial"
    CANCELLED = "cancelled"  # had a subscription, has none
    BUYER = "buyer"  # paid for something, never subscribed
    LEAD = "lead"  # showed up, paid nothing


class OrderStatus(models.TextChoices):
    """Where an order stands."""

    PENDING = "pending"
    PAID = "paid"
    ACTIVE = "active"  # paid, and access is given
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


def choices(
    words: type[ChargeStatus] | type[SubscriptionStatus] | type[Period] | type[OrderStatement],
) -> list[tuple[str, str]]:
    """The members of the vocabulary as Django's choices."""
    return [(word.value, word.value) for word in words]


def amount_column() -> "models.DecimalField[Decimal, Decimal]":
    """A column of money in major units; four places, for currencies that have them."""
    return models.DecimalField(max_digits=19, decimal_places=4)


def optional_amount_column() -> "models.DecimalField[Decimal | None, Decimal | None]":
    """A column of money that may be unknown."""
    return models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True)


class Person(NamedTuple):
    """Who somebody is. Each field may be corrected by the seller."""

    email: str
    name: str
    phone: str
    document: str


class Customer(models.Model):
    """One person, known by e-mail within the seller.

    Of name, phone and document the newest one told stands: each has its own date. Whoever shows a
    customer, or writes to one, takes ``person``: the seller's corrections stand above all that.
    """

    #: Lower case, without surrounding space; sorted by code point, so that prefixes use the index.
    email = models.TextField(db_collation="C")
    name = models.TextField(default="", blank=True)
    name_at = models.DateTimeField()
    phone = models.TextField(default="", blank=True)
    phone_at = models.DateTimeField()
    document = models.TextField(default="", blank=True)
    document_at = models.DateTimeField()
    segment = models.CharField(max_length=16, choices=Segment.choices, default=Segment.LEAD)
    created_at = models.DateTimeField()  # the oldest news of the person
    #: What the seller corrected, by field of ``Person``. The fold neither reads nor writes it.
    corrections = models.JSONField(default=dict, db_default={}, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["email"], name="customer_unique")]
        indexes = [
            models.Index(fields=["segment", "-id"], name="customer_by_segment"),
            models.Index(
                fields=["id"], name="customer_corrected", condition=~models.Q(corrections={})
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def told(self) -> Person:
        """Who it is as far as gateways told."""
        return Person(self.email, self.name, self.phone, self.document)

    @property
    def person(self) -> Person:
        """Who it is: what gateways told, but for what the seller corrected."""
        return self.told._replace(**self.corrections)


class CustomerIdentity(models.Model):
    """What a gateway calls a customer. Gateways that name buyers by id only are joined by it."""

    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    gateway_id = models.TextField()
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="identities")
    told_at = models.DateTimeField()  # the newest news of the pair stands

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_id", "account"], name="identity_unique")
        ]

    def __str__(self) -> str:
        return self.gateway_id


class Note(models.Model):
    """What the seller wrote about a customer. No gateway can change it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="notes")
    at = models.DateTimeField(auto_now_add=True)
    author = models.CharField(max_length=120)
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class Tag(models.Model):
    """A word the seller put on a customer. No gateway can change it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "customer"], name="tag_unique")]

    def __str__(self) -> str:
        return self.tag


class Order(models.Model):
    """What a buyer bought: paid when any of its charges is."""

    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    reference = models.TextField()
    status = models.CharField(max_length=16, choices=OrderStatus.choices)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="orders")
    amount = amount_column()
    currency = models.CharField(max_length=3)
    paid_amount = amount_column()
    product_id = models.TextField(default="", blank=True)
    product = models.TextField(default="", blank=True)
    payment_url = models.TextField(default="", blank=True)
    #: The seller's own systems told of it (``OrderNews``), not only its charges.
    registered = models.BooleanField(default=False, db_default=False)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # The reference first: people look an order up without naming its account.
            models.UniqueConstraint(fields=["reference", "account"], name="order_unique")
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="order_by_status"),
            models.Index(fields=["account", "-id"], name="order_by_account"),
            # Buyers who wait for access, longest first.
            models.Index(
                fields=["paid_at"],
                name="order_waiting",
                condition=models.Q(status=OrderStatus.PAID),
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class Charge(models.Model):
    """One attempt to collect, known by (account, gateway charge id)."""

    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    gateway_charge_id = models.TextField()
    order = models.ForeignKey(Order, models.PROTECT, related_name="charges")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="charges")
    gateway_customer_id = models.TextField(default="", db_default="", blank=True)
    #: The gateway's code of the subscription it belongs to; "" for a one-time sale.
    subscription_code = models.TextField(default="", blank=True)
    cycle = models.IntegerField(null=True, blank=True)
    status = models.CharField(max_length=24, choices=choices(ChargeStatus))
    status_at = models.DateTimeField()  # the gateway's time of the fact that decides
    amount = amount_column()
    currency = models.CharField(max_length=3)
    total = optional_amount_column()
    fee = optional_amount_column()
    net = optional_amount_column()
    refunded_amount = amount_column()
    commissions = models.JSONField(default=list)
    payment_method = models.CharField(max_length=16, default="", blank=True)
    installments = models.IntegerField(null=True, blank=True)
    product_id = models.TextField(default="", blank=True)
    product = models.TextField(default="", blank=True)
    offer = models.TextField(default="", blank=True)
    payment_url = models.TextField(default="", blank=True)
    payment_code = models.TextField(default="", blank=True)
    refusal_reason = models.TextField(default="", blank=True)
    metadata = models.JSONField(default=dict)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_charge_id", "account"], name="charge_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in ChargeStatus]),
                name="charge_status",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="charge_by_status"),
            models.Index(fields=["account", "-id"], name="charge_by_account"),
            # The customers of a gateway, in their order.
            models.Index(fields=["account", "customer"], name="charge_by_buyer"),
            # reconciliation.coverage: the newest payments of an account.
            models.Index(
                fields=["account", "-paid_at"],
                name="charge_by_payment",
                condition=models.Q(paid_at__isnull=False),
            ),
            # Charges whose buyer is known by the gateway's id only, until the gateway is asked.
            models.Index(
                fields=["gateway_customer_id", "account"],
                name="charge_without_customer",
                condition=models.Q(customer=None) & ~models.Q(gateway_customer_id=""),
            ),
            models.Index(
                fields=["subscription_code", "account"],
                name="charge_by_subscription",
                condition=~models.Q(subscription_code=""),
            ),
        ]

    def __str__(self) -> str:
        return self.gateway_charge_id


class Subscription(models.Model):
    """An agreement to collect again and again, known by (account, code)."""

    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, db_index=False)
    code = models.TextField()
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="subscriptions")
    gateway_customer_id = models.TextField(default="", db_default="", blank=True)
    status = models.CharField(max_length=16, choices=choices(SubscriptionStatus))
    status_at = models.DateTimeField()
    plan = models.TextField(default="", blank=True)
    plan_id = models.TextField(default="", blank=True)
    product_id = models.TextField(default="", blank=True)
    product = models.TextField(default="", blank=True)
    price = optional_amount_column()
    currency = models.CharField(max_length=3, default="", blank=True)
    period = models.CharField(max_length=16, choices=choices(Period), default="", blank=True)
    next_billing_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "account"], name="subscription_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in SubscriptionStatus]),
                name="subscription_status",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="subscription_by_status"),
            models.Index(fields=["account", "-id"], name="subscription_by_account"),
            models.Index(fields=["account", "customer"], name="subscription_by_buyer"),
        ]

    def __str__(self) -> str:
        return self.code


class News(models.Model):
    """One fact, as one event told it: what the mirrors, the history and the reports derive from.

    Known by (event, position), so that an event processed again replaces its own facts.
    ``fact`` is the whole fact as JSON, without the buyer.
    """

    pk = models.CompositePrimaryKey("event_id", "position")
    event_id = models.BigIntegerField()
    position = models.SmallIntegerField()
    occurred_at = models.DateTimeField()  # the gateway's clock: which period it counts in
    known_at = models.DateTimeField()  # when we received it: what was known when
    simulated = models.BooleanField(default=False)
    fact = models.TextField()

    class Meta:
        abstract = True


class ChargeNews(News):
    """One fact about a charge."""

    charge = models.ForeignKey(Charge, models.CASCADE, related_name="news", db_constraint=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=24, choices=choices(ChargeStatus))


class OrderNews(News):
    """One fact about an order, from the seller's own systems."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="news", db_constraint=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=16, choices=choices(OrderStatement))


class SubscriptionNews(News):
    """One fact about a subscription. ``status`` is "" where the fact speaks of something else."""

    subscription = models.ForeignKey(
        Subscription, models.CASCADE, related_name="news", db_constraint=False
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=16, default="", blank=True)
