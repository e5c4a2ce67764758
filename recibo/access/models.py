import uuid

from django.db import models

from recibo.billing.models import Customer, Order


class Application(models.Model):
    """Where buyers get a user account: an application of the seller's.

    The environment gives the one named ``default`` (``ACCESS_PROVIDER``), which has no row here.
    """

    DEFAULT = "default"

    name = models.CharField(max_length=32, unique=True)
    provider = models.CharField(max_length=16)  # a name of providers.PROVIDERS
    url = models.CharField(max_length=500)
    sealed_secret = models.BinaryField(default=b"")
    #: "password", "link", or "" for the provider's own way.
    credentials = models.CharField(max_length=16, default="", blank=True)
    login_url = models.CharField(max_length=500, default="", blank=True)

    def __str__(self) -> str:
        return self.name


class AccessRule(models.Model):
    """Which product gives which access. Of several rules that fit, the most particular counts:
    an offer before a product before a gateway before the rule for all.
    """

    gateway = models.CharField(max_length=32, default="", blank=True)  # "": any
    product_id = models.TextField(default="", blank=True)  # the gateway's id; "": any
    offer = models.TextField(default="", blank=True)  # "": any
    #: Of an Application, or "default"; "": this product gives no access.
    application = models.CharField(max_length=32, default=Application.DEFAULT, blank=True)
    #: What the application calls it. Products of one plan are one access, whichever was bought.
    plan = models.CharField(max_length=120, default="", blank=True)
    #: Days that a one-time purchase lasts; none: for ever.
    days = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "product_id", "offer"], name="access_rule_unique"
            )
        ]

    def __str__(self) -> str:
        scope = "/".join(part or "*" for part in (self.gateway, self.product_id, self.offer))
        return f"{scope} → {self.application or 'none'} {self.plan}".rstrip()


class UserAccount(models.Model):
    """A customer's user at an application: one, however many products give access to it."""

    customer = models.ForeignKey(
        Customer,
        models.DO_NOTHING,
        related_name="user_accounts",
        db_constraint=False,
        db_index=False,
    )
    application = models.CharField(max_length=32)
    user_id = models.TextField(default="", blank=True)  # what the application calls it
    #: One worker at a time speaks to the application about a user.
    claimed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "application"], name="user_account_unique")
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.user_id or self.customer_id}"


class AccessState(models.TextChoices):
    """Whether the application lets the buyer in."""

    NONE = "none"  # not given yet
    ACTIVE = "active"
    BLOCKED = "blocked"


def new_key() -> str:
    """A name that nothing else has."""
    return uuid.uuid4().hex


class Access(models.Model):
    """What a customer may use at an application: given once, whatever pays for it.

    ``state`` is what the application confirmed; ``asked`` is what it was asked for and may have
    done, from before the call until its answer is written. Whether it is owed follows from what
    was paid (``owed.py``) and is looked at again whenever that changes, and when the time comes.
    """

    #: What applications know it by: no other installation ever says the same.
    key = models.CharField(max_length=32, unique=True, default=new_key)
    customer = models.ForeignKey(
        Customer, models.DO_NOTHING, related_name="accesses", db_constraint=False, db_index=False
    )
    application = models.CharField(max_length=32)
    #: ``plan:NAME`` or ``product:GATEWAY:ID``: what makes two purchases the same access.
    scope = models.TextField()
    plan = models.CharField(max_length=120, default="", blank=True)
    product = models.TextField(default="", blank=True)
    product_id = models.TextField(default="", blank=True)  # the gateway's; "" where a plan is given
    state = models.CharField(max_length=16, choices=AccessState.choices, default=AccessState.NONE)
    asked = models.CharField(max_length=16, choices=AccessState.choices, default="", blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)  # none: as long as nothing changes
    #: A generated password, from before the user is made until the message that tells it exists.
    sealed_password = models.BinaryField(default=b"")
    #: How often credentials were asked for: names the step and its message.
    version = models.SmallIntegerField(default=1)
    #: How often it was blocked or restored: names the step.
    turns = models.SmallIntegerField(default=0)
    given_at = models.DateTimeField(null=True, blank=True)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # when to look again
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "application", "scope"], name="access_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="access_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            # operations.alerts: changes that an application does not take.
            models.Index(fields=["id"], name="access_in_trouble", condition=~models.Q(error="")),
        ]

    def __str__(self) -> str:
        return f"{self.product or self.plan} ({self.state})"


class Stage(models.TextChoices):
    """How far giving access has come."""

    QUEUED = "queued"
    CREATING_USER = "creating_user"
    SENDING_CREDENTIALS = "sending_credentials"
    COMPLETED = "completed"
    FAILED_AT_USER = "failed_at_user"  # tried again by itself
    FAILED_AT_EMAIL = "failed_at_email"  # likewise, without another user
    FAILED_PERMANENT = "failed_permanent"  # a person has to look


class Provisioning(models.Model):
    """Giving access for one product of an order: from paid to a buyer who is in."""

    order = models.ForeignKey(
        Order,
        models.DO_NOTHING,
        related_name="provisionings",
        db_constraint=False,
        db_index=False,
    )
    product_id = models.TextField(default="", blank=True)  # the gateway's
    offer = models.TextField(default="", blank=True)
    product = models.TextField(default="", blank=True)
    access = models.ForeignKey(
        Access, models.DO_NOTHING, null=True, related_name="provisionings", db_constraint=False
    )
    #: Of the rule, when it was looked up: days that a one-time purchase lasts.
    days = models.PositiveIntegerField(null=True, blank=True)
    stage = models.CharField(max_length=24, choices=Stage.choices, default=Stage.QUEUED)
    stage_at = models.DateTimeField()
    attempts = models.SmallIntegerField(default=0)  # failed ones at this stage
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "product_id"], name="provisioning_unique")
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="provisioning_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["stage", "-id"], name="provisioning_by_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.stage}"


class Step(models.Model):
    """A move of a provisioning or of an access, for the order's timeline."""

    order = models.ForeignKey(Order, models.DO_NOTHING, related_name="+", db_constraint=False)
    at = models.DateTimeField()
    stage = models.CharField(max_length=24)  # a Stage, or blocked / restored
    product = models.TextField(default="", blank=True)
    error = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"{self.order_id} {self.stage}"
