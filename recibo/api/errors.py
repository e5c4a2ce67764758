"""Errors in one shape, ``{"error": code, "message": text}``, whoever raises them; never a trace."""

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

logger = logging.getLogger(__name__)

#: What went wrong by status: the code that scripts read, and the sentence for people.
ERRORS: Mapping[int, tuple[str, Promise]] = {
    400: ("bad_request", _("The request cannot be read.")),
    401: ("unauthorized", _("Send a valid token as `Authorization: Bearer TOKEN`.")),
    403: ("forbidden", _("This token may only read.")),
    404: ("not_found", _("There is no such thing here.")),
    405: ("method_not_allowed", _("This address does not take this method.")),
    409: ("conflict", _("This is not possible now.")),
    413: ("payload_too_large", _("The request is too large.")),
    422: ("invalid", _("Some values are not right: see `fields`.")),
    429: ("too_many_requests", _("This token made too many requests: wait a moment.")),
    500: ("internal_error", _("Something went wrong in Recibo; its log says what.")),
    503: ("unavailable", _("The database does not answer. Try again in a moment.")),
}
#: Headers that belong to an answer of this status.
HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "5"},
}


class ErrorAnswer(Schema):
    """What went wrong."""

    error: str
    message: str
    fields: dict[str, str] | None = None


#: What every operation may answer besides what it says itself, for the documentation.
ANSWERS = {401: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer, 422: ErrorAnswer}


class ApiError(Exception):
    """An answer that is an error. ``message`` explains more than its status does; ``fields`` says
    what is wrong with each; ``headers`` come instead of the usual ones.
    """

    def __init__(
        self,
        status: int,
        message: str | Promise = "",
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.fields = fields
        self.headers = headers
        super().__init__(status, message)


def answer(
    status: int,
    message: str | Promise = "",
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """An error as the API tells it."""
    code, usual = ERRORS.get(status, ERRORS[400])
    content: dict[str, Any] = {"error": code, "message": str(message or usual)}
    if fields is not None:
        content["fields"] = fields
    return JsonResponse(content, status=status, headers=headers or HEADERS.get(status))


def install(api: NinjaAPI) -> None:
    """Have everything that an operation can raise answered in this shape."""
    for kind, handle in HANDLERS.items():
        api.add_exception_handler(kind, handle)


def invalid(_request: HttpRequest, error: Any) -> HttpResponse:
    """Name each field that is not right."""
    fields = {field(one["loc"]): one["msg"] for one in error.errors}
    return answer(422, fields=fields)


def field(location: tuple[str | int, ...]) -> str:
    """A field's name as the client knows it: ``limit``, ``customer.email``, ``body``."""
    place, *inner = map(str, location)
    # In a body, the name of our own parameter stands before the client's.
    return ".".join(inner[1:] if place == "body" else inner) or place


def failed(request: HttpRequest, error: Any) -> HttpResponse:
    """Our own bug: the log gets all of it, the client only that it happened."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500)


#: How each exception is answered; of several that fit, the most particular one counts.
HANDLERS: Mapping[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Exception: failed,
    OperationalError: lambda _request, _error: answer(503),
    InterfaceError: lambda _request, _error: answer(503),
    SuspiciousOperation: lambda _request, _error: answer(400),
    RequestDataTooBig: lambda _request, _error: answer(413),
    Http404: lambda _request, _error: answer(404),
    HttpError: lambda _request, error: answer(error.status_code),
    AuthenticationError: lambda _request, _error: answer(401),
    ValidationError: invalid,
    ApiError: lambda _request, error: answer(
        error.status, error.message, error.fields, error.headers
    ),
}


def shaped(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view whose 405 is told like every other error."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response.headers["Allow"]
            response = answer(response.status_code)
            response.headers["Allow"] = allowed
        return response

    return wrapper
