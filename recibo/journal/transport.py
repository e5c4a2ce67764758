"""Calls over HTTP that leave a row each."""

import functools
import ssl
import time
from collections.abc import Callable

import httpx

from recibo.journal.actions import About, keep_call


@functools.cache
def trusted() -> ssl.SSLContext:
    """The certificates that we trust. Read once: that takes longer than most calls."""
    return httpx.create_ssl_context()


class Recorded(httpx.HTTPTransport):
    """Waits for its turn before each request and keeps a row of it after.

    ``wait`` sleeps until the next call may be made, or raises what says that it may not. The query
    of an address is left out of the row: some want their token there.
    """

    def __init__(self, about: About, wait: Callable[[], None] = lambda: None) -> None:
        super().__init__(verify=trusted())
        self.about = about
        self.wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx.HTTPError, and whatever ``wait`` raises."""
        self.wait()
        began = time.monotonic()
        try:
            response = super().handle_request(request)
        except httpx.HTTPError as error:
            self.keep(request, began, None, type(error).__name__)
            raise
        self.keep(request, began, response.status_code, "")
        return response

    def keep(self, request: httpx.Request, began: float, status: int | None, error: str) -> None:
        """One row for one call."""
        keep_call(
            self.about,
            host=request.url.host,
            operation=f"{request.method} {request.url.path}",
            status=status,
            began=began,
            error=error,
        )
