"""The REST API put together: every address, its documentation, its errors."""

import functools
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.views.decorators.http import conditional_page
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from recibo.api import (
    analytics,
    charges,
    customers,
    documentation,
    endpoints,
    errors,
    events,
    exports,
    idempotency,
    journal,
    orders,
    payment_checks,
    provisioning,
    rates,
    refusals,
    subscriptions,
    sync,
)
from recibo.api.authentication import SHARE, Bearer

View = Callable[..., HttpResponse]


class Api(NinjaAPI):
    """An API whose documentation says what all operations have in common."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**kwargs)
        documentation.completed(schema)
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Such as ``charges_listed``: what generated clients call their functions."""
        module = operation.view_func.__module__.rpartition(".")[2]
        return f"{module}_{operation.view_func.__name__}"


api = Api(
    title="Recibo",
    version=version("recibo"),
    description="Payment events, and what they add up to. Amounts are decimal strings, times"
    " ISO 8601 with zone, lists newest first.",
    auth=Bearer(),
    docs_url="/doc",
    openapi_url="/openapi.json",
)
errors.install(api)
api.add_decorator(idempotency.once, mode="view")
# A gateway's name may stand where these have a word of their own: they come first.
api.add_router("/api/events", events.router)
api.add_router("/api/orders", orders.router)
api.add_router("/api/charges", charges.router)
api.add_router("/api/refusals", refusals.router)
api.add_router("/api/payment-checks", payment_checks.router)
api.add_router("/api/endpoints", endpoints.router)
api.add_router("/api/changes", endpoints.changes)
api.add_router("/api", journal.router)
api.add_router("/api", provisioning.router)
api.add_router("/api", sync.router)
api.add_router("/api", exports.router)
api.add_router("/api/{gateway}/analytics", analytics.router)
api.add_router("/api/{gateway}/customers", customers.router)
api.add_router("/api/{gateway}/subscriptions", subscriptions.router)


def urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """The addresses, for Django; what a view refuses by itself is told as every other error."""
    patterns, application, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = dressed(errors.shaped(pattern.callback))
    return patterns, application, namespace


def dressed(view: View) -> View:
    """A view whose answers have an ``ETag``, and say what the token has left."""
    tagged = conditional_page(view)

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = tagged(request, *args, **kwargs)
        if (share := request.META.get(SHARE)) is not None:
            rates.tell(response, share)
        return response

    return wrapper
