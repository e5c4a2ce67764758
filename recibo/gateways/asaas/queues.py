"""Asaas's own side of our webhooks: whether it sends, what it holds back, and sending again.

Source: docs.asaas.com, "Fila pausada", "Penalização de filas", "Atualizar webhook existente".
Every webhook of the account has a queue of its own; after 15 failures in a row Asaas stops it,
keeps what waits for 14 days and then deletes it.
"""

import re

import msgspec
from msgspec import Struct

from recibo.gateways.asaas.api import ask, ask_page, readable
from recibo.gateways.asaas.payloads import Code
from recibo.gateways.contract import Api, WebhookQueue
from recibo.gateways.errors import ApiError, DeniedError, NotFoundError, UnavailableError

WEBHOOK_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Webhook(Struct, rename="camel"):
    """One webhook's settings."""

    id: Code
    url: str = ""
    enabled: bool = True
    interrupted: bool = False
    has_auth_token: bool = True
    penalized_requests_count: int | None = None


WEBHOOK = msgspec.json.Decoder(Webhook)


def webhook_queues(api: Api) -> list[WebhookQueue]:
    """How every webhook of the account stands; there are at most ten.

    Raises UnavailableError, DeniedError.
    """
    _, page = ask_page(api, "/v3/webhooks", {"offset": 0})
    return [queue_of(readable(WEBHOOK, bytes(one))) for one in page.data]


def queue_of(webhook: Webhook) -> WebhookQueue:
    """Likewise for one."""
    return WebhookQueue(
        id=webhook.id,
        url=webhook.url,
        is_sending=webhook.enabled and not webhook.interrupted,
        problem=", ".join(problems(webhook)),
        waiting=webhook.penalized_requests_count,
    )


def problems(webhook: Webhook) -> list[str]:
    """What is not as it should be, as Asaas writes it."""
    penalized = webhook.penalized_requests_count or 0
    found = {
        "enabled: false": not webhook.enabled,
        "interrupted: true": webhook.interrupted,
        "hasAuthToken: false": not webhook.has_auth_token,  # we let nobody in without it
        f"penalizedRequestsCount: {penalized}": penalized > 0,
    }
    return [problem for problem, is_so in found.items() if is_so]


def resume_webhooks(api: Api, queue: WebhookQueue) -> None:
    """Have what waits sent, and at once: without the growing pauses after failures.

    Raises UnavailableError, NotFoundError, DeniedError, ApiError.
    """
    if not WEBHOOK_ID.fullmatch(queue.id):
        raise NotFoundError("Not the id of a webhook of Asaas")
    path = f"/v3/webhooks/{queue.id}"
    if not queue.is_sending:
        ask(api, path, method="PUT", json={"enabled": True, "interrupted": False})
    if queue.waiting != 0:
        end_pauses(api, path)


def end_pauses(api: Api, path: str) -> None:
    """Likewise; where Asaas refuses, the pauses end by themselves."""
    try:
        ask(api, f"{path}/removeBackoff", method="POST")
    except (UnavailableError, DeniedError):
        raise
    except ApiError:
        return
