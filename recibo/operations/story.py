"""The whole story of an order: what the gateway told, what we did, what the buyer heard."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from recibo.access.models import Stage, Step
from recibo.access.queries import steps
from recibo.billing.models import Order
from recibo.billing.timeline import Entry, timeline
from recibo.journal.models import IntegrationCall
from recibo.messaging.models import Message, MessageStatus

#: Calls that one story tells of, the newest; polling alone may make hundreds.
MOST_CALLS = 200
#: What a message's status is called in the story, and when that was.
MOMENTS = {MessageStatus.SENT: "sent_at", MessageStatus.DELIVERED: "delivered_at"}


def story(order: Order) -> list[Entry]:
    """Everything about an order, oldest first, in a fixed number of queries."""
    entries = [
        *timeline(order),
        *(told_of_step(step) for step in steps(order)),
        *(entry for message in order.messages.all() for entry in told_of_message(message)),
        *(told_of_call(call) for call in calls(order)),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def calls(order: Order) -> list[IntegrationCall]:
    """The newest calls about an order. Index: call_by_order."""
    found = IntegrationCall.objects.filter(order_id=order.pk).order_by("-id")
    return list(found[:MOST_CALLS])


def told_of_step(step: Step) -> Entry:
    """A stage of giving access."""
    product = f" ({step.product})" if step.product else ""
    error = f": {step.error}" if step.error else ""
    text = _("Access %(stage)s%(product)s%(error)s") % {
        "stage": words().get(step.stage, step.stage),
        "product": product,
        "error": error,
    }
    return Entry(at=step.at, kind=f"access.{step.stage}", text=text)


def words() -> dict[str, str]:
    """The stages, for people."""
    return {
        Stage.QUEUED: _("is to be given"),
        Stage.CREATING_USER: _("is being given"),
        Stage.SENDING_CREDENTIALS: _("given, the buyer is being told"),
        Stage.COMPLETED: _("given and told"),
        Stage.FAILED_AT_USER: _("could not be given, tried again by itself"),
        Stage.FAILED_AT_EMAIL: _("given, but the buyer could not be told; tried again by itself"),
        Stage.FAILED_PERMANENT: _("not given: a person has to look"),
        "blocked": _("blocked"),
        "restored": _("restored"),
    }


def told_of_message(message: Message) -> Iterator[Entry]:
    """A message: asked for, and what became of it."""
    yield entry_of(message, MessageStatus.QUEUED, message.created_at)
    for status, column in MOMENTS.items():
        if (at := getattr(message, column)) is not None:
            yield entry_of(message, status, at)
    if message.status in {MessageStatus.BOUNCED, MessageStatus.FAILED, MessageStatus.SKIPPED}:
        last = message.delivered_at or message.sent_at or message.created_at
        yield entry_of(message, MessageStatus(message.status), last)


def entry_of(message: Message, status: MessageStatus, at: datetime) -> Entry:
    """A message reached a status."""
    is_outcome = status == message.status and message.error
    text = _("Message %(kind)s by %(channel)s %(status)s%(error)s") % {
        "kind": message.kind,
        "channel": message.channel,
        "status": status,
        "error": f": {message.error}" if is_outcome else "",
    }
    return Entry(at=at, kind=f"message.{status}", text=text)


def told_of_call(call: IntegrationCall) -> Entry:
    """A call to the outside."""
    text = _("%(operation)s at %(host)s answered %(outcome)s in %(duration)s ms") % {
        "operation": call.operation,
        "host": call.host,
        "outcome": call.error or call.status_code,
        "duration": call.duration_ms,
    }
    return Entry(at=call.created_at, kind="call", text=text, event_id=call.event_id)
