"""Errors that no operation answered: told as the API does below its addresses, else as pages."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from recibo.api.errors import answer

ROOT = "/api/"

View = Callable[..., HttpResponse]


def told(status: int, page: View) -> View:
    """A handler of this status for ``urls.py``."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer(status) if request.path.startswith(ROOT) else page(request, *args, **kwargs)

    return handler


bad_request = told(400, defaults.bad_request)
forbidden = told(403, defaults.permission_denied)
not_found = told(404, defaults.page_not_found)
server_error = told(500, defaults.server_error)
