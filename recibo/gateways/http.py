"""Asking a gateway's API, with every way it can fail sorted by what to do next."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from recibo.gateways.contract import ANSWER, Api, RawRequest
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError

#: An answer larger than this is not one. Bytes.
LARGEST_ANSWER = 4 * 1024 * 1024
#: Seconds for a whole answer: one that comes drop by drop keeps to every limit of its parts.
LONGEST_ANSWER = 30.0
#: Whatever a gateway asks for, we ask again within a day.
LONGEST_WAIT = timedelta(days=1)


def get(
    api: Api,
    path: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str = "",
) -> bytes:
    """The body of a 2xx answer. Raises UnavailableError, NotFoundError, DeniedError, ApiError."""
    return request(api, "GET", path, parameters=parameters, headers=headers, base_url=base_url)


def request(
    api: Api,
    method: str,
    path: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str = "",
    **more: Any,
) -> bytes:
    """The body of a 2xx answer, whatever the method. Raises as ``get``."""
    url = f"{base_url or api.base_url}{path}"
    try:
        with api.client.stream(method, url, params=parameters, headers=headers, **more) as response:
            content = limited(response)
    except httpx.HTTPError as error:
        raise UnavailableError(f"{method} {path}: {type(error).__name__}") from error
    if response.is_success:
        return content
    refusal = failure(response, f"{method} {path}: {response.status_code}")
    refusal.body = content
    raise refusal


def limited(response: httpx.Response) -> bytes:
    """The whole body, unless it is larger than any answer, or takes longer."""
    content = bytearray()
    end = time.monotonic() + LONGEST_ANSWER
    for part in response.iter_bytes():
        content += part
        if len(content) > LARGEST_ANSWER:
            raise UnavailableError("The answer is too large", status=response.status_code)
        if time.monotonic() > end:
            raise UnavailableError("The answer takes too long", status=response.status_code)
    return bytes(content)


def failure(response: httpx.Response, message: str) -> ApiError:
    """The error that an answer stands for."""
    status = response.status_code
    if status == 429 or status >= 500:
        return UnavailableError(message, status=status, retry_after=retry_after(response))
    if status in {401, 403}:
        return DeniedError(message, status=status)
    if status == 404:
        return NotFoundError(message, status=status)
    return ApiError(message, status=status)


def retry_after(response: httpx.Response) -> timedelta | None:
    """How long the gateway wants us to wait: seconds or a date, at most a day.

    Some name it ``RateLimit-Reset`` (Hotmart, Asaas), in seconds.
    """
    headers = response.headers
    value = (headers.get("retry-after") or headers.get("ratelimit-reset") or "").strip()
    if value.isdecimal():
        return min(timedelta(seconds=min(int(value), 86_400)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - datetime.now(UTC), timedelta(0)), LONGEST_WAIT)


def answer(resource: str, body: bytes, **notes: str) -> RawRequest:
    """An answer as it enters the inbox: the bytes, and which resource they are.

    ``notes`` become headers ``x-recibo-NAME``: what has to be known of the question.
    """
    more = {f"x-recibo-{name}".encode(): value.encode() for name, value in notes.items()}
    return RawRequest({ANSWER: resource.encode(), **more}, body)
