"""Reads of endpoints and deliveries, newest first."""

from django.db.models import QuerySet

from recibo.outbound.models import Delivery, Endpoint


def endpoints() -> QuerySet[Endpoint]:
    """All endpoints."""
    return Endpoint.objects.order_by("-id")


def deliveries(endpoint: Endpoint, *, status: str = "", event_type: str = "") -> QuerySet[Delivery]:
    """What went, or is to go, to an endpoint. Index: delivery_by_status."""
    found = Delivery.objects.filter(endpoint=endpoint).select_related("change").order_by("-id")
    if status:
        found = found.filter(status=status)
    return found.filter(change__type=event_type) if event_type else found


def delivery(endpoint: Endpoint, delivery_id: int) -> Delivery | None:
    """One of them, with what it tells and all its tries."""
    found = Delivery.objects.filter(endpoint=endpoint, pk=delivery_id)
    return found.select_related("change").prefetch_related("tries").first()


def state(endpoint: Endpoint) -> str:
    """How it stands with an endpoint: active, failing or disabled."""
    if endpoint.disabled_at is not None:
        return "disabled"
    return "active" if endpoint.failing_since is None else "failing"
