"""`/api/deliveries/{service}`: what e-mail and WhatsApp services tell of messages they took."""

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from recibo.api.errors import answer, shaped
from recibo.gateways.errors import SignatureError
from recibo.messaging.delivery.actions import apply
from recibo.messaging.delivery.contract import Listener, UnreadableError
from recibo.messaging.delivery.registry import listener_of

logger = logging.getLogger(__name__)

#: Bytes. SendGrid's batches are the largest, at most 768 KB.
LARGEST = 1024 * 1024


@shaped
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def deliveries(request: HttpRequest, service: str) -> HttpResponse:
    """Take a service's notice, or its question whether we want any."""
    if (listener := listener_of(service)) is None:
        return answer(404)
    if is_too_large(request):
        return answer(413)
    try:
        return taken(request, listener)
    except SignatureError as error:
        logger.warning("A notice to %s was refused: %s", request.path, error.reason)
        return refused()
    except UnreadableError as error:
        logger.warning("A notice to %s cannot be read: %s", request.path, error)
        return answer(400)
    except (OperationalError, InterfaceError):
        return answer(503)


def taken(request: HttpRequest, listener: Listener) -> HttpResponse:
    """The answer to what can be believed. Raises SignatureError, UnreadableError."""
    if request.method == "HEAD":  # some try whether the address is there
        return HttpResponse()
    if request.method == "GET":
        if listener.greet is None:
            return answer(405)
        return HttpResponse(listener.greet(request), content_type="text/plain")
    listener.prove(request)
    apply(listener.read(request))
    return JsonResponse({"received": True})


def is_too_large(request: HttpRequest) -> bool:
    """Whether the body is larger than any notice; one of unknown length is measured."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    return not told.isdigit() or int(told) > LARGEST or len(request.body) > LARGEST


def refused() -> HttpResponse:
    """Not believed. Amazon sends its password only to who asks for one."""
    response = answer(401)
    response.headers["WWW-Authenticate"] = 'Basic realm="deliveries"'
    return response
