"""Calls to applications: with limits, each kept in the journal, every failure sorted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from recibo.access.errors import AccessError, DeniedError, RefusedError, UnavailableError
from recibo.access.providers.contract import Target
from recibo.gateways.http import retry_after
from recibo.journal.actions import About
from recibo.journal.transport import Recorded

#: Seconds for one call, from the connection to the last byte of a part.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: An answer larger than this is not one. Bytes.
LARGEST_ANSWER = 1024 * 1024
#: Seconds that a body may drip in.
LONGEST_ANSWER = 30.0
#: Their proxies tell unknown programs apart by this.
USER_AGENT = "Recibo"

#: Statuses that pass, besides 5xx.
PASSING = {408, 425, 429}
#: Statuses that a wrong secret or a wrong address gives.
DENIED = {401, 403, 404, 405}


class Answer(NamedTuple):
    """What an application said."""

    response: httpx.Response
    body: bytes

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def is_success(self) -> bool:
        return self.response.is_success


@contextmanager
def target(about: About, url: str, secret: str, login_url: str = "") -> Iterator[Target]:
    """The application at ``url``, ready to be called. ``about`` names the rows of the calls."""
    with httpx.Client(
        timeout=TIMEOUT,
        transport=Recorded(about),
        headers={"user-agent": USER_AGENT},
        follow_redirects=False,  # a redirected POST would arrive as a GET, or elsewhere
    ) as client:
        yield Target(client, url, secret, login_url)


def ask(target: Target, what: str, method: str, url: str, **request: Any) -> Answer:
    """The answer, whatever its status. ``what`` is being done, for the message of an error.

    Raises UnavailableError where nobody answers, DeniedError where the address is none.
    """
    try:
        with target.client.stream(method, url, **request) as response:
            return Answer(response, limited(response, what))
    except httpx.InvalidURL:
        raise DeniedError(f"{what}: the address of the application is none") from None
    except httpx.HTTPError as error:
        # Without its cause: what that says may hold a header, and so the secret.
        raise UnavailableError(f"{what}: {type(error).__name__}") from None


def limited(response: httpx.Response, what: str) -> bytes:
    """The whole body, unless it is larger or slower than any answer."""
    content = bytearray()
    began = time.monotonic()
    for part in response.iter_bytes():
        content += part
        if len(content) > LARGEST_ANSWER:
            raise UnavailableError(f"{what}: the answer is too large")
        if time.monotonic() - began > LONGEST_ANSWER:
            raise UnavailableError(f"{what}: the answer does not end")
    return bytes(content)


def failure(answer: Answer, message: str) -> AccessError:
    """The error that an answer stands for. What the answer says stays out: it may repeat us."""
    status = answer.status
    if status in PASSING or status >= 500:
        return UnavailableError(message, retry_after=retry_after(answer.response))
    if answer.response.has_redirect_location:
        return DeniedError(f"{message}: redirects are not followed; set the address they lead to")
    return (DeniedError if status in DENIED else RefusedError)(message)
