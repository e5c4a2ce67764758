"""Every gateway's cancellation, from what is asked over real sockets to how it stands here."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.utils import timezone

from recibo.accounts.models import Account
from recibo.billing.models import Subscription
from recibo.inbox.models import Event, Source
from recibo.journal.models import AuditEntry, IntegrationCall
from recibo.processing.actions import change_subscription
from recibo.processing.drain import drain
from recibo.reconciliation.subscriptions import CANCEL
from tests.gateways.appmax.served import application_credentials, whole
from tests.gateways.gateway_server import Asked, Canned, GatewayServer, told
from tests.gateways.hotmart import api_server as hotmart_server
from tests.gateways.mercadopago import served as mercadopago
from tests.gateways.pagseguro.canned import CREDENTIALS, recording
from tests.recordings import recorded

Credentials = dict[str, str]


class Cancelling(NamedTuple):
    """A subscription of a gateway, and an API on this machine that cancels it."""

    code: str
    serve: Callable[[GatewayServer], Credentials]


def appmax(server: GatewayServer) -> Credentials:
    names = ("appmax/api_v1_subscription", "appmax/api_v1_subscription_canceled")
    server.routes["GET /v1/subscriptions/8001"] = [whole(name) for name in names]
    server.routes["PATCH /v1/subscriptions/8001/cancel"] = told({})
    return application_credentials(server)


def asaas(server: GatewayServer) -> Credentials:
    body = recorded("asaas/api_subscription_deleted").body
    server.routes["DELETE /v3/subscriptions/sub_000000000001"] = Canned(body=body)
    return {"api_key": "$aact_hmlg_x"}


def hotmart(server: GatewayServer) -> Credentials:
    api = hotmart_server.Hotmart(server)
    api.subscriptions = [hotmart_server.subscription(1)]

    def cancel(_: Asked) -> Canned:
        now = hotmart_server.milliseconds(timezone.now())
        api.subscriptions[0] |= {"status": "CANCELLED_BY_SELLER", "end_accession_date": now}
        return told({})

    server.routes[f"POST {hotmart_server.SUBSCRIPTIONS}/SUB00001/cancel"] = api.proven(cancel)
    return {
        "client_id": hotmart_server.CLIENT_ID,
        "client_secret": hotmart_server.SECRET,
        "auth_url": server.url,
    }


def mercado_pago(server: GatewayServer) -> Credentials:
    path = f"/preapproval/{mercadopago.PREAPPROVAL}"
    stands = [mercadopago.canned(f"api_preapproval_{one}") for one in ("authorized", "cancelled")]
    server.routes[f"GET {path}"] = stands
    server.routes[f"PUT {path}"] = told({"id": mercadopago.PREAPPROVAL})
    return {"access_token": mercadopago.TOKEN}


def pagseguro(server: GatewayServer) -> Credentials:
    code = "C0FFEE0000000000000000000000A001"
    server.routes[f"PUT /pre-approvals/{code}/cancel"] = Canned(204)
    answer = recording("legacy-v2-preapproval-cancelled-by-receiver")
    server.routes[f"GET /v2/pre-approvals/{code}"] = answer
    server.routes[f"GET /pre-approvals/{code}"] = answer
    return CREDENTIALS


def stone(server: GatewayServer) -> Credentials:
    body = recorded("stone/api-delete-subscription").body
    server.routes["DELETE /core/v5/subscriptions/sub_Fx00000000000001"] = Canned(body=body)
    return {"secret_key": "sk_test_fixture"}


CANCELLING = {
    "appmax": Cancelling("8001", appmax),
    "asaas": Cancelling("sub_000000000001", asaas),
    "hotmart": Cancelling("SUB00001", hotmart),
    "mercadopago": Cancelling(mercadopago.PREAPPROVAL, mercado_pago),
    "pagseguro": Cancelling("C0FFEE0000000000000000000000A001", pagseguro),
    "stone": Cancelling("sub_Fx00000000000001", stone),
}


@pytest.mark.parametrize("slug", CANCELLING)
def test_it_stands_cancelled_as_soon_as_the_gateway_says_so(
    account: Account, server: GatewayServer, settings: pytest.FixtureRequest, slug: str
) -> None:
    code, serve = CANCELLING[slug]
    settings.RECIBO_CREDENTIALS = {slug: serve(server)}
    settings.RECIBO_API_URLS = {slug: server.url}
    theirs, _ = Account.objects.get_or_create(gateway=slug)
    subscription = Subscription.objects.create(
        account=theirs, code=code, status="active", status_at=timezone.now()
    )
    assert change_subscription(subscription, CANCEL, actor="test")
    assert subscription.status == "cancelled"
    assert Event.objects.get().source == Source.FETCH
    assert AuditEntry.objects.get().after["status"] == "cancelled"
    calls = IntegrationCall.objects.exclude(operation__contains="token")
    assert {call.stage for call in calls} == {"subscription.cancel"}
    assert drain() == 0
