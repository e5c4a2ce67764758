"""The whole application, as a server runs it."""

import httpx
import pytest
from django.db import connection

from recibo.accounts import actions
from recibo.gateways.contract import Sale
from recibo.gateways.registry import GATEWAYS
from recibo.inbox.models import Event
from recibo.server.entry import Entry, receiver
from tests.inbox.serving import elsewhere, running, until
from tests.inboxes import NOW


@pytest.mark.django_db(transaction=True)
def test_webhooks_reach_the_inbox_and_the_rest_reaches_django() -> None:
    from recibo.server.asgi import application

    hotmart = GATEWAYS["hotmart"]
    sale = hotmart.samples["purchase-approved"](Sale(number=1, at=NOW))
    signed = hotmart.sign(sale, b"hottok-of-the-tests")
    with running(application) as (port, _):
        url = f"http://127.0.0.1:{port}"
        answer = httpx.post(
            f"{url}/api/webhook-hotmart", content=signed.body, headers=signed.headers
        )
        elsewhere = httpx.get(f"{url}/nothing-here")

        assert (answer.status_code, answer.json()) == (200, {"received": True})
        assert elsewhere.status_code == 404
        until(lambda: "processing.drain" in waiting_jobs())
    assert Event.objects.get().event_type == "charge.paid"


@pytest.mark.django_db(transaction=True)
def test_a_further_account_takes_what_any_of_its_own_secrets_signs_at_its_own_address() -> None:
    account = actions.add("hotmart", "loja-2", secrets=["first"], actor="cli:ana")
    actions.rotate(account, ["second"], actor="cli:ana")
    with running(Entry(receiver=receiver(), django=elsewhere)) as (port, _):
        answers = {
            secret: answer_to(port, number, secret)
            for number, secret in enumerate((b"first", b"second", b"hottok-of-the-tests"))
        }
    assert answers == {b"first": 200, b"second": 200, b"hottok-of-the-tests": 401}
    assert set(Event.objects.values_list("account", flat=True)) == {account.pk}


def answer_to(port: int, number: int, secret: bytes) -> int:
    """What a sale to the account ``loja-2`` is answered with."""
    hotmart = GATEWAYS["hotmart"]
    signed = hotmart.sign(hotmart.samples["purchase-approved"](Sale(number=number, at=NOW)), secret)
    url = f"http://127.0.0.1:{port}/api/webhooks/hotmart/loja-2"
    return httpx.post(url, content=signed.body, headers=signed.headers).status_code


def waiting_jobs() -> set[str]:
    """Names of the jobs that a worker would take."""
    with connection.cursor() as cursor:
        cursor.execute("select task_name from procrastinate_jobs where status = 'todo'")
        return {name for (name,) in cursor.fetchall()}
