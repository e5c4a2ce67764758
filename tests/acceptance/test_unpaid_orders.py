"""A boleto whose payment no webhook tells: polling finds it, whatever dies on the way."""

import json
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from recibo.gateways.contract import RawRequest
from recibo.gateways.registry import GATEWAYS
from tests.acceptance.installation import Installation, eventually, running
from tests.gateways.gateway_server import Canned, GatewayServer, serving, told
from tests.recordings import recorded

pytestmark = pytest.mark.crash

SECRET = "a-webhook-token-of-thirty-two-characters"
NOTICE = json.loads(recorded("asaas/webhook_boleto_PAYMENT_CREATED").body)
BRASILIA = ZoneInfo("America/Sao_Paulo")
TODAY = datetime.now(BRASILIA).date()
PENDING = {
    **NOTICE["payment"],
    "dateCreated": TODAY.isoformat(),
    "dueDate": (TODAY + timedelta(days=3)).isoformat(),
}
PAID = {
    **PENDING,
    "status": "RECEIVED",
    "paymentDate": TODAY.isoformat(),
    "clientPaymentDate": TODAY.isoformat(),
}
PATH = f"/v3/payments/{PENDING['id']}"


def settings(server: GatewayServer) -> dict[str, str]:
    return {
        "ASAAS_API_URL": server.url,
        "ASAAS_API_KEY": "$aact_test",
        "ASAAS_WEBHOOK_TOKEN": SECRET,
        "RECIBO_PAYMENT_CHECK_DELAYS": "1s",
        "RECIBO_PAYMENT_CHECK_MIN_AGE": "0s",
    }


def printed(installation: Installation) -> int:
    """The webhook that the boleto was made."""
    made = datetime.now(BRASILIA).strftime("%Y-%m-%d %H:%M:%S")
    body = json.dumps({**NOTICE, "dateCreated": made, "payment": PENDING}).encode()
    signed = GATEWAYS["asaas"].sign(RawRequest({}, body), SECRET.encode())
    headers = {name.decode(): value.decode() for name, value in signed.headers.items()}
    url = f"{installation.url}/api/webhooks/asaas"
    return httpx.post(url, content=body, headers=headers, timeout=10).status_code


def check(installation: Installation) -> tuple[str, int]:
    """The status of the order's check, and how often the gateway was asked."""
    question = "select status, attempts from reconciliation_paymentcheck"
    with psycopg.connect(installation.database_url) as connection:
        row = connection.execute(question).fetchone()
    return (row[0], row[1]) if row else ("", 0)


def test_a_payment_that_no_webhook_tells_is_found_though_the_worker_dies_while_it_asks() -> None:
    with serving() as server:
        server.routes[PATH] = [Canned(503), told(PENDING), Canned(delay=8.0), told(PAID)]
        with running(**settings(server)) as installation:
            assert printed(installation) == 200
            eventually(lambda: server.paths.count(PATH) >= 3, seconds=60)
            installation.kill("worker")
            eventually(lambda: check(installation)[0] == "paid", seconds=90)
            paid = "select count(*) from billing_order where status in ('paid', 'active')"
            assert installation.count(paid) == 1
            told_paid = (
                "select count(*) from inbox_event where source = 'poll'"
                " and event_type in ('charge.paid', 'payment.received')"
            )
            assert installation.count(told_paid) == 1
            time.sleep(2)  # whoever was asking as it was paid has asked
            asked = server.paths.count(PATH)
            assert json.loads(installation.recibo("payments", "check", "--json").stdout) == {
                "checked": 0,
                "items": [],
            }
    assert server.paths.count(PATH) == asked
