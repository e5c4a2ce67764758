"""Every operation of the schema, with made-up requests on real rows: no 5xx, and no answer, status,
header or content type that the schema does not tell of.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis import checks

from recibo.api import tokens
from recibo.billing.models import Customer, Note, Subscription, Tag
from recibo.inbox.models import Event
from recibo.journal.models import Alert, IntegrationCall
from recibo.operations import exports
from recibo.operations.models import Export
from recibo.processing.drain import drain
from tests.api.conftest import sold, told
from tests.inboxes import NOW

pytestmark = pytest.mark.django_db

schema = schemathesis.openapi.from_wsgi("/openapi.json", get_wsgi_application())
schema.config.generation.update(max_examples=2)

TURN = count()
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture
def authorized(db: None, settings: Any) -> Iterator[dict[str, str]]:
    """The headers of a token that may do everything, as often as it likes."""
    settings.RECIBO_API_RATE = 0
    # A request would close the connection, and with it end the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Bearer {tokens.create('schemathesis')}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def rows(db: None) -> dict[str, Any]:
    """Something in every list; gives what stands for it in an address."""
    sold(1)
    told("purchase-refunded", 2)
    told("cart-abandonment", 4)
    drain()
    customer = Customer.objects.earliest("pk")
    Tag.objects.create(customer=customer, tag="vip")
    Note.objects.create(customer=customer, author="ana", text="=1+1")
    IntegrationCall.objects.create(
        account="hotmart/default", host="h", operation="GET /", duration_ms=1
    )
    Alert.objects.create(key="k", kind="k", text="t", opened_at=NOW, seen_at=NOW)
    export = exports.queue(Export.Kind.CHARGES, "", exports.Style(), actor="tests")
    return {
        "customer_id": customer.pk,
        "event_id": Event.objects.earliest("pk").pk,
        "export_id": export.pk,
        "name": "HP2000000001",
        "order": "HP2000000001",
        "subscriber_code": Subscription.objects.earliest("pk").code,
    }


@schema.parametrize()
@settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_documented(case, rows, authorized):
    for name, value in rows.items():
        # Most made-up ids are of nothing: two of three requests are about something.
        if name in case.path_parameters and next(TURN) % 3:
            case.path_parameters[name] = value
    case.call_and_validate(headers=authorized, checks=CHECKS)
