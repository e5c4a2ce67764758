"""Pagar.me's own side of our webhooks: what it could not deliver, and sending that again.

Source: "Webhooks", Pagar.me docs v5: Obter, Listar, Reenviar. There is no queue that stops: each
webhook is tried as often as the dashboard says, and then given up. Addresses are set in the
dashboard only; here they are known from what was sent to them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from recibo.gateways.contract import Api, WebhookQueue
from recibo.gateways.errors import ApiError, DeniedError, UnavailableError
from recibo.gateways.stone.api import ask, readable, require
from recibo.gateways.stone.lists import Question, ask_page, second
from recibo.gateways.stone.payload import Code, Text, text

FAILED = "failed"
#: What failed longer ago is not looked for: a sync has found it since.
RECENT = timedelta(days=14)
#: Webhooks that are sent again at a time, and pages of failed ones that are read: Pagar.me allows
#: 50 calls a minute about webhooks.
MOST = 40
MOST_PAGES = 5


class Hook(Struct):
    """A webhook that was sent, or was not. ``attempts``: "3/3"."""

    id: Code
    url: str = ""
    event: Code | None = None
    status: Code | None = None
    attempts: Text = None
    response_status: Text = None


HOOK = msgspec.json.Decoder(Hook)


def webhook_queues(api: Api) -> list[WebhookQueue]:
    """How every address stands that webhooks were sent to lately.

    Raises UnavailableError, DeniedError.
    """
    latest, failed = hooks_on(api, {}, 1)[0], failed_hooks(api)
    urls = dict.fromkeys(hook.url for hook in [*latest, *failed])
    return [queue_of(url, [hook for hook in failed if hook.url == url]) for url in urls]


def queue_of(url: str, failed: Sequence[Hook]) -> WebhookQueue:
    """How one address stands; of what failed the newest is told."""
    return WebhookQueue(
        id=url,
        url=url,
        is_sending=True,
        problem=problem(failed[0]) if failed else "",
        waiting=len(failed),
    )


def problem(hook: Hook) -> str:
    """How a webhook failed, as Pagar.me writes it."""
    told = {
        "event": hook.event,
        "status": hook.status,
        "response_status": text(hook.response_status),
        "attempts": text(hook.attempts),
    }
    return ", ".join(f"{name}: {value}" for name, value in told.items() if value)


def resume_webhooks(api: Api, queue: WebhookQueue) -> None:
    """Have what failed sent again, oldest first; of many, as many as may be at a time.

    Raises UnavailableError, DeniedError.
    """
    failed = [hook for hook in failed_hooks(api) if hook.url == queue.url]
    for hook in reversed(failed[-MOST:]):
        send_again(api, hook)


def send_again(api: Api, hook: Hook) -> None:
    """Likewise for one; where Pagar.me refuses, the others are not held up."""
    try:
        require(hook.id, "hook")
        ask(api, "POST", f"/hooks/{hook.id}/retry")
    except (UnavailableError, DeniedError):
        raise
    except ApiError:
        return


def failed_hooks(api: Api) -> list[Hook]:
    """What failed lately, newest first."""
    since = second(datetime.now(UTC) - RECENT)
    found: list[Hook] = []
    for number in range(1, MOST_PAGES + 1):
        hooks, has_more = hooks_on(api, {"status": FAILED, "created_since": since}, number)
        found += [hook for hook in hooks if hook.status == FAILED]
        if not has_more:
            break
    return found


def hooks_on(api: Api, question: Question, number: int) -> tuple[list[Hook], bool]:
    """The webhooks on a page, and whether there is another."""
    page = ask_page(api, "/hooks", question, number)
    return [readable(HOOK, bytes(one)) for one in page.data], page.has_more
