"""What lists can be narrowed by, and what may stand in an address."""

from datetime import datetime
from typing import Annotated, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, StringConstraints

from recibo.api.errors import ApiError
from recibo.api.paging import Paging
from recibo.billing.models import OrderStatus, Segment
from recibo.gateways.facts import ChargeStatus, EventType, SubscriptionStatus
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Source, Status

#: Instead of a gateway's name: whichever it is.
ALL = "all"


def aware(moment: datetime) -> datetime:
    """A time without a zone is meant in this installation's."""
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def known(name: str) -> str:
    """A gateway's name, "" for all of them. Raises ValueError."""
    if name != ALL and name not in GATEWAYS:
        message = _("must be one of: %s")
        raise ValueError(message % ", ".join([*GATEWAYS, ALL]))
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
#: A gateway as a query parameter: an unknown one is an error of validation.
GatewayName = Annotated[Text, AfterValidator(known)]
#: A gateway as a part of an address: an unknown one is not found.
GatewayPart = Annotated[str, AfterValidator(found)]


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
    gateway: GatewayName = ""


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


class RefusalFilters(Filters):
    gateway: Text | None = None
    reason: Text | None = None
    since: Moment | None = None


class CallFilters(Filters):
    """``account``: gateway/name. ``event``: the notice that was asked about."""

    account: Text | None = None
    event: int | None = None


class AlertFilters(Filters):
    open_only: bool = False
