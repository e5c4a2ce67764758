"""The REST API put together: every address, its documentation, its errors."""

from importlib.metadata import version

from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from recibo.api import (
    charges,
    customers,
    errors,
    events,
    journal,
    orders,
    refusals,
    subscriptions,
)
from recibo.api.authentication import Bearer

api = NinjaAPI(
    title="Recibo",
    version=version("recibo"),
    description="Payment events, and what they add up to. Amounts are decimal strings, times"
    " ISO 8601 with zone, lists newest first.",
    auth=Bearer(),
    docs_url="/doc",
    openapi_url="/openapi.json",
)
errors.install(api)
api.add_router("/api/events", events.router)
api.add_router("/api/orders", orders.router)
api.add_router("/api/charges", charges.router)
api.add_router("/api/refusals", refusals.router)
api.add_router("/api", journal.router)
api.add_router("/api/{gateway}/customers", customers.router)
api.add_router("/api/{gateway}/subscriptions", subscriptions.router)


def urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """The addresses, for Django; what a view refuses by itself is told as every other error."""
    patterns, application, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = errors.shaped(pattern.callback)
    return patterns, application, namespace
