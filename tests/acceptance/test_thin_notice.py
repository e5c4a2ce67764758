"""A thin notice from the wire to a paid charge, with the gateway's API away at first."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from recibo.gateways.contract import RawRequest
from recibo.gateways.registry import GATEWAYS
from tests.acceptance.installation import Installation, eventually, running
from tests.gateways.gateway_server import Canned, GatewayServer, serving, told
from tests.recordings import recorded

pytestmark = pytest.mark.crash

SECRET = "secret-of-the-application"
PAYMENT = json.loads(recorded("mercadopago/api_payment_card_approved").body)
PATH = f"/v1/payments/{PAYMENT['id']}"


def notice() -> RawRequest:
    """Mercado Pago's webhook about the payment, signed."""
    body = {"action": "payment.updated", "type": "payment", "data": {"id": str(PAYMENT["id"])}}
    query = f"data.id={PAYMENT['id']}&type=payment".encode()
    bare = RawRequest({b"x-request-id": b"r-1"}, json.dumps(body).encode(), query)
    dated = replace(bare, received_at=datetime.now(UTC))
    return GATEWAYS["mercadopago"].sign(dated, SECRET.encode())


def deliver(installation: Installation) -> int:
    request = notice()
    url = f"{installation.url}/api/webhooks/mercadopago?{request.query.decode()}"
    headers = [(name.decode(), value.decode()) for name, value in request.headers.items()]
    return httpx.post(url, content=request.body, headers=headers, timeout=10).status_code


def status_of_charge(installation: Installation) -> str:
    question = "select status from billing_charge where gateway_charge_id = %s"
    with psycopg.connect(installation.database_url) as connection:
        row = connection.execute(question, [str(PAYMENT["id"])]).fetchone()
    return row[0] if row else ""


def api_of(server: GatewayServer) -> dict[str, str]:
    return {
        "MERCADOPAGO_API_URL": server.url,
        "MERCADOPAGO_ACCESS_TOKEN": "APP_USR-test",
        "MERCADOPAGO_WEBHOOK_SECRET": SECRET,
        "RECIBO_FETCH_DELAYS": "1s,1s,1s,1s,1s",
    }


def test_a_thin_notice_becomes_a_paid_charge_through_a_gateway_that_stumbles() -> None:
    with serving() as server:
        server.routes[PATH] = [Canned(503), Canned(404), Canned(delay=1.0), told(PAYMENT)]
        with running(**api_of(server)) as installation:
            assert deliver(installation) == 200
            eventually(lambda: status_of_charge(installation) == "paid", seconds=90)
            calls = installation.count("select count(*) from journal_integrationcall")
    assert calls == 4


def test_a_worker_killed_while_it_asks_asks_again_once_its_lease_is_over() -> None:
    with serving() as server:
        server.routes[PATH] = [Canned(delay=8.0), told(PAYMENT)]
        with running(**api_of(server)) as installation:
            assert deliver(installation) == 200
            eventually(lambda: server.asked, seconds=30)
            installation.kill("worker")
            eventually(lambda: status_of_charge(installation) == "paid", seconds=90)
            events = installation.count("select count(*) from inbox_event where source = 'fetch'")
    assert events == 1
