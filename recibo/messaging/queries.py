"""Reads of messages, newest first."""

from django.db.models import QuerySet

from recibo.messaging.models import Message


def messages(
    *, order: int | None = None, status: str = "", kind: str = "", channel: str = ""
) -> QuerySet[Message]:
    """Messages with their order. ``order``: its id.

    Indexes: the one of the order, message_by_status; else the newest ids.
    """
    asked = {"order": order, "status": status, "kind": kind, "channel": channel}
    given = {name: value for name, value in asked.items() if value not in {None, ""}}
    return Message.objects.filter(**given).select_related("order").order_by("-id")
