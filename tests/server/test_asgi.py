"""The whole application, as a server runs it."""

import httpx
import pytest
from django.db import connection

from recibo.gateways.contract import Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event
from tests.inbox.serving import running, until
from tests.inboxes import NOW


@pytest.mark.django_db(transaction=True)
def test_webhooks_reach_the_inbox_and_the_rest_reaches_django() -> None:
    from recibo.server.asgi import application

    hotmart = GATEWAYS["hotmart"]
    body = hotmart.samples["purchase-approved"](Sale(number=1, at=NOW))
    headers = list(hotmart.sign(body, b"hottok-of-the-tests").items())
    with running(application) as (port, _):
        url = f"http://127.0.0.1:{port}"
        answer = httpx.post(f"{url}/api/webhook-hotmart", content=body, headers=headers)
        elsewhere = httpx.get(f"{url}/nothing-here")

        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert elsewhere.status_code == 404
        until(lambda: "processing.drain" in waiting_jobs())
    assert Event.objects.get().event_type == "charge.paid"


def waiting_jobs() -> set[str]:
    """Names of the jobs that a worker would take."""
    with connection.cursor() as cursor:
        cursor.execute("select task_name from procrastinate_jobs where status = 'todo'")
        return {name for (name,) in cursor.fetchall()}
