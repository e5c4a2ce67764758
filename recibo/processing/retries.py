"""Failed events that are worth another try."""

from django.db.models import QuerySet

from recibo.inbox.models import Event, Status

#: Nobody and nothing but a person's replay tries an event more often than this.
MAX_ATTEMPTS = 5


def retryable(limit: int) -> QuerySet[Event]:
    """Failed events with tries left, oldest first. Index: event_unsettled."""
    failed = Event.objects.filter(status=Status.FAILED, attempts__lt=MAX_ATTEMPTS)
    return failed.order_by("id")[:limit]
