"""Having AppMax cancel a subscription. Source: "API v1", docs.appmax.com.br.

There is no call that takes one up again, or changes its day or its plan.
"""

from recibo.gateways.appmax import answers
from recibo.gateways.appmax.api import ID, read_subscription
from recibo.gateways.appmax.calls import call_v1
from recibo.gateways.appmax.reading import document, text
from recibo.gateways.appmax.words import SUBSCRIPTION_STATUSES
from recibo.gateways.contract import Api, RawRequest
from recibo.gateways.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    PayloadError,
    UnavailableError,
)
from recibo.gateways.facts import SubscriptionStatus

OF_THE_PANEL = (
    "AppMax's API cancels subscriptions of an application only; this one is known by the"
    " panel's webhooks: cancel it in the panel"
)


def cancel_subscription(api: Api, code: str) -> list[RawRequest]:
    """Collect no more. One that is cancelled already stays so.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    if not ID.fullmatch(code):
        raise ApiError(OF_THE_PANEL)
    answer = read_subscription(api, code)
    return [answer if is_cancelled(answer) else cancelled(api, code)]


def cancelled(api: Api, code: str) -> RawRequest:
    """Ask for the cancellation and read what came of it.

    A refusal counts as done if the subscription is cancelled: somebody else was faster.
    """
    refused = refusal_of(api, code)
    answer = read_subscription(api, code)
    if is_cancelled(answer):
        return answer
    if refused:
        raise refused
    raise UnavailableError("AppMax accepted the cancellation, and the subscription still runs")


def refusal_of(api: Api, code: str) -> ApiError | None:
    """Ask for the cancellation; the reason if it is refused. Repeating it does no harm."""
    try:
        call_v1(api, "PATCH", f"/v1/subscriptions/{code}/cancel")
    except (UnavailableError, NotFoundError, DeniedError):
        raise
    except ApiError as error:
        return ApiError(f"{error}: {reason_in(error.body)}"[:300], status=error.status)
    return None


def reason_in(body: bytes) -> str:
    """Why AppMax refuses, in its own words: ``message``, or that within ``error``."""
    try:
        told = document(body)
    except PayloadError:
        return "no reason is told"
    inner = told.get("error")
    message = (inner if isinstance(inner, dict) else told).get("message")
    return text(message) if isinstance(message, str) else "no reason is told"


def is_cancelled(answer: RawRequest) -> bool:
    """Whether a subscription that was read collects no more."""
    status = answers.envelope(answer.body).get("status")
    known = SUBSCRIPTION_STATUSES.get(status.lower()) if isinstance(status, str) else None
    return known is SubscriptionStatus.CANCELLED
