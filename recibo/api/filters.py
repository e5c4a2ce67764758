"""What lists can be narrowed by, and what may stand in an address."""

import re
from datetime import datetime
from typing import Annotated, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from recibo.access.models import Stage
from recibo.api.errors import ApiError
from recibo.api.paging import LARGEST_LIMIT, LIMIT, Paging
from recibo.billing.models import OrderStatus, Segment
from recibo.billing.queries import order_named
from recibo.gateways.facts import ChargeStatus, EventType, SubscriptionStatus
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.imported import SLUG as IMPORT
from recibo.inbox.models import Source, Status
from recibo.messaging.kinds import Kind
from recibo.messaging.models import Channel, MessageStatus
from recibo.outbound.models import DeliveryStatus
from recibo.reconciliation.models import PaymentCheck

#: Instead of a gateway's name: whichever it is.
ALL = "all"


#: Nothing was sold before, and what sums times up needs room after.
YEARS = range(1970, 3000)


def aware(moment: datetime) -> datetime:
    """A time without a zone is meant in this installation's. Raises ValueError."""
    if moment.year not in YEARS:
        message = _("must be of the years %(first)s to %(last)s")
        raise ValueError(message % {"first": YEARS[0], "last": YEARS[-1]})
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def known(name: str) -> str:
    """A gateway's name, "" for all of them. Raises ValueError."""
    names = [*GATEWAYS, IMPORT, ALL]  # imported history has a name of its own, and no gateway
    if name not in names:
        message = _("must be one of: %s")
        raise ValueError(message % ", ".join(names))
    return "" if name == ALL else name


def found(name: str) -> str:
    """The same of a name in an address. Raises ApiError: not found."""
    try:
        return known(name)
    except ValueError as error:
        raise ApiError(404, _("Gateway %s") % error) from None


#: PostgreSQL's text cannot hold a NUL, so nothing is found by one.
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Moment = Annotated[datetime, AfterValidator(aware)]
NAMES = WithJsonSchema({"type": "string", "enum": [*GATEWAYS, IMPORT, ALL]})
#: A gateway as a query parameter: an unknown one is an error of validation.
GatewayName = Annotated[Text, AfterValidator(known), NAMES]
#: A gateway as a part of an address: an unknown one is not found.
GatewayPart = Annotated[str, AfterValidator(found), NAMES]


class Filters(Paging):
    """Conditions besides the page."""

    def conditions(self) -> dict[str, Any]:
        """What was asked for, as keywords of a query."""
        return self.model_dump(exclude_none=True, exclude=set(Paging.model_fields))


class EventFilters(Filters):
    """``search``: an id of ours, the gateway's id of the event, or its id of a charge."""

    status: Status | None = None
    gateway: GatewayName | None = None
    event_type: EventType | None = None
    source: Source | None = None
    since: Moment | None = None
    search: Text | None = None


class StatsFilters(Schema):
    gateway: GatewayName = Field(ALL, validate_default=True)


class OrderFilters(Filters):
    status: OrderStatus | None = None
    gateway: GatewayName | None = None
    reference: Text | None = None


class ChargeFilters(Filters):
    """``reference``: the order's."""

    status: ChargeStatus | None = None
    gateway: GatewayName | None = None
    reference: Text | None = None


class CustomerFilters(Filters):
    """``search``: how the e-mail begins, words of the name, or the document."""

    segment: Segment | None = None
    tag: Text | None = None
    search: Text | None = None


class SubscriptionFilters(Filters):
    status: SubscriptionStatus | None = None


class AccountChoice(Schema):
    """``account``: which one, should several have it."""

    account: Text = ""


class RefusalFilters(Filters):
    gateway: Text | None = None
    reason: Text | None = None
    since: Moment | None = None


class CallFilters(Filters):
    """``account``: gateway/name, access/http …. ``event``: the notice that was asked about.
    ``order``: an id or a reference.
    """

    account: Text | None = None
    event: int | None = None
    order: Text | None = None


class ProvisioningFilters(Filters):
    """``order``: an id or a reference."""

    stage: Stage | None = None
    order: Text | None = None


class MessageFilters(Filters):
    """``order``: an id or a reference."""

    order: Text | None = None
    status: MessageStatus | None = None
    kind: Kind | None = None
    channel: Channel | None = None


def order_id(conditions: dict[str, Any]) -> dict[str, Any]:
    """The same with the id of the order that was named; of one there is none, nothing is found."""
    if "order" not in conditions:
        return conditions
    order = order_named(conditions["order"])
    return {**conditions, "order": order.pk if order else 0}


class AuditFilters(Filters):
    """``subject``: such as customer:17. ``actor``: such as token:shop. ``action``: such as
    customer.correct. ``since``: done then or later.
    """

    subject: Text | None = None
    actor: Text | None = None
    action: Text | None = None
    since: Moment | None = None


class AlertFilters(Filters):
    open_only: bool = False


class PaymentCheckFilters(Filters):
    """``order``: an id or a reference."""

    status: PaymentCheck.Status | None = None
    gateway: GatewayName | None = None
    order: Text | None = None


class CoverageFilters(Schema):
    """``since`` and ``until``: when it was paid."""

    gateway: GatewayName = Field(ALL, validate_default=True)
    since: Moment | None = None
    until: Moment | None = None


class DeliveryFilters(Filters):
    """``event_type``: a type of the catalogue."""

    status: DeliveryStatus | None = None
    event_type: Text | None = None


def known_cursor(text: str) -> str:
    """A cursor of the changes. Raises ValueError."""
    if not re.fullmatch(r"0|[0-9]{1,18}-[0-9a-f]{8}", text):
        raise ValueError(_("is none: send what an answer gave as `cursor`"))
    return text


class ChangeFilters(Schema):
    """``after``: the cursor of the last answer. ``since``: begin at what is of that time or later;
    with ``after`` it says nothing.
    """

    after: Annotated[str, AfterValidator(known_cursor)] | None = None
    since: Moment | None = None
    limit: int = Field(LIMIT, ge=1, le=LARGEST_LIMIT)
